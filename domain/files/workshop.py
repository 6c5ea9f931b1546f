"""Asks `child` what a file is and what it looks like: one short process a question, a few at a time, never on the event loop.

A process and its few megabytes are cheap beside what a decoder may do with hostile content; it knows neither the database nor the
secret, and its limits are the kernel's (ADR 35).
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any

import structlog

from domain.exceptions import FilesBusy
from domain.files.types import ALL_TYPES, BY_EXTENSION, FileType
from domain.files.unfit import TOO_HARD, Unfit

log = structlog.get_logger(__name__)
ROOT = Path(__file__).resolve().parents[2]
AT_ONCE = 2
WALL_S = 60
"""Three times what a file may use of a processor: who is not done by then was kept waiting by others."""
places = threading.BoundedSemaphore(24)
"""Files read or waiting to be; each holds its bytes in memory."""
MOST_ANSWERED = 32 * 1024 * 1024
MOST_COMPLAINED = 64 * 1024
HERE = [str(ROOT), *(path for path in sys.path if path)]
PROGRAM = f"import sys; sys.path[:] = {HERE!r}; from domain.files.child import main; main()"


class Unread(Exception):
    """The file's reading took too much time or memory, or broke the program that read it."""


@cache
def _hands() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(AT_ONCE, thread_name_prefix="files")


@dataclass(frozen=True)
class Pages:
    """What was drawn: how many pages there are, the one asked for, and the small one for lists if it was the first."""

    count: int
    page: bytes
    small: bytes | None


async def examine(data: bytes, extension: str, allowed: tuple[FileType, ...] = ALL_TYPES) -> FileType:
    """The kind of a file that may come in. Raises Unfit with the reason, FilesBusy."""
    names = [one.extension for one in allowed]
    try:
        answer, _ = await _ask({"job": "examine", "extension": extension, "allowed": names}, data)
    except Unread as error:
        raise Unfit(TOO_HARD) from error
    return BY_EXTENSION[answer["kind"]]


async def draw(data: bytes, kind: FileType, page: int = 1) -> Pages:
    """A page (from 1) as JPEG. Raises Unfit when it cannot be drawn, Unread, FilesBusy."""
    answer, pictures = await _ask({"job": "draw", "kind": kind.extension, "page": page}, data)
    return Pages(answer["pages"], pictures[0], pictures[1] if len(pictures) > 1 else None)


async def clean(data: bytes, kind: FileType) -> bytes | None:
    """A picture without what it tells besides what is seen; None where it has to be drawn instead. Raises FilesBusy."""
    try:
        _, cleaned = await _ask({"job": "clean", "kind": kind.extension}, data)
    except Unread:
        return None
    return cleaned[0] if cleaned else None


async def _ask(question: Mapping[str, Any], data: bytes) -> tuple[dict[str, Any], list[bytes]]:
    if not places.acquire(blocking=False):
        raise FilesBusy
    asked = _hands().submit(ask_child, question, data)
    asked.add_done_callback(lambda _: places.release())
    return await asyncio.wrap_future(asked)


def ask_child(question: Mapping[str, Any], data: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """The child's answer and its pictures. Blocks; raises Unfit, Unread, FilesBusy."""
    with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as complaints:
        asked.write(json.dumps(question).encode() + b"\n")
        asked.write(data)
        asked.seek(0)
        out, code = _run(asked, complaints)
        try:
            return _read_answer(out)
        except Unread:
            log.warning("file.unread", job=question["job"], code=code, error=_last_line(complaints))
            raise


def _read_answer(out: bytes) -> tuple[dict[str, Any], list[bytes]]:
    head, _, rest = out.partition(b"\n")
    try:
        answer = json.loads(head)
        sizes = [int(size) for size in answer["pictures"]]
    except (ValueError, KeyError, TypeError) as error:
        raise Unread from error
    if "unfit" in answer:
        raise Unfit(answer["unfit"])
    ends = [sum(sizes[: number + 1]) for number in range(len(sizes))]
    return answer, [rest[end - size : end] for end, size in zip(ends, sizes, strict=True)]


def _last_line(complaints: IO[bytes]) -> str:
    complaints.seek(0)
    lines = complaints.read(MOST_COMPLAINED).decode(errors="replace").splitlines()
    return lines[-1][:200] if lines else ""


def _run(asked: IO[bytes], complaints: IO[bytes]) -> tuple[bytes, int]:
    caches = ["-X", f"pycache_prefix={sys.pycache_prefix}"] if sys.pycache_prefix else []
    with subprocess.Popen(
        [sys.executable, "-I", *caches, "-c", PROGRAM],
        stdin=asked,
        stdout=subprocess.PIPE,
        stderr=complaints,
        env={"LANG": "C.UTF-8"},
        cwd="/",
    ) as child:
        assert child.stdout is not None
        clock = threading.Timer(WALL_S, child.kill)
        clock.start()
        try:
            out = child.stdout.read(MOST_ANSWERED)
        finally:
            is_late = not clock.is_alive()
            clock.cancel()
            child.kill()
    if is_late:
        raise FilesBusy
    return out, child.returncode

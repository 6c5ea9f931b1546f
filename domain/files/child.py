"""The program that reads a file that may be hostile: started for one question, without the server's secrets, with limits on time
and memory, and gone after its answer.

It is asked on standard input (one line of JSON, then the file) and answers on standard output (one line of JSON, then the
pictures whose sizes the line tells). `workshop` starts it.
"""

import json
import os
import resource
import sys
from typing import TYPE_CHECKING, Any

from domain.files.types import BY_EXTENSION, PDF, FileType
from domain.files.unfit import Unfit

if TYPE_CHECKING:
    from domain.files.pictures import Drawn

CPU_S = 20
MEMORY_BYTES = 1536 * 1024 * 1024
OPEN_FILES = 64
NICER = 5  # whoever waits for a page comes before whoever waits for a picture
FILE_BYTES = 1024 * 1024  # Python's own bytecode; a file's reading writes none


def main() -> None:
    """Answer the one question."""
    limit_self()
    head, _, data = sys.stdin.buffer.read().partition(b"\n")
    answer, pictures = _answer(json.loads(head), data)
    out = sys.stdout.buffer
    out.write(json.dumps({**answer, "pictures": [len(one) for one in pictures]}).encode() + b"\n")
    out.writelines(pictures)
    out.flush()


def limit_self() -> None:
    """What the file's reading may use; beyond it the kernel ends this process, or a library is told there is no memory."""
    for kind, most in (
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))
    os.nice(NICER)


def _answer(asked: dict[str, Any], data: bytes) -> tuple[dict[str, Any], list[bytes]]:
    try:
        if asked["job"] == "examine":
            return {"kind": _examine(asked, data).extension}, []
        if asked["job"] == "clean":
            cleaned = _clean(asked, data)
            return {}, [] if cleaned is None else [cleaned]
        drawn = _draw(asked, data)
    except Unfit as unfit:
        return {"unfit": unfit.reason}, []
    return {"pages": drawn.pages}, [drawn.page, *([drawn.small] if drawn.small else [])]


# Each job imports what it needs: judging a document loads no decoder of pictures.


def _examine(asked: dict[str, Any], data: bytes) -> FileType:
    from domain.files.judge import examine

    return examine(data, asked["extension"], [BY_EXTENSION[one] for one in asked["allowed"]])


def _clean(asked: dict[str, Any], data: bytes) -> bytes | None:
    from domain.files.traces import without_traces

    return without_traces(data, BY_EXTENSION[asked["kind"]])


def _draw(asked: dict[str, Any], data: bytes) -> "Drawn":
    kind = BY_EXTENSION[asked["kind"]]
    if kind is PDF:
        from domain.files.pdf import draw_pdf

        return draw_pdf(data, asked["page"])
    from domain.files.pictures import draw_picture

    return draw_picture(data, kind, asked["page"])

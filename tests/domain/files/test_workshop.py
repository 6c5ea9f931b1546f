"""The short process that reads files: its limits, what it knows, and what becomes of a question it cannot answer."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from domain.exceptions import FilesBusy
from domain.files import child, workshop
from domain.files.types import HEIC, JPG, PDF, PNG
from domain.files.unfit import LOCKED, MACROS, TOO_HARD, TOO_MANY_PIXELS, Unfit
from tests.domain.files.samples import MACROS as VBA
from tests.domain.files.samples import doc, exif, huge_png, pdf, picture

LIMITS = "import sys; sys.path.insert(0, {root!r}); from domain.files.child import limit_self; limit_self(); "


def run_instead(monkeypatch: pytest.MonkeyPatch, program: str, *, wall_s: float = 30) -> None:
    """What a library taken over by a file would do, in place of the child's reading."""
    monkeypatch.setattr(workshop, "PROGRAM", LIMITS.format(root=str(workshop.ROOT)) + program)
    monkeypatch.setattr(workshop, "WALL_S", wall_s)


async def test_a_file_is_judged_and_drawn_in_another_process() -> None:
    photo = picture("HEIF", exif=exif(6))
    assert await workshop.examine(photo, "jpg") is HEIC
    drawn = await workshop.draw(photo, HEIC)
    assert drawn.count == 1 and drawn.page.startswith(b"\xff\xd8") and drawn.small
    assert (await workshop.draw(pdf(3), PDF, 2)).small is None
    cleaned = await workshop.clean(picture("JPEG", exif=exif()), JPG)
    assert cleaned is not None and b"Apple" not in cleaned
    assert await workshop.clean(b"no picture", JPG) is None


async def test_its_reasons_come_back_word_for_word() -> None:
    for ask, reason in (
        (workshop.examine(doc(Macros=VBA), "doc"), MACROS),
        (workshop.draw(huge_png(), PNG), TOO_MANY_PIXELS),
        (workshop.draw(pdf(password="secret"), PDF), LOCKED),
    ):
        with pytest.raises(Unfit) as caught:
            await ask
        assert caught.value.reason == reason


@pytest.mark.parametrize(
    "program",
    [
        "bytes(2 * 1024**3)",
        "open('/tmp/qingling-left-behind', 'wb').write(bytes(2 * 1024 * 1024)); print('{}')",
        "[open('/dev/null') for _ in range(1000)]",
        "import os; os.abort()",
        "import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 1)); all(iter(lambda: True, False))",
        "print('no answer')",
        'print(\'{"pictures": "many"}\')',
        "import sys; sys.stdin.read(); sys.exit(0)",
    ],
)
async def test_a_reading_that_goes_astray_is_ended_and_lets_nothing_in(
    monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    run_instead(monkeypatch, program)
    with pytest.raises(workshop.Unread):
        await workshop.draw(pdf(), PDF)
    with pytest.raises(Unfit) as caught:
        await workshop.examine(pdf(), "pdf")
    assert caught.value.reason == TOO_HARD
    left = Path("/tmp/qingling-left-behind")
    if left.exists():
        size = left.stat().st_size
        left.unlink()
        assert size <= child.FILE_BYTES


async def test_a_reading_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    run_instead(monkeypatch, "import time; time.sleep(60)", wall_s=0.5)
    begun = time.monotonic()
    with pytest.raises(FilesBusy):  # it used no processor: others did
        await workshop.draw(pdf(), PDF)
    assert time.monotonic() - begun < 30


async def test_more_is_not_read_than_an_answer_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workshop, "MOST_ANSWERED", 1000)
    run_instead(monkeypatch, "import sys\nwhile True: sys.stdout.write('x' * 65536)")
    with pytest.raises(workshop.Unread):
        await workshop.draw(pdf(), PDF)


async def test_the_kernel_holds_it_to_its_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = ("RLIMIT_CPU", "RLIMIT_AS", "RLIMIT_NOFILE", "RLIMIT_FSIZE", "RLIMIT_CORE")
    program = (
        f"import json, resource; told = [resource.getrlimit(getattr(resource, one)) for one in {kinds}]; "
    )
    run_instead(monkeypatch, program + "print(json.dumps({'pictures': [], 'unfit': str(told)}))")
    with pytest.raises(Unfit) as caught:
        await workshop.draw(pdf(), PDF)
    most = (child.CPU_S, child.MEMORY_BYTES, child.OPEN_FILES, child.FILE_BYTES, 0)
    assert caught.value.reason == str([(one, one) for one in most])


async def test_it_knows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QINGLING_SECRET_KEY", "secret")
    program = (
        "import json, os; print(json.dumps({'pictures': [], 'unfit': ' '.join(os.environ) + os.getcwd()}))"
    )
    run_instead(monkeypatch, program)
    with pytest.raises(Unfit) as caught:
        await workshop.draw(pdf(), PDF)
    assert "QINGLING" not in caught.value.reason and "DATABASE" not in caught.value.reason
    assert set(caught.value.reason.removesuffix("/").split()) <= {"LANG", "LC_CTYPE"}


async def test_the_event_loop_goes_on_meanwhile_and_a_few_are_read_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    running, most, lock = 0, 0, threading.Lock()
    usual = workshop.ask_child

    def ask(question: Mapping[str, Any], data: bytes) -> Any:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        try:
            return usual(question, data)
        finally:
            with lock:
                running -= 1

    monkeypatch.setattr(workshop, "ask_child", ask)
    reading = [asyncio.create_task(workshop.draw(pdf(), PDF)) for _ in range(5)]
    turns = 0
    while not all(one.done() for one in reading):
        await asyncio.sleep(0)
        turns += 1
    assert turns > 100, "the loop never waited for a process"
    assert most == workshop.AT_ONCE
    assert {(await one).count for one in reading} == {1}


async def test_whoever_comes_when_many_wait_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workshop, "places", threading.BoundedSemaphore(1))
    first = asyncio.create_task(workshop.draw(pdf(), PDF))
    await asyncio.sleep(0)
    with pytest.raises(FilesBusy):
        await workshop.draw(pdf(), PDF)
    assert (await first).count == 1
    assert (await workshop.draw(pdf(), PDF)).count == 1


def test_neither_the_web_process_nor_the_worker_loads_a_decoder() -> None:
    program = "import wiring, api.app, sys; print([one for one in ('pillow_heif', 'pypdfium2', 'olefile') if one in sys.modules])"
    told = subprocess.run(
        [sys.executable, "-c", program],
        cwd=workshop.ROOT,
        capture_output=True,
        text=True,
        env=dict(os.environ),
        check=True,
    )
    assert told.stdout.strip() == "[]"

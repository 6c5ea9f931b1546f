"""The PIN window on a real X server: what it says, what can be typed, what comes of it. The person sits in the
window's own process.
"""

import os
import subprocess
import sys
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from cardauth.agent.cards import CardCertificate, Tries
from cardauth.agent.desk import Desk, SignOrder
from cardauth.agent.prompt import Question, run_prompt
from cardauth.agent.refusals import Cancelled
from cardauth.agent.settings import AgentSettings
from tests.cardauth.agent.fakes import FakeDriver, card
from tests.cardauth.agent.process import ROOT
from tests.cardauth.agent.screen import Screen, start_screen

ORIGIN = "https://qingling.example.cn"
LEGAL = CardCertificate(b"legal", "沈书瑶", "钱塘云锦丝绸进出口有限公司", ("RS256",))
OPERATOR = CardCertificate(b"operator", "陆知行", "钱塘云锦丝绸进出口有限公司", ("RS256",))
Act = Callable[[Any], None]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screen]:
    if not find_spec("tkinter"):
        reason = "this Python has no tkinter (Debian's package python3-tk)"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    with start_screen(tmp_path_factory.mktemp("screen")) as screen:
        yield screen


@pytest.fixture
def screen(running: Screen, monkeypatch: pytest.MonkeyPatch) -> Screen:
    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)
    return running


def sign(act: Act, *certificates: CardCertificate, tries: Tries = Tries.NORMAL) -> list[bytes]:
    """What was signed, after a person has acted in the window: slot, certificate, algorithm, PIN, message."""
    labels = ("法人卡", "操作员卡")
    cards = tuple(
        replace(card(str(number), tries, (one,)), label=labels[number])
        for number, one in enumerate(certificates)
    )
    settings = AgentSettings(typing_timeout_s=30)
    desk = Desk(settings, partial(FakeDriver, cards), partial(sit_in_window, act=act))
    token = desk.sign(SignOrder(ORIGIN, "register", bytes(32), None, lambda: False))
    return b64decode(token["signature"]).split(b"|")


def sit_in_window(
    answers: Connection, pins: Connection, question: Question, screen: str, *, act: Act
) -> None:
    """The real prompt, with a person who acts as soon as the window is drawn."""
    from cardauth.agent import window

    class Watched(window.PinWindow):
        def __init__(self, root: Any, question: Question) -> None:
            super().__init__(root, question)
            root.after(100, act, self)

    window.PinWindow = Watched
    run_prompt(answers, pins, question, screen)


def press(window: Any, key: str) -> None:
    window.root.update()
    window.entry.event_generate(key)
    window.root.update()


def read(window: Any) -> str:
    """Every word in the window."""

    def words(widget: Any) -> Iterator[str]:
        if "text" in widget.keys():  # noqa: SIM118 - a widget is no dict
            yield str(widget.cget("text"))
        if "textvariable" in widget.keys() and (name := str(widget.cget("textvariable"))):  # noqa: SIM118
            yield str(window.root.getvar(name))
        for child in widget.winfo_children():
            yield from words(child)

    return "\n".join(words(window.frame))


def read_aloud(window: Any, *, path: Path) -> None:
    path.write_text(read(window))
    window.entry.insert(0, "123456")
    press(window, "<Return>")


def correct_oneself(window: Any) -> None:
    press(window, "<Return>")
    assert "请输入卡密码。" in read(window)
    window.entry.insert(0, "123")
    press(window, "<Return>")
    assert "这张卡的密码是 6 至 8 位。" in read(window)
    window.entry.insert("end", "456")
    press(window, "<Return>")


def choose_the_second(window: Any) -> None:
    buttons = [child for child in window.frame.winfo_children() if child.winfo_class() == "TRadiobutton"]
    buttons[1].invoke()
    window.entry.insert(0, "654321")
    press(window, "<Return>")


def escape(window: Any) -> None:
    window.entry.insert(0, "123456")
    press(window, "<Escape>")


def close(window: Any) -> None:
    window.root.tk.call(window.root.protocol("WM_DELETE_WINDOW"))


def take_picture(window: Any, *, screen: Screen, path: Path) -> None:
    window.entry.insert(0, "123456")
    window.root.update()
    window.root.after(300, lambda: (screen.save(path), window.confirm()))


def test_it_names_site_purpose_card_holder_and_the_last_try(screen: Screen, tmp_path: Path) -> None:
    sign(partial(read_aloud, path=tmp_path / "words"), LEGAL, tries=Tries.FINAL)
    words = (tmp_path / "words").read_text()
    for expected in (
        ORIGIN,
        "用卡注册企业",
        "法人卡（沈书瑶，钱塘云锦丝绸进出口有限公司）",
        "只剩最后一次机会",
        "网站看不到",
    ):
        assert expected in words


def test_what_cannot_be_the_pin_is_told_before_the_card_is_asked(screen: Screen) -> None:
    assert sign(correct_oneself, LEGAL)[3] == b"123456"


def test_a_card_is_chosen(screen: Screen) -> None:
    assert sign(choose_the_second, LEGAL, OPERATOR)[:4] == [b"1", b"operator", b"RS256", b"654321"]


@pytest.mark.parametrize("act", [escape, close])
def test_giving_up(screen: Screen, act: Act) -> None:
    with pytest.raises(Cancelled):
        sign(act, LEGAL)


def test_without_a_console_a_window_says_why_it_cannot_start(screen: Screen, tmp_path: Path) -> None:
    """As `qingling-card-agent-w` is started on Windows: no output at all."""
    program = "import sys; sys.stdout = sys.stderr = None; from cardauth.agent.program import main; sys.exit(main())"
    assert screen.is_empty
    with subprocess.Popen([sys.executable, "-c", program, "--settings", "/nowhere"], cwd=ROOT) as process:
        until = time.monotonic() + 30
        while screen.is_empty:
            assert process.poll() is None and time.monotonic() < until
            time.sleep(0.05)
        assert process.poll() is None, "it waits until it is read"
        process.kill()


def test_a_picture_for_the_guide(screen: Screen, tmp_path: Path) -> None:
    folder = ROOT / "docs" / "guide" / "img" if os.environ.get("QINGLING_GUIDE_SHOTS") == "1" else tmp_path
    path = folder / "card-pin-window.png"
    sign(partial(take_picture, screen=screen, path=path), LEGAL, OPERATOR)
    assert path.stat().st_size > 5000, "not an empty screen"

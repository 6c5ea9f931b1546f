"""The PIN prompt: a process of its own for each request, so that a window that hangs takes nothing with it.

What a person has to see before typing a PIN is worded here; `window` and `terminal` draw it. The PIN goes straight to
the worker's pipe: the agent itself only learns that it was typed, and for which card.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Literal, NamedTuple

from cardauth.agent.cards import LONGEST_PIN, Tries
from cardauth.agent.lifetime import live_as_child
from cardauth.agent.refusals import NoWindow

PURPOSES = {"register": "用卡注册企业", "sign_in": "用卡登录", "bind": "绑定一张卡"}
WARNINGS = {
    Tries.LOW: "这张卡的密码输错过，请核对后再输入。",
    Tries.FINAL: "只剩最后一次机会：再输错一次，卡就会锁定。",
}
Screen = Literal["window", "terminal"]


@dataclass(frozen=True)
class Choice:
    """A certificate on a card that the person may use."""

    label: str
    holder: str = field(repr=False)
    organisation: str = field(repr=False)
    tries: Tries
    shortest_pin: int
    longest_pin: int

    @property
    def title(self) -> str:
        """The card, and whose it is."""
        whose = "，".join(part for part in (self.holder, self.organisation) if part)
        return f"{self.label}（{whose}）" if whose else self.label

    @property
    def warning(self) -> str:
        return WARNINGS.get(self.tries, "")

    def find_fault(self, pin: str) -> str:
        """Why this cannot be the PIN; empty when it can. No try is lost on it."""
        if not pin:
            return "请输入卡密码。"
        length = len(pin.encode())
        if not self.shortest_pin <= length <= (self.longest_pin or LONGEST_PIN):
            return f"这张卡的密码是 {self.length_text} 位。"
        return ""

    @property
    def length_text(self) -> str:
        longest = self.longest_pin or LONGEST_PIN
        return str(longest) if longest == self.shortest_pin else f"{self.shortest_pin} 至 {longest}"


@dataclass(frozen=True)
class Question:
    """What is asked, by which site, for what, for which cards."""

    origin: str
    purpose: str
    choices: tuple[Choice, ...]

    @property
    def purpose_text(self) -> str:
        return PURPOSES[self.purpose]


class Typed(NamedTuple):
    """The person's answer."""

    choice: int
    pin: str


Ask = Callable[[Question], Typed | None]


def run_prompt(answers: Connection, pins: Connection, question: Question, screen: str) -> None:
    """Ask, send the PIN to `pins`, and say on `answers` which card it is for: `(True, number | None)`, or `(False, refusal)`."""
    live_as_child()
    try:
        typed = choose_ask(screen)(question)
    except NoWindow as refusal:
        answers.send((False, refusal))
        return
    except KeyboardInterrupt:
        typed = None
    if typed is None:
        answers.send((True, None))
        return
    pins.send_bytes(typed.pin.encode())
    answers.send((True, typed.choice))


def choose_ask(screen: str) -> Ask:
    """A window; a terminal where there is no screen, or where the settings say so. Raises NoWindow."""
    from cardauth.agent.terminal import ask_in_terminal

    if screen == "terminal":
        return ask_in_terminal
    try:
        from cardauth.agent.window import ask_in_window, has_screen
    except ImportError as error:  # a Python without tkinter
        if screen == "window":
            raise NoWindow(detail=str(error)) from error
        return ask_in_terminal
    return ask_in_window if screen == "window" or has_screen() else ask_in_terminal

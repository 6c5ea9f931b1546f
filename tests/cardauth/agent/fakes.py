"""Stand-ins for the agent's tests: a desk that records, cards of many moods, and people who type. Drivers and people
live in spawned processes, so they are told everything when they are made.
"""

import os
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from cardauth.agent.cards import CardCertificate, Look, SeenCard, State, Tries, judge
from cardauth.agent.desk import SignOrder
from cardauth.agent.prompt import Question
from cardauth.agent.refusals import AgentRefusal, CardRemoved, NoWindow


class RecordingDesk:
    """Answers everything, or refuses everything, and remembers what was asked."""

    def __init__(self, refusal: BaseException | None = None) -> None:
        self.asked: list[Any] = []
        self._refusal = refusal

    def status(self) -> dict[str, Any]:
        return self._note("status", {"state": "ready"})

    def certificate(self, slot: str | None) -> dict[str, Any]:
        return self._note(("certificate", slot), {"certificate": "AA=="})

    def sign(self, order: SignOrder) -> dict[str, str]:
        return self._note(order, {"signature": "AA=="})

    def _note(self, what: Any, answer: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(what)
        if self._refusal:
            raise self._refusal
        return answer


CERTIFICATE = CardCertificate(b"certificate", "张三", "钱塘云锦", ("RS256",))


def card(
    slot: str = "1", tries: Tries = Tries.NORMAL, certificates: tuple[CardCertificate, ...] = (CERTIFICATE,)
) -> SeenCard:
    return SeenCard(slot, f"卡 {slot}", tries, 6, 8, certificates)


@dataclass
class FakeDriver:
    """Cards that are there as long as `gone` is no file; whose signature names everything that was used."""

    cards: tuple[SeenCard, ...] = ()
    state: State | None = None
    gone: Path | None = None
    gone_is: AgentRefusal = field(default_factory=CardRemoved)
    refusal: AgentRefusal | None = None
    seen_pins: list[str] = field(default_factory=list)

    def look(self) -> Look:
        return Look(self.state, detail="why") if self.state else judge(self.cards)

    def expect(self, slot: str) -> None:
        if self.gone and self.gone.exists():
            raise self.gone_is

    def sign(self, slot: str, certificate: bytes, algorithm: str, pin: str, message: bytes) -> bytes:
        if self.refusal:
            raise self.refusal
        return b"|".join((slot.encode(), certificate, algorithm.encode(), pin.encode(), message))

    def close(self) -> None:
        """Nothing to close."""


class HangingDriver(FakeDriver):
    """A module that never answers."""

    def look(self) -> Look:
        time.sleep(600)
        raise AssertionError


class HangingSignature(FakeDriver):
    """A module that never answers when it shall sign."""

    def sign(self, slot: str, certificate: bytes, algorithm: str, pin: str, message: bytes) -> bytes:
        time.sleep(600)
        raise AssertionError


class CrashingDriver(FakeDriver):
    """A module that takes its process with it."""

    def look(self) -> Look:
        os._exit(139)


class BrokenDriver(FakeDriver):
    """A module that does what nobody expects; its text holds what must not be told."""

    def look(self) -> Look:
        raise RuntimeError("PIN 123456 of 张三")


def type_pin(
    answers: Connection, pins: Connection, question: Question, _screen: str, *, pin: str, choice: int = 0
) -> None:
    """A person who types this at once."""
    pins.send_bytes(pin.encode())
    answers.send((True, choice))


def give_up(answers: Connection, pins: Connection, question: Question, _screen: str) -> None:
    """A person who presses cancel."""
    answers.send((True, None))


def think(
    answers: Connection, pins: Connection, question: Question, _screen: str, *, until: Path, pin: str
) -> None:
    """A person who types when this file is there."""
    while not until.exists():
        time.sleep(0.02)
    type_pin(answers, pins, question, _screen, pin=pin)


def crash(answers: Connection, pins: Connection, question: Question, _screen: str) -> None:
    """A window that takes its process with it."""
    os._exit(1)


def find_no_screen(answers: Connection, pins: Connection, question: Question, _screen: str) -> None:
    """No screen, no terminal."""
    answers.send((False, NoWindow(detail="neither")))


def read_back(answers: Connection, pins: Connection, question: Question, _screen: str) -> None:
    """A person who types what is on the screen, so that the signature shows it."""
    shown = "/".join(
        (
            question.origin,
            question.purpose_text,
            *(choice.title + choice.warning for choice in question.choices),
        )
    )
    type_pin(answers, pins, question, _screen, pin=shown)

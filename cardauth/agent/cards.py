"""A card as the agent sees it, and what anything that holds cards has to be able to do."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

LONGEST_PIN = 256  # bytes: above any card's


class Tries(StrEnum):
    """How many wrong PINs the card still bears, as far as PKCS#11 tells."""

    NORMAL = "normal"
    LOW = "low"
    FINAL = "final"
    LOCKED = "locked"


@dataclass(frozen=True)
class CardCertificate:
    """A certificate on a card that one can sign in with, and the algorithms of its key, the preferred one first."""

    der: bytes = field(repr=False)
    holder: str = field(repr=False)
    organisation: str = field(repr=False)
    algorithms: tuple[str, ...]


@dataclass(frozen=True)
class SeenCard:
    """A card in a reader. `slot` names the reader as long as the same driver is open, and nothing else."""

    slot: str
    label: str
    tries: Tries
    shortest_pin: int
    longest_pin: int
    certificates: tuple[CardCertificate, ...]


class State(StrEnum):
    """What the page is told before it asks for anything."""

    NO_DRIVER = "no_driver"
    NO_READER = "no_reader"
    NO_CARD = "no_card"
    READY = "ready"
    FINAL_TRY = "final_try"
    LOCKED = "locked"
    BUSY = "busy"


@dataclass(frozen=True)
class Look:
    """What was found: readers, and the cards in them."""

    state: State
    cards: tuple[SeenCard, ...] = ()
    detail: str = ""
    """Why there is no driver: for the log and for people who install."""


class CardDriver(Protocol):
    """Something that holds cards: PKCS#11 modules, or the demo's soft cards. Lives in the worker process of one request."""

    def look(self) -> Look:
        """Readers and cards as they are now."""
        ...

    def expect(self, slot: str) -> None:
        """Raises CardRemoved or CardChanged, unless the card seen there by `look` still is there."""
        ...

    def sign(self, slot: str, certificate: bytes, algorithm: str, pin: str, message: bytes) -> bytes:
        """The signature over a message, in the form that the token carries. Raises AgentRefusal."""
        ...

    def close(self) -> None:
        """Give the cards free."""
        ...


def judge(cards: tuple[SeenCard, ...]) -> Look:
    """The state of cards that were found: as good as the best of them."""
    if not cards:
        return Look(State.NO_CARD)
    tries = {card.tries for card in cards}
    if tries & {Tries.NORMAL, Tries.LOW}:
        return Look(State.READY, cards)
    return Look(State.FINAL_TRY if Tries.FINAL in tries else State.LOCKED, cards)

"""What the agent does for a page: status, certificate, signature. One request at a time; each has a worker process of its own."""

from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from multiprocessing.connection import Connection
from threading import Lock
from time import monotonic
from typing import Any

from cardauth.agent.cards import CardCertificate, Look, SeenCard, State, Tries
from cardauth.agent.children import CardWorker, Child
from cardauth.agent.prompt import Choice, Question, run_prompt
from cardauth.agent.refusals import (
    AgentRefusal,
    Busy,
    Cancelled,
    CardChanged,
    NoAlgorithm,
    NoCard,
    NoCertificate,
    NoDriver,
    NoReader,
    NoWindow,
    PinLocked,
    TimedOut,
)
from cardauth.agent.settings import AgentSettings
from cardauth.agent.version import VERSION
from cardauth.agent.worker import OpenDriver

RunPrompt = Callable[[Connection, Connection, Question, str], None]

FORMAT = "qingling-card:1"
PATIENCE_S = 5.0
"""How long a request waits for a short one before it."""
LOOK_EVERY_S = 0.5
MISSING: dict[State, type[AgentRefusal]] = {
    State.NO_DRIVER: NoDriver,
    State.NO_READER: NoReader,
    State.NO_CARD: NoCard,
}
MESSAGES = {
    State.NO_DRIVER: NoDriver.__doc__,
    State.NO_READER: NoReader.__doc__,
    State.NO_CARD: NoCard.__doc__,
    State.READY: "卡已插好，可以使用。",
    State.FINAL_TRY: "卡密码只剩最后一次机会：再输错一次，卡就会锁定。",
    State.LOCKED: PinLocked.__doc__,
    State.BUSY: Busy.__doc__,
}


@dataclass(frozen=True)
class SignOrder:
    """What a page asks to be signed; the origin is the browser's word, not the page's."""

    origin: str
    purpose: str
    nonce: bytes
    certificate: bytes | None
    is_gone: Callable[[], bool]
    """Whether the page has stopped waiting."""


@dataclass(frozen=True)
class Candidate:
    """A certificate that may be used, and the card it is on."""

    card: SeenCard
    certificate: CardCertificate


class Desk:
    """The agent's work. `open_driver` and `prompt` are carried out in processes of their own, so they must be picklable."""

    def __init__(
        self, settings: AgentSettings, open_driver: OpenDriver, prompt: RunPrompt = run_prompt
    ) -> None:
        self._settings, self._open_driver, self._prompt = settings, open_driver, prompt
        self._signing = Lock()
        self._reading = Lock()

    def status(self) -> dict[str, Any]:
        """What is plugged in; `busy` while somebody is asked for a PIN."""
        try:
            with self._read() as worker:
                look: Look = worker.ask("look")
        except Busy:
            look = Look(State.BUSY)
        cards = [{"slot": card.slot, "label": card.label, "tries": card.tries} for card in look.cards]
        return {
            "version": VERSION,
            "state": look.state,
            "message": MESSAGES[look.state],
            "detail": look.detail,
            "cards": cards,
        }

    def certificate(self, slot: str | None) -> dict[str, Any]:
        """The first certificate to sign in with, of the card in this slot or of any. Raises AgentRefusal."""
        with self._read() as worker:
            candidates = list_candidates(worker.ask("look"), None)
        chosen = next((one for one in candidates if slot in (None, one.card.slot)), None)
        if chosen is None:
            raise NoCard
        return {
            "certificate": b64encode(chosen.certificate.der).decode(),
            "algorithms": list(chosen.certificate.algorithms),
            "slot": chosen.card.slot,
        }

    def sign(self, order: SignOrder) -> dict[str, str]:
        """The token. Opens the PIN prompt. Raises AgentRefusal."""
        if not self._signing.acquire(blocking=False):
            raise Busy
        try:
            with self._one_reader(), self._start_worker() as worker:
                candidates = list_candidates(worker.ask("look"), order.certificate)
                candidates = leave_out_locked(candidates)
                chosen = candidates[self._ask_pin(worker, order, candidates)]
                algorithm = chosen.certificate.algorithms[0]
                message = sha256(order.origin.encode()).digest() + sha256(order.nonce).digest()
                signature: bytes = worker.ask(
                    "sign", chosen.card.slot, chosen.certificate.der, algorithm, message
                )
        finally:
            self._signing.release()
        return {
            "format": FORMAT,
            "algorithm": algorithm,
            "certificate": b64encode(chosen.certificate.der).decode(),
            "signature": b64encode(signature).decode(),
        }

    def _ask_pin(self, worker: CardWorker, order: SignOrder, candidates: list[Candidate]) -> int:
        """Wait for the person. Raises Cancelled, CardRemoved, CardChanged, TimedOut, NoWindow."""
        question = Question(order.origin, order.purpose, tuple(map(describe, candidates)))
        slots = {candidate.card.slot for candidate in candidates}
        until = monotonic() + self._settings.typing_timeout_s
        pins = worker.take_pins()
        with Child(self._prompt, pins, question, self._settings.prompt) as prompt:
            pins.close()
            while not prompt.answers.poll(LOOK_EVERY_S):
                if order.is_gone():
                    raise Cancelled
                if monotonic() > until:
                    raise TimedOut("输入卡密码的时间太长，已经取消。请重新办理。")
                worker.watch(*slots)
            number: int | None = prompt.read(NoWindow)
        if number is None:
            raise Cancelled
        return number

    @contextmanager
    def _read(self) -> Iterator[CardWorker]:
        """A worker for a short request. Raises Busy."""
        if self._signing.locked():
            raise Busy
        with self._one_reader(), self._start_worker() as worker:
            yield worker

    @contextmanager
    def _one_reader(self) -> Iterator[None]:
        if not self._reading.acquire(timeout=PATIENCE_S):
            raise Busy
        try:
            yield
        finally:
            self._reading.release()

    def _start_worker(self) -> CardWorker:
        return CardWorker(self._open_driver, self._settings.card_timeout_s)


def list_candidates(look: Look, wanted: bytes | None) -> list[Candidate]:
    """The certificates that may be used, all or the wanted one. Raises the refusal that says why there is none."""
    if refusal := MISSING.get(look.state):
        raise refusal(detail=look.detail)
    found = [Candidate(card, certificate) for card in look.cards for certificate in card.certificates]
    if wanted is not None:
        found = [candidate for candidate in found if candidate.certificate.der == wanted]
        if not found:
            raise CardChanged
    if not found:
        raise NoCertificate
    usable = [candidate for candidate in found if candidate.certificate.algorithms]
    if not usable:
        raise NoAlgorithm
    return usable


def leave_out_locked(candidates: list[Candidate]) -> list[Candidate]:
    """Raises PinLocked when no card is left."""
    unlocked = [candidate for candidate in candidates if candidate.card.tries != Tries.LOCKED]
    if not unlocked:
        raise PinLocked(tries=Tries.LOCKED)
    return unlocked


def describe(candidate: Candidate) -> Choice:
    """A candidate as the person sees it."""
    card = candidate.card
    return Choice(
        label=card.label,
        holder=candidate.certificate.holder,
        organisation=candidate.certificate.organisation,
        tries=card.tries,
        shortest_pin=card.shortest_pin,
        longest_pin=card.longest_pin,
    )

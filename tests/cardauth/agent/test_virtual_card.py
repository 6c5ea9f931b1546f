"""The desk with a card that is a card: pcscd, a virtual reader, OpenSC's module, and a PIV card in a process of its
own. What SoftHSM cannot show: no reader, a card that counts its tries and locks, a card that is pulled and changed
under one's hands.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from cardauth.agent.cards import State
from cardauth.agent.desk import Desk, SignOrder
from cardauth.agent.drivers import open_modules
from cardauth.agent.refusals import (
    AgentRefusal,
    CardChanged,
    CardRemoved,
    DriverFailed,
    NoCard,
    NoReader,
    PinLocked,
    WrongPin,
)
from cardauth.agent.settings import AgentSettings
from tests.cardauth.agent import fakes
from tests.cardauth.agent.certificates import make_certificate
from tests.cardauth.agent.verifying import is_signed
from tests.cardauth.agent.virtual_reader import VirtualCard, VirtualReader, start_reader

ORIGIN = "https://qingling.example.cn"
NONCE = bytes(range(32))
PIN = "123456"


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualReader]:
    with start_reader(tmp_path_factory.mktemp("reader")) as started:
        yield started


@pytest.fixture(scope="module")
def keys() -> tuple[rsa.RSAPrivateKey, rsa.RSAPrivateKey]:
    return rsa.generate_private_key(65537, 2048), rsa.generate_private_key(65537, 2048)


@pytest.fixture
def card(
    reader: VirtualReader, keys: tuple[rsa.RSAPrivateKey, ...], monkeypatch: pytest.MonkeyPatch
) -> Iterator[VirtualCard]:
    """A fresh card, inserted."""
    for variable, value in reader.environment.items():
        monkeypatch.setenv(variable, value)
    made = reader.make_card(make_certificate("张三", keys[0]), keys[0])
    made.insert()
    wait_for(desk_for(reader), State.READY)
    yield made
    for one in reader.cards:
        one.pull()
    wait_for(desk_for(reader), State.NO_CARD)


def desk_for(reader: VirtualReader, prompt: Callable[..., None] | None = None) -> Desk:
    settings = AgentSettings(modules=(str(reader.module),), typing_timeout_s=20)
    return Desk(settings, partial(open_modules, settings), prompt or partial(fakes.type_pin, pin=PIN))


def order() -> SignOrder:
    return SignOrder(ORIGIN, "sign_in", NONCE, None, lambda: False)


def wait_for(desk: Desk, state: State) -> None:
    """pcscd looks at its readers a few times a second."""
    until = time.monotonic() + 20
    seen = ""
    while seen != state:
        assert time.monotonic() < until, seen
        try:
            seen = desk.status()["state"]
        except DriverFailed as refusal:  # while the card is on its way
            seen = refusal.detail


def wait_after(*arguments: object, asked: Path, until: Path) -> None:
    """A person who looks at the prompt, and types when this file is there."""
    asked.touch()
    fakes.think(*arguments, until=until, pin=PIN)  # type: ignore[arg-type]


@contextlib.contextmanager
def during(asked: Path, act: Callable[[], None]) -> Iterator[None]:
    """Act as soon as the person is asked."""

    def wait_and_act() -> None:
        while not asked.exists():
            time.sleep(0.02)
        act()

    thread = threading.Thread(target=wait_and_act)
    thread.start()
    yield
    thread.join()


def refuse(desk: Desk, *refusal: type[AgentRefusal]) -> str | None:
    """The tries that the refusal tells."""
    with pytest.raises(refusal) as refused:
        desk.sign(order())
    return refused.value.tries


def test_a_card_signs(reader: VirtualReader, card: VirtualCard) -> None:
    assert is_signed(desk_for(reader).sign(order()), ORIGIN, NONCE)


def test_wrong_pins_until_the_card_locks(reader: VirtualReader, card: VirtualCard) -> None:
    wrong = desk_for(reader, partial(fakes.type_pin, pin="654321"))
    assert refuse(wrong, WrongPin) == "normal", "OpenSC does not know how many tries this card has at first"
    assert refuse(wrong, WrongPin) == "final"
    status = wrong.status()
    assert (status["state"], [one["tries"] for one in status["cards"]]) == (State.FINAL_TRY, ["final"])
    assert refuse(wrong, PinLocked) == "locked"
    assert wrong.status()["state"] == State.LOCKED
    assert refuse(desk_for(reader), PinLocked) == "locked", "the right PIN comes too late"
    assert card.tries == 0


def test_the_right_pin_at_the_final_try(reader: VirtualReader, card: VirtualCard) -> None:
    wrong = desk_for(reader, partial(fakes.type_pin, pin="654321"))
    for _ in range(2):
        refuse(wrong, WrongPin)
    assert is_signed(desk_for(reader).sign(order()), ORIGIN, NONCE)
    assert card.tries == 3


def test_a_card_pulled_while_the_pin_is_typed(
    reader: VirtualReader, card: VirtualCard, tmp_path: Path
) -> None:
    asked = tmp_path / "asked"
    desk = desk_for(reader, partial(wait_after, asked=asked, until=tmp_path / "never"))
    with during(asked, card.pull):
        refuse(desk, CardRemoved)
    wait_for(desk, State.NO_CARD)
    refuse(desk, NoCard)


def test_another_card_in_the_place_of_the_first(
    reader: VirtualReader, card: VirtualCard, keys: tuple[rsa.RSAPrivateKey, ...], tmp_path: Path
) -> None:
    other = reader.make_card(make_certificate("李四", keys[1]), keys[1])

    asked, changed = tmp_path / "asked", tmp_path / "changed"

    def change() -> None:
        card.pull()
        wait_for(desk_for(reader), State.NO_CARD)  # pcscd looks every 0.4 s; no hand is quicker
        other.insert()
        wait_for(desk_for(reader), State.READY)
        changed.touch()

    desk = desk_for(reader, partial(wait_after, asked=asked, until=changed))
    with during(asked, change):
        refuse(desk, CardRemoved, CardChanged)
    assert (card.tries, other.tries) == (3, 3), "no PIN was tried on either"


def test_no_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with start_reader(tmp_path, readers=0) as bare:
        for variable, value in bare.environment.items():
            monkeypatch.setenv(variable, value)
        desk = desk_for(bare)
        assert desk.status()["state"] == State.NO_READER
        refuse(desk, NoReader)

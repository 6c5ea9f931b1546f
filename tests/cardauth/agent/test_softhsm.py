"""The desk with real PKCS#11: SoftHSM2's module and tokens, workers as they really are."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from cardauth.agent.cards import CardDriver, State
from cardauth.agent.desk import Desk, SignOrder
from cardauth.agent.drivers import open_modules
from cardauth.agent.refusals import (
    AgentRefusal,
    CardRemoved,
    DriverFailed,
    NoCard,
    NoCertificate,
    NoDriver,
    PinLength,
    WrongPin,
)
from cardauth.agent.settings import AgentSettings
from tests.cardauth.agent import fakes, packages
from tests.cardauth.agent.certificates import make_certificate
from tests.cardauth.agent.softhsm import PIN, SoftHsm
from tests.cardauth.agent.verifying import is_signed

ORIGIN = "https://qingling.example.cn"
NONCE = bytes(range(32))
RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SoftHsm]:
    """Tokens that are slow to make, in readers of their own; tests work on copies."""
    module = packages.find("usr/lib/**/libsofthsm2.so")
    folder = tmp_path_factory.mktemp("softhsm")
    readers = {name: SoftHsm(folder / name, module) for name in ("rsa", "ec", "bare")}
    readers["rsa"].make_card("法人卡", make_certificate("张三", RSA_KEY), RSA_KEY)
    readers["ec"].make_card("操作员卡", make_certificate("李四", EC_KEY), EC_KEY)
    readers["bare"].make_card("空卡", make_certificate("王五", RSA_KEY, signs=False), None)
    return readers


PlugIn = Callable[..., SoftHsm]


@pytest.fixture
def plug_in(made_once: dict[str, SoftHsm], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PlugIn:
    """Copies of these cards in a reader of the test's own."""

    def plug(*names: str) -> SoftHsm:
        hsm = SoftHsm(tmp_path / "hsm", made_once["rsa"].module)
        for name in names:
            shutil.copytree(made_once[name].tokens, hsm.tokens, dirs_exist_ok=True)
        for variable, value in hsm.environment.items():
            monkeypatch.setenv(variable, value)
        return hsm

    return plug


def desk_for(
    hsm: SoftHsm, prompt: Callable[..., None] | None = None, modules: tuple[str, ...] = (), **settings: object
) -> Desk:
    chosen = AgentSettings(modules=modules or (str(hsm.module),), **settings)  # type: ignore[arg-type]
    return Desk(chosen, partial(open_modules, chosen), prompt or partial(fakes.type_pin, pin=PIN))


def order(certificate: bytes | None = None) -> SignOrder:
    return SignOrder(ORIGIN, "sign_in", NONCE, certificate, lambda: False)


@pytest.mark.parametrize(
    ("card", "algorithm", "preferred"),
    [
        ("rsa", "RS256", ("RS256", "PS256")),
        ("rsa", "PS256", ("PS256", "RS256")),
        ("ec", "ES256", ("RS256", "ES256")),
    ],
)
def test_a_card_signs_with_the_algorithm_that_key_token_and_settings_allow(
    plug_in: PlugIn, card: str, algorithm: str, preferred: tuple[str, ...]
) -> None:
    token = desk_for(plug_in(card), algorithms=preferred).sign(order())
    assert token["algorithm"] == algorithm
    assert is_signed(token, ORIGIN, NONCE)
    assert not is_signed(token, "https://evil.example", NONCE)
    assert not is_signed(token, ORIGIN, bytes(32))


@pytest.mark.parametrize(
    ("card", "algorithm", "offered"),
    [("rsa", "RS256", 0x01), ("rsa", "PS256", 0x0D), ("ec", "ES256", 0x1041)],
)
def test_a_card_that_does_not_hash_gets_the_hash(
    plug_in: PlugIn, card: str, algorithm: str, offered: int
) -> None:
    settings = AgentSettings(modules=(str(plug_in(card).module),), algorithms=(algorithm,))
    desk = Desk(settings, partial(open_bare_module, settings, offered), partial(fakes.type_pin, pin=PIN))
    token = desk.sign(order())
    assert (token["algorithm"], is_signed(token, ORIGIN, NONCE)) == (algorithm, True)


def open_bare_module(settings: AgentSettings, offered: int) -> CardDriver:
    """The module, as if it offered this mechanism alone."""
    from cardauth.agent import pkcs11_card

    whole = pkcs11_card.list_ways
    pkcs11_card.list_ways = lambda facts, _, settings: whole(facts, {offered}, settings)
    return open_modules(settings)


def test_two_cards_and_a_choice(plug_in: PlugIn) -> None:
    desk = desk_for(plug_in("rsa", "ec"), partial(fakes.type_pin, pin=PIN, choice=1))
    status = desk.status()
    assert (status["state"], {card["label"] for card in status["cards"]}) == (
        State.READY,
        {"法人卡", "操作员卡"},
    )
    assert is_signed(desk.sign(order()), ORIGIN, NONCE)


@pytest.mark.parametrize(
    ("pin", "refusal"),
    [
        ("654321", WrongPin),
        ("1", PinLength),
        ("", PinLength),
        ("1" * 255, WrongPin),
        ("1" * 256, PinLength),
        ("密码密码", WrongPin),
    ],
)
def test_a_wrong_pin_is_refused_and_the_right_one_still_works(
    plug_in: PlugIn, pin: str, refusal: type[AgentRefusal]
) -> None:
    hsm = plug_in("ec")
    with pytest.raises((WrongPin, PinLength)) as refused:
        desk_for(hsm, partial(fakes.type_pin, pin=pin)).sign(order())
    assert refused.type is refusal
    assert is_signed(desk_for(hsm).sign(order()), ORIGIN, NONCE)


def test_no_card(plug_in: PlugIn) -> None:
    desk = desk_for(plug_in())
    assert desk.status()["state"] == State.NO_CARD
    with pytest.raises(NoCard):
        desk.sign(order())


def test_a_card_without_a_certificate_to_sign_in_with(plug_in: PlugIn) -> None:
    desk = desk_for(plug_in("bare"))
    assert desk.status()["state"] == State.READY
    with pytest.raises(NoCertificate):
        desk.sign(order())


def test_a_card_pulled_before_the_pin_is_used(plug_in: PlugIn, tmp_path: Path) -> None:
    hsm = plug_in("ec")
    with pytest.raises((CardRemoved, DriverFailed)):
        desk_for(hsm, partial(pull_and_type, tokens=hsm.tokens, to=tmp_path / "away")).sign(order())
    assert desk_for(hsm).status()["state"] == State.NO_CARD
    (tmp_path / "away").rename(hsm.tokens / "back")
    assert desk_for(hsm).status()["state"] == State.READY


def pull_and_type(*arguments: object, tokens: Path, to: Path) -> None:
    """A person who pulls the card and types the PIN all the same."""
    (token,) = tokens.iterdir()
    token.rename(to)
    fakes.type_pin(*arguments, pin=PIN)  # type: ignore[arg-type]


def test_the_certificate_that_the_page_saw_before(plug_in: PlugIn) -> None:
    from base64 import b64decode

    desk = desk_for(plug_in("rsa", "ec"))
    seen = b64decode(desk.certificate(None)["certificate"])
    assert b64decode(desk.sign(order(seen))["certificate"]) == seen


@pytest.mark.parametrize("kind", ["missing", "text", "other library"])
def test_a_wrong_module_is_no_driver(plug_in: PlugIn, tmp_path: Path, kind: str) -> None:
    wrong = tmp_path / "wrong.so"
    if kind == "text":
        wrong.write_text("no library")
    if kind == "other library":
        import _ctypes

        wrong = Path(_ctypes.__file__)
    hsm = plug_in("ec")
    desk = desk_for(hsm, modules=(str(wrong),))
    status = desk.status()
    assert (status["state"], str(wrong) in status["detail"]) == (State.NO_DRIVER, True)
    with pytest.raises(NoDriver):
        desk.sign(order())
    assert desk_for(hsm, modules=(str(wrong), str(hsm.module))).status()["state"] == State.READY

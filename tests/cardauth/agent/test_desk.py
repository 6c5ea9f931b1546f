"""One request at the desk: what the page gets, whatever cards and people do. Workers and prompts are real processes,
cards and people are not.
"""

import threading
import time
from base64 import b64decode
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest

from cardauth.agent.cards import CardCertificate, Look, State, Tries, judge
from cardauth.agent.desk import Desk, SignOrder, leave_out_locked, list_candidates
from cardauth.agent.prompt import run_prompt
from cardauth.agent.refusals import (
    AgentRefusal,
    Busy,
    Cancelled,
    CardChanged,
    CardRemoved,
    DriverFailed,
    NoAlgorithm,
    NoCard,
    NoCertificate,
    NoDriver,
    NoReader,
    NoWindow,
    PinLocked,
    TimedOut,
    WrongPin,
)
from cardauth.agent.settings import AgentSettings
from tests.cardauth.agent import fakes
from tests.cardauth.agent.fakes import FakeDriver, card

ORIGIN = "https://qingling.example.cn"
NONCE = bytes(range(32))
SETTINGS = AgentSettings()
TYPES = partial(fakes.type_pin, pin="123456")


def order(certificate: bytes | None = None, is_gone: Callable[[], bool] = lambda: False) -> SignOrder:
    return SignOrder(ORIGIN, "sign_in", NONCE, certificate, is_gone)


def desk_with(
    driver: type[FakeDriver] = FakeDriver,
    prompt: Callable[..., None] = TYPES,
    settings: AgentSettings = SETTINGS,
    **driver_says: object,
) -> Desk:
    return Desk(settings, partial(driver, **driver_says), prompt)  # type: ignore[arg-type]


def test_the_token_holds_certificate_and_signature_but_neither_nonce_nor_origin() -> None:
    token = desk_with(cards=(card(),)).sign(order())
    assert {**token, "signature": ""} == {
        "format": "qingling-card:1",
        "algorithm": "RS256",
        "certificate": "Y2VydGlmaWNhdGU=",
        "signature": "",
    }
    message = sha256(ORIGIN.encode()).digest() + sha256(NONCE).digest()
    assert b64decode(token["signature"]) == b"1|certificate|RS256|123456|" + message


def test_a_person_sees_the_site_the_purpose_the_card_and_the_last_try() -> None:
    token = desk_with(prompt=fakes.read_back, cards=(card(tries=Tries.FINAL),)).sign(order())
    assert b64decode(token["signature"]).split(b"|")[3].decode() == (
        f"{ORIGIN}/用卡登录/卡 1（张三，钱塘云锦）只剩最后一次机会：再输错一次，卡就会锁定。"
    )


def test_a_person_chooses_among_cards_and_locked_ones_are_not_offered() -> None:
    other = CardCertificate(b"other", "李四", "", ("ES256",))
    cards = (card("1", Tries.LOCKED), card("2"), card("3", certificates=(other,)))
    token = desk_with(prompt=partial(fakes.type_pin, pin="654321", choice=1), cards=cards).sign(order())
    assert b64decode(token["signature"]).startswith(b"3|other|ES256|654321|")


def test_a_named_certificate_is_the_only_choice() -> None:
    other = CardCertificate(b"other", "李四", "", ("ES256",))
    token = desk_with(cards=(card("1"), card("2", certificates=(other,)))).sign(order(b"other"))
    assert b64decode(token["certificate"]) == b"other"


@pytest.mark.parametrize(
    ("refusal", "look"),
    [
        (NoDriver, Look(State.NO_DRIVER)),
        (NoReader, Look(State.NO_READER)),
        (NoCard, Look(State.NO_CARD)),
        (NoCertificate, judge((card(certificates=()),))),
        (NoAlgorithm, judge((card(certificates=(CardCertificate(b"x", "", "", ()),)),))),
        (PinLocked, judge((card(tries=Tries.LOCKED),))),
    ],
)
def test_what_cannot_be_signed_is_refused_by_name(refusal: type[AgentRefusal], look: Look) -> None:
    with pytest.raises(refusal) as refused:
        leave_out_locked(list_candidates(look, None))
    assert refused.value.tries == ("locked" if refusal is PinLocked else None)


def test_another_card_than_the_page_saw_is_refused() -> None:
    with pytest.raises(CardChanged):
        list_candidates(judge((card(),)), b"another")


def test_what_the_worker_refuses_reaches_the_page() -> None:
    with pytest.raises(WrongPin) as refused:
        desk_with(cards=(card(),), refusal=WrongPin("错", tries=Tries.LOW)).sign(order())
    assert (refused.value.as_json(), refused.value.status) == (
        {"code": "wrong_pin", "message": "错", "tries": "low"},
        422,
    )


@pytest.mark.parametrize(
    ("prompt", "refusal"),
    [(fakes.give_up, Cancelled), (fakes.crash, NoWindow), (fakes.find_no_screen, NoWindow)],
)
def test_no_pin_no_signature(prompt: Callable[..., None], refusal: type[AgentRefusal]) -> None:
    with pytest.raises(refusal):
        desk_with(prompt=prompt, cards=(card(),)).sign(order())


@pytest.mark.parametrize("driver", [fakes.CrashingDriver, fakes.BrokenDriver])
def test_a_module_that_breaks_takes_nothing_with_it(driver: type[FakeDriver]) -> None:
    desk = desk_with(driver, cards=(card(),))
    for _ in range(2):
        with pytest.raises(DriverFailed) as refused:
            desk.sign(order())
        assert "123456" not in f"{refused.value}{refused.value.detail}"


@pytest.mark.parametrize("driver", [fakes.HangingDriver, fakes.HangingSignature])
def test_a_module_that_hangs_is_given_up(driver: type[FakeDriver]) -> None:
    started = time.monotonic()
    with pytest.raises(TimedOut):
        desk_with(driver, settings=AgentSettings(card_timeout_s=1), cards=(card(),)).sign(order())
    assert time.monotonic() - started < 8


@pytest.mark.parametrize("what", [CardRemoved, CardChanged])
def test_a_card_pulled_or_changed_while_the_pin_is_typed_closes_the_prompt(
    tmp_path: Path, what: type[AgentRefusal]
) -> None:
    gone, never = tmp_path / "gone", tmp_path / "never"
    desk = desk_with(
        prompt=partial(fakes.think, until=never, pin="1"), cards=(card(),), gone=gone, gone_is=what()
    )
    threading.Timer(0.5, gone.touch).start()
    with pytest.raises(what):
        desk.sign(order())


def test_a_page_that_goes_away_closes_the_prompt(tmp_path: Path) -> None:
    desk = desk_with(prompt=partial(fakes.think, until=tmp_path / "never", pin="1"), cards=(card(),))
    with pytest.raises(Cancelled):
        desk.sign(order(is_gone=lambda: True))


def test_a_person_has_only_so_long_to_type(tmp_path: Path) -> None:
    settings = AgentSettings(typing_timeout_s=0.1)
    with pytest.raises(TimedOut, match="输入卡密码"):
        desk_with(
            prompt=partial(fakes.think, until=tmp_path / "never", pin="1"), settings=settings, cards=(card(),)
        ).sign(order())


def test_while_one_is_asked_for_a_pin_everybody_else_is_told_to_wait(tmp_path: Path) -> None:
    typed = tmp_path / "typed"
    desk = desk_with(prompt=partial(fakes.think, until=typed, pin="123456"), cards=(card(),))
    tokens: list[dict[str, str]] = []
    first = threading.Thread(target=lambda: tokens.append(desk.sign(order())))
    first.start()
    while desk.status()["state"] != State.BUSY:
        time.sleep(0.02)
    for call in (lambda: desk.sign(order()), lambda: desk.certificate(None)):
        with pytest.raises(Busy):
            call()
    typed.touch()
    first.join()
    assert len(tokens) == 1
    assert desk.status()["state"] == State.READY


@pytest.mark.parametrize(
    ("state", "tries"),
    [
        (State.READY, (Tries.LOCKED, Tries.LOW)),
        (State.FINAL_TRY, (Tries.FINAL, Tries.LOCKED)),
        (State.LOCKED, (Tries.LOCKED,)),
    ],
)
def test_the_status_is_as_good_as_the_best_card(state: State, tries: tuple[Tries, ...]) -> None:
    status = desk_with(cards=tuple(card(str(number), left) for number, left in enumerate(tries))).status()
    assert (status["state"], [one["tries"] for one in status["cards"]]) == (state, list(tries))
    assert "certificate" not in str(status)


@pytest.mark.parametrize("state", [State.NO_DRIVER, State.NO_READER, State.NO_CARD])
def test_the_status_says_in_a_sentence_what_is_missing(state: State) -> None:
    status = desk_with(state=state).status()
    assert (status["state"], status["cards"], status["message"][-1]) == (state, [], "。")


def test_the_certificate_of_a_named_slot() -> None:
    desk = desk_with(cards=(card("1"), card("2")))
    assert desk.certificate("2") == {"certificate": "Y2VydGlmaWNhdGU=", "algorithms": ["RS256"], "slot": "2"}
    with pytest.raises(NoCard):
        desk.certificate("3")


def test_the_real_prompt_without_screen_and_terminal_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs in a session without a terminal of its own: a new one, so that no terminal can be opened."""
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(NoWindow):
        desk_with(prompt=run_prompt_alone, cards=(card(),)).sign(order())


def run_prompt_alone(*arguments: object) -> None:
    import os

    os.setsid()
    run_prompt(*arguments)  # type: ignore[arg-type]

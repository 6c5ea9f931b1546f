"""The demo's cards: what the demo makes is what the demo trusts, and the agent's soft cards behave like cards."""

from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from stdnum.cn import uscc

from cardauth.agent.cards import SeenCard, State
from cardauth.agent.demo_card import DEMO_PIN, DemoDriver
from cardauth.agent.refusals import CardChanged, CardRemoved, NoAlgorithm, PinLocked, WrongPin
from cardauth.challenge import signed_message
from cardauth.demo_cards import CARDS, DemoCard, make_demo_cards
from cardauth.mapping import CardMapping
from cardauth.token import FORMAT, parse_token
from cardauth.trust import load_trust
from cardauth.verify import verify_token

ORIGIN = "http://127.0.0.1:8000"
NONCE = bytes(range(32))
MESSAGE = signed_message(ORIGIN, NONCE)


@pytest.fixture
def folder(tmp_path: Path, now: datetime) -> Path:
    made = tmp_path / "data" / "demo-cards"
    make_demo_cards(made, now)
    return made


@pytest.fixture
def driver(folder: Path) -> DemoDriver:
    return DemoDriver(folder / "cards")


def seen(driver: DemoDriver, file: str) -> SeenCard:
    return next(card for card in driver.look().cards if card.slot == file)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.file)
def test_a_card_of_the_demo_is_believed_by_the_demo(
    folder: Path, driver: DemoDriver, now: datetime, card: DemoCard
) -> None:
    (certificate,) = seen(driver, card.file).certificates
    trust, years = load_trust(folder / "trust"), now + timedelta(days=3000)
    assert trust.alarms(now) == []
    for algorithm in certificate.algorithms:
        signature = driver.sign(card.file, certificate.der, algorithm, DEMO_PIN, MESSAGE)
        parts = {"certificate": certificate.der, "signature": signature}
        token = parse_token(
            {"format": FORMAT, "algorithm": algorithm}
            | {name: b64encode(value).decode() for name, value in parts.items()}
        )
        for moment in (now, years):
            verified = verify_token(token, nonce=NONCE, origin=ORIGIN, trust=trust, now=moment)
        subject = CardMapping.default().read(verified.certificate)
        whose = card.organisation
        assert (subject.enterprise_name, subject.uscc, subject.customs_code, subject.holder, subject.card_number) == (
            whose.name, whose.uscc, whose.customs_code, card.holder, card.number,
        )  # fmt: skip
        assert subject.card_kind == card.kind


def test_the_codes_of_the_demo_are_codes() -> None:
    assert all(uscc.is_valid(card.organisation.uscc) for card in CARDS)


def test_they_are_made_once_and_whole_whoever_comes_first(tmp_path: Path, now: datetime) -> None:
    folder = tmp_path / "demo-cards"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: make_demo_cards(folder, now), range(4)))
    assert [path.name for path in tmp_path.iterdir()] == ["demo-cards"]
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    make_demo_cards(folder, now)
    assert {path: path.read_bytes() for path in before} == before
    assert len(before) == 2 + len(CARDS)
    assert all(path.stat().st_mode & 0o077 == 0 for path in (folder / "cards").iterdir())


def test_wrong_pins_lock_a_card_and_only_that_one(driver: DemoDriver, folder: Path) -> None:
    (certificate,) = seen(driver, "operator").certificates
    said: list[str | None] = []
    for _ in range(4):
        with pytest.raises((WrongPin, PinLocked)) as refused:
            driver.sign("operator", certificate.der, "ES256", "654321", MESSAGE)
        said.append(refused.value.tries)
    assert said == ["low", "final", "locked", "locked"]
    with pytest.raises(PinLocked):
        driver.sign("operator", certificate.der, "ES256", DEMO_PIN, MESSAGE)
    assert [card.tries for card in driver.look().cards] == ["normal", "normal", "locked"]
    (folder / "cards" / "operator.tries").unlink()
    assert driver.sign("operator", certificate.der, "ES256", DEMO_PIN, MESSAGE)


def test_the_right_pin_gives_all_tries_back(driver: DemoDriver) -> None:
    (certificate,) = seen(driver, "operator").certificates
    with pytest.raises(WrongPin):
        driver.sign("operator", certificate.der, "ES256", "", MESSAGE)
    driver.sign("operator", certificate.der, "ES256", DEMO_PIN, MESSAGE)
    assert seen(driver, "operator").tries == "normal"


def test_a_card_is_pulled_by_moving_its_file(driver: DemoDriver, folder: Path, tmp_path: Path) -> None:
    (certificate,) = seen(driver, "operator").certificates
    (folder / "cards" / "operator.pem").rename(tmp_path / "operator.pem")
    with pytest.raises(CardRemoved):
        driver.expect("operator")
    with pytest.raises(CardRemoved):
        driver.sign("operator", certificate.der, "ES256", DEMO_PIN, MESSAGE)
    for path in (folder / "cards").glob("*.pem"):
        path.unlink()
    assert driver.look().state == State.NO_CARD
    (folder / "cards").rmdir()
    assert driver.look().state == State.NO_READER


def test_another_certificate_or_algorithm_is_refused(driver: DemoDriver) -> None:
    (own,), (other,) = seen(driver, "operator").certificates, seen(driver, "officer").certificates
    with pytest.raises(CardChanged):
        driver.sign("operator", other.der, "ES256", DEMO_PIN, MESSAGE)
    with pytest.raises(NoAlgorithm):
        driver.sign("operator", own.der, "RS256", DEMO_PIN, MESSAGE)

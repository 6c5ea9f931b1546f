"""One-time codes: every limit, and that a code is good for one phone, one purpose, one browser, once."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.code_limits import CodeLimits
from domain.codes import ask_code, find_challenge, try_code
from domain.exceptions import CodeRefused, TooManyCodes
from domain.models import SignInChallenge

ROOMY = {
    "per_phone_hour": 0,
    "per_phone_day": 0,
    "per_ip_hour": 0,
    "per_ip_day": 0,
    "per_day": 0,
    "resend_s": (),
}


class Desk:
    """Asks for codes and tries them, from one browser."""

    def __init__(
        self, session: AsyncSession, phone: str, pigeons: Any, limits: CodeLimits, now: datetime
    ) -> None:
        self.session, self.phone, self.pigeons, self.limits, self.now = session, phone, pigeons, limits, now
        self.browser, self.ip = "browser-1", "192.0.2.1"

    async def ask(self, phone: str | None = None, purpose: str = "sign_in") -> UUID:
        return await ask_code(
            self.session,
            phone or self.phone,
            purpose=purpose,
            browser_key=self.browser,
            ip=self.ip,
            limits=self.limits,
            send_code=self.pigeons,
            now=self.now,
        )

    async def check(self, challenge: UUID | None, code: str, **changed: Any) -> SignInChallenge | None:
        """The challenge that the code opens; None when it opens none."""
        bound: dict[str, Any] = {
            "browser_key": changed.get("browser_key", self.browser),
            "limits": self.limits,
            "now": self.now,
        }
        phone, purpose = changed.get("phone", self.phone), changed.get("purpose", "sign_in")
        found = await find_challenge(self.session, challenge, phone, purpose=purpose, **bound)
        return found if try_code(found, code, **bound) else None

    def wait(self, **time: float) -> None:
        self.now += timedelta(**time)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


@pytest.fixture
async def desk(session: AsyncSession, world: Any, pigeons: Any, limits: CodeLimits, now: datetime) -> Desk:
    person = await world.person()
    return Desk(session, person.phone, pigeons, limits, now)


async def test_the_right_code_opens_its_challenge(desk: Desk) -> None:
    challenge = await desk.ask()
    opened = await desk.check(challenge, desk.pigeons.code)
    assert opened is not None and opened.id == challenge


async def test_a_code_may_be_typed_with_spaces_and_full_width_digits(desk: Desk) -> None:
    challenge = await desk.ask()
    code = desk.pigeons.code
    typed = f" {code[:3]} " + code[3:].translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    assert await desk.check(challenge, typed) is not None


async def test_without_a_challenge_id_the_newest_code_of_the_browser_counts(desk: Desk) -> None:
    await desk.ask()
    assert await desk.check(None, desk.pigeons.code) is not None
    assert await desk.check(None, desk.pigeons.code, browser_key="another") is None


@pytest.mark.parametrize(
    "changed",
    [
        {"purpose": "change_phone_old"},
        {"browser_key": "another"},
        {"browser_key": None},
        {"phone": "+8613999999999"},
    ],
)
async def test_a_code_is_bound_to_purpose_browser_and_phone(desk: Desk, changed: dict[str, Any]) -> None:
    challenge = await desk.ask()
    assert await desk.check(challenge, desk.pigeons.code, **changed) is None


async def test_a_code_dies_after_five_minutes(desk: Desk) -> None:
    challenge = await desk.ask()
    desk.wait(seconds=300)
    assert await desk.check(challenge, desk.pigeons.code) is None


async def test_a_code_lives_until_just_before_that(desk: Desk) -> None:
    challenge = await desk.ask()
    desk.wait(seconds=299)
    assert await desk.check(challenge, desk.pigeons.code) is not None


async def test_a_used_code_is_refused(desk: Desk) -> None:
    challenge = await desk.ask()
    opened = await desk.check(challenge, desk.pigeons.code)
    assert opened is not None
    opened.used_at = desk.now
    assert await desk.check(challenge, desk.pigeons.code) is None


async def test_five_wrong_tries_burn_the_code(desk: Desk) -> None:
    challenge = await desk.ask()
    code = desk.pigeons.code
    for _ in range(5):
        assert await desk.check(challenge, wrong(code)) is None
    assert await desk.check(challenge, code) is None


async def test_four_wrong_tries_do_not(desk: Desk) -> None:
    challenge = await desk.ask()
    code = desk.pigeons.code
    for _ in range(4):
        await desk.check(challenge, wrong(code))
    assert await desk.check(challenge, code) is not None


async def test_a_new_code_voids_the_old_one(desk: Desk) -> None:
    first = await desk.ask()
    first_code = desk.pigeons.code
    desk.wait(seconds=60)
    second = await desk.ask()
    assert await desk.check(first, first_code) is None
    assert await desk.check(second, desk.pigeons.code) is not None


async def test_a_new_code_for_another_purpose_leaves_the_old_one(desk: Desk) -> None:
    desk.limits = replace(desk.limits, **ROOMY)
    first = await desk.ask()
    code = desk.pigeons.code
    await desk.ask(purpose="change_phone_old")
    assert await desk.check(first, code) is not None


async def test_resending_waits_60_then_120_then_300_seconds(desk: Desk) -> None:
    desk.limits = replace(desk.limits, per_phone_hour=0)
    await desk.ask()
    for pause_s in (60, 120, 300, 300):
        desk.wait(seconds=pause_s - 1)
        with pytest.raises(TooManyCodes) as refused:
            await desk.ask()
        assert refused.value.details == {"retry_after_s": 1}
        desk.wait(seconds=1)
        await desk.ask()


@pytest.mark.parametrize(
    ("limit", "window_s"),
    [
        ("per_phone_hour", 3600),
        ("per_phone_day", 86400),
        ("per_ip_hour", 3600),
        ("per_ip_day", 86400),
        ("per_day", 86400),
    ],
)
async def test_each_limit_refuses_the_next_code_until_its_window_has_passed(
    desk: Desk, limit: str, window_s: int
) -> None:
    desk.limits = replace(desk.limits, **ROOMY | {limit: 2})
    await desk.ask()
    desk.wait(seconds=10)
    await desk.ask()
    desk.wait(seconds=10)
    with pytest.raises(TooManyCodes) as refused:
        await desk.ask()
    assert refused.value.details == {"retry_after_s": window_s - 20}
    desk.wait(seconds=window_s - 20)
    await desk.ask()


async def test_limits_of_a_phone_leave_other_phones_alone(desk: Desk, world: Any) -> None:
    desk.limits = replace(desk.limits, **ROOMY | {"per_phone_hour": 1})
    await desk.ask()
    await desk.ask((await world.person()).phone)


async def test_limits_of_an_address_hold_for_all_phones(desk: Desk, world: Any) -> None:
    desk.limits = replace(desk.limits, **ROOMY | {"per_ip_hour": 1})
    await desk.ask()
    with pytest.raises(TooManyCodes):
        await desk.ask((await world.person()).phone)


async def test_unknown_phones_do_not_use_up_the_daily_budget(desk: Desk) -> None:
    desk.limits = replace(desk.limits, **ROOMY | {"per_day": 1})
    for number in range(3):
        await desk.ask(f"1370000000{number}")
    await desk.ask()


async def test_ten_failures_lock_the_phone_for_fifteen_minutes(desk: Desk) -> None:
    desk.limits = replace(desk.limits, **ROOMY)
    challenge = None
    for _ in range(2):
        challenge = await desk.ask()
        for _ in range(5):
            await desk.check(challenge, wrong(desk.pigeons.code))
    with pytest.raises(TooManyCodes):
        await desk.ask()
    with pytest.raises(TooManyCodes) as refused:
        await desk.check(challenge, desk.pigeons.code)
    assert refused.value.details == {"retry_after_s": 900}
    desk.wait(seconds=900)
    challenge = await desk.ask()
    assert await desk.check(challenge, desk.pigeons.code) is not None


async def test_failures_of_long_ago_do_not_count_towards_the_lock(desk: Desk) -> None:
    desk.limits = replace(desk.limits, **ROOMY)
    for _ in range(3):
        challenge = await desk.ask()
        for _ in range(5):
            await desk.check(challenge, wrong(desk.pigeons.code))
        desk.wait(seconds=900)
    challenge = await desk.ask()
    await desk.check(challenge, wrong(desk.pigeons.code))
    desk.wait(seconds=1)
    await desk.ask()


async def test_an_unknown_phone_gets_a_challenge_and_no_message(desk: Desk) -> None:
    challenge = await desk.ask("13612345678")
    assert isinstance(challenge, UUID)
    assert desk.pigeons.sent == [None]


async def test_a_phone_of_somebody_inactive_counts_as_unknown(desk: Desk, world: Any) -> None:
    await desk.ask((await world.person(active=False)).phone)
    assert desk.pigeons.sent == [None]


async def test_registration_sends_to_phones_that_nobody_has(desk: Desk) -> None:
    await desk.ask("13612345678", purpose="register")
    assert len(desk.pigeons.code) == 6


async def test_what_is_no_phone_number_is_refused(desk: Desk) -> None:
    with pytest.raises(CodeRefused) as refused:
        await desk.ask("12345")
    assert refused.value.details == {"field": "phone"}


async def test_the_code_is_stored_as_a_hash_that_needs_the_pepper(desk: Desk, session: AsyncSession) -> None:
    challenge = await desk.ask()
    row = (await session.scalars(select(SignInChallenge).where(text("id = :id")).params(id=challenge))).one()
    assert desk.pigeons.code not in row.model_dump_json()
    desk.limits = replace(desk.limits, pepper=b"another")
    assert await desk.check(challenge, desk.pigeons.code) is None

"""The captcha: a picture that people can read, good once, for one browser, for a while; waiting instead, rationed."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from io import BytesIO

import pytest
from PIL import Image
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.captcha import (
    ALPHABET,
    LENGTH,
    CaptchaLimits,
    CaptchaProof,
    draw_picture,
    forget_captchas,
    make_picture,
    require_captcha,
    wait_instead,
    waits_now,
)
from domain.code_limits import CodeLimits
from domain.codes import ask_code
from domain.exceptions import CaptchaRefused, TooManyCodes
from domain.models import Captcha, SignInChallenge
from tests.domain.conftest import Pigeons

PHONE = "+8613900000001"


@dataclass
class Easel:
    """Draws by writing the characters down, so that a test can read them."""

    drawn: list[str] = field(default_factory=list[str])

    def __call__(self, answer: str) -> bytes:
        self.drawn.append(answer)
        return answer.encode()


class Browser:
    """One browser before the captcha."""

    def __init__(self, session: AsyncSession, now: datetime) -> None:
        self.session, self.now, self.key, self.ip = session, now, "browser-1", "192.0.2.1"
        self.easel = Easel()
        self.limits = CaptchaLimits(pepper=b"pepper", draw=self.easel)

    async def look(self) -> str:
        await make_picture(self.session, self.key, ip=self.ip, limits=self.limits, now=self.now)
        return self.easel.drawn[-1]

    async def wait(self) -> int:
        return await wait_instead(self.session, self.key, ip=self.ip, limits=self.limits, now=self.now)

    async def answer(self, answer: str = "", *, key: str | None = None, phone: str = PHONE) -> None:
        proof = CaptchaProof(key or self.key, answer)
        await require_captcha(self.session, proof, phone, limits=self.limits, now=self.now)

    async def is_refused(self, answer: str = "", **changed: str) -> str:
        with pytest.raises(CaptchaRefused) as refused:
            await self.answer(answer, **changed)
        return refused.value.message

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def browser(session: AsyncSession, now: datetime) -> Browser:
    return Browser(session, now)


def test_the_picture_is_one_and_no_two_are_the_same() -> None:
    pictures = [draw_picture("A3C4E") for _ in range(3)]
    for picture in pictures:
        with Image.open(BytesIO(picture)) as image:
            assert (image.format, image.size) == ("PNG", (220, 76))
    assert len(set(pictures)) == 3


def test_the_letters_are_dark_on_light() -> None:
    with Image.open(BytesIO(draw_picture("MWMWM"))) as image:
        grey = sorted(image.convert("L").tobytes())
    assert grey[len(grey) // 2] > 200  # the ground
    assert grey[len(grey) // 50] < 110  # the strokes


async def test_characters_that_are_misread_are_not_used(browser: Browser) -> None:
    assert not set(ALPHABET) & set("01258BDGILOQSVZ")
    drawn = {await browser.look() for _ in range(20)}
    assert len(drawn) == 20
    assert all(len(answer) == LENGTH and set(answer) <= set(ALPHABET) for answer in drawn)


async def test_the_right_answer_opens_whatever_the_case_width_and_spaces(browser: Browser) -> None:
    answer = (await browser.look()).lower()
    await browser.answer(f" {answer[:2]} {answer[2:].translate({ord('3'): '３', ord('a'): 'ａ'})}")


async def test_a_wrong_answer_uses_the_picture_up(browser: Browser) -> None:
    right = await browser.look()
    assert "填得不对" in await browser.is_refused("WRONG")
    await browser.is_refused(right)


async def test_a_right_answer_is_good_once(browser: Browser) -> None:
    right = await browser.look()
    await browser.answer(right)
    await browser.is_refused(right, phone="+8613900000002")


async def test_a_new_picture_voids_the_old_one(browser: Browser) -> None:
    old, new = await browser.look(), await browser.look()
    assert old != new
    await browser.is_refused(old)


async def test_a_picture_dies_after_five_minutes(browser: Browser) -> None:
    right = await browser.look()
    browser.later(300)
    assert "过期" in await browser.is_refused(right)


async def test_another_browser_cannot_use_it(browser: Browser) -> None:
    right = await browser.look()
    await browser.is_refused(right, key="browser-2")
    await browser.answer(right)


async def test_no_key_no_answer_no_entry(browser: Browser) -> None:
    await browser.look()
    await browser.is_refused("")
    with pytest.raises(CaptchaRefused):
        await require_captcha(browser.session, None, PHONE, limits=browser.limits, now=browser.now)


async def test_afterwards_the_same_browser_asks_for_the_same_phone_without_another_one(
    browser: Browser,
) -> None:
    await browser.answer(await browser.look())
    browser.later(1799)
    await browser.answer()
    await browser.is_refused(phone="+8613900000002")
    await browser.is_refused(key="browser-2")
    browser.later(1)
    await browser.is_refused()


async def test_the_answer_is_stored_as_a_hash_that_needs_the_pepper(browser: Browser) -> None:
    right = await browser.look()
    row = (await browser.session.scalars(select(Captcha))).one()
    stored = row.model_dump_json()
    assert right not in stored and browser.key not in stored
    browser.limits = replace(browser.limits, pepper=b"another")
    await browser.is_refused(right)


async def test_whoever_cannot_read_it_waits(browser: Browser) -> None:
    assert await waits_now(browser.session, browser.key, browser.now) is None
    assert await browser.wait() == 30
    browser.later(29)
    assert await waits_now(browser.session, browser.key, browser.now) == 1
    with pytest.raises(CaptchaRefused) as refused:
        await browser.answer()
    assert refused.value.details["retry_after_s"] == 1
    browser.later(1)
    assert await waits_now(browser.session, browser.key, browser.now) == 0
    await browser.answer()
    assert await waits_now(browser.session, browser.key, browser.now) is None
    await browser.is_refused(phone="+8613900000002")


async def test_having_waited_is_forgotten_after_a_while(browser: Browser) -> None:
    await browser.wait()
    browser.later(330)
    await browser.is_refused()


@pytest.mark.parametrize(("limit", "window_s"), [("waits_per_ip_hour", 3600), ("waits_per_day", 86400)])
async def test_waiting_is_rationed(browser: Browser, limit: str, window_s: int) -> None:
    browser.limits = replace(browser.limits, **{"waits_per_ip_hour": 0, "waits_per_day": 0, limit: 2})
    for number in range(2):
        browser.key = f"browser-{number}"
        await browser.wait()
        browser.later(10)
    browser.key = "browser-3"
    with pytest.raises(TooManyCodes) as refused:
        await browser.wait()
    assert refused.value.details == {"retry_after_s": window_s - 20, "field": "captcha"}
    browser.later(window_s - 20)
    await browser.wait()


async def test_another_address_has_its_own_ration(browser: Browser) -> None:
    browser.limits = replace(browser.limits, waits_per_ip_hour=1)
    await browser.wait()
    browser.ip = "192.0.2.2"
    await browser.wait()


async def test_no_code_is_made_before_the_captcha_is_solved(
    browser: Browser, pigeons: Pigeons, session: AsyncSession
) -> None:
    limits = CodeLimits(pepper=b"pepper", captcha=browser.limits)

    async def ask(answer: str, purpose: str = "sign_in") -> None:
        await ask_code(
            session,
            PHONE,
            purpose=purpose,
            browser_key=browser.key,
            captcha=CaptchaProof(browser.key, answer),
            ip=None,
            limits=limits,
            send_code=pigeons,
            now=browser.now,
        )

    for purpose in ("sign_in", "register", "lost_phone"):
        with pytest.raises(CaptchaRefused):
            await ask("", purpose)
    await browser.look()
    with pytest.raises(CaptchaRefused):
        await ask("WRONG")
    assert pigeons.sent == []
    assert await session.scalar(select(func.count()).select_from(SignInChallenge)) == 0
    await ask(await browser.look())
    assert len(pigeons.sent) == 1
    assert CaptchaRefused.keeps_changes, "the edge must commit that it is used up"


async def test_old_ones_are_forgotten(browser: Browser, session: AsyncSession) -> None:
    await browser.look()
    await forget_captchas(session, browser.now + timedelta(days=1))
    assert await session.scalar(select(func.count()).select_from(Captcha)) == 1
    await forget_captchas(session, browser.now + timedelta(days=3))
    assert await session.scalar(select(func.count()).select_from(Captcha)) == 0

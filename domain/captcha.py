"""The picture that is read before the first code is sent: drawn here, good once, for one browser, for a short time.

Answers are kept as peppered HMACs; whatever is answered, the picture is used up. A right answer lets this browser ask for
codes to this one phone for a while. Whoever cannot read pictures waits instead (WCAG 2.2, 3.3.8: no test of the mind or
the eyes); waiting needs no skill, so it is rationed. Why: docs/adr/0007-captcha-and-its-alternative.md.
"""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from math import ceil
from typing import Self

from captcha.image import ImageCaptcha
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cleaning import clean_code
from db.ids import uuid7
from domain.exceptions import CaptchaRefused, TooManyCodes
from domain.models import Captcha
from settings import Settings

ALPHABET = (
    "ACEFHJKMNPRTUWXY34679"  # nothing that looks like something else: 0 O Q D, 1 I L, 2 Z, 5 S, 8 B, U V, 6 G
)
LENGTH = 5
WIDTH, HEIGHT = 220, 76
KEPT = timedelta(days=2)  # longer than a ration is counted


@cache
def _drawer() -> ImageCaptcha:
    drawer = ImageCaptcha(width=WIDTH, height=HEIGHT, font_sizes=(46, 52, 58))
    drawer.lookup_table = [
        min(255, 12 * light) for light in range(256)
    ]  # its own would make dark strokes pale
    drawer.word_offset_dx = 0.1  # characters hardly overlap
    return drawer


def draw_picture(answer: str) -> bytes:
    """These characters, warped, as PNG: dark on light, so that who sees can read them."""
    dark = (20 + secrets.randbelow(60), 20 + secrets.randbelow(60), 40 + secrets.randbelow(60), 255)
    return _drawer().generate(answer, bg_color=(244, 247, 251), fg_color=dark).getvalue()


@dataclass(frozen=True)
class CaptchaLimits:
    """How long a picture and what it opens last, and how often waiting is allowed instead. Times are in seconds."""

    pepper: bytes = field(repr=False)
    lifetime_s: int = 300
    pass_s: int = 1800
    wait_s: int = 30
    waits_per_ip_hour: int = 3
    waits_per_day: int = 200
    draw: Callable[[str], bytes] = draw_picture

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """The limits an operator has set; None when no captcha is wanted."""
        if not settings.captcha:
            return None
        return cls(
            pepper=settings.pepper,
            lifetime_s=settings.captcha_lifetime_s,
            pass_s=settings.captcha_pass_s,
            wait_s=settings.captcha_wait_s,
            waits_per_ip_hour=settings.captcha_waits_per_ip_hour,
            waits_per_day=settings.captcha_waits_per_day,
        )


@dataclass(frozen=True)
class CaptchaProof:
    """What a browser (its key) or a program (the id it was given) answers; blank when it has waited, or was let in before."""

    key: str | None = field(repr=False)
    answer: str = field(default="", repr=False)


def make_key() -> str:
    """A key for a program, which has no cookie."""
    return secrets.token_urlsafe(24)


async def make_picture(
    session: AsyncSession, key: str, *, ip: str | None, limits: CaptchaLimits, now: datetime
) -> bytes:
    """A new picture (PNG) for this browser; the one before is worth nothing any more."""
    answer = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    answer_hash = hash_answer(limits.pepper, key, answer)
    await _replace(session, key, answer_hash=answer_hash, ip=ip, now=now, lifetime_s=limits.lifetime_s)
    return await asyncio.to_thread(limits.draw, answer)


async def wait_instead(
    session: AsyncSession, key: str, *, ip: str | None, limits: CaptchaLimits, now: datetime
) -> int:
    """No picture: this browser may ask for one code after the seconds returned. Raises TooManyCodes beyond the ration."""
    await session.execute(ONE_AT_A_TIME)
    parameters = {"ip": ip, "hour": now - timedelta(hours=1), "day": now - timedelta(days=1)}
    counts = (await session.execute(COUNT_WAITS, parameters)).one()
    for reached, since, window_s in (
        (0 < limits.waits_per_ip_hour <= counts.ip_hour, counts.ip_hour_from, 3600),
        (0 < limits.waits_per_day <= counts.all_day, counts.all_day_from, 86400),
    ):
        if reached:
            left_s = max(1, ceil((since - now).total_seconds()) + window_s)
            raise TooManyCodes(
                "不看图片的次数已用完，请稍后再试，或拨打 12360 求助。", retry_after_s=left_s, field="captcha"
            )
    await _replace(
        session, key, answer_hash=None, ip=ip, now=now, wait_s=limits.wait_s, lifetime_s=limits.lifetime_s
    )
    return limits.wait_s


async def require_captcha(
    session: AsyncSession, proof: CaptchaProof | None, phone: str, *, limits: CaptchaLimits, now: datetime
) -> None:
    """Let this browser ask for a code to this phone, or raise CaptchaRefused. Whatever is answered uses the picture up, in the
    caller's transaction (`keeps_changes`)."""
    if proof is None or not proof.key:
        raise CaptchaRefused
    key = hash_key(proof.key)
    phone_hash = hash_answer(limits.pepper, proof.key, phone)
    found = await _lock_newest(session, key)
    if await session.scalar(FIND_PASS, {"key": key, "phone": phone_hash, "now": now}):
        return
    answer = clean_code(proof.answer)
    if found is None or found.used_at is not None or (found.answer_hash is not None and not answer):
        raise CaptchaRefused
    if found.answer_hash is None and now < found.ready_at:
        left_s = ceil((found.ready_at - now).total_seconds())
        raise CaptchaRefused(f"还要等 {left_s} 秒，然后再点“获取验证码”。", retry_after_s=left_s)
    found.used_at = now
    if now >= found.expires_at:
        raise CaptchaRefused("图片已过期，请按新图片填写。")
    given = hash_answer(limits.pepper, proof.key, answer)
    if found.answer_hash is not None and not hmac.compare_digest(given, found.answer_hash):
        raise CaptchaRefused("图片里的字符填得不对，请按新图片填写。")
    found.passed_for = phone_hash
    found.passes_until = now + timedelta(seconds=limits.pass_s)


async def waits_now(session: AsyncSession, key: str | None, now: datetime) -> int | None:
    """The seconds this browser has yet to wait, 0 when it has waited; None when it reads a picture."""
    newest = select(Captcha).where(col(Captcha.key) == hash_key(key or ""))
    found = (await session.scalars(newest.order_by(*NEWEST).limit(1))).one_or_none()
    if found is None or found.answer_hash is not None or found.used_at is not None or now >= found.expires_at:
        return None
    return max(0, ceil((found.ready_at - now).total_seconds()))


async def forget_captchas(session: AsyncSession, now: datetime) -> None:
    """Remove what is of no use any more."""
    await session.execute(text("DELETE FROM captcha WHERE created_at < :before"), {"before": now - KEPT})


def hash_key(key: str) -> str:
    """What is stored of a browser's key."""
    return hashlib.sha256(b"captcha\x1f" + key.encode()).hexdigest()


def hash_answer(pepper: bytes, key: str, answer: str) -> str:
    """The HMAC that stands for an answer; another one for every browser."""
    return hmac.new(pepper, f"captcha\x1f{key}\x1f{answer}".encode(), hashlib.sha256).hexdigest()


NEWEST = (col(Captcha.created_at).desc(), col(Captcha.id).desc())

ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('captcha-wait', 0))")

COUNT_WAITS = text("""
    SELECT count(*) FILTER (WHERE ip = :ip AND created_at > :hour) AS ip_hour,
        min(created_at) FILTER (WHERE ip = :ip AND created_at > :hour) AS ip_hour_from,
        count(*) AS all_day, min(created_at) AS all_day_from
    FROM captcha WHERE answer_hash IS NULL AND created_at > CAST(:day AS timestamptz)
""")

REPLACE_CAPTCHA = text("""
    WITH voided AS (
        UPDATE captcha SET used_at = :now WHERE key = :key AND used_at IS NULL
    )
    INSERT INTO captcha (id, key, answer_hash, ip, created_at, ready_at, expires_at)
    VALUES (:id, :key, :answer_hash, :ip, :now, :ready_at, :expires_at)
""")

FIND_PASS = text("""
    SELECT true FROM captcha WHERE key = :key AND passed_for = :phone AND passes_until > :now LIMIT 1
""")


async def _replace(
    session: AsyncSession,
    key: str,
    *,
    answer_hash: str | None,
    ip: str | None,
    now: datetime,
    wait_s: int = 0,
    lifetime_s: int,
) -> None:
    ready_at = now + timedelta(seconds=wait_s)
    parameters = {
        "id": uuid7(),
        "key": hash_key(key),
        "answer_hash": answer_hash,
        "ip": ip,
        "now": now,
        "ready_at": ready_at,
        "expires_at": ready_at + timedelta(seconds=lifetime_s),
    }
    await session.execute(REPLACE_CAPTCHA, parameters)


async def _lock_newest(session: AsyncSession, key: str) -> Captcha | None:
    newest = select(Captcha).where(col(Captcha.key) == key).order_by(*NEWEST).limit(1).with_for_update()
    return (await session.scalars(newest.execution_options(populate_existing=True))).one_or_none()

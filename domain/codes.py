"""One-time codes: asking for one within the limits, and taking one once.

A code is six digits, bound to phone, purpose and the browser that asked, kept as a peppered HMAC. Sending it is left to the
sender that wiring hands in; this module neither stores nor logs the digits. A phone nobody has gets the same
answer by the same statements, only the sender is told not to deliver.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Protocol, Self
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from db.ids import uuid7
from domain.captcha import CaptchaLimits, CaptchaProof, require_captcha
from domain.exceptions import CodeRefused, TooManyCodes
from domain.models import SignInChallenge
from domain.people import normalise_phone
from settings import Settings

FOR_KNOWN_PHONES = frozenset({"sign_in"})  # other purposes (registration) send to phones that nobody has yet

OF_SIGNED_IN = frozenset({"change_phone_old", "change_phone_new"})  # no captcha: we know who asks


@dataclass(frozen=True)
class CodeLimits:
    """How many codes, how often, how long. A limit of 0 is off; times are in seconds."""

    pepper: bytes = field(repr=False)
    lifetime_s: int = 300
    tries: int = 5
    resend_s: tuple[int, ...] = (60, 120, 300)
    per_phone_hour: int = 5
    per_phone_day: int = 10
    per_ip_hour: int = 10
    per_ip_day: int = 50
    per_day: int = 5000
    failures: int = 10
    lock_s: int = 900
    captcha: CaptchaLimits | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The limits an operator has set."""
        return cls(
            pepper=settings.pepper,
            lifetime_s=settings.code_lifetime_s,
            tries=settings.code_tries,
            resend_s=tuple(int(seconds) for seconds in settings.code_resend_s),
            per_phone_hour=settings.code_per_phone_hour,
            per_phone_day=settings.code_per_phone_day,
            per_ip_hour=settings.code_per_ip_hour,
            per_ip_day=settings.code_per_ip_day,
            per_day=settings.code_per_day,
            failures=settings.sign_in_failures,
            lock_s=settings.sign_in_lock_s,
            captcha=CaptchaLimits.of(settings),
        )


class CodeSender(Protocol):
    """Queues one code in the caller's transaction. With `deliver` false it goes through the same motions, and nothing is sent."""

    async def __call__(
        self,
        session: AsyncSession,
        *,
        phone: str,
        person_id: UUID | None,
        purpose: str,
        code: str,
        deliver: bool,
        expires_at: datetime,
        now: datetime,
    ) -> None: ...


async def ask_code(
    session: AsyncSession,
    phone: str,
    *,
    purpose: str = "sign_in",
    browser_key: str | None,
    captcha: CaptchaProof | None = None,
    ip: str | None,
    limits: CodeLimits,
    send_code: CodeSender,
    now: datetime,
) -> UUID:
    """Make a new code, void the older ones of this phone and purpose, and have it sent; the challenge's id.

    Raises TooManyCodes with the seconds to wait, CodeRefused when it is no phone number, CaptchaRefused.
    """
    normal = normalise_phone(phone)
    if normal is None:
        raise CodeRefused("请输入 11 位手机号码。", field="phone")
    if limits.captcha and purpose not in OF_SIGNED_IN:
        await require_captcha(session, captcha, normal, limits=limits.captcha, now=now)
    await _one_at_a_time(session, normal, ip)
    counts = await _count(session, normal, ip, limits, now)
    if wait_s := seconds_to_wait(counts, limits, now):
        raise TooManyCodes(f"操作过于频繁，请在 {_in_words(wait_s)}后再试。", retry_after_s=wait_s)
    code = f"{secrets.randbelow(1_000_000):06d}"
    expires_at = now + timedelta(seconds=limits.lifetime_s)
    id_ = uuid7()
    await session.execute(
        REPLACE_CODE,
        {
            "id": id_,
            "phone": normal,
            "purpose": purpose,
            "browser_key": browser_key,
            "ip": ip,
            "code_hash": hash_code(limits.pepper, id_, purpose, normal, browser_key, code),
            "now": now,
            "expires_at": expires_at,
        },
    )
    deliver = counts["person_id"] is not None or purpose not in FOR_KNOWN_PHONES
    await send_code(
        session,
        phone=normal,
        person_id=counts["person_id"],
        purpose=purpose,
        code=code,
        deliver=deliver,
        expires_at=expires_at,
        now=now,
    )
    return id_


async def check_code(
    session: AsyncSession,
    challenge: UUID | None,
    phone: str,
    code: str,
    *,
    purpose: str = "sign_in",
    browser_key: str | None,
    limits: CodeLimits,
    now: datetime,
) -> SignInChallenge | None:
    """The challenge this code opens, locked against others, or None when the try has failed and was counted.

    The caller sets `used_at` to take it, or calls `count_failure` when something else (the password) was wrong. Without a
    challenge id the browser's newest code counts. Raises TooManyCodes while the phone is locked.
    """
    found = await find_challenge(
        session, challenge, phone, purpose=purpose, browser_key=browser_key, limits=limits, now=now
    )
    return found if try_code(found, code, browser_key=browser_key, limits=limits, now=now) else None


async def find_challenge(
    session: AsyncSession,
    challenge: UUID | None,
    phone: str,
    *,
    purpose: str = "sign_in",
    browser_key: str | None,
    limits: CodeLimits,
    now: datetime,
) -> SignInChallenge | None:
    """The challenge that was asked for, locked against others; None when there is no such one for this phone.

    Without an id the browser's newest one. Raises TooManyCodes while the phone is locked.
    """
    found = await _lock_challenge(session, challenge, phone, purpose, browser_key)
    await _refuse_locked(session, phone, limits, now)
    return found


def try_code(
    challenge: SignInChallenge | None,
    code: str,
    *,
    browser_key: str | None,
    limits: CodeLimits,
    now: datetime,
) -> bool:
    """Whether this code opens the challenge; a failed try is counted."""
    if challenge is None:
        return False
    given = hash_code(
        limits.pepper, challenge.id, challenge.purpose, challenge.phone, browser_key, normalise_code(code)
    )
    same = hmac.compare_digest(given, challenge.code_hash) and challenge.browser_key == browser_key
    alive = challenge.used_at is None and challenge.voided_at is None and now < challenge.expires_at
    if same and alive and challenge.tries < limits.tries:
        return True
    count_failure(challenge, now)
    return False


def count_failure(challenge: SignInChallenge, now: datetime) -> None:
    """One failed try at this code; after the last one it is burnt."""
    challenge.tries += 1
    challenge.failed_at = now


def normalise_code(code: str) -> str:
    """The digits as people type them: without spaces, full-width digits too."""
    return "".join(code.split()).translate(str.maketrans("０１２３４５６７８９", "0123456789"))


def hash_code(pepper: bytes, id_: UUID, purpose: str, phone: str, browser_key: str | None, code: str) -> str:
    """The HMAC-SHA-256 that stands for a code; it differs for every challenge, phone, purpose and browser."""
    bound = "\x1f".join((str(id_), purpose, phone, browser_key or "", code))
    return hmac.new(pepper, b"one-time-code\x1f" + bound.encode(), hashlib.sha256).hexdigest()


def seconds_to_wait(counts: dict[str, Any], limits: CodeLimits, now: datetime) -> int:
    """How long until the next code may be asked for; 0 means now."""
    waits = [_lock_left_s(counts["failures"], counts["failed_at"], limits, now)]
    if counts["last_at"] is not None:
        pause_s = (
            limits.resend_s[min(counts["phone_hour"], len(limits.resend_s)) - 1] if limits.resend_s else 0
        )
        waits.append(_left_s(counts["last_at"], pause_s, now) if counts["phone_hour"] else 0)
    for reached, oldest_at, window_s in (
        (0 < limits.per_phone_hour <= counts["phone_hour"], counts["phone_hour_from"], 3600),
        (0 < limits.per_phone_day <= counts["phone_day"], counts["phone_day_from"], 86400),
        (0 < limits.per_ip_hour <= counts["ip_hour"], counts["ip_hour_from"], 3600),
        (0 < limits.per_ip_day <= counts["ip_day"], counts["ip_day_from"], 86400),
        (0 < limits.per_day <= counts["all_day"], counts["all_day_from"], 86400),
    ):
        if reached:
            waits.append(max(1, _left_s(oldest_at, window_s, now)))
    return max(waits)


async def _one_at_a_time(session: AsyncSession, phone: str, ip: str | None) -> None:
    """Two requests at the same moment must not both find a limit unreached. Always the phone first: no deadlock."""
    for key in (f"code:{phone}", f"code-ip:{ip}" if ip else None):
        if key:
            await session.execute(
                text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": key}
            )


COUNT_CODES = text("""
    WITH of_phone AS (
        SELECT created_at, tries, failed_at FROM sign_in_challenge
        WHERE phone = :phone AND created_at > CAST(:day AS timestamptz)
    ), of_ip AS (
        SELECT created_at FROM sign_in_challenge
        WHERE ip = :ip AND created_at > CAST(:day AS timestamptz)
    )
    SELECT (SELECT id FROM person WHERE phone = :phone AND active) AS person_id,
        (SELECT max(created_at) FROM of_phone) AS last_at,
        (SELECT count(*) FROM of_phone WHERE created_at > :hour) AS phone_hour,
        (SELECT min(created_at) FROM of_phone WHERE created_at > :hour) AS phone_hour_from,
        (SELECT count(*) FROM of_phone) AS phone_day, (SELECT min(created_at) FROM of_phone) AS phone_day_from,
        (SELECT count(*) FROM of_ip WHERE created_at > :hour) AS ip_hour,
        (SELECT min(created_at) FROM of_ip WHERE created_at > :hour) AS ip_hour_from,
        (SELECT count(*) FROM of_ip) AS ip_day, (SELECT min(created_at) FROM of_ip) AS ip_day_from,
        (SELECT coalesce(sum(tries), 0) FROM of_phone WHERE failed_at > :lock) AS failures,
        (SELECT max(failed_at) FROM of_phone) AS failed_at,
        sent.all_day, sent.all_day_from
    FROM (
        SELECT count(*) AS all_day, min(c.created_at) AS all_day_from
        FROM sign_in_challenge c WHERE c.created_at > CAST(:day AS timestamptz)
            AND (c.purpose <> ALL(:known_only) OR EXISTS (SELECT FROM person p WHERE p.phone = c.phone))
    ) AS sent
""")

REPLACE_CODE = text("""
    WITH voided AS (
        UPDATE sign_in_challenge SET voided_at = :now
        WHERE phone = :phone AND purpose = :purpose AND used_at IS NULL AND voided_at IS NULL
    )
    INSERT INTO sign_in_challenge (id, phone, purpose, code_hash, browser_key, ip, tries, created_at, expires_at)
    VALUES (:id, :phone, :purpose, :code_hash, :browser_key, :ip, 0, :now, :expires_at)
""")

LOCK_CHALLENGE = text("""
    SELECT * FROM sign_in_challenge
    WHERE phone = :phone AND purpose = :purpose
        AND (id = CAST(:id AS uuid) OR (CAST(:id AS uuid) IS NULL AND browser_key = CAST(:browser_key AS text)))
    ORDER BY created_at DESC, id DESC LIMIT 1 FOR UPDATE
""")

COUNT_FAILURES = text("""
    SELECT coalesce(sum(tries), 0) AS failures, max(failed_at) AS failed_at
    FROM sign_in_challenge WHERE phone = :phone AND failed_at > :lock
""")


async def _count(
    session: AsyncSession, phone: str, ip: str | None, limits: CodeLimits, now: datetime
) -> dict[str, Any]:
    row = await session.execute(
        COUNT_CODES,
        {
            "phone": phone,
            "ip": ip,
            "day": now - timedelta(days=1),
            "hour": now - timedelta(hours=1),
            "lock": now - timedelta(seconds=limits.lock_s),
            "known_only": list(FOR_KNOWN_PHONES),
        },
    )
    return dict(row.mappings().one())


async def _lock_challenge(
    session: AsyncSession, id_: UUID | None, phone: str, purpose: str, browser_key: str | None
) -> SignInChallenge | None:
    statement = (
        select(SignInChallenge).from_statement(LOCK_CHALLENGE).execution_options(populate_existing=True)
    )
    found = await session.scalars(
        statement, {"id": id_, "phone": phone, "purpose": purpose, "browser_key": browser_key}
    )
    return found.one_or_none()


async def _refuse_locked(session: AsyncSession, phone: str, limits: CodeLimits, now: datetime) -> None:
    row = (
        await session.execute(
            COUNT_FAILURES, {"phone": phone, "lock": now - timedelta(seconds=limits.lock_s)}
        )
    ).one()
    if wait_s := _lock_left_s(row.failures, row.failed_at, limits, now):
        raise TooManyCodes(f"连续登录失败次数过多，请在 {_in_words(wait_s)}后再试。", retry_after_s=wait_s)


def _lock_left_s(failures: int, failed_at: datetime | None, limits: CodeLimits, now: datetime) -> int:
    if failed_at is None or failures < limits.failures:
        return 0
    return _left_s(failed_at, limits.lock_s, now)


def _left_s(since: datetime, seconds: int, now: datetime) -> int:
    return max(0, ceil((since + timedelta(seconds=seconds) - now).total_seconds()))


def _in_words(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} 秒"
    return f"{ceil(seconds / 60)} 分钟" if seconds < 7200 else f"{ceil(seconds / 3600)} 小时"

"""How many one-time codes, how often, and how long to wait for the next: the limits, the counting, and the words for it.

Every limit counts rows that asking and trying leave behind; nothing here writes.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Self

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.captcha import CaptchaLimits
from domain.exceptions import TooManyCodes
from settings import Settings

SIGN_IN = "sign_in"
FOR_KNOWN_PHONES = frozenset({SIGN_IN})  # other purposes (registration) send to phones that nobody has yet


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

COUNT_FAILURES = text("""
    SELECT coalesce(sum(tries), 0) AS failures, max(failed_at) AS failed_at
    FROM sign_in_challenge WHERE phone = :phone AND failed_at > :lock
""")


async def count_codes(
    session: AsyncSession, phone: str, ip: str | None, limits: CodeLimits, now: datetime
) -> dict[str, Any]:
    """What `seconds_to_wait` looks at, and whose phone it is (`person_id`)."""
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


async def wait_for_next(
    session: AsyncSession, phone: str, ip: str | None, limits: CodeLimits, now: datetime
) -> int:
    """The seconds until somebody there may have another code sent to this phone (`+86…`), for pages that say so beforehand."""
    return seconds_to_wait(await count_codes(session, phone, ip, limits, now), limits, now)


async def refuse_locked(session: AsyncSession, phone: str, limits: CodeLimits, now: datetime) -> None:
    """TooManyCodes while too many tries have failed for this phone."""
    row = (
        await session.execute(
            COUNT_FAILURES, {"phone": phone, "lock": now - timedelta(seconds=limits.lock_s)}
        )
    ).one()
    if wait_s := _lock_left_s(row.failures, row.failed_at, limits, now):
        raise TooManyCodes(f"连续登录失败次数过多，请在 {in_words(wait_s)}后再试。", retry_after_s=wait_s)


def in_words(seconds: int) -> str:
    """A time to wait: `45 秒`, `15 分钟`, `3 小时`; never shorter than it is."""
    if seconds < 120:
        return f"{seconds} 秒"
    return f"{ceil(seconds / 60)} 分钟" if seconds < 7200 else f"{ceil(seconds / 3600)} 小时"


def _lock_left_s(failures: int, failed_at: datetime | None, limits: CodeLimits, now: datetime) -> int:
    if failed_at is None or failures < limits.failures:
        return 0
    return _left_s(failed_at, limits.lock_s, now)


def _left_s(since: datetime, seconds: int, now: datetime) -> int:
    return max(0, ceil((since + timedelta(seconds=seconds) - now).total_seconds()))

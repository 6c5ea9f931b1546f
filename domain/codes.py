"""One-time codes: asking for one within the limits, and taking one once.

A code is six digits, bound to phone, purpose and the browser that asked, kept as a peppered HMAC. Sending it is left to the
sender that wiring hands in; this module neither stores nor logs the digits. A phone nobody has gets the same
answer by the same statements, only the sender is told not to deliver.
"""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from cleaning import clean_identifier
from db.ids import uuid7
from domain.captcha import CaptchaProof, require_captcha
from domain.code_limits import (
    FOR_KNOWN_PHONES,
    SIGN_IN,
    CodeLimits,
    count_codes,
    in_words,
    refuse_locked,
    seconds_to_wait,
    wait_for_next,
)
from domain.exceptions import CodeRefused, TooManyCodes
from domain.models import SignInChallenge
from domain.people import normalise_phone

# No captcha: we know who asks, by a session or a verified card.
FROM_KNOWN_ASKERS = frozenset({"change_phone_old", "change_phone_new", "register_card"})


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
    purpose: str = SIGN_IN,
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
    if limits.captcha and purpose not in FROM_KNOWN_ASKERS:
        await require_captcha(session, captcha, normal, limits=limits.captcha, now=now)
    await _one_at_a_time(session, normal, ip)
    counts = await count_codes(session, normal, ip, limits, now)
    if wait_s := seconds_to_wait(counts, limits, now):
        raise TooManyCodes(f"操作过于频繁，请在 {in_words(wait_s)}后再试。", retry_after_s=wait_s)
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


async def find_challenge(
    session: AsyncSession,
    challenge: UUID | None,
    phone: str,
    *,
    purpose: str = SIGN_IN,
    browser_key: str | None,
    limits: CodeLimits,
    now: datetime,
) -> SignInChallenge | None:
    """The challenge that was asked for, locked against others; None when there is no such one for this phone.

    Without an id the browser's newest one. Raises TooManyCodes while the phone is locked.
    """
    found = await _lock_challenge(session, challenge, phone, purpose, browser_key)
    await refuse_locked(session, phone, limits, now)
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
        limits.pepper, challenge.id, challenge.purpose, challenge.phone, browser_key, clean_identifier(code)
    )
    same = hmac.compare_digest(given, challenge.code_hash) and challenge.browser_key == browser_key
    alive = challenge.used_at is None and challenge.voided_at is None and now < challenge.expires_at
    if same and alive and challenge.tries < limits.tries:
        return True
    count_failure(challenge, now)
    return False


async def refuse_code(
    session: AsyncSession,
    challenge: SignInChallenge | None,
    *,
    browser_key: str | None,
    limits: CodeLimits,
    now: datetime,
    otherwise: str | None = None,
) -> CodeRefused:
    """What to raise for a code that opened nothing. The browser that asked for it learns that its code is dead, and when it may
    ask for another; everybody else, and whoever may try again, hears the general sentence."""
    dead = why_dead(challenge, limits, now) if challenge and challenge.browser_key == browser_key else None
    if dead is None or challenge is None:
        return CodeRefused(otherwise)
    await session.flush()  # the try at hand counts
    wait_s = await wait_for_next(session, challenge.phone, challenge.ip, limits, now)
    when = f"请在 {in_words(wait_s)}后重新获取。" if wait_s else "请重新获取。"
    return CodeRefused(f"{dead}，{when}", retry_after_s=wait_s or None)


def why_dead(challenge: SignInChallenge, limits: CodeLimits, now: datetime) -> str | None:
    """Why no code opens this challenge any more, in half a sentence; None while one does. It hangs on no code that is typed."""
    if challenge.used_at is not None:
        return "这个验证码已经用过"
    if challenge.voided_at is not None:
        return "已经发出新的验证码，这一个已作废"
    if now >= challenge.expires_at:
        return "验证码已过期"
    return f"验证码已填错 {limits.tries} 次，已作废" if challenge.tries >= limits.tries else None


def count_failure(challenge: SignInChallenge, now: datetime) -> None:
    """One failed try at this code; after the last one it is burnt."""
    challenge.tries += 1
    challenge.failed_at = now


def hash_code(pepper: bytes, id_: UUID, purpose: str, phone: str, browser_key: str | None, code: str) -> str:
    """The HMAC-SHA-256 that stands for a code; it differs for every challenge, phone, purpose and browser."""
    bound = "\x1f".join((str(id_), purpose, phone, browser_key or "", code))
    return hmac.new(pepper, b"one-time-code\x1f" + bound.encode(), hashlib.sha256).hexdigest()


async def _one_at_a_time(session: AsyncSession, phone: str, ip: str | None) -> None:
    """Two requests at the same moment must not both find a limit unreached. Always the phone first: no deadlock."""
    for key in (f"code:{phone}", f"code-ip:{ip}" if ip else None):
        if key:
            await session.execute(
                text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": key}
            )


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

"""Nonces that a card has to sign: made for one purpose and one browser (or session), taken once within five minutes.

A challenge is taken before anything is verified, and the edge commits that by itself: a try that fails has burnt it. What
failed is kept beside it, for the list of sign-ins and in the audit log, without a word of what the certificate says.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from domain import audit
from domain.actor import Actor
from domain.exceptions import TooManyCodes
from domain.models import CardChallenge

LIFETIME = timedelta(minutes=5)
NONCE_BYTES = 32
MOST_OPEN = 200  # from one address within the lifetime: an office behind one address, not a flood
KEPT, FAILURES_KEPT = timedelta(days=1), timedelta(days=183)

COUNT_RECENT = text("SELECT count(*) FROM card_challenge WHERE ip = :ip AND issued_at > :since")
FORGET_OWN = text("""
    DELETE FROM card_challenge WHERE bound_to = :bound_to AND purpose = :purpose AND taken_at IS NULL
""")
TAKE = text("""
    UPDATE card_challenge SET taken_at = :now
    WHERE id = CAST(:id AS uuid) AND purpose = :purpose AND bound_to IS NOT DISTINCT FROM CAST(:bound_to AS text)
        AND taken_at IS NULL AND issued_at > :since
    RETURNING nonce
""")
FAIL = text("""
    UPDATE card_challenge SET failed_at = :now, failed_why = :why, person_id = CAST(:person_id AS uuid) WHERE id = :id
""")
SWEEP = text("""
    DELETE FROM card_challenge WHERE issued_at < :oldest OR (issued_at < :before AND failed_at IS NULL)
""")


@dataclass(frozen=True)
class Asked:
    """What a card is asked to sign."""

    id: UUID
    nonce: bytes
    expires_at: datetime


async def issue_challenge(
    session: AsyncSession, purpose: str, *, bound_to: str | None, ip: str | None, now: datetime
) -> Asked:
    """A new nonce; the ones this browser has not used for the same purpose are gone. Raises TooManyCodes."""
    since = now - LIFETIME
    if ip and (await session.scalar(COUNT_RECENT, {"ip": ip, "since": since}) or 0) >= MOST_OPEN:
        raise TooManyCodes(
            "读卡请求过于频繁，请在 5 分钟后再试。", retry_after_s=int(LIFETIME.total_seconds())
        )
    if bound_to is not None:
        await session.execute(FORGET_OWN, {"bound_to": bound_to, "purpose": purpose})
    row = CardChallenge(
        nonce=secrets.token_bytes(NONCE_BYTES), purpose=purpose, bound_to=bound_to, ip=ip, issued_at=now
    )
    session.add(row)
    await session.flush()
    return Asked(row.id, row.nonce, now + LIFETIME)


async def take_challenge(
    session: AsyncSession, id_: UUID | None, purpose: str, *, bound_to: str | None, now: datetime
) -> bytes | None:
    """The nonce, to whoever it was made for, once; None for anybody and anything else. Commit before it is used."""
    parameters = {"id": id_, "purpose": purpose, "bound_to": bound_to, "now": now, "since": now - LIFETIME}
    return await session.scalar(TAKE, parameters)


async def record_failure(
    session: AsyncSession,
    id_: UUID,
    purpose: str,
    why: str,
    *,
    actor: Actor | None = None,
    person_id: UUID | None = None,
    card_id: UUID | None = None,
    ip: str | None,
    now: datetime,
) -> None:
    """Beside the challenge and in the audit log: a code, and whose card it was where we know it."""
    await session.execute(FAIL, {"id": id_, "why": why, "person_id": person_id, "now": now})
    await audit.record(
        session,
        "fail_card_sign_in" if purpose == "sign_in" else "fail_card",
        actor=actor,
        about="card" if card_id else "card_challenge",
        about_id=card_id or id_,
        after={"person_id": person_id, "why": why, "purpose": purpose, "ip": ip},
        now=now,
    )


async def sweep_challenges(session: AsyncSession, now: datetime) -> None:
    """Forget yesterday's, and last half-year's failures."""
    await session.execute(SWEEP, {"oldest": now - FAILURES_KEPT, "before": now - KEPT})

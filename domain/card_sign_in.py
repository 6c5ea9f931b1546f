"""Signing in with a verified card: card and PIN are the two factors. Whatever is wrong with card, person or enterprise, the
answer is the same sentence; why, is on the record."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from domain import audit
from domain.card_challenges import record_failure
from domain.card_facts import CardFacts
from domain.exceptions import CardSignInRefused
from domain.people import ENDED, list_memberships
from domain.sessions import SessionLimits, load_actor, start_session
from domain.signin import SignedIn

FIND_CARD = text("""
    SELECT c.id, c.person_id, c.officer_id, c.holder, c.fingerprint, c.blocked_at, p.active AS person_active,
        m.id AS membership_id, m.active AS member_active, e.id AS enterprise_id, e.uscc, e.status,
        f.active AS officer_active
    FROM card c
    JOIN person p ON p.id = c.person_id
    LEFT JOIN enterprise e ON e.id = c.enterprise_id
    LEFT JOIN membership m ON m.enterprise_id = c.enterprise_id AND m.person_id = c.person_id
    LEFT JOIN officer f ON f.id = c.officer_id
    WHERE c.issuer = :issuer AND c.number = :number AND c.unbound_at IS NULL
    FOR UPDATE OF c
""")
USE_CARD = text("""
    UPDATE card SET used_at = :now, fingerprint = :fingerprint, serial = :serial, not_after = :not_after WHERE id = :id
""")


async def sign_in_by_card(
    session: AsyncSession,
    facts: CardFacts,
    challenge: UUID,
    membership: UUID | None = None,
    *,
    ip: str | None,
    user_agent: str | None,
    limits: SessionLimits,
    now: datetime,
) -> SignedIn:
    """A session in the part the card is bound to. Raises CardSignInRefused, whose record the edge commits (`keeps_changes`)."""
    row = (await session.execute(FIND_CARD, {"issuer": facts.issuer, "number": facts.number})).one_or_none()
    if (why := _find_fault(row, facts, membership)) is not None:
        person_id, card_id = (row.person_id, row.id) if row else (None, None)
        await record_failure(
            session, challenge, "sign_in", why, person_id=person_id, card_id=card_id, ip=ip, now=now
        )
        raise CardSignInRefused
    assert row is not None, "a card that was not found has a fault"
    await _note_use(session, row, facts, now)
    token = await start_session(
        session,
        row.person_id,
        membership_id=row.membership_id,
        officer_id=row.officer_id,
        ip=ip,
        user_agent=user_agent,
        limits=limits,
        card_id=row.id,
        now=now,
    )
    actor = await load_actor(session, token, now, limits, ip=ip)
    assert actor is not None, "a session that was started a moment ago is alive"
    after = {"person_id": row.person_id, "card_id": row.id, "user_agent": user_agent}
    await audit.record(
        session, "sign_in", actor=actor, about="session", about_id=actor.session_id, after=after, now=now
    )
    return SignedIn(token, actor, await list_memberships(session, row.person_id))


def _find_fault(row: Any, facts: CardFacts, membership: UUID | None) -> str | None:
    """Why this card does not open anything now, as a code; None when it does."""
    if row is None:
        return "card_unknown"
    faults = {
        "card_blocked": row.blocked_at is not None,
        "card_changed_hands": row.holder != facts.holder,
        "person_disabled": not row.person_active,
    }
    if row.officer_id is not None:
        faults["officer_disabled"] = not row.officer_active
        faults["other_part"] = membership is not None
    else:
        faults["card_of_other_enterprise"] = row.uscc != facts.uscc
        faults["member_suspended"] = not row.member_active
        faults["enterprise_ended"] = row.status in ENDED
        faults["other_part"] = membership not in (None, row.membership_id, row.enterprise_id)
    return next((code for code, found in faults.items() if found), None)


async def _note_use(session: AsyncSession, row: Any, facts: CardFacts, now: datetime) -> None:
    """When it was used, and the certificate that is on it now: a renewed one is the same card."""
    new = {"fingerprint": facts.fingerprint, "serial": facts.serial, "not_after": facts.not_after}
    await session.execute(USE_CARD, new | {"id": row.id, "now": now})
    if row.fingerprint != facts.fingerprint:
        await audit.record(
            session,
            "renew_card",
            actor=None,
            about="card",
            about_id=row.id,
            before={"person_id": row.person_id, "fingerprint": row.fingerprint},
            after={"person_id": row.person_id, "fingerprint": facts.fingerprint, "serial": facts.serial},
            now=now,
        )

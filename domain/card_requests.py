"""A card of an enterprise that is registered already: its holder asks, with a proved phone, and a registrar of the enterprise's
office checks who they are. Approved, they are an admin of the enterprise and the card is theirs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cleaning import clean_text
from domain import audit
from domain.actor import Actor
from domain.card_facts import CardFacts
from domain.cards import add_card
from domain.exceptions import FormRefused
from domain.members import ADMIN, LOCK_MEMBERS
from domain.models import CardRequest, Membership
from domain.offices import require_open_office
from domain.registrations import find_or_add_person

DECIDER = "registrar"
LONGEST_REASON = 500
NO_REASON = f"请写明怎样核实了身份，或者不予绑定的原因，最多 {LONGEST_REASON} 个字。"


@dataclass(frozen=True)
class CardRequestView:
    """A request as the registrar sees it, with whom we know by that phone and who the admins are now."""

    id: UUID
    enterprise_id: UUID
    enterprise: str
    enterprise_status: str
    uscc: str
    office: str
    office_name: str
    contact: str
    phone: str
    facts: dict[str, Any]
    created_at: datetime
    member_name: str | None
    member_roles: list[str] | None
    admins: str | None

    @property
    def card(self) -> CardFacts:
        """What the card said."""
        return CardFacts.of_json(self.facts)


FIND_REQUESTS = text("""
    SELECT r.id, r.enterprise_id, e.name AS enterprise, e.status AS enterprise_status, e.uscc, r.office,
        c.name AS office_name, r.contact, r.phone, r.facts, r.created_at,
        coalesce(nullif(m.display_name, ''), p.name) AS member_name, m.roles AS member_roles,
        (SELECT string_agg(coalesce(nullif(a.display_name, ''), ap.name), '、' ORDER BY a.created_at)
         FROM membership a JOIN person ap ON ap.id = a.person_id
         WHERE a.enterprise_id = e.id AND a.active AND 'enterprise_admin' = ANY(a.roles)) AS admins
    FROM card_request r
    JOIN enterprise e ON e.id = r.enterprise_id
    JOIN customs_office c ON c.code = r.office
    LEFT JOIN membership m ON m.enterprise_id = e.id AND m.active
        AND m.person_id = (SELECT id FROM person WHERE phone = r.phone)
    LEFT JOIN person p ON p.id = m.person_id
    WHERE r.decided_at IS NULL AND r.office = ANY(:offices)
        AND (CAST(:id AS uuid) IS NULL OR r.id = CAST(:id AS uuid))
        AND r.phone <> :own_phone
    ORDER BY r.created_at, r.id LIMIT 200
""")
REPLACE = text("""
    UPDATE card_request SET decision = 'replaced', decided_at = :now
    WHERE enterprise_id = :enterprise_id AND decided_at IS NULL
        AND (phone = :phone OR (facts ->> 'issuer' = :issuer AND facts ->> 'number' = :number))
""")
DECIDE = text("""
    UPDATE card_request SET decision = :decision, reason = :reason, decided_at = :now, decided_by = :by
    WHERE id = :id AND decided_at IS NULL RETURNING id
""")
PHONES_OF_ADMINS = text("""
    SELECT p.phone FROM membership m JOIN person p ON p.id = m.person_id
    WHERE m.enterprise_id = :id AND m.active AND p.active AND 'enterprise_admin' = ANY(m.roles)
""")


async def send_request(
    session: AsyncSession,
    facts: CardFacts,
    enterprise_id: UUID,
    *,
    office: str,
    contact: str,
    phone: str,
    now: datetime,
) -> CardRequest:
    """Take it down; an open one of the same card or phone is replaced. Raises OfficeClosed."""
    await require_open_office(session, office)
    same = {"issuer": facts.issuer, "number": facts.number, "phone": phone}
    await session.execute(REPLACE, same | {"enterprise_id": enterprise_id, "now": now})
    request = CardRequest(
        enterprise_id=enterprise_id,
        office=office,
        contact=contact,
        phone=phone,
        facts=facts.as_json(),
        created_at=now,
    )
    session.add(request)
    await session.flush()
    said = {"contact": contact, "phone": phone, "card_number": facts.number, "holder": facts.holder}
    await audit.record(
        session,
        "request_card",
        actor=None,
        about="card_request",
        about_id=request.id,
        after=said | {"enterprise_id": enterprise_id, "office": office},
        now=now,
    )
    return request


async def find_requests(
    session: AsyncSession, actor: Actor, id_: UUID | None = None
) -> list[CardRequestView]:
    """The open requests (or this one) of the offices where the actor is a registrar, the oldest first; never one's own."""
    parameters = {"id": id_, "offices": sorted(actor.offices_as(DECIDER)), "own_phone": actor.phone}
    return [CardRequestView(**row) for row in (await session.execute(FIND_REQUESTS, parameters)).mappings()]


async def decide_request(
    session: AsyncSession, actor: Actor, request: CardRequestView, *, bind: bool, reason: str, now: datetime
) -> list[str] | None:
    """Bind the card and make its holder an admin, or not; the phones of the admins there were, None when it was decided before.

    Raises FormRefused without a reason, CardTaken, PhoneDisabled: the request stays open then.
    """
    reason = clean_text(reason)
    if not 0 < len(reason) <= LONGEST_REASON:
        raise FormRefused({"reason": NO_REASON})
    decision = "approved" if bind else "refused"
    parameters = {"id": request.id, "decision": decision, "reason": reason, "now": now, "by": actor.person_id}
    admins: list[str] = []
    async with session.begin_nested():
        await session.execute(LOCK_MEMBERS, {"id": request.enterprise_id})
        if (await session.execute(DECIDE, parameters)).first() is None:
            return None
        if bind:
            admins = list((await session.execute(PHONES_OF_ADMINS, {"id": request.enterprise_id})).scalars())
            await _make_holder_admin(session, actor, request, now)
    await audit.record(
        session,
        "decide_card_request",
        actor=actor,
        about="card_request",
        about_id=request.id,
        after={"decision": decision, "reason": reason, "enterprise_id": request.enterprise_id},
        now=now,
    )
    return [phone for phone in admins if phone != request.phone]


async def _make_holder_admin(
    session: AsyncSession, actor: Actor, request: CardRequestView, now: datetime
) -> None:
    person_id = await find_or_add_person(session, request.phone, request.contact, now)
    membership = await session.scalar(
        select(Membership).where(
            col(Membership.person_id) == person_id, col(Membership.enterprise_id) == request.enterprise_id
        ),
        execution_options={"populate_existing": True},
    )
    before = {"roles": list(membership.roles), "active": membership.active} if membership else None
    if membership is None:
        membership = Membership(
            person_id=person_id,
            enterprise_id=request.enterprise_id,
            display_name=request.contact,
            created_at=now,
        )
        session.add(membership)
    membership.roles = [ADMIN, *(role for role in membership.roles if role != ADMIN)]
    membership.active, membership.suspended_at, membership.removed_at = True, None, None
    membership.work_to = membership.reviews_to = None
    await session.flush()
    await audit.record(
        session,
        "give_admin",
        actor=actor,
        about="membership",
        about_id=membership.id,
        before=before,
        after={"roles": list(membership.roles), "active": True, "person_id": person_id},
        now=now,
    )
    await add_card(
        session,
        request.card,
        actor=actor,
        person_id=person_id,
        enterprise_id=request.enterprise_id,
        now=now,
    )

"""Registering with a card: everything about the enterprise comes from the verified certificate, the diagram's path for cards
approves it at once, and the card is bound in the same transaction."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from db.ids import uuid7
from domain.actor import Actor
from domain.card_facts import CardFacts
from domain.cards import add_card
from domain.exceptions import EnterpriseRegistered
from domain.models import Registration, SignInChallenge
from engine.instances import Engine
from tasks.registrations import PROCESS, begin
from tasks.subjects import command, open_subject


async def register_by_card(
    session: AsyncSession,
    engine: Engine,
    challenge: SignInChallenge,
    facts: CardFacts,
    *,
    office: str,
    contact: str,
    ip: str | None = None,
    now: datetime,
) -> tuple[Registration, Actor]:
    """Registered, and the person with the challenge's phone (which the caller has proved) is the enterprise's admin.

    Raises EnterpriseRegistered when somebody took the uscc first, CardTaken, OfficeClosed, PhoneDisabled: nothing may be
    committed then.
    """
    fields = {
        "name": facts.enterprise,
        "uscc": facts.uscc,
        "customs_code": facts.customs_code,
        "office": office,
        "contact": contact or facts.holder,
    }
    async with command(session):
        loaded = await open_subject(session, uuid7(), PROCESS)
        registration, applicant = await begin(
            session, engine, loaded, challenge, fields, now, route="card", ip=ip
        )
    if registration.outcome != "approved":
        raise EnterpriseRegistered
    await add_card(session, facts, actor=applicant, person_id=applicant.person_id, now=now)
    return registration, applicant

"""Short words for what applicants and registrars do in the small world, and uscc codes as they are made."""

from collections.abc import Mapping
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col
from stdnum.cn.uscc import calc_check_digit

from db.ids import uuid7
from domain.actor import Actor, member_groups
from domain.applications import PURPOSE
from domain.models import Attachment, Enterprise, Membership, Person, Registration, SignInChallenge
from tasks.registrations import register
from tests.tasks.world import World

_serial = count(1)
TYPED: Mapping[str, Any] = {
    "name": "江苏新禾机电有限公司",
    "customs_code": "3201960Q88",
    "address": "南京市江宁区秣周东路 9 号",
    "legal_person": "孟凡",
    "contact": "顾盼",
    "office": "2301",
}


def make_uscc(number: int | None = None, *, wrong: bool = False) -> str:
    """A code of the right pattern, each time another one; `wrong`: with a check digit that is not its own."""
    body = f"91320100MA{number if number is not None else next(_serial):07d}"
    right = calc_check_digit(body)
    return body + (("1" if right == "0" else "0") if wrong else right)


async def ask_challenge(world: World, phone: str | None = None) -> SignInChallenge:
    """The challenge of somebody who has proved this phone."""
    challenge = SignInChallenge(
        id=uuid7(),
        phone=phone or f"+86137{next(_serial):08d}",
        purpose=PURPOSE,
        code_hash="-",
        created_at=world.now,
        expires_at=world.now,
        used_at=world.now,
    )
    world.session.add(challenge)
    await world.session.flush()
    return challenge


async def add_file(
    session: AsyncSession, world: World, *, challenge: UUID | None = None, uploader: UUID | None = None
) -> str:
    """A licence that somebody has uploaded; its id."""
    id_ = uuid7()
    session.add(
        Attachment(
            id=id_,
            uploader_id=uploader,
            challenge_id=challenge,
            name="营业执照.png",
            size=10,
            media_type="image/png",
            sha256="-",
            stored_as=f"{id_.hex}.png",
            created_at=world.now,
        )
    )
    await session.flush()
    return str(id_)


async def apply(world: World, challenge: SignInChallenge | None = None, **fields: Any) -> Registration:
    """A registration as its form sends it."""
    challenge = challenge or await ask_challenge(world)
    typed = {"uscc": make_uscc(), **TYPED, **fields}
    if "licence" not in typed:
        typed["licence"] = [await add_file(world.session, world, challenge=challenge.id)]
    sent = {key: value for key, value in typed.items() if value is not None}
    registration = await register(world.session, world.engine, challenge, sent, world.now)
    world.people[str(registration.id)] = await act_as_applicant(world.session, registration.id)
    return await get(world, registration.id)


async def act_as_applicant(session: AsyncSession, registration_id: UUID) -> Actor:
    """The applicant, acting for the enterprise that is to be registered."""
    row = (
        await session.execute(
            select(Person, Membership, Enterprise)
            .join(Membership, col(Membership.person_id) == col(Person.id))
            .join(Enterprise, col(Enterprise.id) == col(Membership.enterprise_id))
            .join(Registration, col(Registration.enterprise_id) == col(Enterprise.id))
            .where(col(Registration.id) == registration_id, col(Person.id) == col(Registration.applicant_id))
            .execution_options(populate_existing=True)
        )
    ).one()
    person, membership, enterprise = row
    return Actor(
        person_id=person.id,
        name=membership.display_name,
        phone=person.phone,
        session_id=None,
        membership_id=membership.id,
        enterprise_id=enterprise.id,
        enterprise_status=enterprise.status,
        officer_id=None,
        roles=frozenset(membership.roles),
        groups=member_groups(membership.roles, enterprise.id),
        offices=(),
        enterprise_name=enterprise.name,
    )


async def review(world: World, registration: Registration, who: str = "registrar", **answers: Any) -> None:
    """Claim the review and decide."""
    await world.claim(who, registration.id, "review_registration")
    await world.complete(who, registration.id, "review_registration", **answers)


async def correct(world: World, registration: Registration, **fields: Any) -> None:
    """The applicant sends it again."""
    who = str(registration.id)
    world.people[who] = await act_as_applicant(world.session, registration.id)
    await world.complete(who, registration.id, "correct_registration", send=True, **fields)


async def get(world: World, id_: UUID) -> Registration:
    """The registration as the database has it."""
    found = await world.session.get(Registration, id_, populate_existing=True)
    assert found is not None
    world.session.expunge(found)  # what is read later must not change it
    return found


async def enterprise_of(world: World, registration: Registration) -> Enterprise:
    """The enterprise as the database has it."""
    found = await world.session.get(Enterprise, registration.enterprise_id, populate_existing=True)
    assert found is not None
    return found

"""The application for registration follows the enterprise's admin: to whoever takes the role over, or stays."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from domain.actor import Actor
from domain.member_fields import check_member
from domain.members import add_member
from domain.models import Enterprise, Person, Registration
from engine.exceptions import NotYours
from tasks import leavers
from tasks.admin_offers import accept_offer, offer_admin
from tasks.timeline import read_timeline
from tests.tasks.applicants import act_as_applicant, apply, correct, get, review
from tests.tasks.world import World, join

RETURNED: Mapping[str, Any] = {"decision": "return", "reason": "营业执照看不清，请重新上传。"}


async def colleague(world: World, registration: Registration, *roles: str) -> Actor:
    enterprise = await world.session.get(Enterprise, registration.enterprise_id)
    person = Person(name="钱程", phone="+8613600000077", created_at=world.now)
    world.session.add(person)
    await world.session.flush()
    assert enterprise
    return await join(world.session, world.now, person, enterprise, roles)


async def hand_over(world: World, registration: Registration) -> tuple[Actor, Actor]:
    """The applicant hands the admin's role to somebody just added; both."""
    old = world.people[str(registration.id)]
    fields = check_member("钱程", "13600000077", "", ("executive",))
    added = await add_member(world.session, old, fields, world.now)
    offer = await offer_admin(world.session, old, added.id, ["customs_affairs"], world.now)
    new = Actor(
        person_id=added.person_id,
        name=added.name,
        phone=added.phone,
        session_id=None,
        membership_id=added.id,
        enterprise_id=registration.enterprise_id,
        enterprise_status="pending",
        officer_id=None,
        roles=frozenset(added.roles),
        groups=(),
        offices=(),
    )
    await accept_offer(world.session, world.engine, new, offer.id, world.now)
    return old, new


async def holder(world: World, registration: Registration) -> UUID | None:
    return await world.session.scalar(
        text("SELECT claimed_by FROM user_task WHERE instance_id = :id AND state = 'ready'"),
        {"id": registration.id},
    )


async def test_while_it_is_reviewed_the_outcome_goes_to_the_new_admin(world: World) -> None:
    registration = await apply(world)
    _, new = await hand_over(world, registration)
    assert (await get(world, registration.id)).applicant_id == new.person_id
    lines = [
        one.text for one in await read_timeline(world.session, world.engine, registration.id, "registration")
    ]
    assert "把申请人改为钱程" in lines
    await review(world, registration, decision="approve")
    told = [name for template, name in await world.messages(registration.id) if template != "arrived"]
    assert told == ["钱程"]


async def test_what_was_returned_is_corrected_by_the_new_admin(world: World) -> None:
    registration = await apply(world)
    await review(world, registration, **RETURNED)
    old, new = await hand_over(world, registration)
    assert await holder(world, registration) == new.person_id
    task_id = await world.task(registration.id, "correct_registration")
    world.people["old"] = old
    with pytest.raises(NotYours):
        await world.submit("old", task_id, {"send": True, "address": "南京市江宁区秣周东路 10 号"})
    await correct(world, registration, address="南京市江宁区秣周东路 10 号")
    assert (await act_as_applicant(world.session, registration.id)).person_id == new.person_id
    assert (await get(world, registration.id)).status == "待审核"


async def test_an_applicant_who_is_removed_leaves_it_to_the_admin_who_stays(world: World) -> None:
    registration = await apply(world)
    await review(world, registration, **RETURNED)
    stays = await colleague(world, registration, "enterprise_admin")
    leaves = world.people[str(registration.id)].membership_id
    assert leaves
    await leavers.remove_member(world.session, world.engine, stays, leaves, now=world.now)
    assert await holder(world, registration) == stays.person_id
    assert (await get(world, registration.id)).applicant_id == stays.person_id


async def test_an_applicant_who_leaves_by_themselves_does_likewise(world: World) -> None:
    registration = await apply(world)
    stays = await colleague(world, registration, "enterprise_admin")
    me = world.people[str(registration.id)]
    assert me.membership_id
    await leavers.remove_member(world.session, world.engine, me, me.membership_id, now=world.now)
    assert (await get(world, registration.id)).applicant_id == stays.person_id

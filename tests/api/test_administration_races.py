"""Administrators and officers at the same moment, with real transactions: whatever comes first, the rules hold afterwards."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.ids import uuid7
from domain.actor import Actor
from domain.exceptions import RolesApart
from domain.models import Officer, OfficerRole, Person
from domain.officers import add_officer, disable_officer
from domain.offices import edit_office, list_offices, load_office_tree
from domain.roles import add_role, give_role, take_role
from errors import Refusal
from tasks import administration, commands
from tasks.exceptions import NotFound
from tasks.returns import Returned
from tests.api.conftest import World

TIMES = 8
NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
Command = Callable[[AsyncSession], Awaitable[Any]]
HELD_BY_OUTSIDERS = text("""
SELECT count(*) FROM user_task t WHERE t.state = 'ready' AND t.claimed_by = :person AND NOT EXISTS (
    SELECT FROM officer_role r JOIN officer f ON f.id = r.officer_id AND f.active
    WHERE f.person_id = t.claimed_by AND r.role || ':' || r.office = ANY(t.candidate_groups))
""")
CLAIMED = text("""
UPDATE user_task SET claimed_by = NULL, claimed_at = NULL, version = version + 1 WHERE id = :task
""")
OPEN_AGAIN = text("UPDATE user_task_group SET open = true WHERE task_id = :task")


class Office:
    """Officers made on demand, and commands given at the same moment, each in a transaction of its own."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.serial = 0

    async def officer(self, *groups: str) -> Actor:
        self.serial += 1
        async with self.world.wired.sessions.begin() as session:
            person = Person(name=f"官{self.serial}", phone=f"+8613600000{self.serial:03}", created_at=NOW)
            session.add(person)
            await session.flush()
            officer = Officer(id=uuid7(), person_id=person.id, password_hash="-", created_at=NOW)
            session.add(officer)
            await session.flush()
            pairs = [group.split(":") for group in groups]
            session.add_all(OfficerRole(officer_id=officer.id, role=role, office=at) for role, at in pairs)
        return Actor(
            person_id=person.id,
            name=person.name,
            phone=person.phone,
            session_id=None,
            membership_id=None,
            enterprise_id=None,
            enterprise_status=None,
            officer_id=officer.id,
            roles=frozenset(role for role, _ in pairs),
            groups=groups,
            offices=tuple(at for _, at in pairs),
        )

    async def at_once(self, *given: Command) -> list[Any]:
        """What became of each: its result, or the refusal."""

        async def give(one: Command) -> Any:
            async with self.world.wired.sessions() as session:
                try:
                    result = await one(session)
                    await session.commit()
                except Refusal as refusal:
                    return refusal
                return result

        return await asyncio.gather(*(give(one) for one in given))

    async def count(self, statement: str, **parameters: Any) -> int:
        async with self.world.wired.sessions() as session:
            return int(await session.scalar(text(statement), parameters) or 0)


@pytest.fixture
def office(world: World) -> Office:
    return Office(world)


def id_of(actor: Actor) -> UUID:
    assert actor.officer_id is not None
    return actor.officer_id


async def test_two_administrators_who_take_each_others_role_leave_one(office: Office) -> None:
    for _ in range(TIMES):
        one, two = [await office.officer("security_admin:2300") for _ in range(2)]
        await office.at_once(
            lambda session, by=one, of=two: take_role(session, by, id_of(of), "security_admin", "2300", NOW),
            lambda session, by=two, of=one: take_role(session, by, id_of(of), "security_admin", "2300", NOW),
        )
        left = await office.count("SELECT count(*) FROM officer_role WHERE role = 'security_admin'")
        assert left == 1
        async with office.world.wired.sessions.begin() as session:
            await session.execute(text("DELETE FROM officer_role WHERE role = 'security_admin'"))


async def test_two_administrators_who_disable_each_other_leave_one(office: Office) -> None:
    for _ in range(TIMES):
        one, two = [await office.officer("system_admin:2300") for _ in range(2)]
        results = await office.at_once(
            lambda session, by=one, of=two: disable_officer(session, by, id_of(of), NOW),
            lambda session, by=two, of=one: disable_officer(session, by, id_of(of), NOW),
        )
        assert sum(isinstance(result, Refusal) for result in results) == 1
        async with office.world.wired.sessions.begin() as session:
            await session.execute(text("DELETE FROM officer_role WHERE role = 'system_admin'"))


async def test_no_person_gets_two_of_the_three_at_the_same_moment(office: Office) -> None:
    keepers = [await office.officer("security_admin:2300") for _ in range(2)]
    for _ in range(TIMES):
        somebody = await office.officer("handler:2301")
        results = await office.at_once(
            lambda session, who=somebody: give_role(session, keepers[0], id_of(who), "auditor", "2300", NOW),
            lambda session, who=somebody: give_role(
                session, keepers[1], id_of(who), "system_admin", "2300", NOW
            ),
        )
        assert sum(isinstance(result, RolesApart) for result in results) == 1


async def test_the_index_holds_where_no_lock_is_taken(office: Office) -> None:
    for _ in range(TIMES):
        somebody = await office.officer()
        results = await office.at_once(
            lambda session, who=somebody: add_role(session, id_of(who), "auditor", "2300"),
            lambda session, who=somebody: add_role(session, id_of(who), "security_admin", "2300"),
        )
        assert sum(isinstance(result, RolesApart) for result in results) == 1
        held = await office.count(
            "SELECT count(*) FROM officer_role WHERE officer_id = :id", id=id_of(somebody)
        )
        assert held == 1


async def test_one_phone_becomes_one_officer(office: Office) -> None:
    keeper = await office.officer("system_admin:2300")
    for number in range(TIMES):

        async def add(session: AsyncSession, phone: str = f"1355555000{number}") -> Any:
            return await add_officer(session, keeper, name="同", phone=phone, office="2301", now=NOW)

        results = await office.at_once(add, add, add)
        assert sum(isinstance(result, Refusal) for result in results) == 2


async def test_offices_moved_below_each_other_make_no_circle(office: Office) -> None:
    keeper = await office.officer("system_admin:2300")
    for _ in range(TIMES):

        def move(code: str, parent: str) -> Command:
            return lambda session: edit_office(
                session, keeper, code, name=f"海关{code}", parent=parent, source="", now=NOW
            )

        results = await office.at_once(move("2301", "2302"), move("2302", "2301"))
        assert sum(isinstance(result, Refusal) for result in results) == 1
        async with office.world.wired.sessions() as session:
            tree = await load_office_tree(session)
            assert all(tree.is_under(one.code, "2300") for one in await list_offices(session))
        await office.at_once(move("2301", "2300"), move("2302", "2300"))


async def test_who_is_disabled_while_claiming_or_being_handed_a_task_ends_with_none(office: Office) -> None:
    engine = office.world.wired.engine
    keeper = await office.officer("system_admin:2300")
    other = await office.officer("handler:2301")
    task = await bring_to_customs(office)
    for turn in range(TIMES):
        leaver = await office.officer("handler:2301")
        if turn % 2:
            await office.at_once(lambda session: commands.claim(session, engine, other, task, NOW))
        reached = (
            (lambda session, to=leaver: commands.hand_over(session, engine, other, task, to.person_id, NOW))
            if turn % 2
            else (lambda session, by=leaver: commands.claim(session, engine, by, task, NOW))
        )
        await office.at_once(
            reached,
            lambda session, of=leaver: administration.disable_officer(
                session, engine, keeper, id_of(of), NOW
            ),
        )
        async with office.world.wired.sessions.begin() as session:
            assert await session.scalar(HELD_BY_OUTSIDERS, {"person": leaver.person_id}) == 0
            await session.execute(CLAIMED, {"task": task})
            await session.execute(OPEN_AGAIN, {"task": task})


async def test_a_claim_under_way_is_waited_for_and_given_back(office: Office) -> None:
    engine, sessions = office.world.wired.engine, office.world.wired.sessions
    keeper, leaver = await office.officer("system_admin:2300"), await office.officer("handler:2301")
    task = await bring_to_customs(office)
    async with sessions() as claiming:
        await commands.claim(claiming, engine, leaver, task, NOW)
        disabling = asyncio.create_task(disable(office, keeper, leaver))
        done, _ = await asyncio.wait({disabling}, timeout=0.5)
        assert not done, "it waits for the claim"
        await claiming.commit()
    assert (await disabling).returned == 1


async def test_a_claim_that_comes_while_the_role_is_taken_finds_it_gone(office: Office) -> None:
    engine, sessions = office.world.wired.engine, office.world.wired.sessions
    keeper, leaver = await office.officer("security_admin:2300"), await office.officer("handler:2301")
    task = await bring_to_customs(office)
    async with sessions() as taking:
        await administration.take_role(taking, engine, keeper, id_of(leaver), "handler", "2301", NOW)
        claim = office.at_once(lambda session: commands.claim(session, engine, leaver, task, NOW))
        claiming = asyncio.create_task(claim)
        done, _ = await asyncio.wait({claiming}, timeout=0.5)
        assert not done, "it waits for the role"
        await taking.commit()
    assert isinstance((await claiming)[0], NotFound)


async def disable(office: Office, keeper: Actor, leaver: Actor) -> Returned:
    async with office.world.wired.sessions.begin() as session:
        engine = office.world.wired.engine
        return await administration.disable_officer(session, engine, keeper, id_of(leaver), NOW)


async def bring_to_customs(office: Office) -> UUID:
    """The task of an issue that waits to be claimed at 2301."""
    world = office.world
    staff, executive = world.client("staff"), world.client("executive")
    question = {
        "kind": "政策咨询",
        "category": "税收征管",
        "office": "2301",
        "title": "同时",
        "description": "同",
    }
    issue = (await staff.post("/api/v1/issues", json=question)).json()["id"]
    for client, element, answers in (
        (staff, "draft_issue", {"send": True}),
        (executive, "review_issue", {"decision": "submit", "importance": "一般"}),
    ):
        task = await task_of(world, issue, element)
        headers = {"Idempotency-Key": str(uuid7())}
        done = await client.post(f"/api/v1/tasks/{task}/complete", json={"answers": answers}, headers=headers)
        assert done.is_success, done.text
    return await task_of(world, issue, "answer_issue")


async def task_of(world: World, issue: str, element: str) -> UUID:
    async with world.wired.sessions() as session:
        statement = text(
            "SELECT id FROM user_task WHERE instance_id = :issue AND element_id = :element AND state = 'ready'"
        )
        return (await session.execute(statement, {"issue": issue, "element": element})).scalar_one()

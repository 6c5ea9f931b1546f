"""Two people at one enterprise's members, or at one leaver's task, at the same moment, in real transactions."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from domain.exceptions import LastAdmin, MemberExists, NotAdmin
from domain.member_fields import check_member
from domain.members import add_member
from domain.models import Enterprise, Person
from engine.exceptions import NotYours
from errors import Refusal
from tasks import commands, leavers
from tasks.jobs import move_late_work
from tests.tasks.world import World, join

Sessions = async_sessionmaker[AsyncSession]
Work = Callable[[AsyncSession], Awaitable[Any]]


@pytest.fixture
async def larger_world(own_world: World) -> World:
    """Two admins and two executives in the first enterprise, committed."""
    world, session, now = own_world, own_world.session, own_world.now
    enterprise = await session.get(Enterprise, world.people["admin"].enterprise_id)
    assert enterprise
    for number, (key, role) in enumerate({"admin_two": "enterprise_admin", "second": "executive"}.items()):
        person = Person(name=key, phone=f"+86136{number:08d}", created_at=now)
        session.add(person)
        await session.flush()
        world.people[key] = await join(session, now, person, enterprise, (role,))
    await session.commit()
    return world


async def race(sessions: Sessions, *works: Work) -> list[Any]:
    """All at once, each in its transaction, all open before any begins; what each got."""
    gate = asyncio.Barrier(len(works))

    async def run(work: Work) -> Any:
        try:
            async with sessions.begin() as session:
                await session.execute(text("SELECT 1"))
                await gate.wait()
                return await work(session)
        except Refusal as refusal:
            return refusal

    return list(await asyncio.gather(*(run(work) for work in works)))


def member(world: World, who: str) -> UUID:
    found = world.people[who].membership_id
    assert found
    return found


def removing(world: World, by: str, who: str, work: str | None = None, reviews: str | None = None) -> Work:
    async def work_(session: AsyncSession) -> int:
        return await leavers.remove_member(
            session,
            world.engine,
            world.people[by],
            member(world, who),
            work_to=member(world, work) if work else None,
            reviews_to=member(world, reviews) if reviews else None,
            now=world.now,
        )

    return work_


@pytest.mark.parametrize("_round", range(5))
@pytest.mark.parametrize(
    "pairs",
    [
        (("admin", "admin"), ("admin_two", "admin_two")),
        (("admin", "admin_two"), ("admin_two", "admin")),
        (("admin", "admin"), ("admin", "admin_two")),
    ],
)
async def test_of_two_admins_who_go_at_once_one_stays(
    larger_world: World, sessions: Sessions, pairs: Any, _round: int
) -> None:
    world = larger_world
    results = await race(sessions, *(removing(world, by, who) for by, who in pairs))
    refused = [result for result in results if isinstance(result, Refusal)]
    assert len(refused) == 1 and isinstance(refused[0], (LastAdmin, NotAdmin)), results
    query = "SELECT count(*) FROM membership WHERE active AND 'enterprise_admin' = ANY(roles) AND enterprise_id = :id"
    async with sessions() as session:
        left = await session.scalar(text(query), {"id": world.people["admin"].enterprise_id})
    assert left == 1


@pytest.mark.parametrize("_round", range(5))
async def test_a_leavers_task_is_completed_or_moved_never_lost(
    larger_world: World, sessions: Sessions, _round: int
) -> None:
    """The executive sends it to customs at the moment they are removed."""
    world = larger_world
    issue = await world.raise_issue("staff", executive=str(world.people["boss"].person_id))
    await world.complete("staff", issue.id, "draft_issue", send=True)
    task_id = await world.task(issue.id, "review_issue")
    await world.session.commit()

    async def complete(session: AsyncSession) -> Any:
        own = World(session, world.now, world.engine, world.people)
        return await own.submit("boss", task_id, {"decision": "submit", "importance": "一般"})

    completed, moved = await race(sessions, complete, removing(world, "admin", "boss", reviews="second"))
    assert moved == 1
    after = await world.issue(issue.id)
    assert after.executive_id == world.people["second"].person_id
    if isinstance(completed, Refusal):
        assert isinstance(completed, NotYours) and completed.details["claimed_by_name"] == "second"
        await world.complete("second", issue.id, "review_issue", decision="submit", importance="一般")
    assert (await world.issue(issue.id)).status == "海关待受理"


@pytest.mark.parametrize("_round", range(3))
async def test_moving_and_claiming_several_at_once_do_not_wait_for_each_other(
    larger_world: World, sessions: Sessions, _round: int
) -> None:
    world = larger_world
    found = []
    for _ in range(6):
        issue = await world.raise_issue("staff", executive=str(world.people["boss"].person_id))
        await world.complete("staff", issue.id, "draft_issue", send=True)
        await world.complete("boss", issue.id, "review_issue", decision="submit", importance="一般")
        found.append(issue.id)
    tasks = [await world.task(id_, "answer_issue") for id_ in found]
    await world.session.commit()

    async def claim(session: AsyncSession) -> Any:
        return await commands.claim_many(session, world.engine, world.people["handler"], tasks, world.now)

    claimed, moved = await race(sessions, claim, removing(world, "admin", "boss", reviews="second"))
    assert (len(claimed.claimed), moved) == (6, 6)


async def test_two_enterprises_add_the_same_new_person_at_once(
    larger_world: World, sessions: Sessions
) -> None:
    world = larger_world
    fields = check_member("新人", "13700000001", "", ("customs_affairs",))

    def adding(by: str) -> Work:
        return lambda session: add_member(session, world.people[by], fields, world.now)

    async with sessions.begin() as session:
        roles = "UPDATE membership SET roles = '{enterprise_admin}' WHERE id = :id"
        await session.execute(text(roles), {"id": member(world, "boss_two")})
    ours, theirs, twice = await race(sessions, adding("admin"), adding("boss_two"), adding("admin_two"))
    assert [isinstance(one, MemberExists) for one in (ours, theirs, twice)].count(True) == 1
    added = [one for one in (ours, theirs, twice) if not isinstance(one, Refusal)]
    assert len({one.person_id for one in added}) == 1 and len({one.id for one in added}) == 2


async def test_what_reaches_a_leaver_afterwards_goes_to_the_heir(
    larger_world: World, sessions: Sessions
) -> None:
    """A colleague had chosen the executive and was sending it while the executive was removed."""
    world = larger_world
    earlier = await world.raise_issue("staff", executive=str(world.people["boss"].person_id))
    await world.complete("staff", earlier.id, "draft_issue", send=True)
    await world.session.commit()
    async with sessions.begin() as session:
        await removing(world, "admin", "boss", reviews="second")(session)
    late = await world.raise_issue("staff")
    await world.complete("staff", late.id, "draft_issue", send=True)
    await world.session.execute(
        text("UPDATE issue SET executive_id = :boss WHERE id = :id"),
        {"boss": world.people["boss"].person_id, "id": late.id},
    )
    await world.session.execute(
        text(
            "UPDATE user_task SET claimed_by = :boss, assignee = :boss WHERE instance_id = :id AND state = 'ready'"
        ),
        {"boss": world.people["boss"].person_id, "id": late.id},
    )
    await world.session.commit()
    assert await move_late_work(sessions, world.engine, world.now) == 1
    assert await move_late_work(sessions, world.engine, world.now) == 0
    await world.complete("second", late.id, "review_issue", decision="submit", importance="一般")
    assert (await world.issue(late.id)).executive_id == world.people["second"].person_id


async def test_an_issue_reopened_after_its_executive_left_is_evaluated_by_the_heir(
    larger_world: World, sessions: Sessions
) -> None:
    world = larger_world
    issue = await world.raise_issue("staff", executive=str(world.people["boss"].person_id))
    other = await world.raise_issue("staff", executive=str(world.people["boss"].person_id))
    for one in (issue, other):
        await world.complete("staff", one.id, "draft_issue", send=True)
        await world.complete("boss", one.id, "review_issue", decision="submit", importance="一般")
    await world.claim("handler", issue.id)
    await world.complete("handler", issue.id, "answer_issue", decision="answer", answer="可以。")
    await world.complete("boss", issue.id, "evaluate_answer", rating=1)
    await world.session.commit()
    async with sessions.begin() as session:
        assert await removing(world, "admin", "boss", reviews="second")(session) == 1
    assert await move_late_work(sessions, world.engine, world.now) == 0
    await world.complete("staff", issue.id, "evaluate_answer", rating=3, comment="没有答到。", reopen=True)
    await world.session.commit()
    assert await move_late_work(sessions, world.engine, world.now) == 1
    assert (await world.issue(issue.id)).executive_id == world.people["second"].person_id


async def test_half_a_removal_is_none(larger_world: World, sessions: Sessions) -> None:
    """The process dies after the work was moved and before the commit: given again, the command does all of it."""
    world = larger_world
    issue = await world.raise_issue("staff", executive=str(world.people["boss"].person_id))
    await world.session.commit()
    async with sessions() as session:
        assert await removing(world, "admin", "staff", work="second")(session) == 1
        await session.rollback()
    assert (await world.issue(issue.id)).submitter_id == world.people["staff"].person_id
    await world.session.rollback()
    async with sessions.begin() as session:
        assert await removing(world, "admin", "staff", work="second")(session) == 1
    assert (await world.issue(issue.id)).submitter_id == world.people["second"].person_id

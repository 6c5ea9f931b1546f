"""What administrators' commands do to work at hand: it goes back, on the timeline; deadlines follow the calendar."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from inspect import signature
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.jobs import jobs
from domain.actor import Actor
from domain.calendar import read_days
from domain.models import Officer, OfficerRole
from domain.roles import give_role
from domain.working_days import DEFAULT_HOURS, OfficeHours
from engine.exceptions import NotYours
from tasks import commands
from tasks.administration import (
    count_moving_by_hours,
    count_moving_deadlines,
    disable_officer,
    save_hours,
    save_year,
    take_role,
)
from tasks.exceptions import NotFound
from tasks.returns import give_back
from tasks.timeline import read_timeline
from tests.tasks.world import World, add_officer


@pytest.fixture
async def system(world: World) -> Actor:
    return await add_officer(world.session, world.now, "石磊", "+8613600000001", (("system_admin", "2300"),))


@pytest.fixture
async def security(world: World) -> Actor:
    return await add_officer(
        world.session, world.now, "安宁", "+8613600000002", (("security_admin", "2300"),)
    )


async def waiting_jobs(session: AsyncSession, name: str) -> int:
    statement = text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = :name AND status = 'todo'")
    return int(await session.scalar(statement, {"name": name}) or 0)


async def expect_job(world: World, name: str, *, at: datetime | None) -> None:
    """One such job waits until then, with arguments that it takes."""
    statement = text("SELECT args, scheduled_at FROM procrastinate_jobs WHERE task_name = :name")
    row = (await world.session.execute(statement, {"name": name})).one()
    signature(jobs.tasks[name].func).bind(None, **row.args)
    assert row.scheduled_at == at


async def test_what_a_disabled_officer_had_claimed_goes_back_with_its_status(
    world: World, system: Actor
) -> None:
    issue = await world.at_customs()
    task = await world.claim("handler", issue.id)
    assert (await world.issue(issue.id)).status == "海关办理中"
    handler = world.people["handler"]
    assert handler.officer_id
    back = await disable_officer(world.session, world.engine, system, handler.officer_id, world.now)
    assert (back.returned, back.left) == (1, 0)
    assert (await world.issue(issue.id)).status == "海关待受理"
    last = (await read_timeline(world.session, world.engine, issue.id))[-1]
    assert (last.actor_name, last.text) == ("石磊", "陈刚不再办理“答复问题”，等待他人认领")
    await expect_job(world, "give_back_later", at=world.now + timedelta(seconds=30))
    with pytest.raises(NotFound):
        await commands.claim(world.session, world.engine, handler, task, world.now)
    await world.claim("colleague", issue.id)


async def test_a_role_taken_gives_back_what_was_claimed_by_it_and_no_more(
    world: World, security: Actor
) -> None:
    handler = world.people["handler"]
    assert handler.officer_id
    await give_role(world.session, security, handler.officer_id, "handler", "2302", world.now)
    world.people["handler"] = replace(handler, groups=("handler:2301", "handler:2302"))
    here, there = await world.at_customs(), await world.at_customs(office="2302")
    await world.claim("handler", here.id)
    await world.claim("handler", there.id)
    back = await take_role(
        world.session, world.engine, security, handler.officer_id, "handler", "2301", world.now
    )
    assert back.returned == 1
    statuses = {
        (await world.issue(one.id)).office: (await world.issue(one.id)).status for one in (here, there)
    }
    assert statuses == {"2301": "海关待受理", "2302": "海关办理中"}
    with pytest.raises(NotFound):
        await world.claim("handler", here.id)


async def test_what_comes_later_is_given_back_by_the_job(world: World, system: Actor) -> None:
    issue = await world.at_customs()
    handler = world.people["handler"]
    await world.claim("handler", issue.id)
    officer = await world.session.get_one(Officer, handler.officer_id)
    officer.active = False  # as if it had been claimed in the moment of disabling
    await world.session.flush()
    assert handler.person_id
    back = await give_back(world.session, world.engine, handler.person_id, by=system.person_id, now=world.now)
    assert back.returned == 1
    again = await give_back(world.session, world.engine, handler.person_id, by=None, now=world.now)
    assert again.returned == 0


async def test_work_of_members_is_not_touched(world: World) -> None:
    issue = await world.raise_issue()
    staff = world.people["staff"]
    back = await give_back(world.session, world.engine, staff.person_id, by=None, now=world.now)
    assert (back.returned, back.left) == (0, 0)
    await world.task(issue.id, "draft_issue", "staff")


async def test_a_task_is_handed_only_to_who_has_the_role_now(world: World) -> None:
    issue = await world.at_customs()
    task = await world.claim("handler", issue.id)
    colleague = world.people["colleague"]
    await world.session.delete(
        await world.session.get_one(OfficerRole, (colleague.officer_id, "handler", "2301"))
    )
    await world.session.flush()
    with pytest.raises(Exception, match="同一海关单位"):
        await commands.hand_over(
            world.session, world.engine, world.people["handler"], task, colleague.person_id, world.now
        )


async def test_many_are_claimed_with_the_roles_one_has_now(world: World) -> None:
    issue = await world.at_customs()
    task = await world.task(issue.id, "answer_issue")
    handler = world.people["handler"]
    stale = replace(handler, groups=("handler:2301", "handler:2302"))
    outcome = await commands.claim_many(world.session, world.engine, stale, [task], world.now)
    assert list(outcome.claimed) == [task]
    other = replace(world.people["other"], groups=("handler:2301",))
    with pytest.raises((NotFound, NotYours)):
        await commands.claim(world.session, world.engine, other, task, world.now)


async def test_a_year_entered_moves_open_deadlines_by_a_job(world: World, system: Actor) -> None:
    await world.at_customs()
    days = read_days("检修：3月3日至5日放假。", 2026)
    assert await count_moving_deadlines(world.session, 2026, days) == 1
    assert await count_moving_deadlines(world.session, 2027, read_days("元旦：1月1日放假。", 2027)) == 0
    assert await save_year(world.session, system, 2026, days, world.now)
    await expect_job(world, "move_deadlines_now", at=None)
    assert not await save_year(world.session, system, 2026, days, world.now)
    assert await waiting_jobs(world.session, "move_deadlines_now") == 1


async def test_other_office_hours_move_open_deadlines_by_a_job(world: World, system: Actor) -> None:
    await world.at_customs()
    early = OfficeHours(((time(8), time(16)),))
    assert await count_moving_by_hours(world.session, early) == 1
    assert await count_moving_by_hours(world.session, DEFAULT_HOURS) == 0
    assert await save_hours(world.session, system, early, world.now)
    assert not await save_hours(world.session, system, early, world.now)
    assert await waiting_jobs(world.session, "move_deadlines_now") == 1


def test_the_jobs_are_known_to_the_worker() -> None:
    names: Any = set(jobs.tasks)
    assert {"give_back_later", "move_deadlines_now"} <= names

"""Open deadlines that move: to the rule of this version when the program is brought up, and back into the future when a holiday
that becomes known takes back that they were late."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from domain.working_days import WorkingCalendar
from tasks.jobs import run_due_timers
from tasks.moving_deadlines import Upgraded, move_deadlines, upgrade_deadlines
from tests.tasks.world import World

Sessions = async_sessionmaker[AsyncSession]
PLAIN = WorkingCalendar()


def utc(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


async def as_before(world: World, id_: UUID, due_at: datetime) -> None:
    """The issue and its timers as a version that counted by the clock would have left them."""
    await world.session.execute(
        text("UPDATE issue SET due_at = :due_at, remind_at = NULL, pauses = NULL WHERE id = :id"),
        {"id": id_, "due_at": due_at},
    )
    for timer, moment in (("deadline_near", due_at - timedelta(days=1)), ("deadline_passed", due_at)):
        locked = await world.engine.lock_instance(world.session, id_)
        await world.engine.reschedule(world.session, locked, timer, moment, actor=None, now=world.now)


async def ask(world: World, id_: UUID) -> None:
    await world.claim("handler", id_)
    await world.complete("handler", id_, "answer_issue", decision="ask_enterprise", question="请提供合同。")


async def timers(world: World, id_: UUID) -> list[datetime]:
    """The moments to which the last upgrade moved its timers."""
    rows = await world.session.execute(
        text(
            "SELECT details ->> 'due_at' AS moment FROM process_event"
            " WHERE instance_id = :id AND kind = 'rescheduled' ORDER BY id DESC LIMIT 2"
        ),
        {"id": id_},
    )
    return sorted(datetime.fromisoformat(row.moment) for row in rows)


async def test_open_deadlines_are_worked_out_anew_and_none_ends_earlier(
    own_world: World, sessions: Sessions
) -> None:
    world = own_world
    plain, asked, promised = [await world.at_customs() for _ in range(3)]  # Monday 2 March, 9:00; ten days
    world.pass_time(hours=9)  # 18:00: offices are closed
    await ask(world, asked.id)
    world.pass_time(days=1)
    await world.complete("staff", asked.id, "supply_information", information="合同见附件。")
    await as_before(world, plain.id, utc(16, 1))  # as many days, at 9:00
    await as_before(world, asked.id, utc(17, 1))  # and the day by the clock
    await as_before(world, promised.id, utc(20, 16, 30))  # a Saturday in Beijing, half past midnight
    await world.session.commit()

    done = await upgrade_deadlines(sessions, world.engine, PLAIN, world.now)
    assert done == Upgraded(worked_out=3, later=1)
    due = [(await world.issue(one.id)).due_at for one in (plain, asked, promised)]
    # a working day for which the clock stood was one day by the clock; of the Saturday became the Monday after
    assert due == [utc(16, 9, 30), utc(17, 9, 30), utc(23, 9, 30)]
    assert [(await world.issue(one.id)).days_added for one in (plain, asked, promised)] == [0, 0, 5]
    assert (await world.issue(asked.id)).paused_s == 7 * 3600
    assert await timers(world, plain.id) == [utc(12, 1), utc(16, 9, 30)]
    assert await timers(world, promised.id) == [utc(18, 1), utc(23, 9, 30)]
    await world.session.commit()
    assert await upgrade_deadlines(sessions, world.engine, PLAIN, world.now) == Upgraded(0, 0)
    world.now = utc(16, 9, 30)
    await run_due_timers(sessions, world.engine, lambda: world.now)
    assert [(await world.issue(one.id)).overdue_at for one in (plain, promised)] == [world.now, None]


async def test_what_waits_for_the_enterprise_is_worked_out_and_goes_on_by_the_rule(
    own_world: World, sessions: Sessions
) -> None:
    world = own_world
    issue = await world.at_customs()
    await as_before(world, issue.id, utc(16, 1))
    await ask(world, issue.id)
    await world.session.commit()
    world.pass_time(days=1)
    assert await upgrade_deadlines(sessions, world.engine, PLAIN, world.now) == Upgraded(1, 0)
    await world.complete("staff", issue.id, "supply_information", information="合同见附件。")
    assert (await world.issue(issue.id)).due_at == utc(17, 9, 30)


async def test_a_late_deadline_that_a_holiday_moves_into_the_future_is_not_late_and_may_be_late_again(
    own_world: World, sessions: Sessions
) -> None:
    world = own_world
    issue = await world.at_customs()
    await world.session.commit()
    world.now = utc(16, 9, 30)
    await run_due_timers(sessions, world.engine, lambda: world.now)
    assert (await world.issue(issue.id)).overdue_at == world.now
    await world.session.commit()
    calendar = WorkingCalendar({date(2026, 3, 5): False})
    assert await move_deadlines(sessions, world.engine, calendar, world.now) == 1
    assert (await world.issue(issue.id)).overdue_at is None
    await world.session.commit()
    world.now = utc(17, 9, 30)
    assert await run_due_timers(sessions, world.engine, lambda: world.now) == 1
    assert (await world.issue(issue.id)).overdue_at == world.now
    fired: Any = await world.session.scalar(
        text("SELECT count(*) FROM process_event WHERE instance_id = :id AND element_id = 'deadline_passed'"
             " AND kind = 'timer_fired'"),
        {"id": issue.id},
    )  # fmt: skip
    assert fired == 2
    await world.session.commit()
    assert await move_deadlines(sessions, world.engine, calendar, world.now) == 0


async def test_a_calendar_that_moves_only_the_reminder_moves_its_timer(
    own_world: World, sessions: Sessions
) -> None:
    world = own_world
    issue = await world.at_customs()
    await world.session.commit()
    # Saturday 7 March is worked and Friday 13 March is not: the eighth day comes earlier, the tenth does not.
    calendar = WorkingCalendar({date(2026, 3, 7): True, date(2026, 3, 13): False})
    assert await move_deadlines(sessions, world.engine, calendar, world.now) == 1
    moved = await world.issue(issue.id)
    assert moved.due_at == issue.due_at
    assert moved.remind_at == utc(11, 1)
    assert await timers(world, issue.id) == [utc(11, 1), utc(16, 9, 30)]

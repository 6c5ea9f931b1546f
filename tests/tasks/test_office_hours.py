"""Notices of deadlines and of supervision reach officers in office hours only; enterprises, and new work, at any hour."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from tests.tasks.world import World


async def waiting(world: World, id_: UUID) -> dict[tuple[str, str], tuple[datetime, str | None]]:
    """When each message may be sent, and what it waits for, by template and person."""
    rows = await world.session.execute(
        text(
            "SELECT m.template, p.name, m.due_at, m.waits_for FROM message m JOIN person p ON p.id = m.person_id"
            " WHERE m.instance_id = :id"
        ),
        {"id": id_},
    )
    return {(row.template, row.name): (row.due_at, row.waits_for) for row in rows}


async def jobs_at(world: World, moment: datetime) -> int:
    """How many deliveries are put off until then."""
    question = (
        "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'deliver_messages' AND scheduled_at = :at"
    )
    found: Any = await world.session.scalar(text(question), {"at": moment})
    return int(found)


async def test_an_overdue_notice_waits_until_offices_open_though_it_is_written_when_they_close(
    world: World,
) -> None:
    issue = await world.at_customs()
    await world.claim("handler", issue.id)
    world.now = datetime(2026, 3, 12, 1, tzinfo=UTC)  # the opening of the eighth day
    await world.fire_timers()
    world.now = datetime(2026, 3, 16, 9, 30, tzinfo=UTC)  # the close of the tenth
    assert await world.fire_timers() == ["deadline_passed"]
    found = await waiting(world, issue.id)
    opening = datetime(2026, 3, 17, 1, tzinfo=UTC)
    assert found["deadline_near", "陈刚"] == (datetime(2026, 3, 12, 1, tzinfo=UTC), None)
    assert found["overdue", "陈刚"] == found["overdue", "徐静"] == (opening, "office")
    assert found["submitted", "张敏"] == (issue.submitted_at, None)
    assert await jobs_at(world, opening) == 1
    assert (await world.issue(issue.id)).overdue_at == world.now


async def test_nobody_took_it_up_by_friday_evening_is_told_on_monday(world: World) -> None:
    world.now = datetime(2026, 3, 5, 2, tzinfo=UTC)  # a Thursday
    issue = await world.at_customs()
    world.now = datetime(2026, 3, 6, 9, 30, tzinfo=UTC)
    assert await world.fire_timers() == ["acceptance_late"]
    monday = datetime(2026, 3, 9, 1, tzinfo=UTC)
    found = await waiting(world, issue.id)
    assert {who: found["unclaimed", who] for who in ("陈刚", "刘洋", "黄勇")} == dict.fromkeys(
        ("陈刚", "刘洋", "黄勇"), (monday, "office")
    )


async def test_a_reopening_in_the_evening_is_told_the_enterprise_at_once_and_the_supervisor_in_the_morning(
    world: World,
) -> None:
    issue = await world.answered()
    world.now = datetime(2026, 3, 2, 12, tzinfo=UTC)  # 20:00
    await world.complete("staff", issue.id, "evaluate_answer", rating=3, comment="没有解决。", reopen=True)
    found = await waiting(world, issue.id)
    morning = datetime(2026, 3, 3, 1, tzinfo=UTC)
    assert found["reopened", "徐静"] == (morning, "office")
    assert found["reopened", "王强"] == (world.now, None)
    assert found["arrived", "刘洋"] in (
        (world.now, None),
        (issue.submitted_at, None),
    )  # the same text twice: work, not a warning

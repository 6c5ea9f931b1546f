"""Work without a person, each with transactions of its own: timers, their failures, moved deadlines, and races."""

import asyncio
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlmodel import col

from db.ids import uuid7
from domain.exceptions import CannotWithdraw
from domain.files.store import FolderStore
from domain.models import Attachment
from domain.working_days import WorkingCalendar
from engine.exceptions import OperatorFailed, TaskAlreadyClaimed, TaskGone
from engine.instances import Engine
from errors import Refusal
from settings import Settings
from tasks import commands, completion, issues
from tasks.jobs import fire_due_timer, run_due_timers, sweep
from tasks.moving_deadlines import move_deadlines
from tests.tasks.world import World

Sessions = async_sessionmaker[AsyncSession]


async def test_due_timers_are_fired_one_instance_after_the_other(
    own_world: World, sessions: Sessions
) -> None:
    world = own_world
    found = [await world.at_customs() for _ in range(3)]
    await world.session.commit()
    world.pass_time(days=30)
    assert await run_due_timers(sessions, world.engine, lambda: world.now) == 3
    assert not await fire_due_timer(sessions, world.engine, world.now)
    for issue in found:
        assert (await world.issue(issue.id)).overdue_at == world.now
        assert ("overdue", "徐静") in await world.messages(issue.id)


async def test_a_timer_that_breaks_becomes_an_incident_and_waits(
    own_world: World, sessions: Sessions
) -> None:
    world = own_world
    issue, other = await world.at_customs(), await world.at_customs()
    await world.session.commit()
    operators = cast(dict[str, Any], world.engine.operators)
    whole = operators["mark_overdue"]

    async def broken(context: Any) -> None:
        if context.instance_id == issue.id:
            raise RuntimeError("broken")
        await whole(context)

    operators["mark_overdue"] = broken
    world.pass_time(days=30)
    assert await run_due_timers(sessions, world.engine, lambda: world.now) == 2
    incident = (await world.session.execute(text("SELECT * FROM incident"))).one()
    assert (incident.instance_id, incident.element_id, incident.tries) == (issue.id, "record_overdue", 1)
    await world.session.commit()
    assert (await world.issue(issue.id)).overdue_at is None
    assert (await world.issue(other.id)).overdue_at == world.now
    await world.session.commit()
    operators["mark_overdue"] = whole
    world.pass_time(minutes=2)
    assert await run_due_timers(sessions, world.engine, lambda: world.now) == 1
    assert (await world.issue(issue.id)).overdue_at == world.now


async def test_a_deadline_that_cannot_be_moved_holds_up_no_other_and_is_moved_later(
    own_world: World, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = own_world
    broken, other = await world.at_customs(), await world.at_customs()
    await world.session.commit()
    calendar = WorkingCalendar({date(2026, 3, 5): False, date(2026, 3, 6): False})
    reschedule = world.engine.reschedule

    async def fail(session: AsyncSession, locked: Any, *arguments: Any, **options: Any) -> Any:
        if locked.instance.id == broken.id:
            raise OperatorFailed("broken", "remind_handler")
        return await reschedule(session, locked, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(world.engine, "reschedule", fail)
        assert await move_deadlines(sessions, world.engine, calendar, world.now) == 1
    incident = (await world.session.execute(text("SELECT * FROM incident"))).one()
    assert (incident.instance_id, incident.command) == (broken.id, "move_deadlines")
    assert (await world.issue(broken.id)).due_at == broken.due_at
    assert (await world.issue(other.id)).due_at != other.due_at
    await world.session.commit()
    assert await move_deadlines(sessions, world.engine, calendar, world.now) == 1
    settled = await world.session.scalar(text("SELECT note FROM incident WHERE resolved_at IS NOT NULL"))
    assert settled == "重试成功，自动标记。"


async def test_a_holiday_that_becomes_known_moves_open_deadlines(
    own_world: World, sessions: Sessions
) -> None:
    world = own_world
    issue, closed = await world.at_customs(), await world.at_customs()
    await issues.withdraw_issue(world.session, world.engine, world.people["staff"], closed.id, world.now)
    await world.session.commit()
    calendar = WorkingCalendar({date(2026, 3, 5): False, date(2026, 3, 6): False})
    assert await move_deadlines(sessions, world.engine, calendar, world.now) == 1
    moved = await world.issue(issue.id)
    assert issue.due_at is not None
    assert moved.due_at == issue.due_at + timedelta(days=2)
    task_due = await world.session.scalar(
        text("SELECT due_at FROM user_task WHERE instance_id = :id AND element_id = 'answer_issue'"),
        {"id": issue.id},
    )
    assert task_due == moved.due_at
    await world.session.commit()
    assert await move_deadlines(sessions, world.engine, calendar, world.now) == 0
    assert moved.due_at is not None
    world.now = moved.due_at - timedelta(minutes=1)
    await run_due_timers(sessions, world.engine, lambda: world.now)
    assert (await world.issue(issue.id)).overdue_at is None
    await world.session.commit()
    world.pass_time(minutes=1)
    await run_due_timers(sessions, world.engine, lambda: world.now)
    assert (await world.issue(issue.id)).overdue_at == world.now


async def at_once(sessions: Sessions, *jobs: Any) -> list[Any]:
    """Run each in a session and transaction of its own, at the same moment; results and refusals."""

    async def run(job: Any) -> Any:
        async with sessions() as session:
            try:
                result = await job(session)
                await session.commit()
            except Refusal as refusal:
                return refusal
            return result

    return await asyncio.gather(*(run(job) for job in jobs))


async def test_files_of_a_saved_draft_are_not_swept(
    own_world: World, sessions: Sessions, tmp_path: Path
) -> None:
    world = own_world
    issue = await world.raise_issue()
    kept, loose = uuid7(), uuid7()
    for id_ in (kept, loose):
        world.session.add(
            Attachment(
                id=id_,
                uploader_id=world.people["staff"].person_id,
                name="照片.png",
                size=1,
                media_type="image/png",
                sha256="",
                stored_as=f"{id_.hex}.png",
                created_at=world.now,
            )
        )
    await world.session.flush()
    task = await world.task(issue.id, "draft_issue")
    draft = {"attachments": [str(kept)]}
    await commands.save_draft(world.session, world.engine, world.people["staff"], task, draft, world.now)
    await world.session.commit()
    store = FolderStore(tmp_path)
    parts = SimpleNamespace(sessions=sessions, engine=world.engine, store=store, settings=Settings(demo=True))
    context: Any = SimpleNamespace(additional_context={"wired": parts})
    world.pass_time(days=8)
    await sweep.func(context, int(world.now.timestamp()))
    assert set(await world.session.scalars(select(col(Attachment.id)))) == {kept}


async def test_of_two_who_claim_at_once_one_gets_it(own_world: World, sessions: Sessions) -> None:
    world = own_world
    issue = await world.at_customs()
    task_id = await world.task(issue.id, "answer_issue")
    await world.session.commit()

    def claim(engine: Engine, who: str) -> Any:
        return lambda session: commands.claim(session, engine, world.people[who], task_id, world.now)

    results = await at_once(sessions, claim(world.engine, "handler"), claim(world.engine, "colleague"))
    [refused] = [one for one in results if isinstance(one, Refusal)]
    assert isinstance(refused, TaskAlreadyClaimed)
    assert refused.details["claimed_by_name"] in ("陈刚", "刘洋")
    assert refused.details["claimed_at"] == world.now


async def test_claim_and_withdrawal_at_once_end_one_way(own_world: World, sessions: Sessions) -> None:
    world = own_world
    issue = await world.at_customs()
    task_id = await world.task(issue.id, "answer_issue")
    await world.session.commit()
    results = await at_once(
        sessions,
        lambda session: commands.claim(session, world.engine, world.people["handler"], task_id, world.now),
        lambda session: issues.withdraw_issue(
            session, world.engine, world.people["staff"], issue.id, world.now
        ),
    )
    [refused] = [one for one in results if isinstance(one, Refusal)]
    status = (await world.issue(issue.id)).status
    if isinstance(refused, CannotWithdraw):
        assert (status, refused.details["by_person_name"]) == ("海关办理中", "陈刚")
    else:
        assert isinstance(refused, TaskGone)
        assert (status, refused.details["by_person_name"]) == ("已撤回", "张敏")


async def test_completing_and_handing_over_at_once_end_one_way(own_world: World, sessions: Sessions) -> None:
    world = own_world
    issue = await world.at_customs()
    task_id = await world.claim("handler", issue.id)
    await world.session.commit()
    me, to = world.people["handler"], world.people["colleague"].person_id
    answers = {"decision": "answer", "answer": "可以。"}
    results = await at_once(
        sessions,
        lambda session: completion.complete(session, world.engine, me, task_id, answers, now=world.now),
        lambda session: commands.hand_over(session, world.engine, me, task_id, to, world.now),
    )
    assert len([one for one in results if isinstance(one, Refusal)]) == 1
    assert (await world.issue(issue.id)).status in ("已完成", "海关办理中")

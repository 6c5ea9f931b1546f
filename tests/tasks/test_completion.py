"""Completing: how many statements it takes, what a repeated submit gets, who may not."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast
from uuid import uuid4

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from domain.models import Enterprise, Person
from engine.exceptions import NotYours, OperatorFailed, StaleVersion, TaskGone
from tasks import commands, completion, inbox
from tasks.completion import keep_as_draft
from tasks.exceptions import AnswersRefused, KeyReused, NotFound
from tasks.jobs import purge_answers
from tests.tasks.world import World, join

REVIEW = {"decision": "submit", "importance": "一般"}
ANSWER = {"decision": "answer", "answer": "答" * 5000}
MOST_STATEMENTS = 9  # and one for the session of the person who asks


@contextmanager
def counted(session: AsyncSession) -> Iterator[list[str]]:
    """The statements sent through this session's connection, savepoints left out, and the jobs that psycopg itself defers."""
    seen: list[str] = []
    connection: Any = session.sync_session.connection()

    def note(*arguments: Any) -> None:
        if not arguments[2].startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
            seen.append(arguments[2])

    event.listen(connection, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(connection, "before_cursor_execute", note)


async def test_a_completion_takes_few_statements(world: World) -> None:
    issue = await world.raise_issue()
    await world.complete("staff", issue.id, "draft_issue", send=True)
    steps: list[tuple[str, str, dict[str, Any]]] = [
        ("boss", "review_issue", {**REVIEW, "title": "改过", "office": "2301"}),
        ("handler", "answer_issue", ANSWER),
        ("staff", "evaluate_answer", {"rating": 1}),
        ("boss", "evaluate_answer", {"rating": 1}),
    ]
    for who, element_id, answers in steps:
        if element_id == "answer_issue":
            await world.claim(who, issue.id)
        task_id = await world.task(issue.id, element_id, who)
        await world.session.flush()
        with counted(world.session) as seen:
            await world.submit(who, task_id, answers, version=None, idempotency_key=str(uuid4()))
        jobs = 1 if element_id != "evaluate_answer" else 0
        assert len(seen) + jobs <= MOST_STATEMENTS, (element_id, seen)
    assert (await world.issue(issue.id)).status == "已清零"


async def test_the_same_submit_again_gets_the_same_answer(world: World) -> None:
    issue = await world.raise_issue()
    task_id = await world.task(issue.id, "draft_issue")
    first = await world.submit("staff", task_id, {"send": True}, idempotency_key="k1")
    again = await world.submit("staff", task_id, {"send": True}, idempotency_key="k1")
    assert again.as_json() == first.as_json()
    assert (first.repeated, again.repeated) == (False, True)
    done = await world.session.scalar(
        text("SELECT count(*) FROM process_event WHERE instance_id = :id AND kind = 'task_completed'"),
        {"id": issue.id},
    )
    assert done == 1


async def test_the_same_key_for_something_else_is_refused(world: World) -> None:
    issue, other = await world.raise_issue(), await world.raise_issue()
    task_id = await world.task(issue.id, "draft_issue")
    await world.submit("staff", task_id, {"send": True}, idempotency_key="k1")
    with pytest.raises(KeyReused):
        await world.submit("staff", task_id, {"send": True, "title": "另一个"}, idempotency_key="k1")
    with pytest.raises(KeyReused):
        await world.submit(
            "staff", await world.task(other.id, "draft_issue"), {"send": True}, idempotency_key="k1"
        )


async def test_a_late_submit_without_its_key_is_told_who_was_first(world: World) -> None:
    issue = await world.raise_issue()
    task_id = await world.task(issue.id, "draft_issue")
    await world.submit("staff", task_id, {"send": True}, idempotency_key="k1")
    with pytest.raises(TaskGone) as gone:
        await world.submit("staff", task_id, {"send": True}, idempotency_key="k2")
    assert gone.value.details["by_person_name"] == "张敏"
    assert gone.value.details["at"] == world.now


async def test_keys_are_forgotten_after_their_days(world: World) -> None:
    issue = await world.raise_issue()
    task_id = await world.task(issue.id, "draft_issue")
    await world.submit("staff", task_id, {"send": True}, idempotency_key="k1")
    world.pass_time(days=6)
    await purge_answers(world.session, world.now, 7)
    assert await world.session.scalar(text("SELECT count(*) FROM idempotency_key")) == 1
    world.pass_time(days=2)
    await purge_answers(world.session, world.now, 7)
    assert await world.session.scalar(text("SELECT count(*) FROM idempotency_key")) == 0


async def test_mistakes_are_named_and_nothing_happens(world: World) -> None:
    issue = await world.at_customs()
    task_id = await world.claim("handler", issue.id)
    with pytest.raises(AnswersRefused) as refused:
        await world.submit("handler", task_id, {"decision": "answer", "question": "?", "x": 1})
    assert set(refused.value.errors) == {"answer", "question", "x"}
    assert (await world.issue(issue.id)).status == "海关办理中"


async def test_a_task_is_only_for_who_has_it(world: World) -> None:
    issue = await world.at_customs()
    task_id = await world.task(issue.id, "answer_issue")
    with pytest.raises(NotYours):
        await world.submit("handler", task_id, ANSWER)  # not claimed yet
    await world.claim("handler", issue.id)
    with pytest.raises(NotYours) as refused:
        await world.submit("colleague", task_id, ANSWER)
    assert refused.value.details["claimed_by_name"] == "陈刚"
    with pytest.raises(NotYours):
        await world.submit("staff", task_id, ANSWER)  # may read the issue
    for stranger in ("other", "staff_two"):
        with pytest.raises(NotFound):
            await world.submit(stranger, task_id, ANSWER)
    with pytest.raises(NotFound):
        await world.submit("handler", uuid4(), ANSWER)


async def test_a_task_is_done_only_while_acting_for_its_enterprise(world: World) -> None:
    issue = await world.raise_issue()
    task_id = await world.task(issue.id, "draft_issue")
    two = world.people["staff_two"].enterprise_id
    person = await world.session.get_one(Person, world.people["staff"].person_id)
    enterprise = await world.session.get_one(Enterprise, two)
    world.people["elsewhere"] = await join(world.session, world.now, person, enterprise, ("customs_affairs",))
    with pytest.raises(NotFound):
        await world.submit("elsewhere", task_id, {"send": True})
    with pytest.raises(NotFound):
        await inbox.get_task(world.session, world.engine, world.people["elsewhere"], task_id, world.now)
    assert (await inbox.list_tasks(world.session, world.people["elsewhere"], "mine")).items == []
    assert (await inbox.count_tasks(world.session, world.people["elsewhere"]))["mine"] == 0
    assert [
        line.id for line in (await inbox.list_tasks(world.session, world.people["staff"], "mine")).items
    ] == [task_id]


async def test_an_old_page_is_refused(world: World) -> None:
    issue = await world.at_customs()
    task_id = await world.claim("handler", issue.id)
    await commands.release(world.session, world.engine, world.people["handler"], task_id, world.now)
    await world.claim("handler", issue.id)
    with pytest.raises(StaleVersion):
        await world.submit("handler", task_id, ANSWER, version=2)
    await world.submit("handler", task_id, ANSWER, version=4)


async def test_after_a_failure_of_ours_the_answers_are_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue = await world.at_customs()
    task_id = await world.claim("handler", issue.id)

    async def broken(*_: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setitem(cast(dict[str, Any], world.engine.operators), "record_answer", broken)
    with pytest.raises(OperatorFailed):
        async with world.session.begin_nested():
            await world.submit("handler", task_id, ANSWER)
    await keep_as_draft(world.session, world.people["handler"], task_id, ANSWER, world.now)
    view = await inbox.get_task(world.session, world.engine, world.people["handler"], task_id, world.now)
    assert view.draft == ANSWER
    assert view.state == "ready"


async def test_of_two_submits_at_once_one_moves_the_issue_and_both_get_its_answer(
    own_world: World, sessions: async_sessionmaker[AsyncSession]
) -> None:
    world = own_world
    issue = await world.raise_issue()
    task_id = await world.task(issue.id, "draft_issue")
    await world.session.commit()

    async def submit(key: str) -> completion.CompleteResult:
        async with sessions.begin() as session:
            return await completion.complete(
                session,
                world.engine,
                world.people["staff"],
                task_id,
                {"send": True},
                now=world.now,
                idempotency_key=key,
            )

    first, second = await asyncio.gather(submit("k1"), submit("k1"))
    assert first.as_json() == second.as_json()
    assert {first.repeated, second.repeated} == {True, False}

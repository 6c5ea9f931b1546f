"""Marks in 问题管理 and 待办: gone once the issue was opened, by this person only; and until when an answer may be evaluated."""

import re
from datetime import timedelta

from sqlalchemy import text

from api.pages.wording import due_day
from tests.pages.conftest import World
from tests.pages.test_pages import bring_to_customs, task_of, visitor

CHANGED, NEW = '<span class="unread">有更新</span>', '<span class="unread">新</span>'


async def test_an_issue_is_marked_until_it_is_opened(world: World) -> None:
    issue = await bring_to_customs(world)
    handler, colleague, staff = (visitor(world, name) for name in ("handler", "colleague", "staff"))
    for address in ("/issues", "/tasks?view=claimable"):
        assert NEW in await handler.open(address)
    await handler.open(issue)
    for address in ("/issues", "/tasks?view=claimable"):
        assert 'class="unread"' not in await handler.open(address)
        assert NEW in await colleague.open(address)
    assert 'class="unread"' in await staff.open("/issues")
    await staff.open(issue)
    assert 'class="unread"' not in await staff.open("/issues")


async def test_what_happens_to_an_opened_issue_marks_it_again_in_every_session(world: World) -> None:
    issue = await bring_to_customs(world)
    at_work, at_home = visitor(world, "staff"), visitor(world, "staff")
    await at_work.open(issue)
    handler = visitor(world, "handler")
    task = await task_of(handler, "claimable")
    await handler.open(task)
    await handler.send(f"{task}/claim", {})
    assert CHANGED in await at_home.open("/issues")
    await at_home.open(issue)
    assert 'class="unread"' not in await at_work.open("/issues")


async def test_who_may_not_read_an_issue_leaves_no_trace_of_having_tried(world: World) -> None:
    issue = await bring_to_customs(world)
    stranger = visitor(world, "stranger")
    await stranger.open(issue)
    assert stranger.status == 404
    async with world.wired.sessions() as session:
        seen = await session.scalar(
            text("SELECT count(*) FROM issue_seen WHERE person_id = :id"), {"id": world.people["stranger"]}
        )
    assert seen == 0


async def test_until_when_to_evaluate_is_when_it_ends_not_when_one_is_reminded(world: World) -> None:
    issue = await bring_to_customs(world)
    handler = visitor(world, "handler")
    task = await task_of(handler, "claimable")
    await handler.open(task)
    await handler.send(f"{task}/claim", {})
    done = await handler.send(task, {"decision": "answer", "answer": "应当计入。"})
    async with world.wired.sessions() as session:
        query = text("SELECT answered_at FROM issue WHERE id = CAST(:id AS uuid)")
        answered_at = await session.scalar(query, {"id": issue.rpartition("/")[2]})
    assert answered_at is not None
    sentence = f"{due_day(answered_at + timedelta(days=15))}前没有评价的"
    assert sentence in done
    page = await visitor(world, "staff").open(issue)
    assert sentence in page
    assert not re.search(r"15 天内", done + page)

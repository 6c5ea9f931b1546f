"""Who sees which tasks, in what order, page by page; claiming, returning, handing over, drafts."""

import pytest
from sqlalchemy import text

from engine.exceptions import NotYours, TaskAlreadyClaimed, TaskGone
from tasks import commands, inbox
from tasks.exceptions import AnswersRefused, NotAllowed, NotFound
from tests.tasks.world import World


async def ids(world: World, who: str, view: inbox.View, limit: int = 20) -> list[str]:
    """Titles of all pages of a view."""
    titles: list[str] = []
    after = None
    while True:
        page = await inbox.list_tasks(world.session, world.people[who], view, after, limit)
        titles += [line.issue.title for line in page.items if line.issue]
        if page.next is None:
            return titles
        assert len(page.items) == limit
        after = page.next


async def test_claimable_tasks_are_those_of_my_office_the_most_urgent_first(world: World) -> None:
    for number, importance in enumerate(("一般", "紧急", "重要", "一般", "紧急")):
        world.pass_time(minutes=1)
        issue = await world.raise_issue(title=f"{number}{importance}")
        await world.complete("staff", issue.id, "draft_issue", send=True)
        await world.complete("boss", issue.id, "review_issue", decision="submit", importance=importance)
    expected = ["1紧急", "4紧急", "2重要", "0一般", "3一般"]
    for limit in (1, 2, 5, 20):
        assert await ids(world, "handler", "claimable", limit) == expected
    assert await ids(world, "other", "claimable") == []
    assert await inbox.count_tasks(world.session, world.people["handler"]) == {
        "mine": 0,
        "claimable": 5,
        "done": 0,
    }


async def test_a_task_moves_from_claimable_to_mine_to_done(world: World) -> None:
    issue = await world.at_customs()
    task_id = await world.claim("handler", issue.id)
    assert await ids(world, "colleague", "claimable") == []
    assert await ids(world, "handler", "mine") == [issue.title]
    await world.submit("handler", task_id, {"decision": "answer", "answer": "可以。"})
    assert await ids(world, "handler", "mine") == []
    assert await ids(world, "handler", "done") == [issue.title]
    assert await ids(world, "staff", "done", 1) == [issue.title]


async def test_done_tasks_are_paged_with_the_latest_first(world: World) -> None:
    for number in range(3):
        issue = await world.raise_issue(title=str(number))
        await world.complete("staff", issue.id, "draft_issue", send=True)
        world.pass_time(minutes=1)
    assert await ids(world, "staff", "done", 1) == ["2", "1", "0"]


async def test_a_task_without_a_due_time_comes_last_and_is_not_lost_between_pages(world: World) -> None:
    for number in range(3):
        await world.at_customs(title=str(number))
    await world.session.execute(text("UPDATE user_task_group SET due_at = NULL"))
    await world.session.execute(text("UPDATE user_task SET due_at = NULL"))
    await world.at_customs(title="有期限")
    first, *others = await ids(world, "handler", "claimable", 1)
    assert (first, set(others), len(others)) == ("有期限", {"0", "1", "2"}, 3)


@pytest.mark.parametrize("cursor", ["x", "!!!", "MTIz", "5Lit5paHfDAw"])
async def test_a_cursor_that_is_none_is_refused(world: World, cursor: str) -> None:
    for view in ("mine", "claimable", "done"):
        with pytest.raises(NotFound):
            await inbox.list_tasks(world.session, world.people["staff"], view, cursor)


async def test_a_taken_task_names_who_has_it_and_since_when(world: World) -> None:
    issue = await world.at_customs()
    task_id = await world.claim("handler", issue.id)
    claimed_at = world.now
    world.pass_time(minutes=5)
    with pytest.raises(TaskAlreadyClaimed) as refused:
        await commands.claim(world.session, world.engine, world.people["colleague"], task_id, world.now)
    assert refused.value.details["claimed_by_name"] == "陈刚"
    assert refused.value.details["claimed_at"] == claimed_at


async def test_claiming_ones_own_task_again_changes_nothing(world: World) -> None:
    issue = await world.at_customs()
    task_id = await world.claim("handler", issue.id)
    assert (
        await commands.claim(world.session, world.engine, world.people["handler"], task_id, world.now) is None
    )
    view = await inbox.get_task(world.session, world.engine, world.people["handler"], task_id, world.now)
    assert (view.is_mine, view.line.version) == (True, 2)


async def test_many_are_claimed_at_once_and_those_that_cannot_be_are_said(world: World) -> None:
    issues = [await world.at_customs() for _ in range(3)]
    task_ids = [await world.task(issue.id, "answer_issue") for issue in issues]
    await world.claim("colleague", issues[1].id)
    result = await commands.claim_many(
        world.session, world.engine, world.people["handler"], task_ids, world.now
    )
    assert set(result.claimed) == {task_ids[0], task_ids[2]}
    assert result.refused == {task_ids[1]: "这项任务已被他人认领。"}


async def test_a_task_is_handed_over_within_its_office_only(world: World) -> None:
    issue = await world.at_customs()
    task_id = await world.claim("handler", issue.id)
    me = world.people["handler"]
    found = await commands.list_colleagues(world.session, world.engine, me, task_id)
    assert [one.name for one in found] == ["刘洋"]
    for wrong in ("other", "staff", "handler", "chief"):
        with pytest.raises(NotAllowed):
            await commands.hand_over(
                world.session, world.engine, me, task_id, world.people[wrong].person_id, world.now
            )
    await commands.hand_over(
        world.session, world.engine, me, task_id, world.people["colleague"].person_id, world.now
    )
    assert await ids(world, "colleague", "mine") == [issue.title]
    with pytest.raises(NotYours):
        await commands.release(world.session, world.engine, me, task_id, world.now)
    assert (await world.issue(issue.id)).status == "海关办理中"


async def test_an_assigned_task_cannot_be_put_back(world: World) -> None:
    issue = await world.raise_issue()
    task_id = await world.task(issue.id, "draft_issue")
    with pytest.raises(NotAllowed):
        await commands.release(world.session, world.engine, world.people["staff"], task_id, world.now)


async def test_a_draft_is_kept_for_its_writer_and_does_not_change_the_version(world: World) -> None:
    issue = await world.at_customs()
    task_id = await world.claim("handler", issue.id)
    typed = {"decision": "answer", "answer": "写到一半\x00", "不认识": ["也留着"]}
    saved_at = await commands.save_draft(
        world.session, world.engine, world.people["handler"], task_id, typed, world.now
    )
    view = await inbox.get_task(world.session, world.engine, world.people["handler"], task_id, world.now)
    assert view.draft == {"decision": "answer", "answer": "写到一半", "不认识": ["也留着"]}
    assert (view.draft_saved_at, view.line.version) == (saved_at, 2)
    assert {field.key: field.value for field in view.fields}["answer"] == "写到一半"
    other = await inbox.get_task(world.session, world.engine, world.people["colleague"], task_id, world.now)
    assert (other.draft, other.is_mine, other.claimed_by_name) == (None, False, "陈刚")


async def test_a_draft_is_saved_only_by_who_has_the_task(world: World) -> None:
    issue = await world.at_customs()
    task_id = await world.claim("handler", issue.id)

    async def save(who: str, typed: dict[str, str] | None = None) -> None:
        await commands.save_draft(
            world.session, world.engine, world.people[who], task_id, typed or {}, world.now
        )

    with pytest.raises(NotYours):
        await save("colleague")
    with pytest.raises(NotFound):
        await save("other")
    with pytest.raises(AnswersRefused):
        await save("handler", {"answer": "长" * 100_000})
    await world.submit("handler", task_id, {"decision": "answer", "answer": "可以。"})
    with pytest.raises(TaskGone):
        await save("handler")


async def test_a_task_is_drawn_with_the_issues_values(world: World) -> None:
    issue = await world.raise_issue("staff_two")
    task_id = await world.task(issue.id, "draft_issue")
    view = await inbox.get_task(world.session, world.engine, world.people["staff_two"], task_id, world.now)
    drawn = {field.key: field for field in view.fields}
    assert drawn["title"].value == issue.title
    assert drawn["office"].value == "2301"
    assert {option.label for option in drawn["executive"].options} == {"孙丽", "周伟"}
    assert (drawn["executive"].hidden, drawn["importance"].hidden) == (False, True)
    assert len(drawn["office"].options) > 10


async def test_nobody_learns_of_tasks_that_are_none_of_their_business(world: World) -> None:
    issue = await world.raise_issue()
    task_id = await world.task(issue.id, "draft_issue")
    for stranger in ("handler", "staff_two", "boss"):  # a draft is not even the executive's business
        with pytest.raises(NotFound):
            await inbox.get_task(world.session, world.engine, world.people[stranger], task_id, world.now)
        with pytest.raises(NotFound):
            await commands.claim(world.session, world.engine, world.people[stranger], task_id, world.now)

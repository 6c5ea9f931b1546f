"""Raising an issue, finding it in lists, and reading everything about it."""

from dataclasses import replace
from uuid import uuid4

import pytest

from domain.exceptions import EnterpriseNotApproved
from domain.models import Attachment
from tasks import commands, details, issues
from tasks.exceptions import AnswersRefused, NotFound
from tasks.issues import IssueFilter
from tests.tasks.world import QUESTION, World


async def titles(
    world: World, who: str, limit: int = 20, sort: issues.Sort = "newest", **wanted: str
) -> list[str]:
    """Titles of all pages."""
    found: list[str] = []
    after = None
    while True:
        page = await issues.list_issues(
            world.session, world.people[who], IssueFilter(**wanted), after=after, limit=limit, sort=sort
        )
        found += [line.title for line in page.items]
        if page.next is None:
            return found
        after = page.next


async def test_a_draft_needs_an_office_and_a_title_only(world: World) -> None:
    fields = {"office": "2301", "title": "先记下来"}
    issue = await issues.raise_issue(world.session, world.engine, world.people["staff"], fields, world.now)
    assert (issue.kind, issue.description, issue.status) == ("", "", "草稿")
    with pytest.raises(AnswersRefused) as refused:
        await issues.raise_issue(world.session, world.engine, world.people["staff"], {}, world.now)
    assert refused.value.errors == {"office": "请选择“受理海关”。", "title": "请填写“标题”。"}
    with pytest.raises(AnswersRefused) as refused:
        await world.raise_issue(category="天文学", importance="紧急", x="?")
    assert set(refused.value.errors) == {"category", "importance", "x"}


async def test_an_enterprise_that_is_not_approved_raises_nothing(world: World) -> None:
    world.people["pending"] = replace(world.people["staff"], enterprise_status="pending")
    with pytest.raises(EnterpriseNotApproved):
        await world.raise_issue("pending")
    with pytest.raises(EnterpriseNotApproved):
        await world.raise_issue("handler")


async def test_files_belong_to_the_issue_once_it_uses_them(world: World) -> None:
    file = Attachment(
        uploader_id=world.people["staff"].person_id,
        name="合同.pdf",
        size=3,
        media_type="application/pdf",
        sha256="0" * 64,
        stored_as="0" * 32 + ".pdf",
        created_at=world.now,
    )
    world.session.add(file)
    await world.session.flush()
    issue = await world.raise_issue(attachments=[str(file.id)])
    assert issue.attachments == [file.id]
    await world.session.refresh(file)
    assert file.instance_id == issue.id
    with pytest.raises(AnswersRefused):
        await world.raise_issue(attachments=[str(file.id)])
    with pytest.raises(AnswersRefused):
        await world.raise_issue("boss", attachments=[str(uuid4())])
    detail = await details.get_issue(world.session, world.engine, world.people["staff"], issue.id)
    assert [one.name for one in detail.attachments.values()] == ["合同.pdf"]


async def test_lists_hold_what_one_may_read(world: World) -> None:
    await world.raise_issue(title="草稿")
    await world.at_customs(title="在海关")
    assert await titles(world, "staff") == ["在海关", "草稿"]
    assert await titles(world, "boss") == ["在海关"]
    assert await titles(world, "handler") == ["在海关"]
    assert await titles(world, "supervisor") == ["在海关"]
    assert await titles(world, "other") == []
    assert await titles(world, "staff_two") == []


async def test_a_draft_that_was_withdrawn_unsent_stays_the_submitters_own(world: World) -> None:
    unsent, sent = await world.raise_issue(title="没有送出"), await world.raise_issue(title="送审以后撤回")
    await world.complete("staff", sent.id, "draft_issue", send=True)
    for issue in (unsent, sent):
        await issues.withdraw_issue(world.session, world.engine, world.people["staff"], issue.id, world.now)
    assert await titles(world, "staff") == ["送审以后撤回", "没有送出"]
    assert await titles(world, "boss") == ["送审以后撤回"]
    with pytest.raises(NotFound):
        await details.get_issue(world.session, world.engine, world.people["boss"], unsent.id)


async def test_lists_are_narrowed_sorted_and_paged(world: World) -> None:
    await world.raise_issue(title="归类疑问", category="税收征管")
    for number, importance in enumerate(("一般", "紧急", "重要")):
        issue = await world.raise_issue(title=f"手册核销{number}", category="加工贸易与保税")
        await world.complete("staff", issue.id, "draft_issue", send=True)
        await world.complete("boss", issue.id, "review_issue", decision="submit", importance=importance)
    for limit in (1, 3, 20):
        assert await titles(world, "staff", limit) == ["手册核销2", "手册核销1", "手册核销0", "归类疑问"]
        assert await titles(world, "staff", limit, "due") == [
            "手册核销1",
            "手册核销2",
            "手册核销0",
            "归类疑问",
        ]
    assert await titles(world, "staff", phase="draft") == ["归类疑问"]
    assert await titles(world, "staff", status="海关待受理", category="税收征管") == []
    assert await titles(world, "staff", q="核销") == ["手册核销2", "手册核销1", "手册核销0"]
    assert await titles(world, "staff", q="手册核销1") == ["手册核销1"]
    counts = await issues.count_phases(world.session, world.people["staff"])
    assert (counts["draft"], counts["customs"], counts["closed"]) == (1, 3, 0)


async def test_a_list_says_which_task_lies_with_me(world: World) -> None:
    issue = await world.raise_issue()
    [line] = (await issues.list_issues(world.session, world.people["staff"])).items
    assert line.my_task_id == await world.task(issue.id, "draft_issue")
    assert (line.office_name, line.enterprise_name, line.submitter_name) == ("连云港海关", "苏华精密", "张敏")
    await world.complete("staff", issue.id, "draft_issue", send=True)
    [line] = (await issues.list_issues(world.session, world.people["staff"])).items
    assert line.my_task_id is None


async def test_the_detail_says_what_is_open_and_for_whom(world: World) -> None:
    issue = await world.at_customs()
    for who, may_claim in (("handler", True), ("staff", False)):
        detail = await details.get_issue(world.session, world.engine, world.people[who], issue.id)
        [task] = detail.open_tasks
        assert (task.name, task.is_mine, task.may_claim) == ("答复问题", False, may_claim)
        assert detail.may_withdraw is (who == "staff")
        assert detail.people[issue.submitter_id] == "张敏"
    with pytest.raises(NotFound):
        await details.get_issue(world.session, world.engine, world.people["other"], issue.id)
    with pytest.raises(NotFound):
        await details.timeline(world.session, world.engine, world.people["staff_two"], issue.id)
    with pytest.raises(NotFound):
        await details.get_picture(world.session, world.engine, world.people["staff_two"], issue.id)


async def test_the_timeline_says_who_did_what_when_and_how_long_it_waited(world: World) -> None:
    issue = await world.raise_issue()
    await world.complete("staff", issue.id, "draft_issue", send=True)
    world.pass_time(hours=2)
    await world.complete("boss", issue.id, "review_issue", decision="submit", importance="紧急")
    await world.claim("handler", issue.id)
    task_id = await world.task(issue.id, "answer_issue")
    to = world.people["colleague"].person_id
    await commands.hand_over(world.session, world.engine, world.people["handler"], task_id, to, world.now)
    entries = await details.timeline(world.session, world.engine, world.people["staff"], issue.id)
    told = [(one.actor_name, one.text) for one in entries if not one.is_quiet]
    assert told == [
        ("张敏", "提出问题"),
        ("张敏", "完成“填写问题”"),
        ("王强", "完成“审核问题”"),
        ("陈刚", "认领“答复问题”"),
        ("陈刚", "把“答复问题”移交给刘洋"),
    ]
    [review] = [one for one in entries if one.element_id == "review_issue" and one.kind == "task_completed"]
    assert (review.at, review.waited_s) == (world.now, 7200)
    assert ("重要性", "紧急") in [(one.label, one.text) for one in review.answers]


async def test_the_picture_shows_where_it_stands_and_where_it_has_been(world: World) -> None:
    issue = await world.at_customs()
    picture = await details.get_picture(world.session, world.engine, world.people["staff"], issue.id)
    assert picture.xml.startswith("<?xml")
    assert "answer_issue" in picture.active
    assert {"draft_issue", "review_issue"} <= set(picture.done)
    assert not set(picture.active) & set(picture.done)


async def test_numbers_are_never_given_twice(world: World) -> None:
    numbers = {(await world.raise_issue()).number for _ in range(3)}
    assert len(numbers) == 3
    assert all(number.startswith(f"QL{QUESTION['office']}2026") for number in numbers)

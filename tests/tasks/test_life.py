"""The life of an issue, taken through the real process by the people who do it."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from domain.exceptions import CannotWithdraw, NoExecutive, OfficeClosed, SameOffice
from engine.exceptions import NotYours
from tasks import commands, details, inbox, issues, timeline
from tasks.exceptions import AnswersRefused, NotFound
from tests.tasks.world import QUESTION, World


async def test_an_issue_goes_from_draft_to_cleared(world: World) -> None:
    issue = await world.raise_issue()
    assert (issue.status, issue.phase) == ("草稿", "draft")
    assert issue.number == f"QL23012026{issue.number[-6:]}"

    result = await world.complete("staff", issue.id, "draft_issue", send=True)
    assert result.issue == {"id": str(issue.id), "status": "高管未审核", "phase": "review"}
    await world.complete("boss", issue.id, "review_issue", decision="submit", importance="紧急")
    at_customs = await world.issue(issue.id)
    assert (at_customs.status, at_customs.phase, at_customs.importance) == ("海关待受理", "customs", "紧急")
    assert at_customs.submitted_at == world.now

    await world.claim("handler", issue.id)
    claimed = await world.issue(issue.id)
    assert (claimed.status, claimed.first_claimed_at) == ("海关办理中", world.now)
    await world.complete("handler", issue.id, "answer_issue", decision="answer", answer="可以办理。")
    answered = await world.issue(issue.id)
    assert (answered.status, answered.phase) == ("已完成", "answered")
    assert answered.answered_at == world.now

    await world.complete("staff", issue.id, "evaluate_answer", rating=1)
    assert (await world.issue(issue.id)).status == "已完成"
    await world.complete("boss", issue.id, "evaluate_answer", rating=2, comment="同意海关意见。")
    cleared = await world.issue(issue.id)
    assert (cleared.status, cleared.phase, cleared.outcome) == ("已清零", "closed", "cleared")
    assert cleared.closed_at == world.now


async def test_the_right_people_are_told_at_each_step(world: World) -> None:
    issue = await world.at_customs()
    first, *others = await world.messages(issue.id)
    assert first == ("review_wanted", "王强")
    # written together: in no order
    assert sorted(others) == [("arrived", "刘洋"), ("arrived", "陈刚"), ("submitted", "张敏")]
    await world.claim("handler", issue.id)
    await world.complete("handler", issue.id, "answer_issue", decision="answer", answer="可以。")
    assert (await world.messages(issue.id))[4:] == [("answered", "张敏"), ("answered", "王强")]
    body = await world.session.scalar(
        text("SELECT text FROM message WHERE template = 'arrived' AND instance_id = :id LIMIT 1"),
        {"id": issue.id},
    )
    assert body == (
        f"企业问题 {issue.number}“{QUESTION['title']}”已到达连云港海关，请及时认领，答复期限为 2026年3月16日。"
    )


async def test_an_executive_edits_and_what_changed_is_kept(world: World) -> None:
    issue = await world.raise_issue()
    await world.complete("staff", issue.id, "draft_issue", send=True, title="改过的标题")
    await world.complete(
        "boss",
        issue.id,
        "review_issue",
        decision="submit",
        importance="重要",
        title="高管定的标题",
        office="2302",
    )
    detail = await details.get_issue(world.session, world.engine, world.people["boss"], issue.id)
    assert detail.issue.title == "高管定的标题"
    assert {(one.label, one.before, one.after, one.actor_name) for one in detail.changes} == {
        ("标题", "改过的标题", "高管定的标题", "王强"),
        ("受理海关", "连云港海关", "南通海关", "王强"),
        ("重要性", "", "重要", "王强"),
    }
    assert await world.task(issue.id, "answer_issue")
    assert ("arrived", "杨帆") in await world.messages(issue.id)
    assert "陈刚" not in [name for _, name in await world.messages(issue.id)]


async def test_a_returned_issue_is_corrected_and_sent_again(world: World) -> None:
    issue = await world.raise_issue()
    await world.complete("staff", issue.id, "draft_issue", send=True)
    await world.complete("boss", issue.id, "review_issue", decision="return", comment="请写明设备型号。")
    assert (await world.issue(issue.id)).status == "高管已退回"
    assert (await world.messages(issue.id))[-1] == ("returned", "张敏")
    await world.complete("staff", issue.id, "rework_issue", send=True, description="型号 X-1，请答复。")
    again = await world.issue(issue.id)
    assert (again.status, again.description) == ("高管未审核", "型号 X-1，请答复。")
    detail = await details.get_issue(world.session, world.engine, world.people["staff"], issue.id)
    assert detail.changes == []


async def test_an_executives_own_issue_goes_to_customs_at_once(world: World) -> None:
    issue = await world.raise_issue("boss")
    with pytest.raises(AnswersRefused) as refused:
        await world.complete("boss", issue.id, "draft_issue", send=True)
    assert refused.value.errors == {"importance": "请选择“重要性”。"}
    await world.complete("boss", issue.id, "draft_issue", send=True, importance="一般")
    assert (await world.issue(issue.id)).status == "海关待受理"
    await world.claim("handler", issue.id)
    await world.complete("handler", issue.id, "answer_issue", decision="answer", answer="可以。")
    await world.complete("boss", issue.id, "evaluate_answer", rating=1)
    assert (await world.issue(issue.id)).status == "已清零"


async def test_without_an_executive_there_is_nobody_to_send_it_to(world: World) -> None:
    issue = await world.raise_issue("lonely")
    with pytest.raises(NoExecutive):
        await world.complete("lonely", issue.id, "draft_issue", send=True)
    assert (await world.issue(issue.id)).status == "草稿"


async def test_of_several_executives_one_must_be_chosen(world: World) -> None:
    issue = await world.raise_issue("staff_two")
    with pytest.raises(AnswersRefused) as refused:
        await world.complete("staff_two", issue.id, "draft_issue", send=True)
    assert refused.value.errors == {"executive": "请选择“审核高管”。"}
    chosen = str(world.people["boss_three"].person_id)
    stranger = str(world.people["boss"].person_id)
    with pytest.raises(AnswersRefused):
        await world.complete("staff_two", issue.id, "draft_issue", send=True, executive=stranger)
    await world.complete("staff_two", issue.id, "draft_issue", send=True, executive=chosen)
    assert await world.messages(issue.id) == [("review_wanted", "周伟")]
    with pytest.raises(NotYours):
        await world.complete("boss_two", issue.id, "review_issue", decision="submit", importance="一般")
    await world.complete("boss_three", issue.id, "review_issue", decision="submit", importance="一般")


async def test_a_transfer_moves_it_and_keeps_the_deadline(world: World) -> None:
    issue = await world.at_customs()
    world.pass_time(days=1)
    task_id = await world.claim("handler", issue.id)
    with pytest.raises(SameOffice):
        await world.submit(
            "handler", task_id, {"decision": "transfer", "office": "2301", "reason": "应由他关办理。"}
        )
    await world.session.execute(text("UPDATE customs_office SET active = false WHERE code = '2303'"))
    with pytest.raises((OfficeClosed, AnswersRefused)):
        await world.submit(
            "handler", task_id, {"decision": "transfer", "office": "2303", "reason": "应由他关办理。"}
        )
    await world.submit(
        "handler", task_id, {"decision": "transfer", "office": "2302", "reason": "应由南通海关办理。"}
    )
    moved = await world.issue(issue.id)
    assert (moved.office, moved.transfers, moved.status) == ("2302", 1, "海关待受理")
    assert moved.due_at == issue.due_at
    new_task = await world.task(issue.id, "answer_issue")
    due = await world.session.scalar(text("SELECT due_at FROM user_task WHERE id = :id"), {"id": new_task})
    assert due == issue.due_at
    assert await inbox.may_read_issue(world.session, world.people["colleague"], issue.id)
    with pytest.raises(NotYours):
        await commands.claim(world.session, world.engine, world.people["colleague"], new_task, world.now)
    await world.claim("other", issue.id)


async def test_the_time_the_enterprise_takes_is_added_back(world: World) -> None:
    issue = await world.at_customs()
    await world.claim("handler", issue.id)
    await world.complete(
        "handler", issue.id, "answer_issue", decision="ask_enterprise", question="请提供合同。"
    )
    assert (await world.issue(issue.id)).status == "待企业补充"
    world.pass_time(days=20)
    assert await world.fire_timers() == ["supplement_late"]
    await world.complete("staff", issue.id, "supply_information", information="合同见附件。")
    resumed = await world.issue(issue.id)
    assert issue.due_at is not None
    # From Monday 9:00 to Sunday three weeks later: fifteen working days, and Qingming lies behind them.
    assert issue.due_at == datetime(2026, 3, 16, 9, 30, tzinfo=UTC)
    assert resumed.due_at == datetime(2026, 4, 7, 9, 30, tzinfo=UTC)
    assert (resumed.status, resumed.overdue_at, resumed.paused_at) == ("海关办理中", None, None)
    handler = await world.task(issue.id, "answer_issue", "handler")
    await commands.release(world.session, world.engine, world.people["handler"], handler, world.now)
    assert (await world.issue(issue.id)).status == "海关待受理"


async def test_what_was_supplied_goes_to_the_pool_when_its_handler_has_left(world: World) -> None:
    issue = await world.at_customs()
    await world.claim("handler", issue.id)
    await world.complete(
        "handler", issue.id, "answer_issue", decision="ask_enterprise", question="请提供合同。"
    )
    officer = world.people["handler"].officer_id
    await world.session.execute(text("UPDATE officer SET active = false WHERE id = :id"), {"id": officer})
    await world.complete("staff", issue.id, "supply_information", information="合同见附件。")
    assert (await world.issue(issue.id)).status == "海关待受理"
    await world.claim("colleague", issue.id)


async def test_reminder_and_overdue_fire_once_at_their_time(world: World) -> None:
    issue = await world.at_customs()
    world.pass_time(days=1)
    assert await world.fire_timers() == []
    world.pass_time(hours=8, minutes=30)  # offices close
    assert await world.fire_timers() == ["acceptance_late"]
    assert {name for template, name in await world.messages(issue.id) if template == "unclaimed"} == {
        "陈刚",
        "刘洋",
        "黄勇",
    }
    await world.claim("handler", issue.id)
    world.pass_time(days=9)
    assert await world.fire_timers() == ["deadline_near"]
    world.pass_time(days=5)
    assert await world.fire_timers() == ["deadline_passed"]
    late = await world.issue(issue.id)
    assert (late.overdue_at, late.status) == (world.now, "海关办理中")
    told = [
        message for message in await world.messages(issue.id) if message[0] in ("deadline_near", "overdue")
    ]
    assert sorted(told) == [("deadline_near", "陈刚"), ("overdue", "徐静"), ("overdue", "陈刚")]
    world.pass_time(days=30)
    assert await world.fire_timers() == []


async def test_an_issue_claimed_in_time_is_never_told_as_taken_up_late(world: World) -> None:
    issue = await world.at_customs()  # Monday 9:00: to be taken up by Tuesday 17:30
    world.pass_time(days=1, minutes=-10)
    task_id = await world.claim("handler", issue.id)  # Tuesday 8:50
    world.pass_time(days=1, hours=6)  # Wednesday 14:50
    assert await world.fire_timers() == []
    await commands.release(world.session, world.engine, world.people["handler"], task_id, world.now)
    # a whole working day was left: Thursday 14:50
    world.pass_time(days=1, minutes=-1)
    assert await world.fire_timers() == []
    world.pass_time(minutes=1)
    assert await world.fire_timers() == ["acceptance_late"]
    entries = await timeline.read_timeline(world.session, world.engine, issue.id)
    assert [entry.at for entry in entries if entry.element_id == "acceptance_late"] == [world.now]


async def test_another_office_has_the_whole_time_to_take_it_up(world: World) -> None:
    issue = await world.at_customs()
    world.pass_time(days=1)
    await world.claim("handler", issue.id)
    world.pass_time(days=6)  # Monday again
    await world.complete(
        "handler", issue.id, "answer_issue", decision="transfer", office="2302", reason="货物在南通。"
    )
    world.pass_time(days=1, hours=8, minutes=29)
    assert await world.fire_timers() == []
    world.pass_time(minutes=1)
    assert await world.fire_timers() == ["acceptance_late"]


async def test_reopening_starts_a_new_round_with_a_new_deadline(world: World) -> None:
    issue = await world.answered()
    world.pass_time(days=2)
    with pytest.raises(AnswersRefused) as refused:
        await world.complete("boss", issue.id, "evaluate_answer", rating=3, comment="没有解决。", reopen=True)
    assert set(refused.value.errors) == {"reopen"}
    await world.complete("staff", issue.id, "evaluate_answer", rating=3, comment="没有解决。", reopen=True)
    again = await world.issue(issue.id)
    assert (again.status, again.phase, again.round, again.answered_at) == ("重新办理", "customs", 1, None)
    assert issue.due_at is not None
    assert again.due_at is not None
    assert again.due_at > issue.due_at
    assert ("reopened", "徐静") in await world.messages(issue.id)
    with pytest.raises(CannotWithdraw):
        await issues.withdraw_issue(world.session, world.engine, world.people["staff"], issue.id, world.now)
    await world.claim("colleague", issue.id)
    await world.complete("colleague", issue.id, "answer_issue", decision="answer", answer="第二次答复。")
    await world.complete("boss", issue.id, "evaluate_answer", rating=1)
    await world.complete("staff", issue.id, "evaluate_answer", rating=1)
    detail = await details.get_issue(world.session, world.engine, world.people["staff"], issue.id)
    assert detail.issue.status == "已清零"
    assert [answer.round for answer in detail.answers] == [0, 1]
    assert [(one.round, one.rating) for one in detail.evaluations] == [(0, 3), (1, 1), (1, 1)]


async def test_after_fifteen_days_it_is_cleared_and_nobody_is_called_satisfied(world: World) -> None:
    issue = await world.answered()
    await world.complete("staff", issue.id, "evaluate_answer", rating=1)
    world.pass_time(days=15)
    assert await world.fire_timers() == ["evaluation_near", "evaluation_expired"]
    assert [one for one in await world.messages(issue.id) if one[0] == "evaluation_near"] == [
        ("evaluation_near", "王强")
    ]
    cleared = await world.issue(issue.id)
    assert (cleared.status, cleared.outcome) == ("已清零", "cleared")
    detail = await details.get_issue(world.session, world.engine, world.people["staff"], issue.id)
    assert {(detail.people[one.person_id], one.rating) for one in detail.evaluations} == {
        ("张敏", 1),
        ("王强", None),
    }


async def test_an_issue_is_withdrawn_until_a_handler_claims_it(world: World) -> None:
    for withdrawn_from in ("draft", "review", "customs"):
        issue = await world.raise_issue()
        if withdrawn_from != "draft":
            await world.complete("staff", issue.id, "draft_issue", send=True)
        if withdrawn_from == "customs":
            await world.complete("boss", issue.id, "review_issue", decision="submit", importance="一般")
        await issues.withdraw_issue(world.session, world.engine, world.people["staff"], issue.id, world.now)
        gone = await world.issue(issue.id)
        assert (gone.status, gone.phase, gone.outcome) == ("已撤回", "closed", "withdrawn")
        assert gone.unsent is (withdrawn_from == "draft")
        assert gone.closed_at == world.now


async def test_once_claimed_it_stays_and_the_submitter_is_told_who_has_it(world: World) -> None:
    issue = await world.at_customs()
    task_id = await world.claim("handler", issue.id)
    claimed_at = world.now
    await commands.release(world.session, world.engine, world.people["handler"], task_id, world.now)
    world.pass_time(hours=1)
    with pytest.raises(CannotWithdraw) as refused:
        await issues.withdraw_issue(world.session, world.engine, world.people["staff"], issue.id, world.now)
    assert refused.value.details["by_person_name"] == "陈刚"
    assert refused.value.details["at"] == claimed_at


async def test_only_the_submitter_withdraws(world: World) -> None:
    issue = await world.at_customs()
    with pytest.raises(CannotWithdraw):
        await issues.withdraw_issue(world.session, world.engine, world.people["boss"], issue.id, world.now)
    with pytest.raises(NotFound):
        await issues.withdraw_issue(
            world.session, world.engine, world.people["staff_two"], issue.id, world.now
        )


async def test_the_issue_says_who_handles_it_while_somebody_does(world: World) -> None:
    issue = await world.at_customs()
    handler, colleague = world.people["handler"], world.people["colleague"]
    task_id = await world.claim("handler", issue.id)
    assert (await world.issue(issue.id)).handler_id == handler.person_id
    await commands.hand_over(world.session, world.engine, handler, task_id, colleague.person_id, world.now)
    assert (await world.issue(issue.id)).handler_id == colleague.person_id
    await commands.release(world.session, world.engine, colleague, task_id, world.now)
    assert (await world.issue(issue.id)).handler_id is None
    await world.claim("handler", issue.id)
    await world.complete(
        "handler", issue.id, "answer_issue", decision="ask_enterprise", question="请补充合同。"
    )
    await world.complete("staff", issue.id, "supply_information", information="见附件。")
    assert (await world.issue(issue.id)).handler_id == handler.person_id
    await world.complete(
        "handler", issue.id, "answer_issue", decision="transfer", office="2302", reason="属南通"
    )
    assert (await world.issue(issue.id)).handler_id is None

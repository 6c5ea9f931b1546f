"""What somebody who leaves had open goes to whom the admin says, at every stage of an issue, and nothing is lost."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlmodel import col

from domain.exceptions import LastAdmin
from domain.members import get_member, resume_member
from domain.models import Attachment, Enterprise, IssueRecord, Membership, Person
from engine.exceptions import NotYours
from tasks import commands, issues, leavers
from tasks.exceptions import WorkNotPlaced
from tasks.timeline import read_timeline
from tests.tasks.world import World, join


@pytest.fixture(autouse=True)
async def colleagues(world: World) -> None:
    """One more of each kind in the first enterprise: `heir` of the staff, `second` of the executives."""
    enterprise = await world.session.get(Enterprise, world.people["boss"].enterprise_id)
    assert enterprise
    for number, (key, role) in enumerate({"heir": "customs_affairs", "second": "executive"}.items()):
        person = Person(name=key, phone=f"+86136{number:08d}", created_at=world.now)
        world.session.add(person)
        await world.session.flush()
        world.people[key] = await join(world.session, world.now, person, enterprise, (role,))


def member(world: World, who: str) -> UUID:
    found = world.people[who].membership_id
    assert found
    return found


async def remove(world: World, who: str, work: str | None = None, reviews: str | None = None) -> int:
    return await leavers.remove_member(
        world.session,
        world.engine,
        world.people["admin"],
        member(world, who),
        work_to=member(world, work) if work else None,
        reviews_to=member(world, reviews) if reviews else None,
        now=world.now,
    )


async def suspend(world: World, who: str, work: str | None = None, reviews: str | None = None) -> int:
    return await leavers.suspend_member(
        world.session,
        world.engine,
        world.people["admin"],
        member(world, who),
        work_to=member(world, work) if work else None,
        reviews_to=member(world, reviews) if reviews else None,
        now=world.now,
    )


async def work_of(world: World, who: str) -> list[tuple[UUID, bool]]:
    enterprise_id = world.people[who].enterprise_id
    assert enterprise_id
    found = await get_member(world.session, enterprise_id, member(world, who))
    return [
        (item.issue_id, item.is_review)
        for item in await leavers.list_work(world.session, found, enterprise_id)
    ]


async def in_review(world: World, who: str = "staff") -> IssueRecord:
    issue = await world.raise_issue(who, executive=str(world.people["boss"].person_id))
    await world.complete(who, issue.id, "draft_issue", send=True)
    return await world.issue(issue.id)


async def at_customs(world: World, who: str = "staff") -> IssueRecord:
    issue = await in_review(world, who)
    await world.complete("boss", issue.id, "review_issue", decision="submit", importance="一般")
    return await world.issue(issue.id)


async def answer(world: World, issue_id: UUID) -> None:
    await world.claim("handler", issue_id)
    await world.complete("handler", issue_id, "answer_issue", decision="answer", answer="可以。")


async def lines(world: World, issue_id: UUID) -> list[str]:
    return [
        f"{entry.actor_name} {entry.text}"
        for entry in await read_timeline(world.session, world.engine, issue_id)
    ]


async def holders(world: World, issue_id: UUID) -> dict[str, list[str]]:
    rows = await world.session.execute(
        text(
            "SELECT t.element_id, p.name FROM user_task t JOIN person p ON p.id = t.claimed_by"
            " WHERE t.instance_id = :id AND t.state = 'ready' ORDER BY p.name"
        ),
        {"id": issue_id},
    )
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row.element_id, []).append(row.name)
    return found


async def evaluations(world: World, issue_id: UUID) -> list[tuple[str, int | None]]:
    rows = await world.session.execute(
        text(
            "SELECT p.name, e.rating FROM evaluation e JOIN person p ON p.id = e.person_id"
            " WHERE e.issue_id = :id ORDER BY p.name"
        ),
        {"id": issue_id},
    )
    return [(row.name, row.rating) for row in rows]


async def test_a_draft_goes_on_with_what_was_typed_and_its_files(world: World) -> None:
    issue = await world.raise_issue("staff", executive=str(world.people["boss"].person_id))
    task_id = await world.task(issue.id, "draft_issue")
    file = Attachment(
        uploader_id=world.people["staff"].person_id,
        name="a.pdf",
        size=1,
        media_type="application/pdf",
        sha256="0",
        stored_as="0",
        created_at=world.now,
    )
    world.session.add(file)
    await world.session.flush()
    typed: dict[str, Any] = {"title": "写到一半", "attachments": [str(file.id)]}
    await commands.save_draft(world.session, world.engine, world.people["staff"], task_id, typed, world.now)
    assert await work_of(world, "staff") == [(issue.id, False)]
    assert await remove(world, "staff", "heir") == 1
    draft = await world.session.scalar(text("SELECT draft FROM user_task WHERE id = :id"), {"id": task_id})
    assert draft == typed
    await world.complete("heir", issue.id, "draft_issue", send=True, **typed)
    moved = await world.issue(issue.id)
    assert (moved.submitter_id, moved.status) == (world.people["heir"].person_id, "高管未审核")
    assert moved.attachments == [file.id]
    assert "李娜 把经办人改为heir" in await lines(world, issue.id)
    assert "李娜 把“填写问题”移交给heir" in await lines(world, issue.id)


async def test_a_returned_issue_is_corrected_by_the_heir(world: World) -> None:
    issue = await in_review(world)
    await world.complete("boss", issue.id, "review_issue", decision="return", comment="请写清楚设备的型号。")
    await remove(world, "staff", "heir")
    await world.complete("heir", issue.id, "rework_issue", send=True)
    assert await holders(world, issue.id) == {"review_issue": ["王强"]}


async def test_a_review_goes_to_another_executive(world: World) -> None:
    issue = await in_review(world)
    assert await work_of(world, "boss") == [(issue.id, True)]
    await remove(world, "boss", reviews="second")
    assert await holders(world, issue.id) == {"review_issue": ["second"]}
    await world.complete("second", issue.id, "review_issue", decision="submit", importance="一般")
    assert (await world.issue(issue.id)).executive_id == world.people["second"].person_id
    await answer(world, issue.id)
    assert (await holders(world, issue.id))["evaluate_answer"] == ["second", "张敏"]
    assert "李娜 把审核高管改为second" in await lines(world, issue.id)


async def test_an_issue_at_customs_comes_back_to_the_heir(world: World) -> None:
    issue = await at_customs(world)
    assert await holders(world, issue.id) == {}
    await remove(world, "staff", "heir")
    await world.claim("handler", issue.id)
    await world.complete(
        "handler", issue.id, "answer_issue", decision="ask_enterprise", question="请补充合同。"
    )
    assert await holders(world, issue.id) == {"supply_information": ["heir"]}
    await world.complete("heir", issue.id, "supply_information", information="合同见附件。")
    await world.complete("handler", issue.id, "answer_issue", decision="answer", answer="可以。")
    assert (await holders(world, issue.id))["evaluate_answer"] == ["heir", "王强"]
    told = [name for template, name in await world.messages(issue.id) if template == "answered"]
    assert sorted(told) == ["heir", "王强"]


async def test_what_the_enterprise_is_asked_goes_to_the_heir(world: World) -> None:
    issue = await at_customs(world)
    await world.claim("handler", issue.id)
    await world.complete(
        "handler", issue.id, "answer_issue", decision="ask_enterprise", question="请补充合同。"
    )
    await remove(world, "staff", "heir")
    await world.complete("heir", issue.id, "supply_information", information="合同见附件。")
    assert (await world.issue(issue.id)).status == "海关办理中"


async def test_an_evaluation_goes_to_the_heir_who_may_reopen(world: World) -> None:
    issue = await at_customs(world)
    await answer(world, issue.id)
    await remove(world, "staff", "heir")
    await world.complete("heir", issue.id, "evaluate_answer", rating=3, comment="没有答到。", reopen=True)
    assert (await world.issue(issue.id)).status == "重新办理"


async def test_two_evaluations_that_fall_to_one_person_become_one(world: World) -> None:
    issue = await at_customs(world)
    await answer(world, issue.id)
    await remove(world, "staff", "boss")
    assert await holders(world, issue.id) == {"evaluate_answer": ["王强"]}
    await world.complete("boss", issue.id, "evaluate_answer", rating=1)
    assert (await world.issue(issue.id)).status == "已清零"
    assert await evaluations(world, issue.id) == [("王强", 1)]
    assert "李娜 “评价答复”已取消" in await lines(world, issue.id)


async def test_the_one_who_has_evaluated_is_not_asked_again(world: World) -> None:
    issue = await at_customs(world)
    await answer(world, issue.id)
    await world.complete("boss", issue.id, "evaluate_answer", rating=1)
    await remove(world, "staff", "boss")
    assert (await world.issue(issue.id)).status == "已清零"
    assert await evaluations(world, issue.id) == [("王强", 1)]


async def test_what_the_leaver_has_evaluated_stays_their_evaluation(world: World) -> None:
    issue = await at_customs(world)
    await answer(world, issue.id)
    await world.complete("staff", issue.id, "evaluate_answer", rating=1)
    assert await work_of(world, "staff") == []
    await remove(world, "staff")
    await world.complete("boss", issue.id, "evaluate_answer", rating=1)
    assert await evaluations(world, issue.id) == [("张敏", 1), ("王强", 1)]


async def test_an_executives_own_draft_needs_a_review_when_staff_take_it_over(world: World) -> None:
    issue = await world.raise_issue("boss")
    await remove(world, "boss", "heir")
    moved = await world.issue(issue.id)
    assert (moved.raised_by_executive, moved.executive_id) == (False, None)
    await world.complete("heir", issue.id, "draft_issue", send=True)
    assert await holders(world, issue.id) == {"review_issue": ["second"]}


async def test_an_executives_own_draft_goes_straight_on_when_an_executive_takes_it_over(world: World) -> None:
    issue = await world.raise_issue("boss")
    await remove(world, "boss", "second")
    await world.complete("second", issue.id, "draft_issue", send=True, importance="一般")
    moved = await world.issue(issue.id)
    assert (moved.status, moved.executive_id) == ("海关待受理", world.people["second"].person_id)


@pytest.mark.parametrize(("heir", "executive"), [("heir", None), ("second", "second")])
async def test_whoever_was_both_is_followed_by_one_person(
    world: World, heir: str, executive: str | None
) -> None:
    issue = await world.raise_issue("boss")
    await world.complete("boss", issue.id, "draft_issue", send=True, importance="一般")
    await remove(world, "boss", heir)
    moved = await world.issue(issue.id)
    assert moved.executive_id == (world.people[executive].person_id if executive else None)
    await answer(world, issue.id)
    await world.complete(heir, issue.id, "evaluate_answer", rating=1)
    assert (await world.issue(issue.id)).status == "已清零"
    assert await evaluations(world, issue.id) == [(heir, 1)]


async def test_nobody_is_removed_while_their_work_has_nobody_to_go_to(world: World) -> None:
    await in_review(world)
    await world.raise_issue("boss")
    with pytest.raises(WorkNotPlaced) as refused:
        await remove(world, "boss")
    assert set(refused.value.errors) == {"work_to", "reviews_to"}
    assert "1 件" in refused.value.errors["work_to"]
    with pytest.raises(WorkNotPlaced) as refused:
        await remove(world, "boss", work="heir")
    assert set(refused.value.errors) == {"reviews_to"}


@pytest.mark.parametrize(
    ("work", "reviews", "wrong"),
    [
        ("boss", "second", "work_to"),
        ("staff_two", "second", "work_to"),
        ("heir", "heir", "reviews_to"),
        ("heir", "boss_two", "reviews_to"),
    ],
)
async def test_work_goes_to_active_members_only_and_reviews_to_executives(
    world: World, work: str, reviews: str, wrong: str
) -> None:
    await in_review(world)
    with pytest.raises(WorkNotPlaced) as refused:
        await remove(world, "boss", work, reviews)
    assert set(refused.value.errors) == {wrong}


async def test_a_suspended_member_may_keep_their_work_until_it_is_given_away(world: World) -> None:
    issue = await in_review(world)
    assert await suspend(world, "staff") == 0
    assert await work_of(world, "staff") == [(issue.id, False)]
    await resume_member(world.session, world.people["admin"], member(world, "staff"), world.now)
    assert (await world.issue(issue.id)).submitter_id == world.people["staff"].person_id
    assert await suspend(world, "staff") == 0
    assert await suspend(world, "staff", "heir") == 1
    assert await work_of(world, "staff") == []
    assert (await world.issue(issue.id)).submitter_id == world.people["heir"].person_id


async def test_the_command_given_again_changes_nothing(world: World) -> None:
    issue = await in_review(world)
    assert await remove(world, "staff", "heir") == 1
    before = await lines(world, issue.id)
    assert await remove(world, "staff", "heir") == 0
    assert await lines(world, issue.id) == before


async def test_the_last_admin_keeps_their_work(world: World) -> None:
    issue = await world.raise_issue("admin", executive=str(world.people["boss"].person_id))
    with pytest.raises(LastAdmin):
        await remove(world, "admin", "heir")
    assert await holders(world, issue.id) == {"draft_issue": ["李娜"]}


async def test_what_lies_elsewhere_stays_there(world: World) -> None:
    """The leaver serves another enterprise, too: its issues are none of this admin's business."""
    person = await world.session.get(Person, world.people["staff"].person_id)
    other = await world.session.get(Enterprise, world.people["staff_two"].enterprise_id)
    assert person and other
    world.people["elsewhere"] = await join(world.session, world.now, person, other, ("customs_affairs",))
    there = await world.raise_issue("elsewhere", title="别家的问题")
    here = await world.raise_issue("staff", title="本企业的问题")
    assert await remove(world, "staff", "heir") == 1
    assert await holders(world, there.id) == {"draft_issue": ["张敏"]}
    assert await holders(world, here.id) == {"draft_issue": ["heir"]}


async def test_closed_issues_keep_their_people(world: World) -> None:
    issue = await in_review(world)
    await issues.withdraw_issue(world.session, world.engine, world.people["staff"], issue.id, world.now)
    await remove(world, "staff")
    assert (await world.issue(issue.id)).submitter_id == world.people["staff"].person_id


async def test_the_leaver_finds_the_task_taken(world: World) -> None:
    issue = await in_review(world)
    task_id = await world.task(issue.id, "review_issue")
    await remove(world, "boss", reviews="second")
    with pytest.raises(NotYours):
        await world.submit("boss", task_id, {"decision": "submit", "importance": "一般"})


async def test_whoever_is_no_executive_any_more_gives_their_reviews_away(world: World) -> None:
    issue = await in_review(world)

    async def demote(reviews_to: UUID | None) -> None:
        await leavers.change_member(
            world.session,
            world.engine,
            world.people["admin"],
            member(world, "boss"),
            roles=["customs_affairs"],
            reviews_to=reviews_to,
            now=world.now,
        )

    with pytest.raises(WorkNotPlaced) as refused:
        async with world.session.begin_nested():
            await demote(None)
    assert set(refused.value.errors) == {"reviews_to"}
    await demote(member(world, "second"))
    assert await holders(world, issue.id) == {"review_issue": ["second"]}
    roles = select(col(Membership.roles)).where(col(Membership.id) == member(world, "boss"))
    assert await world.session.scalar(roles) == ["customs_affairs"]

"""The life of a registration, command by command: applied for, reviewed, returned, corrected, approved, refused, superseded."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlmodel import col, select

from domain.exceptions import AlreadyApplied, EnterpriseNotApproved, EnterpriseRegistered, PhoneDisabled
from domain.models import Attachment, Membership, Person, Registration
from domain.people import list_memberships
from engine.exceptions import NotYours
from tasks import commands, inbox, registration_details, registrations
from tasks.completion import finish
from tasks.exceptions import AnswersRefused, NotFound
from tasks.registrations import RegistrationFilter
from tasks.superseding import MESSAGE
from tests.tasks.applicants import (
    act_as_applicant,
    add_file,
    apply,
    ask_challenge,
    correct,
    enterprise_of,
    get,
    make_uscc,
    review,
)
from tests.tasks.world import World

RETURNED = {"decision": "return", "reason": "营业执照看不清，请重新上传。"}
APPROVED = {"decision": "approve"}


async def test_an_application_waits_for_the_registrars_of_its_office(world: World) -> None:
    registration = await apply(world)
    assert (registration.status, registration.phase, registration.route) == ("待审核", "customs", "web")
    assert registration.number.startswith("ZC23012026")
    assert (await enterprise_of(world, registration)).status == "pending"
    assert await world.messages(registration.id) == [("arrived", "何静")]
    line = (await inbox.list_tasks(world.session, world.people["registrar"], "claimable")).items[0]
    assert line.registration is not None
    assert (line.registration.number, line.registration.enterprise_name) == (
        registration.number,
        "江苏新禾机电有限公司",
    )
    assert (await inbox.list_tasks(world.session, world.people["registrar_two"], "claimable")).items == []
    with pytest.raises(NotFound):
        await commands.claim(world.session, world.engine, world.people["handler"], line.id, world.now)


async def test_the_applicant_becomes_the_admin_and_may_not_raise_issues_yet(world: World) -> None:
    registration = await apply(world)
    me = world.people[str(registration.id)]
    assert (me.name, me.roles) == ("顾盼", frozenset({"enterprise_admin"}))
    world.people["me"] = me
    with pytest.raises(EnterpriseNotApproved):
        await world.raise_issue("me")
    await review(world, registration, **APPROVED)
    world.people["me"] = await act_as_applicant(world.session, registration.id)
    assert (await world.raise_issue("me")).status == "草稿"


async def test_who_has_an_account_already_gets_another_membership(world: World) -> None:
    staff = world.people["staff"]
    registration = await apply(world, await ask_challenge(world, staff.phone))
    assert registration.applicant_id == staff.person_id
    assert (await world.session.get_one(Person, staff.person_id)).name == "张敏"
    mine = await list_memberships(world.session, staff.person_id)
    assert [(one.display_name, one.enterprise_status) for one in mine] == [
        ("", "approved"),
        ("顾盼", "pending"),
    ]


async def test_a_registrar_approves_and_the_enterprise_is_registered_at_once(world: World) -> None:
    registration = await apply(world)
    await review(world, registration, **APPROVED)
    done = await get(world, registration.id)
    assert (done.status, done.phase, done.outcome) == ("已通过", "closed", "approved")
    assert (done.reviewer_id, done.decided_at) == (world.people["registrar"].person_id, world.now)
    assert (await enterprise_of(world, registration)).status == "approved"
    assert await world.messages(registration.id) == [("arrived", "何静"), ("approved", "顾盼")]


async def test_a_returned_one_is_corrected_and_what_changed_is_kept(world: World) -> None:
    registration = await apply(world)
    await review(world, registration, **RETURNED)
    returned = await get(world, registration.id)
    assert (returned.status, returned.phase, returned.reason) == ("已退回", "enterprise", RETURNED["reason"])
    assert (await enterprise_of(world, registration)).status == "returned"
    assert (await world.messages(registration.id))[-1] == ("returned", "顾盼")

    world.pass_time(days=1)
    better = await add_file(world.session, world, uploader=returned.applicant_id)
    await correct(world, registration, licence=[better], address="南京市江宁区秣周东路 11 号")
    again = await get(world, registration.id)
    assert (again.status, again.round, again.reason) == ("待审核", 1, "")
    assert (str(again.licence), (await enterprise_of(world, registration)).status) == (better, "pending")

    detail = await registration_details.get_registration(
        world.session, world.engine, world.people["registrar"], registration.id
    )
    assert [
        (one.change.label, one.change.before, one.change.after, one.round) for one in detail.last_changes
    ] == [
        ("注册地址", "南京市江宁区秣周东路 9 号", "南京市江宁区秣周东路 11 号", 1),
        ("营业执照", "营业执照.png", "营业执照.png", 1),
    ]
    assert detail.last_changes[1].before_file != detail.last_changes[1].after_file

    await review(world, registration, **RETURNED)
    await correct(world, registration, contact="顾盼盼")
    assert (await get(world, registration.id)).round == 2
    assert (await act_as_applicant(world.session, registration.id)).name == "顾盼盼"
    detail = await registration_details.get_registration(
        world.session, world.engine, world.people["registrar"], registration.id
    )
    assert ([one.round for one in detail.changes], [one.change.label for one in detail.last_changes]) == (
        [1, 1, 2],
        ["联系人"],
    )
    with pytest.raises(Exception, match="never changed"):
        await world.session.execute(text("UPDATE registration_change SET field = 'x'"))


async def test_sent_to_another_office_it_waits_there(world: World) -> None:
    registration = await apply(world)
    await review(world, registration, **RETURNED)
    await correct(world, registration, office="2325")
    [line] = (await inbox.list_tasks(world.session, world.people["registrar_two"], "claimable")).items
    assert line.instance_id == registration.id
    assert (await world.messages(registration.id))[-1] == ("arrived", "傅延年")
    with pytest.raises(NotFound):
        await registration_details.get_registration(
            world.session, world.engine, world.people["registrar"], registration.id
        )


async def test_a_refusal_says_why_and_only_the_admin_reads_it(world: World) -> None:
    registration = await apply(world)
    await review(world, registration, decision="refuse", reason="企业不在本关区注册。")
    done = await get(world, registration.id)
    assert (done.status, done.outcome, done.reason) == ("未通过", "refused", "企业不在本关区注册。")
    assert (await enterprise_of(world, registration)).status == "refused"
    assert (await world.messages(registration.id))[-1] == ("refused", "顾盼")
    [mine] = await list_memberships(world.session, registration.applicant_id)
    assert mine.enterprise_status == "refused"
    staff = world.people["staff"]
    world.session.add(
        Membership(
            person_id=staff.person_id,
            enterprise_id=registration.enterprise_id,
            roles=["executive"],
            created_at=world.now,
        )
    )
    await world.session.flush()
    assert [one.enterprise_status for one in await list_memberships(world.session, staff.person_id)] == [
        "approved"
    ]


async def test_who_applies_again_leaves_the_refused_one_behind(world: World) -> None:
    first = await apply(world)
    uscc = (await enterprise_of(world, first)).uscc
    await review(world, first, decision="refuse", reason="材料不全。")
    world.pass_time(hours=1)
    phone = world.people[str(first.id)].phone
    await apply(world, await ask_challenge(world, phone), uscc=uscc)
    [mine] = await list_memberships(world.session, first.applicant_id)
    assert mine.enterprise_status == "pending"


@pytest.mark.parametrize("decision", ["return", "refuse"])
async def test_a_decision_against_it_needs_a_reason(world: World, decision: str) -> None:
    registration = await apply(world)
    await world.claim("registrar", registration.id, "review_registration")
    with pytest.raises(AnswersRefused) as caught:
        await world.complete("registrar", registration.id, "review_registration", decision=decision)
    assert set(caught.value.errors) == {"reason"}


async def test_a_wrong_check_digit_must_be_confirmed_and_overridden_on_the_record(world: World) -> None:
    wrong = make_uscc(wrong=True)
    with pytest.raises(AnswersRefused) as caught:
        await apply(world, uscc=wrong)
    assert set(caught.value.errors) == {"uscc_confirmed"}
    registration = await apply(world, uscc=wrong, uscc_confirmed=True)
    assert registration.check_digit_failed

    await world.claim("registrar", registration.id, "review_registration")
    with pytest.raises(AnswersRefused) as caught:
        await world.complete("registrar", registration.id, "review_registration", **APPROVED)
    assert set(caught.value.errors) == {"override_check_digit"}
    await world.complete(
        "registrar", registration.id, "review_registration", override_check_digit=True, **APPROVED
    )
    done = await get(world, registration.id)
    assert (done.outcome, done.check_digit_overridden_by) == (
        "approved",
        world.people["registrar"].person_id,
    )


async def test_the_override_is_not_offered_for_a_right_code(world: World) -> None:
    registration = await apply(world)
    await world.claim("registrar", registration.id, "review_registration")
    with pytest.raises(AnswersRefused) as caught:
        await world.complete(
            "registrar", registration.id, "review_registration", override_check_digit=True, **APPROVED
        )
    assert set(caught.value.errors) == {"override_check_digit"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("uscc", "123"),
        ("uscc", "91320100MAI0000001"),
        ("customs_code", "32019600"),
        ("legal_person", None),
        ("contact", ""),
        ("office", "9999"),
        ("office", None),
        ("licence", []),
        ("licence", [str(uuid4())]),
        ("unknown", "x"),
    ],
)
async def test_what_is_missing_or_wrong_is_named(world: World, field: str, value: Any) -> None:
    with pytest.raises(AnswersRefused) as caught:
        await apply(world, **{field: value})
    assert set(caught.value.errors) == {field}


async def test_codes_are_kept_as_they_are_written_on_the_licence(world: World) -> None:
    uscc = make_uscc()
    registration = await apply(world, uscc=uscc.lower(), customs_code="3201960q88")
    enterprise = await enterprise_of(world, registration)
    assert (enterprise.uscc, enterprise.customs_code) == (uscc, "3201960Q88")


async def test_another_challenges_file_is_no_licence_and_a_document_is_none(world: World) -> None:
    strange = await add_file(world.session, world, challenge=(await ask_challenge(world)).id)
    with pytest.raises(AnswersRefused) as caught:
        await apply(world, licence=[strange])
    assert set(caught.value.errors) == {"licence"}
    registration = await apply(world)
    await review(world, registration, **RETURNED)
    word = await add_file(world.session, world, uploader=registration.applicant_id)
    row = await world.session.get_one(Attachment, UUID(word))
    row.name = "营业执照.docx"
    await world.session.flush()
    with pytest.raises(AnswersRefused) as caught:
        await correct(world, registration, licence=[word])
    assert "jpg" in caught.value.errors["licence"]


async def test_an_enterprise_that_exists_is_told_whom_to_ask_and_shown_nothing_of(world: World) -> None:
    first = await apply(world, name="先注册的公司")
    await review(world, first, **APPROVED)
    uscc = (await enterprise_of(world, first)).uscc
    with pytest.raises(EnterpriseRegistered, match="企业管理员") as caught:
        await apply(world, uscc=uscc)
    assert "先注册的公司" not in str(caught.value) and caught.value.details == {}
    second = await apply(world)
    await review(world, second, **RETURNED)
    with pytest.raises(EnterpriseRegistered):
        await correct(world, second, uscc=uscc)


async def test_nobody_applies_twice_for_the_same_enterprise(world: World) -> None:
    first = await apply(world)
    uscc = (await enterprise_of(world, first)).uscc
    phone = world.people[str(first.id)].phone
    with pytest.raises(AlreadyApplied, match=first.number):
        await apply(world, await ask_challenge(world, phone), uscc=uscc)


async def test_a_disabled_phone_registers_nothing(world: World) -> None:
    person = await world.session.get_one(Person, world.people["lonely"].person_id)
    person.active = False
    await world.session.flush()
    with pytest.raises(PhoneDisabled):
        await apply(world, await ask_challenge(world, person.phone))


async def test_an_unapproved_application_blocks_nobody(world: World) -> None:
    waiting = await apply(world)
    uscc = (await enterprise_of(world, waiting)).uscc
    returned = await apply(world, uscc=uscc)
    await review(world, returned, **RETURNED)
    other = await apply(world, uscc=uscc)
    await review(world, other, **APPROVED)
    assert (await enterprise_of(world, other)).status == "approved"


async def test_whoever_is_approved_second_ends_as_superseded(world: World) -> None:
    first = await apply(world)
    uscc = (await enterprise_of(world, first)).uscc
    second = await apply(world, uscc=uscc)
    await review(world, first, **APPROVED)
    await review(world, second, **APPROVED)
    lost = await get(world, second.id)
    assert (lost.status, lost.outcome) == ("已由另一份申请注册", "superseded")
    assert (await enterprise_of(world, second)).status == "superseded"
    assert (await world.messages(second.id))[-1] == ("superseded", "顾盼")
    instance = await world.instance(second.id)
    assert (instance.state_name, instance.next_due) == ("ended", None)


async def test_whoever_has_claimed_what_is_superseded_is_told(world: World) -> None:
    """And nobody else: of what nobody has claimed only the line in the list goes away."""
    first = await apply(world)
    uscc = (await enterprise_of(world, first)).uscc
    claimed, waiting = await apply(world, uscc=uscc), await apply(world, uscc=uscc)
    await world.claim("registrar", claimed.id, "review_registration")
    await review(world, first, **APPROVED)
    for registration in (claimed, waiting):
        await supersede(world, registration.id)
    assert (await get(world, claimed.id)).outcome == (await get(world, waiting.id)).outcome == "superseded"
    assert (await world.messages(claimed.id))[-2:] == [("nothing_to_review", "何静"), ("superseded", "顾盼")]
    assert [template for template, _ in await world.messages(waiting.id)] == ["arrived", "superseded"]


async def supersede(world: World, registration_id: UUID) -> None:
    """What the job does of which the winner's transaction tells."""
    locked = await world.engine.lock_instance(world.session, registration_id)
    step = await world.engine.correlate(world.session, locked, MESSAGE, actor=None, now=world.now)
    await finish(world.session, step, world.now)


async def test_reminder_and_overdue_come_in_working_days_whoever_claims(world: World) -> None:
    registration = await apply(world)  # Monday 9:00
    assert registration.due_at == world.now + timedelta(days=3, hours=8, minutes=30)  # offices close
    await world.claim("registrar", registration.id, "review_registration")
    await commands.release(
        world.session,
        world.engine,
        world.people["registrar"],
        await world.task(registration.id, "review_registration"),
        world.now,
    )
    world.pass_time(days=3)
    await world.fire_timers()
    assert (await world.messages(registration.id))[1:] == [("deadline_near", "何静")]
    world.pass_time(hours=8, minutes=30)
    await world.fire_timers()
    assert set((await world.messages(registration.id))[2:]) == {("overdue", "何静"), ("overdue", "徐静")}
    assert (await get(world, registration.id)).overdue_at == world.now
    await review(world, registration, **RETURNED)
    assert (await get(world, registration.id)).due_at is None
    world.pass_time(days=7)
    await world.fire_timers()
    assert (await world.messages(registration.id))[-1] == ("correction_late", "顾盼")


async def test_who_reads_a_registration(world: World) -> None:
    registration = await apply(world)

    async def reads(who: str) -> bool:
        try:
            await registration_details.get_registration(
                world.session, world.engine, world.people[who], registration.id
            )
        except NotFound:
            return False
        return True

    own = str(registration.id)
    readers = [who for who in (*world.people,) if await reads(who)]
    assert sorted(readers) == sorted([own, "registrar", "chief", "supervisor"])
    task = await world.task(registration.id, "review_registration")
    with pytest.raises(NotYours):
        await commands.claim(world.session, world.engine, world.people["chief"], task, world.now)


async def test_lists_are_narrowed_counted_and_paged(world: World) -> None:
    made = [await apply(world, name=f"第{number}公司") for number in range(3)]
    await review(world, made[0], **RETURNED)
    await review(world, made[1], **APPROVED)
    registrar = world.people["registrar"]

    async def names(**wanted: str) -> list[str]:
        page = await registrations.list_registrations(world.session, registrar, RegistrationFilter(**wanted))
        return [line.enterprise_name for line in page.items]

    assert await names() == ["第2公司", "第1公司", "第0公司"]
    assert await names(phase="customs") == ["第2公司"]
    assert await names(status="已退回") == ["第0公司"]
    assert await names(q="第1") == ["第1公司"]
    assert await names(q=made[1].number.lower()) == ["第1公司"]
    assert await names(q=(await enterprise_of(world, made[0])).uscc) == ["第0公司"]
    assert await names(q="%") == []
    assert await registrations.count_registrations(world.session, registrar) == {
        "customs": 1,
        "enterprise": 1,
        "closed": 1,
    }
    first = await registrations.list_registrations(world.session, registrar, limit=2)
    rest = await registrations.list_registrations(world.session, registrar, after=first.next, limit=2)
    assert [line.enterprise_name for line in (*first.items, *rest.items)] == await names()
    assert rest.next is None


async def test_the_history_tells_what_happened(world: World) -> None:
    registration = await apply(world)
    await review(world, registration, **RETURNED)
    entries = await registration_details.registration_timeline(
        world.session, world.engine, world.people[str(registration.id)], registration.id
    )
    told = [entry.text for entry in entries if not entry.is_quiet]
    assert told == ["提交注册申请", "认领“审核注册”", "完成“审核注册”"]


async def test_a_submit_says_where_the_registration_stands(world: World) -> None:
    registration = await apply(world)
    await world.claim("registrar", registration.id, "review_registration")
    result = await world.complete("registrar", registration.id, "review_registration", **RETURNED)
    assert result.issue is None
    assert result.registration == {"id": str(registration.id), "status": "已退回", "phase": "enterprise"}


async def test_of_one_challenge_there_is_one_registration(world: World) -> None:
    challenge = await ask_challenge(world)
    await apply(world, challenge)
    kept = await world.session.scalars(
        select(Registration).where(col(Registration.challenge_id) == challenge.id)
    )
    assert len(kept.all()) == 1

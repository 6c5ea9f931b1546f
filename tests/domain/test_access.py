"""Who reads which issue: the rules one by one, and that the SQL condition and the predicate always agree."""

from itertools import product
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.access import (
    attachment_readable_by,
    may_read,
    may_withdraw,
    readable_by,
    require_withdrawable,
)
from domain.exceptions import CannotWithdraw
from domain.models import Attachment, CustomsOffice, Issue, IssueOffice
from domain.offices import load_office_tree

PHASES = (None, "draft", "review", "customs", "enterprise", "answered", "closed")


async def readable(session: AsyncSession, actor: Any) -> set[Any]:
    return set(await session.scalars(select(col(Issue.id)).where(readable_by(actor))))


async def test_staff_read_their_own_issues_only(session: AsyncSession, world: Any) -> None:
    enterprise = await world.enterprise()
    ann, bob = [await world.member(enterprise, "customs_affairs") for _ in range(2)]
    mine = await world.issue(ann)
    await world.issue(bob)
    assert await readable(session, ann) == {mine.id}


@pytest.mark.parametrize("role", ["executive", "enterprise_admin"])
async def test_executives_and_the_admin_read_all_but_others_drafts(
    session: AsyncSession, world: Any, role: str
) -> None:
    enterprise = await world.enterprise()
    staff, chief = await world.member(enterprise, "customs_affairs"), await world.member(enterprise, role)
    sent = {(await world.issue(staff, phase=phase)).id for phase in PHASES[2:]}
    for phase in (None, "draft"):
        await world.issue(staff, phase=phase)
    await world.issue(staff, phase="closed", unsent=True)
    own_draft = await world.issue(chief, phase="draft")
    assert await readable(session, chief) == sent | {own_draft.id}


async def test_a_draft_withdrawn_unsent_stays_its_submitters(session: AsyncSession, world: Any) -> None:
    staff = await world.member(await world.enterprise(), "customs_affairs")
    unsent = await world.issue(staff, phase="closed", unsent=True)
    assert await readable(session, staff) == {unsent.id}
    assert may_read(staff, unsent, [], await load_office_tree(session))


async def test_another_enterprise_reads_nothing(session: AsyncSession, world: Any) -> None:
    issue = await world.issue(await world.member(await world.enterprise(), "executive"))
    stranger = await world.member(await world.enterprise(), "executive", "enterprise_admin")
    assert await readable(session, stranger) == set()
    assert not may_read(stranger, issue, ["2301"], await load_office_tree(session))


async def test_one_person_reads_for_the_enterprise_they_act_for(session: AsyncSession, world: Any) -> None:
    person = await world.person()
    here = await world.member(await world.enterprise(), "customs_affairs", person=person)
    there = await world.member(await world.enterprise(), "customs_affairs", person=person)
    issue = await world.issue(here)
    assert await readable(session, here) == {issue.id}
    assert await readable(session, there) == set()


@pytest.mark.parametrize("role", ["handler", "section_chief"])
async def test_officers_read_what_is_or_was_at_their_office(
    session: AsyncSession, world: Any, role: str
) -> None:
    member = await world.member(await world.enterprise(), "customs_affairs")
    moved = await world.issue(member, office="2325", been_at=["2301", "2325"])
    await world.issue(member, office="2302", been_at=["2302"])
    await world.issue(member, office="2301", phase="review")  # meant for 2301, not sent yet
    assert await readable(session, await world.officer(f"{role}:2301")) == {moved.id}


async def test_supervisors_read_their_subtree(session: AsyncSession, world: Any) -> None:
    session.add(CustomsOffice(code="9999", name="下级", parent="2301"))
    await session.flush()
    member = await world.member(await world.enterprise(), "customs_affairs")
    below = await world.issue(member, been_at=["9999"])
    beside = await world.issue(member, been_at=["2302"])
    assert await readable(session, await world.officer("supervisor:2301")) == {below.id}
    assert await readable(session, await world.officer("supervisor:2300")) == {below.id, beside.id}
    assert await readable(session, await world.officer("handler:2300")) == set()


@pytest.mark.parametrize("role", ["registrar", "analyst", "system_admin", "security_admin", "auditor"])
async def test_other_officers_read_no_issue(session: AsyncSession, world: Any, role: str) -> None:
    await world.issue(await world.member(await world.enterprise(), "executive"), been_at=["2300", "2301"])
    assert await readable(session, await world.officer(f"{role}:2300")) == set()


async def test_condition_and_predicate_agree_on_every_combination(session: AsyncSession, world: Any) -> None:
    for code, parent in (("9999", "2301"), ("9998", "9999")):
        session.add(CustomsOffice(code=code, name="下级", parent=parent))
        await session.flush()
    firms = [await world.enterprise() for _ in range(2)]
    roles = [("customs_affairs",), ("executive",), ("enterprise_admin", "customs_affairs")]
    members = [await world.member(firm, *some) for firm, some in product(firms, roles)]
    groups = [
        ("handler:2301",),
        ("section_chief:9999",),
        ("supervisor:2301",),
        ("supervisor:2300", "handler:2325"),
        ("supervisor:9998",),
        ("auditor:2300",),
        (),
    ]
    officers = [await world.officer(*some) for some in groups]
    places = [(), ("2301",), ("9998", "2325"), ("9999",), ("2302",)]
    for submitter, phase, been_at in product(members, PHASES, places):
        await world.issue(submitter, phase=phase, been_at=been_at)
    for submitter in members:
        await world.issue(submitter, phase="closed", unsent=True)
    tree = await load_office_tree(session)
    issues = (await session.scalars(select(Issue))).all()
    stations: dict[Any, list[str]] = {}
    for station in await session.scalars(select(IssueOffice)):
        stations.setdefault(station.issue_id, []).append(station.office)
    read_by_somebody = 0
    for actor in members + officers:
        by_sql = await readable(session, actor)
        by_predicate = {one.id for one in issues if may_read(actor, one, stations.get(one.id, []), tree)}
        assert by_sql == by_predicate, (actor.roles, actor.groups)
        read_by_somebody += bool(by_sql)
    assert read_by_somebody == len(members) + 5, "the comparison must not be of empty sets"


async def test_files_are_read_by_their_uploader_and_by_readers_of_the_issue(
    session: AsyncSession, world: Any
) -> None:
    enterprise = await world.enterprise()
    staff, colleague = [await world.member(enterprise, "customs_affairs") for _ in range(2)]
    issue = await world.issue(staff, been_at=["2301"])
    files = [
        Attachment(
            uploader_id=staff.person_id,
            instance_id=instance,
            name="a.pdf",
            size=1,
            media_type="application/pdf",
            sha256="",
            stored_as="x",
            created_at=world.now,
        )
        for instance in (issue.id, None)
    ]
    session.add_all(files)
    await session.flush()

    async def seen(actor: Any) -> set[Any]:
        return set(await session.scalars(select(col(Attachment.id)).where(attachment_readable_by(actor))))

    assert await seen(staff) == {files[0].id, files[1].id}
    assert await seen(await world.officer("handler:2301")) == {files[0].id}
    assert await seen(colleague) == set()


async def test_only_the_submitter_withdraws_and_only_before_the_first_claim(world: Any) -> None:
    enterprise = await world.enterprise()
    staff, chief = (
        await world.member(enterprise, "customs_affairs"),
        await world.member(enterprise, "executive"),
    )
    for phase in ("draft", "review", "customs"):
        assert may_withdraw(staff, await world.issue(staff, phase=phase))
    issue = await world.issue(staff)
    assert not may_withdraw(chief, issue)
    issue.first_claimed_at = world.now
    assert not may_withdraw(staff, issue)
    with pytest.raises(CannotWithdraw, match="已受理"):
        require_withdrawable(staff, issue)
    closed = await world.issue(staff, phase="closed")
    with pytest.raises(CannotWithdraw, match="已经办结"):
        require_withdrawable(staff, closed)

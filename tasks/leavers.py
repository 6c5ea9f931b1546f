"""What a leaver had open goes to whom the admin says: the issues they raised, the reviews they were chosen for, the tasks in
their name. Used when a member is suspended or removed, and when an executive becomes something else.

Lock order: the enterprise's lock for members (`domain.members`), then the instances in the order of their ids, as
`tasks.commands.claim_many` takes them. All of it is one transaction with the change of the member: it happens or it does
not. Given again, the command finds what is still there. Whatever a step that was under way at that moment brings the
leaver afterwards is moved by a job (`move_late_work`), one issue a transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain import members
from domain.actor import Actor
from domain.audit import record
from domain.issues import facts
from domain.members import Member, get_member, load_membership, lock_members
from domain.models import IssueRecord
from engine.exceptions import UnknownProcess
from engine.instances import Engine
from tasks import statements
from tasks.applications import pass_application
from tasks.completion import finish
from tasks.exceptions import WorkNotPlaced
from tasks.moving import move_task
from tasks.subjects import command, open_subject

EXECUTIVE = "executive"


@dataclass(frozen=True)
class WorkItem:
    """One open issue that lies with a member. `is_review`: as its executive, else as whoever raised it or has a task."""

    issue_id: UUID
    number: str
    title: str
    status: str | None
    is_review: bool
    tasks: tuple[str, ...]


@dataclass(frozen=True)
class Heirs:
    """Who takes over, as persons: `work` what the leaver raised, `reviews` what they were chosen for as executive."""

    work: UUID | None = None
    work_is_executive: bool = False
    reviews: UUID | None = None


async def list_work(session: AsyncSession, member: Member, enterprise_id: UUID) -> list[WorkItem]:
    """What this member has open in this enterprise, the oldest first."""
    parameters = {"enterprise_id": enterprise_id, "person_id": member.person_id}
    rows = await session.execute(statements.WORK_OF_MEMBER, parameters)
    return [
        WorkItem(row.id, row.number, row.title, row.status, row.as_executive, tuple(row.tasks or ()))
        for row in rows
    ]


async def count_left_behind(session: AsyncSession, enterprise_id: UUID) -> dict[UUID, int]:
    """How many open issues lie with members who are suspended or gone, by the member."""
    rows = await session.execute(statements.LEFT_BEHIND, {"enterprise_id": enterprise_id})
    return {row.id: row.issues for row in rows}


async def suspend_member(
    session: AsyncSession,
    engine: Engine,
    actor: Actor,
    member_id: UUID,
    *,
    work_to: UUID | None = None,
    reviews_to: UUID | None = None,
    now: datetime,
) -> int:
    """Out at once. What is open goes to these members; what nobody is named for waits for the suspended one.

    How many issues moved. Raises LastAdmin, MemberUnknown, NotAdmin, WorkNotPlaced. Once more: only the work is moved.
    """
    member = await members.suspend_member(session, actor, member_id, now)
    return await _place(session, engine, actor, member, work_to, reviews_to, now, may_stay=True)


async def remove_member(
    session: AsyncSession,
    engine: Engine,
    actor: Actor,
    member_id: UUID,
    *,
    work_to: UUID | None = None,
    reviews_to: UUID | None = None,
    now: datetime,
) -> int:
    """Gone. Everything that is open must go to somebody: WorkNotPlaced says what is missing. Otherwise as suspending."""
    member = await members.remove_member(session, actor, member_id, now)
    return await _place(session, engine, actor, member, work_to, reviews_to, now, may_stay=False)


async def change_member(
    session: AsyncSession,
    engine: Engine,
    actor: Actor,
    member_id: UUID,
    *,
    name: str | None = None,
    position: str | None = None,
    roles: Sequence[str] | None = None,
    reviews_to: UUID | None = None,
    now: datetime,
) -> Member:
    """Edit; who is no executive any more gives their open reviews away. Raises MemberRefused, MemberUnknown, WorkNotPlaced."""
    enterprise_id = await lock_members(session, actor)
    before = await get_member(session, enterprise_id, member_id)
    given = tuple(roles) if roles is not None else None
    changed = await members.edit_member(
        session, actor, member_id, name=name, position=position, roles=given, now=now
    )
    if EXECUTIVE in before.roles and EXECUTIVE not in changed.roles:
        reviews = [item for item in await list_work(session, before, enterprise_id) if item.is_review]
        if reviews:
            heirs = await _find_heirs(session, enterprise_id, changed, None, reviews_to)
            if heirs.reviews is None:
                raise WorkNotPlaced(
                    {"reviews_to": f"这位用户还有 {len(reviews)} 件审核过或待审核的问题，请选择由谁接手。"}
                )
            await _move_all(session, engine, actor.person_id, before.person_id, reviews, heirs, now)
    return changed


async def _place(
    session: AsyncSession,
    engine: Engine,
    actor: Actor,
    member: Member,
    work_to: UUID | None,
    reviews_to: UUID | None,
    now: datetime,
    *,
    may_stay: bool,
) -> int:
    enterprise_id = actor.enterprise_id
    assert enterprise_id is not None, "the member's own command has seen to it"
    if member.is_admin:
        await _leave_application(session, engine, actor, enterprise_id, member, now)
    items = await list_work(session, member, enterprise_id)
    heirs = await _find_heirs(session, enterprise_id, member, work_to, reviews_to)
    if not may_stay:
        _require_heirs(items, heirs)
    moving = [item for item in items if (heirs.reviews if item.is_review else heirs.work)]
    membership = await load_membership(session, enterprise_id, member.id)
    membership.work_to, membership.reviews_to = (
        work_to or membership.work_to,
        reviews_to or membership.reviews_to,
    )
    await session.flush()
    await _move_all(session, engine, actor.person_id, member.person_id, moving, heirs, now)
    if moving:
        after = {"issues": len(moving), "work_to": work_to, "reviews_to": reviews_to}
        await record(
            session,
            "move_work",
            actor=actor,
            about="membership",
            about_id=member.id,
            after={key: str(value) if isinstance(value, UUID) else value for key, value in after.items()},
            now=now,
        )
    return len(moving)


async def _leave_application(
    session: AsyncSession, engine: Engine, actor: Actor, enterprise_id: UUID, leaver: Member, now: datetime
) -> None:
    """An admin who has applied for the registration leaves it to the one who acts, or to another one who stays."""
    staying = [
        one.person_id
        for one in await members.list_members(session, enterprise_id)
        if one.is_admin and one.state == "active" and one.id != leaver.id
    ]
    if staying:
        taker = actor.person_id if actor.person_id in staying else staying[0]
        await pass_application(
            session, engine, enterprise_id, leaver.person_id, taker, actor_id=actor.person_id, now=now
        )


def _require_heirs(items: Sequence[WorkItem], heirs: Heirs) -> None:
    errors: dict[str, str] = {}
    own = sum(not item.is_review for item in items)
    if own and heirs.work is None:
        errors["work_to"] = f"这位用户经办的 {own} 件问题还没有办结，请选择由谁接手。"
    if own != len(items) and heirs.reviews is None:
        errors["reviews_to"] = (
            f"这位用户审核过或待审核的 {len(items) - own} 件问题还没有办结，请选择由哪位企业高管接手。"
        )
    if errors:
        raise WorkNotPlaced(errors)


async def _find_heirs(
    session: AsyncSession,
    enterprise_id: UUID,
    leaver: Member,
    work_to: UUID | None,
    reviews_to: UUID | None,
) -> Heirs:
    """The persons behind these members. WorkNotPlaced for one who is not active here, or no executive where one is needed."""
    known = {one.id: one for one in await members.list_members(session, enterprise_id)}
    errors: dict[str, str] = {}
    found: dict[str, Member | None] = {"work_to": None, "reviews_to": None}
    for field, id_ in (("work_to", work_to), ("reviews_to", reviews_to)):
        if id_ is None:
            continue
        heir = known.get(id_)
        if heir is None or heir.state != "active" or heir.id == leaver.id:
            errors[field] = "请选择一位在用的用户。"
        elif field == "reviews_to" and EXECUTIVE not in heir.roles:
            errors[field] = "审核的问题只能由企业高管接手。"
        found[field] = heir
    if errors:
        raise WorkNotPlaced(errors)
    work, reviews = found["work_to"], found["reviews_to"]
    return Heirs(
        work=work.person_id if work else None,
        work_is_executive=work is not None and EXECUTIVE in work.roles,
        reviews=reviews.person_id if reviews else None,
    )


async def _move_all(
    session: AsyncSession,
    engine: Engine,
    actor_id: UUID,
    person_id: UUID,
    items: Sequence[WorkItem],
    heirs: Heirs,
    now: datetime,
) -> None:
    for item in sorted(items, key=lambda item: item.issue_id):
        await move_issue(session, engine, item.issue_id, person_id, heirs, actor_id=actor_id, now=now)


async def move_issue(
    session: AsyncSession,
    engine: Engine,
    issue_id: UUID,
    person_id: UUID,
    heirs: Heirs,
    *,
    actor_id: UUID | None,
    now: datetime,
) -> None:
    """What lies with this person in one issue goes to the heirs, on the timeline; looked at anew once it is locked."""
    async with command(session):
        try:
            locked = await engine.lock_instance(session, issue_id)
        except UnknownProcess:
            return
        issue = (await open_subject(session, issue_id)).require_issue()
        if locked.instance.state_name != "active":
            return
        was_executive = issue.executive_id == person_id and issue.submitter_id != person_id
        if passed := _pass_on(issue, person_id, heirs):
            step = await engine.reassign(
                session, locked, {"issue": facts(issue)}, told=passed, actor=actor_id, now=now
            )
            await finish(session, step, now)
    parameters = {"instance_id": issue_id, "person_id": person_id}
    heir = heirs.reviews if was_executive else heirs.work
    if heir is None:
        return
    for task_id in (await session.execute(statements.TASKS_OF_PERSON, parameters)).scalars().all():
        await move_task(session, engine, task_id, person_id, heir, actor_id, now)


def _pass_on(issue: IssueRecord, person_id: UUID, heirs: Heirs) -> list[dict[str, Any]]:
    """Change the issue's submitter and executive; what to tell about it. Whoever was both is followed by one person."""
    told: list[dict[str, Any]] = []
    if issue.submitter_id == person_id and heirs.work is not None:
        told.append({"part": "submitter", "from": str(person_id), "to": str(heirs.work)})
        issue.submitter_id = heirs.work
        if issue.executive_id == person_id:
            issue.executive_id = heirs.work if heirs.work_is_executive else None
            if issue.phase == "draft":
                issue.raised_by_executive = heirs.work_is_executive
    elif issue.executive_id == person_id and issue.submitter_id != person_id and heirs.reviews is not None:
        told.append({"part": "executive", "from": str(person_id), "to": str(heirs.reviews)})
        issue.executive_id = heirs.reviews
    return told

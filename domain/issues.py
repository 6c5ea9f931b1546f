"""What happens to an issue's own record: numbers, fields with what changed, offices, answers, evaluations, its end.

Functions take the `Issue` object and change it; one flush at the end of the command writes all of it in one UPDATE. The
process decides when they are called; deadlines and reading rights have files of their own.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.actor import Actor
from domain.exceptions import ChooseExecutive, EnterpriseNotApproved, NoExecutive
from domain.models import (
    Evaluation,
    Issue,
    IssueAnswer,
    IssueChange,
    IssueOffice,
    Officer,
    OfficerRole,
    Person,
)
from domain.offices import require_open_office, require_other_office
from domain.people import list_executives
from domain.working_days import BEIJING

PLAIN_FIELDS = ("kind", "category", "office", "title", "description", "contact", "importance")
FIELDS = (*PLAIN_FIELDS, "executive", "attachments")


async def next_number(session: AsyncSession, office: str, now: datetime) -> str:
    """`QL<关区代码><yyyy><6 digits>`, the year in Beijing; never given twice, gaps are allowed."""
    serial = await session.scalar(text("SELECT nextval('issue_number_seq')"))
    return f"QL{office}{now.astimezone(BEIJING).year}{serial:06d}"


def require_approved(actor: Actor) -> UUID:
    """The enterprise this member may raise issues for; EnterpriseNotApproved otherwise."""
    if actor.enterprise_id is None or actor.enterprise_status != "approved":
        raise EnterpriseNotApproved
    return actor.enterprise_id


async def create_issue(
    session: AsyncSession, actor: Actor, fields: Mapping[str, Any], *, id_: UUID, now: datetime
) -> Issue:
    """A draft of this member's enterprise, with the id of its process instance. `office` must be among the fields."""
    enterprise_id = require_approved(actor)
    office = await require_open_office(session, str(fields.get("office", "")))
    by_executive = "executive" in actor.roles
    issue = Issue(
        id=id_,
        number=await next_number(session, office.code, now),
        enterprise_id=enterprise_id,
        submitter_id=actor.person_id,
        executive_id=actor.person_id if by_executive else None,
        raised_by_executive=by_executive,
        office=office.code,
        created_at=now,
    )
    session.add(issue)
    await apply_fields(session, issue, fields, actor_id=actor.person_id, now=now)
    if not by_executive:
        issue.executive_id = await _executive_of_draft(session, issue, fields.get("executive"))
    return issue


async def apply_fields(
    session: AsyncSession,
    issue: Issue,
    fields: Mapping[str, Any],
    *,
    actor_id: UUID,
    now: datetime,
    task_id: UUID | None = None,
    record: bool = False,
) -> list[IssueChange]:
    """Write the issue's own fields among `fields`; those left out stay. With `record`, before and after are kept for ever.

    Other keys are ignored, `executive` too (`choose_executive`). Raises OfficeClosed.
    """
    changes: list[IssueChange] = []
    wanted: dict[str, Any] = {key: fields[key] for key in PLAIN_FIELDS if key in fields}
    if "attachments" in fields:
        wanted["attachments"] = [UUID(str(id_)) for id_ in fields["attachments"] or []]
    for key, after in wanted.items():
        before = getattr(issue, key)
        after = after if after is not None or key == "importance" else ""
        if before == after:
            continue
        if key == "office":
            await require_open_office(session, after)
        setattr(issue, key, after)
        if record:
            changes.append(
                IssueChange(
                    issue_id=issue.id,
                    task_id=task_id,
                    actor_id=actor_id,
                    at=now,
                    field=key,
                    before=_as_json(before),
                    after=_as_json(after),
                )
            )
    session.add_all(changes)
    return changes


async def choose_executive(session: AsyncSession, issue: Issue, wanted: UUID | str | None) -> UUID:
    """Settle who reviews the issue, when it is sent: the one asked for, the one chosen before, or the only one.

    Raises NoExecutive, or ChooseExecutive when there are several and none (or none of them) was chosen.
    """
    executives = {one.person_id for one in await list_executives(session, issue.enterprise_id)}
    if not executives:
        raise NoExecutive
    asked_for = _as_id(wanted)
    if wanted and asked_for not in executives:
        raise ChooseExecutive("所选的企业高管不存在或已停用，请重新选择。")
    chosen = asked_for or (issue.executive_id if issue.executive_id in executives else None)
    if chosen is None and len(executives) > 1:
        raise ChooseExecutive
    issue.executive_id = chosen or executives.pop()
    return issue.executive_id


def list_evaluators(issue: Issue) -> list[UUID]:
    """Who is asked to evaluate: the submitter and the executive who submitted it, each once."""
    return list(dict.fromkeys(id_ for id_ in (issue.submitter_id, issue.executive_id) if id_))


def facts(issue: Issue) -> dict[str, Any]:
    """The process variable `issue`: only what expressions and decisions read, ids as strings."""
    return {
        "id": str(issue.id),
        "office": issue.office,
        "submitter": str(issue.submitter_id),
        "executive": str(issue.executive_id) if issue.executive_id else None,
        "raised_by_executive": issue.raised_by_executive,
        "importance": issue.importance,
        "round": issue.round,
        "evaluators": [str(id_) for id_ in list_evaluators(issue)],
        "handler": str(issue.handler_id) if issue.handler_id else None,
    }


async def enter_office(session: AsyncSession, issue: Issue, now: datetime) -> None:
    """The issue has come to its office: whose people read it from now on, wherever it goes."""
    await session.execute(
        insert(IssueOffice).values(issue_id=issue.id, office=issue.office, since=now).on_conflict_do_nothing()
    )


async def submit(session: AsyncSession, issue: Issue, now: datetime) -> None:
    """The issue goes to customs."""
    issue.submitted_at = issue.submitted_at or now
    await session.flush()
    await enter_office(session, issue, now)


def mark_claimed(issue: Issue, handler_id: UUID, now: datetime) -> None:
    """A handler has taken it: it can be withdrawn no more."""
    issue.first_claimed_at = issue.first_claimed_at or now
    issue.handler_id = handler_id


async def transfer(session: AsyncSession, issue: Issue, office: str, now: datetime) -> None:
    """Another office takes over, the deadline stays. Raises SameOffice, OfficeClosed."""
    await require_other_office(session, issue.office, office)
    issue.office = office
    issue.transfers += 1
    issue.handler_id = None
    await enter_office(session, issue, now)


async def find_active_handler(session: AsyncSession, issue: Issue) -> UUID | None:
    """The issue's handler, if they still handle issues at its office."""
    if issue.handler_id is None:
        return None
    return await session.scalar(
        select(col(Officer.person_id))
        .join(OfficerRole, col(OfficerRole.officer_id) == col(Officer.id))
        .join(Person, col(Person.id) == col(Officer.person_id))
        .where(
            col(Officer.person_id) == issue.handler_id,
            col(Officer.active),
            col(Person.active),
            col(OfficerRole.role) == "handler",
            col(OfficerRole.office) == issue.office,
        )
    )


def record_answer(
    session: AsyncSession,
    issue: Issue,
    answer: str,
    attachments: list[UUID],
    *,
    actor_id: UUID,
    now: datetime,
) -> IssueAnswer:
    """Customs' answer of this round."""
    row = IssueAnswer(
        issue_id=issue.id,
        round=issue.round,
        office=issue.office,
        text=answer,
        attachments=attachments,
        answered_by=actor_id,
        answered_at=now,
    )
    session.add(row)
    issue.answered_at = now
    issue.handler_id = actor_id
    return row


def record_evaluation(
    session: AsyncSession,
    issue: Issue,
    rating: int,
    comment: str,
    *,
    reopen: bool,
    actor_id: UUID,
    now: datetime,
) -> Evaluation:
    """One person's evaluation of this round's answer."""
    row = Evaluation(
        issue_id=issue.id,
        round=issue.round,
        person_id=actor_id,
        rating=rating,
        comment=comment,
        reopen=reopen,
        at=now,
    )
    session.add(row)
    return row


def reopen(issue: Issue) -> None:
    """重新办理: a new round, unclaimed; the caller sets its deadline."""
    issue.round += 1
    issue.answered_at = None
    issue.handler_id = None


async def close(session: AsyncSession, issue: Issue, outcome: str, now: datetime) -> None:
    """The end: `cleared` or `withdrawn`. Whoever was asked and said nothing about this round is 未评价, not satisfied."""
    issue.closed_at = now
    issue.outcome = outcome
    issue.paused_at = None
    if outcome != "cleared":
        return
    await session.flush()
    rows = [
        {
            "issue_id": issue.id,
            "round": issue.round,
            "person_id": person_id,
            "rating": None,
            "comment": "",
            "reopen": False,
            "at": now,
        }
        for person_id in list_evaluators(issue)
    ]
    await session.execute(insert(Evaluation).values(rows).on_conflict_do_nothing())


def mark_overdue(issue: Issue, now: datetime) -> None:
    """The deadline has passed unanswered; the first time counts."""
    issue.overdue_at = issue.overdue_at or now


async def _executive_of_draft(session: AsyncSession, issue: Issue, wanted: Any) -> UUID | None:
    """A draft may lack its executive; but what was asked for must exist, and the only one is chosen."""
    if not wanted and len(await list_executives(session, issue.enterprise_id)) != 1:
        return None
    return await choose_executive(session, issue, wanted)


def _as_id(value: UUID | str | None) -> UUID | None:
    try:
        return UUID(str(value)) if value else None
    except ValueError:
        return None


def _as_json(value: Any) -> Any:
    return [str(id_) for id_ in value] if isinstance(value, list) else value

"""One issue with everything that may be read about it, its history, and the picture of its process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.access import may_withdraw, readable_by
from domain.actor import Actor
from domain.models import (
    Attachment,
    CustomsOffice,
    Enterprise,
    Evaluation,
    Issue,
    IssueAnswer,
    IssueChange,
    IssueRecord,
)
from domain.people import find_names
from engine.instances import Engine
from tasks import statements
from tasks.exceptions import NotFound
from tasks.inbox import may_read_issue
from tasks.kept_answers import RECORD, Kept, describe_kept, list_kept
from tasks.standing import Standing, find_standing
from tasks.timeline import DoneTask, Entry, list_done_tasks, read_timeline

FIELD_NAMES = {
    "kind": "问题类型",
    "category": "业务类别",
    "office": "受理海关",
    "title": "标题",
    "description": "问题描述",
    "contact": "联系方式",
    "attachments": "附件",
    "importance": "重要性",
    "executive": "审核高管",
}


@dataclass(frozen=True)
class OpenTask:
    """A task of the issue or registration that is open; `is_mine`: I have it, `may_claim`: I could take it."""

    id: UUID
    element_id: str
    name: str
    claimed_by: UUID | None
    claimed_by_name: str | None
    due_at: datetime | None
    created_at: datetime
    version: int
    is_mine: bool
    may_claim: bool


@dataclass(frozen=True)
class Change:
    """One field that somebody other than the submitter changed; `before` and `after` as they are shown."""

    field: str
    label: str
    before: str
    after: str
    actor_id: UUID
    actor_name: str
    at: datetime


@dataclass(frozen=True)
class IssueDetail:
    """One issue. `people` and `offices` name the ids and codes in it; `other_answers` are those of tasks whose answers are
    kept nowhere else, in any task the diagram has; `fields` what the forms of the question ask besides its columns."""

    issue: IssueRecord
    office_name: str
    enterprise_name: str
    people: Mapping[UUID, str]
    offices: Mapping[str, str]
    answers: Sequence[IssueAnswer]
    evaluations: Sequence[Evaluation]
    changes: Sequence[Change]
    attachments: Mapping[UUID, Attachment]
    open_tasks: Sequence[OpenTask]
    done_tasks: Sequence[DoneTask]
    other_answers: Sequence[DoneTask]
    may_withdraw: bool
    standing: Standing
    fields: Mapping[str, Kept]


@dataclass(frozen=True)
class Picture:
    """The process as it is drawn, the elements where the issue stands now, and those it has been through."""

    xml: str
    active: Sequence[str]
    done: Sequence[str]


async def get_issue(session: AsyncSession, engine: Engine, actor: Actor, issue_id: UUID) -> IssueDetail:
    """One issue I may read; NotFound for all others."""
    issue = (
        await session.scalars(select(Issue).where(col(Issue.id) == issue_id, readable_by(actor)))
    ).one_or_none()
    if issue is None:
        raise NotFound
    answers = await _rows(session, IssueAnswer, issue_id)
    evaluations = await _rows(session, Evaluation, issue_id)
    changes = await _rows(session, IssueChange, issue_id)
    files = await session.scalars(select(Attachment).where(col(Attachment.instance_id) == issue_id))
    tasks = (await session.execute(statements.OPEN_OF_INSTANCE, {"instance_id": issue_id})).all()
    offices = await _office_names(session)
    people = await find_names(session, _people(issue, answers, evaluations, changes, tasks), about=issue_id)
    done = await list_done_tasks(session, engine, issue_id)
    enterprise = await session.get(Enterprise, issue.enterprise_id)
    return IssueDetail(
        issue=issue,
        office_name=offices.get(issue.office, issue.office),
        enterprise_name=enterprise.name if enterprise else "",
        people=people,
        offices=offices,
        answers=answers,
        evaluations=evaluations,
        changes=[_change(change, people, offices) for change in changes],
        attachments={file.id: file for file in files},
        open_tasks=[show_open_task(task, actor, people) for task in tasks],
        done_tasks=done,
        other_answers=[task for task in done if task.is_generic and task.answers],
        may_withdraw=may_withdraw(actor, issue),
        standing=await find_standing(session, engine, issue_id),
        fields=list_kept(issue, RECORD),
    )


async def timeline(session: AsyncSession, engine: Engine, actor: Actor, issue_id: UUID) -> list[Entry]:
    """The history of an issue I may read; NotFound for all others."""
    if not await may_read_issue(session, actor, issue_id):
        raise NotFound
    return await read_timeline(session, engine, issue_id)


async def get_picture(session: AsyncSession, engine: Engine, actor: Actor, issue_id: UUID) -> Picture:
    """The diagram of an issue I may read, in the version that the issue runs on; NotFound for all others."""
    if not await may_read_issue(session, actor, issue_id):
        raise NotFound
    return await draw_picture(session, engine, issue_id)


async def draw_picture(session: AsyncSession, engine: Engine, instance_id: UUID) -> Picture:
    """The diagram an instance runs on, where it is and has been. The caller has made sure that it may be read."""
    row = (await session.execute(statements.PICTURE, {"instance_id": instance_id})).one()
    definition = await engine.catalogue.load(session, row.definition_id)
    active = list(row.active_elements)
    return Picture(
        xml=definition.files[f"{definition.key}.bpmn"],
        active=active,
        done=[element for element in row.done or () if element not in active],
    )


async def _rows(session: AsyncSession, model: Any, issue_id: UUID) -> Sequence[Any]:
    return (await session.scalars(select(model).where(model.issue_id == issue_id).order_by(model.id))).all()


async def _office_names(session: AsyncSession) -> dict[str, str]:
    rows = await session.execute(select(col(CustomsOffice.code), col(CustomsOffice.name)))
    return {row.code: row.name for row in rows}


def _people(
    issue: IssueRecord,
    answers: Sequence[IssueAnswer],
    evaluations: Sequence[Evaluation],
    changes: Sequence[IssueChange],
    tasks: Sequence[Any],
) -> set[UUID]:
    found: set[UUID | None] = {issue.submitter_id, issue.executive_id, issue.handler_id}
    found |= {answer.answered_by for answer in answers}
    found |= {evaluation.person_id for evaluation in evaluations}
    found |= {change.actor_id for change in changes}
    found |= {task.claimed_by for task in tasks}
    for change in changes:
        if change.field == "executive":
            found |= {UUID(value) for value in (change.before, change.after) if value}
    return {person for person in found if person}


def name_field(field: str, names: Mapping[str, str], before: Any, after: Any) -> str:
    """What a changed field is called: a column's name, or the label of its form when it was changed."""
    entries = (entry for entry in (after, before) if isinstance(entry, Mapping))
    return names.get(field) or next((str(entry["label"]) for entry in entries), field)


def _change(change: IssueChange, people: Mapping[UUID, str], offices: Mapping[str, str]) -> Change:
    def show(value: Any) -> str:
        if isinstance(value, Mapping):
            return describe_kept(value)
        if value in (None, "", []):
            return ""
        if change.field == "office":
            return offices.get(value, value)
        if change.field == "executive":
            return people.get(UUID(value), "")
        return f"{len(value)} 个附件" if isinstance(value, list) else str(value)

    return Change(
        field=change.field,
        label=name_field(change.field, FIELD_NAMES, change.before, change.after),
        before=show(change.before),
        after=show(change.after),
        actor_id=change.actor_id,
        actor_name=people.get(change.actor_id, ""),
        at=change.at,
    )


def show_open_task(task: Any, actor: Actor, people: Mapping[UUID, str]) -> OpenTask:
    """A row of OPEN_OF_INSTANCE, for this person."""
    in_group = not set(actor.groups).isdisjoint(task.candidate_groups)
    return OpenTask(
        id=task.id,
        element_id=task.element_id,
        name=task.name,
        claimed_by=task.claimed_by,
        claimed_by_name=people.get(task.claimed_by),
        due_at=task.due_at,
        created_at=task.created_at,
        version=task.version,
        is_mine=task.claimed_by == actor.person_id,
        may_claim=in_group and task.claimed_by is None,
    )

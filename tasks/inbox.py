"""What a person has to do: the lists of tasks, and one task with its form.

Lists are `mine` (claimed by me), `claimable` (open in one of my groups; the most urgent first) and `done`. A person who
serves several enterprises sees only what belongs to the one they act for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.access import readable_by, registration_readable_by
from domain.actor import Actor
from domain.models import Issue, Registration
from engine.exceptions import NotYours
from engine.instances import Engine
from engine.specs import ParsedDefinition
from tasks import statements
from tasks.exceptions import NotFound
from tasks.fields import Field, FormContext, Schema, fields, lists_of
from tasks.pages import LAST_ID, MOST, NIL, Page, make_cursor, read_moment
from tasks.subjects import Subject, command, open_subject
from tasks.task_forms import form_of
from tasks.views import form_context

View = Literal["mine", "claimable", "done"]
VIEWS: dict[str, Any] = {
    "mine": statements.MY_TASKS,
    "claimable": statements.CLAIMABLE_TASKS,
    "done": statements.DONE_TASKS,
}


@dataclass(frozen=True)
class IssueRef:
    """The issue a task is about, as lists show it."""

    id: UUID
    number: str
    title: str
    status: str | None
    phase: str | None
    category: str
    importance: str | None
    office: str
    office_name: str
    enterprise_name: str
    round: int


@dataclass(frozen=True)
class RegistrationRef:
    """The registration a task is about, as lists show it."""

    id: UUID
    number: str
    status: str | None
    phase: str | None
    office: str
    office_name: str
    enterprise_name: str
    round: int


@dataclass(frozen=True)
class TaskLine:
    """One task in a list; `issue` and `registration` are None for tasks that are not about one, `subject` says in words what
    any task is about."""

    id: UUID
    element_id: str
    name: str
    instance_id: UUID
    definition_id: UUID
    subject: str
    issue: IssueRef | None
    registration: RegistrationRef | None
    due_at: datetime | None
    claimed_by: UUID | None
    claimed_at: datetime | None
    version: int
    created_at: datetime
    completed_at: datetime | None


@dataclass(frozen=True)
class TaskView:
    """One task to work on. `values` start the fields, `draft` (saved at `draft_saved_at`) goes over them."""

    line: TaskLine
    state: str
    definition: ParsedDefinition
    form: Schema
    fields: list[Field]
    context: FormContext
    values: Mapping[str, Any]
    draft: Mapping[str, Any] | None
    draft_saved_at: datetime | None
    answers: Mapping[str, Any] | None
    claimed_by_name: str | None
    completed_by: UUID | None
    is_mine: bool
    may_claim: bool
    may_release: bool
    subject: Subject


async def list_tasks(
    session: AsyncSession, actor: Actor, view: View, after: str | None = None, limit: int = 20
) -> Page[TaskLine]:
    """One page of a view; NotFound for a cursor that is none."""
    limit = max(1, min(limit, MOST))
    start = ("infinity", LAST_ID) if view == "done" else ("-infinity", NIL)
    after_at, after_id = read_moment(after) if after else start
    parameters = {**scope(actor), "limit": limit + 1, "after_at": after_at, "after_id": after_id}
    rows = (await session.execute(VIEWS[view], parameters)).all()
    lines = [read_line(row) for row in rows[:limit]]
    more = len(rows) > limit
    last = lines[-1] if more else None
    key = last and (last.completed_at if view == "done" else last.due_at)
    return Page(lines, make_cursor(key, last.id) if last else None)


async def count_tasks(session: AsyncSession, actor: Actor) -> dict[str, int]:
    """How many are in each view, counted up to 100: show more than 99 as 99+."""
    row = (await session.execute(statements.COUNT_TASKS, scope(actor))).one()
    return {"mine": row.mine, "claimable": row.claimable, "done": row.done}


async def get_task(
    session: AsyncSession, engine: Engine, actor: Actor, task_id: UUID, now: datetime
) -> TaskView:
    """One task of mine, of my groups, or that I completed, with its form; NotFound for all others.

    Who may read the issue but not do the task gets NotYours: they may know that the task exists.
    """
    row = (await session.execute(statements.GET_TASK, {**scope(actor), "task_id": task_id})).one_or_none()
    if row is None or not row.in_scope:
        raise NotFound
    in_group = bool(set(row.candidate_groups) & set(actor.groups))
    is_mine = row.claimed_by == actor.person_id and row.state == "ready"
    if not (is_mine or in_group or row.completed_by == actor.person_id):
        await refuse_stranger(session, actor, row.instance_id, row.claimed_by)
    definition = await engine.catalogue.load(session, row.definition_id)
    form = form_of(definition, row.element_id)
    async with command(session):
        subject = await open_subject(
            session,
            row.instance_id,
            definition.key,
            lists=lists_of(form),
            enterprise_id=actor.enterprise_id,
        )
    context = form_context(engine, actor, subject, now, task=(definition, row.element_id))
    draft = row.draft if is_mine else None
    return TaskView(
        line=read_line(row),
        state=row.state,
        definition=definition,
        form=form,
        fields=fields(form, context, row.answers or draft),
        context=context,
        values=context.values,
        draft=draft,
        draft_saved_at=row.draft_saved_at if is_mine else None,
        answers=row.answers,
        claimed_by_name=row.claimed_by_name,
        completed_by=row.completed_by,
        is_mine=is_mine,
        may_claim=in_group and row.claimed_by is None and row.state == "ready",
        may_release=is_mine and row.assignee is None,
        subject=subject,
    )


async def refuse_stranger(
    session: AsyncSession, actor: Actor, instance_id: UUID, claimed_by: UUID | None
) -> None:
    """NotYours for who may read the issue or the registration, NotFound for all others. Always raises."""
    if await may_read_issue(session, actor, instance_id):
        raise NotYours(claimed_by=claimed_by)
    if await may_read_registration(session, actor, instance_id):
        raise NotYours(claimed_by=claimed_by)
    raise NotFound


async def may_read_registration(session: AsyncSession, actor: Actor, registration_id: UUID) -> bool:
    """Whether there is such a registration, and this person may read it."""
    found = await session.execute(
        select(col(Registration.id)).where(
            col(Registration.id) == registration_id, registration_readable_by(actor)
        )
    )
    return found.first() is not None


async def may_read_issue(session: AsyncSession, actor: Actor, issue_id: UUID) -> bool:
    """Whether there is such an issue, and this person may read it."""
    found = await session.execute(select(col(Issue.id)).where(col(Issue.id) == issue_id, readable_by(actor)))
    return found.first() is not None


def scope(actor: Actor) -> dict[str, Any]:
    """The parameters every list is narrowed by."""
    return {
        "person_id": actor.person_id,
        "enterprise_id": actor.enterprise_id,
        "groups": list(actor.groups),
    }


def read_line(row: Row[Any]) -> TaskLine:
    """A row of one of the lists."""
    issue = registration = None
    if row.has_registration:
        registration = RegistrationRef(
            id=row.instance_id,
            number=row.number,
            status=row.status,
            phase=row.phase,
            office=row.office,
            office_name=row.office_name,
            enterprise_name=row.enterprise_name,
            round=row.round,
        )
    if row.has_issue:
        issue = IssueRef(
            id=row.instance_id,
            number=row.number,
            title=row.title,
            status=row.status,
            phase=row.phase,
            category=row.category,
            importance=row.importance,
            office=row.office,
            office_name=row.office_name,
            enterprise_name=row.enterprise_name,
            round=row.round,
        )
    return TaskLine(
        id=row.id,
        element_id=row.element_id,
        name=row.name,
        instance_id=row.instance_id,
        definition_id=row.definition_id,
        subject=row.subject,
        issue=issue,
        registration=registration,
        due_at=row.due_at,
        claimed_by=row.claimed_by,
        claimed_at=row.claimed_at,
        version=row.version,
        created_at=row.created_at,
        completed_at=row.completed_at,
    )

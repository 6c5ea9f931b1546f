"""Issues as people meet them: raise one, withdraw it, find it in lists. One issue with all its history is
`tasks.details`; what happens in between are tasks."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.ids import uuid7
from domain.access import require_withdrawable
from domain.actor import Actor
from domain.exceptions import CannotWithdraw
from domain.issues import facts, next_number, require_approved
from domain.models import CustomsOffice, Enterprise, Issue, IssueRecord, Membership, Person
from domain.search import read_words
from engine.exceptions import NotWaiting, UnknownProcess
from engine.instances import Engine
from engine.models import UserTask
from engine.specs import ParsedDefinition
from tasks import finding, forms, statements
from tasks.commands import named
from tasks.completion import finish
from tasks.exceptions import AnswersRefused, NotFound
from tasks.fields import FormContext, Schema, lists_of
from tasks.finding import Count, Sort
from tasks.inbox import may_read_issue
from tasks.kept_answers import keep_answers, label_all
from tasks.needs import find_first_form
from tasks.operators import set_fields
from tasks.pages import INFINITY, MOST, Page, make_cursor, read_cursor, read_moment
from tasks.standing import newest_definition
from tasks.subjects import Subject, command, open_new_subject, open_subject
from tasks.task_forms import form_of
from tasks.views import form_context

PROCESS = "issue"
WITHDRAW = "withdraw_issue"
NEEDED_AT_ONCE = ("office", "title")
PHASES = ("draft", "review", "customs", "enterprise", "answered", "closed")

COMPARED = ("status", "phase", "office", "category", "kind")


@dataclass(frozen=True)
class IssueFilter:
    """What a list is narrowed to; None and "" narrow nothing. `q` are words that all occur."""

    status: str | None = None
    phase: str | None = None
    office: str | None = None
    category: str | None = None
    kind: str | None = None
    q: str | None = None


@dataclass(frozen=True)
class IssueLine:
    """One issue in a list; `my_task_id` is the task of it that lies with me."""

    id: UUID
    number: str
    title: str
    status: str | None
    phase: str | None
    kind: str
    category: str
    importance: str | None
    office: str
    office_name: str
    enterprise_id: UUID
    enterprise_name: str
    submitter_id: UUID
    submitter_name: str
    created_at: datetime
    submitted_at: datetime | None
    due_at: datetime | None
    overdue_at: datetime | None
    closed_at: datetime | None
    outcome: str | None
    round: int
    my_task_id: UUID | None


@dataclass(frozen=True)
class FirstTask:
    """The task with whose form an issue begins: whose it is in the diagram, its schema, what it is drawn and checked with, and
    the issue to be."""

    definition: ParsedDefinition
    element_id: str
    form: Schema
    context: FormContext
    issue: IssueRecord
    subject: Subject


async def raise_issue(
    session: AsyncSession,
    engine: Engine,
    actor: Actor,
    fields: Mapping[str, Any],
    now: datetime,
    *,
    max_files: int = 10,
    lenient: bool = False,
) -> IssueRecord:
    """A new draft of this member's enterprise, and its process; only the office and a title are needed at once.

    `lenient` leaves out what is wrong with other fields: whoever keeps what was typed as the task's draft has it there.
    Raises EnterpriseNotApproved, AnswersRefused.
    """
    require_approved(actor)
    async with command(session):
        first = await _open_first_task(session, engine, actor, fields, now, max_files)
        subject, issue = first.subject, first.issue
        checked = _check_draft(first.form, fields, first.context, lenient=lenient)
        await set_fields(session, subject, checked, actor_id=actor.person_id, task_id=None, now=now)
        keep_answers(
            subject,
            first.definition,
            first.element_id,
            checked,
            actor_id=actor.person_id,
            task_id=None,
            now=now,
        )
        issue.number = await next_number(session, issue.office, now)
        subject.used_files = forms.file_ids(first.form, checked)
        step = await engine.start(
            session,
            PROCESS,
            instance_id=issue.id,
            variables={"issue": facts(issue)},
            subject=issue.title,
            actor=actor.person_id,
            now=now,
        )
        await finish(session, step, now)
    return issue


async def open_first_task(
    session: AsyncSession,
    engine: Engine,
    actor: Actor,
    answers: Mapping[str, Any],
    now: datetime,
    *,
    max_files: int = 10,
) -> FirstTask:
    """The task that raising an issue would give this member, before there is one: nothing is written."""
    async with command(session):
        return await _open_first_task(session, engine, actor, answers, now, max_files)


async def _open_first_task(
    session: AsyncSession,
    engine: Engine,
    actor: Actor,
    answers: Mapping[str, Any],
    now: datetime,
    max_files: int,
) -> FirstTask:
    assert actor.enterprise_id is not None, "only members of an enterprise raise issues"
    definition = await newest_definition(session, engine, PROCESS)
    element_id = find_first_form(definition)
    form = form_of(definition, element_id)
    issue = _new_issue(actor, actor.enterprise_id, uuid7(), now)
    loaded = await open_subject(
        session,
        issue.id,
        lists=lists_of(form),
        file_ids=forms.file_ids(form, answers) if isinstance(answers, Mapping) else (),
        enterprise_id=actor.enterprise_id,
    )
    subject = open_new_subject(session, issue, loaded)
    context = form_context(engine, actor, subject, now, task=(definition, element_id), max_files=max_files)
    # Nothing has been answered yet: what the form begins with is the analyst's.
    values = {key: value for key, value in context.values.items() if not forms.is_empty(value)}
    return FirstTask(definition, element_id, form, replace(context, values=values), issue, subject)


def _new_issue(actor: Actor, enterprise_id: UUID, id_: UUID, now: datetime) -> IssueRecord:
    by_executive = "executive" in actor.roles
    return IssueRecord(
        id=id_,
        number="",
        enterprise_id=enterprise_id,
        submitter_id=actor.person_id,
        executive_id=actor.person_id if by_executive else None,
        raised_by_executive=by_executive,
        office="",
        created_at=now,
    )


def _check_draft(
    form: Mapping[str, Any], fields: Mapping[str, Any], context: FormContext, *, lenient: bool
) -> dict[str, Any]:
    try:
        checked = forms.check(form, fields, context, complete=False)
    except AnswersRefused as refused:
        if (
            not lenient
            or not refused.errors.keys() & fields.keys()
            or refused.errors.keys() & {*NEEDED_AT_ONCE}
        ):
            raise
        right = {key: value for key, value in fields.items() if key not in refused.errors}
        return _check_draft(form, right, context, lenient=True)
    missing = {"office": "请选择“受理海关”。", "title": "请填写“标题”。"}
    if errors := {key: missing[key] for key in NEEDED_AT_ONCE if not checked.get(key)}:
        raise AnswersRefused(errors)
    return checked


async def withdraw_issue(
    session: AsyncSession, engine: Engine, actor: Actor, issue_id: UUID, now: datetime
) -> IssueRecord:
    """Take my issue back. CannotWithdraw says why not, and who of customs took it when."""
    async with named(session, actor), command(session):
        try:
            locked = await engine.lock_instance(session, issue_id)
        except UnknownProcess as error:
            raise NotFound from error
        subject = await open_subject(session, issue_id)
        if subject.issue is None or not await may_read_issue(session, actor, issue_id):
            raise NotFound
        issue = subject.issue
        try:
            require_withdrawable(actor, issue)
            was_draft = issue.phase == "draft"
            step = await engine.correlate(
                session, locked, WITHDRAW, payload={}, actor=actor.person_id, now=now
            )
        except (CannotWithdraw, NotWaiting) as error:
            refusal = error if isinstance(error, CannotWithdraw) else CannotWithdraw("问题现在不能撤回。")
            first = (await session.execute(statements.FIRST_CLAIM, {"instance_id": issue_id})).one_or_none()
            if first is not None and issue.phase != "closed":
                refusal.details.update(by_person=first.actor_id, at=first.at)
            elif issue.closed_at is not None:
                refusal.details.update(at=issue.closed_at, state=issue.status)
            raise refusal from error
        issue.unsent = was_draft
        await finish(session, step, now)
        return issue


async def list_issues(
    session: AsyncSession,
    actor: Actor,
    wanted: IssueFilter | None = None,
    *,
    after: str | None = None,
    limit: int = 20,
    sort: Sort = "newest",
) -> Page[IssueLine]:
    """One page of the issues I may read: the newest first, or (`due`) those still open with the most urgent first."""
    limit = max(1, min(limit, MOST))
    asked = await _ask(session, actor, wanted)
    ids = await finding.find(session, asked, sort, _read_place(sort, after), limit + 1)
    rows = await session.execute(_lines(actor).where(col(Issue.id).in_(ids[:limit]))) if ids else ()
    by_id = {line.id: line for line in (IssueLine(**_named(row)) for row in rows)}
    lines = [by_id[id_] for id_ in ids[:limit]]
    if len(ids) <= limit:
        return Page(lines, None)
    return Page(lines, make_cursor(lines[-1].due_at if sort == "due" else INFINITY, lines[-1].id))


# One look into the index a status, however many issues have it.
STATUSES = text("""
WITH RECURSIVE found AS (
    (SELECT status FROM issue WHERE status IS NOT NULL ORDER BY status LIMIT 1)
    UNION ALL
    SELECT (SELECT i.status FROM issue i WHERE i.status > found.status ORDER BY i.status LIMIT 1)
    FROM found WHERE found.status IS NOT NULL
)
SELECT status FROM found WHERE status IS NOT NULL LIMIT 200
""")


async def find_statuses(session: AsyncSession) -> list[str]:
    """Every status an issue has now, whatever version of the diagram gave it."""
    return list((await session.execute(STATUSES)).scalars())


async def find_answers(
    session: AsyncSession, ids: Collection[UUID]
) -> dict[UUID, dict[str, tuple[str, str]]]:
    """What forms asked besides the columns of these issues, as label and text by key; the caller may read the issues."""
    rows = await session.execute(select(col(Issue.id), col(Issue.answers)).where(col(Issue.id).in_(ids)))
    return {row.id: label_all(row.answers) for row in rows if row.answers}


async def count_phases(
    session: AsyncSession, actor: Actor, wanted: IssueFilter | None = None
) -> dict[str, Count]:
    """How many issues I may read in each phase, counted up to 100 (show more than 99 as 99+), and no longer than a moment: then
    there are at least so many."""
    return await finding.count(session, await _ask(session, actor, wanted), PHASES)


def _lines(actor: Actor) -> Select[*tuple[Any, ...]]:
    mine = (
        select(col(UserTask.id))
        .where(
            col(UserTask.instance_id) == col(Issue.id),
            col(UserTask.state) == "ready",
            col(UserTask.claimed_by) == actor.person_id,
        )
        .limit(1)
        .scalar_subquery()
    )
    shown = [
        name for name in IssueLine.__annotations__ if name in Issue.model_fields and name != "my_task_id"
    ]
    return (
        select(
            *(getattr(Issue, name) for name in shown),
            col(CustomsOffice.name).label("office_name"),
            col(Enterprise.name).label("enterprise_name"),
            func.coalesce(func.nullif(col(Membership.display_name), ""), col(Person.name)).label(
                "submitter_name"
            ),
            mine.label("my_task_id"),
        )
        .join(CustomsOffice, col(CustomsOffice.code) == col(Issue.office))
        .join(Enterprise, col(Enterprise.id) == col(Issue.enterprise_id))
        .join(Person, col(Person.id) == col(Issue.submitter_id))
        .outerjoin(
            Membership,
            and_(
                col(Membership.person_id) == col(Issue.submitter_id),
                col(Membership.enterprise_id) == col(Issue.enterprise_id),
            ),
        )
    )


async def _ask(session: AsyncSession, actor: Actor, wanted: IssueFilter | None) -> finding.Asked:
    wanted = wanted or IssueFilter()
    values = {name: value for name in COMPARED if (value := getattr(wanted, name))}
    return await finding.ask(session, actor, values, await read_words(session, wanted.q))


def _read_place(sort: Sort, after: str | None) -> finding.Place | None:
    if not after:
        return None
    if sort == "newest":
        return finding.Place(read_cursor(after)[1])
    at, id_ = read_moment(after)
    return finding.Place(id_, at)


def _named(row: Row[*tuple[Any, ...]]) -> dict[str, Any]:
    return dict(zip(row._fields, row, strict=True))

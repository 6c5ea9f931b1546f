"""What a diagram's service tasks and user tasks (`onComplete`) may do to an issue: a table of names and functions.

An operator changes the issue of its command in memory (`tasks.subjects`) and describes messages (`tasks.notices`); it
never sends and never commits. What it returns goes to the variable the diagram names: `issue` holds the facts that
expressions read, `deadline` the two moments of the timers. A Refusal raised here refuses the whole command.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.ids import uuid7
from domain import deadlines
from domain.exceptions import ChooseExecutive, NoExecutive
from domain.issues import facts, list_evaluators, reopen
from domain.models import Evaluation, IssueAnswer, IssueChange, IssueOffice, IssueRecord
from domain.offices import require_open_office, require_other_office
from domain.working_days import WorkingCalendar
from engine.context import Operator, StepContext
from tasks import statements
from tasks.exceptions import AnswersRefused
from tasks.fields import ISSUE_FIELDS
from tasks.notices import build_notify
from tasks.registration_operators import build_registration_operators
from tasks.subjects import Subject, open_subject

COLUMN_OF = {key: key for key in ISSUE_FIELDS} | {"executive": "executive_id"}
REMIND_TIMER, OVERDUE_TIMER = "deadline_near", "deadline_passed"
REOPENING_RATINGS = (3, 4)


def build_operators(calendar: WorkingCalendar) -> dict[str, Operator]:
    """Every operator by the name diagrams use; deadlines are counted in this calendar."""

    async def submit_to_customs(context: StepContext, /, days: float) -> dict[str, Any]:
        return await _submit_to_customs(context, calendar, days)

    async def resume_deadline(context: StepContext, /) -> dict[str, Any]:
        return await _resume_deadline(context, calendar)

    return {
        "save_issue": save_issue,
        "submit_to_customs": submit_to_customs,
        "record_answer": record_answer,
        "transfer_issue": transfer_issue,
        "pause_deadline": pause_deadline,
        "resume_deadline": resume_deadline,
        "assign_last_handler": assign_last_handler,
        "record_evaluation": record_evaluation,
        "reopen_issue": reopen_issue,
        "close_issue": close_issue,
        "mark_overdue": mark_overdue,
        "notify": build_notify(calendar),
        **build_registration_operators(calendar),
    }


async def save_issue(context: StepContext, /) -> dict[str, Any]:
    """The issue's own fields as they were answered; what somebody other than the submitter changes is kept, before and
    after. When it goes to an executive, there must be one, and one must be chosen."""
    subject = await open_subject(context.session, context.instance_id, context.definition.key)
    issue = subject.require_issue()
    if context.actor is not None:
        await set_fields(
            context.session,
            subject,
            context.answers,
            actor_id=context.actor,
            task_id=context.task_id,
            now=context.now,
        )
    if context.actor == issue.submitter_id:
        _choose_executive(subject, issue)
    return facts(issue)


async def set_fields(
    session: AsyncSession,
    subject: Subject,
    fields: Mapping[str, Any],
    *,
    actor_id: UUID,
    task_id: UUID | None,
    now: datetime,
) -> None:
    """Write the issue's fields among these answers; an executive's changes are recorded. Raises OfficeClosed."""
    issue = subject.require_issue()
    for key in ISSUE_FIELDS:
        if key not in fields or (key == "executive" and issue.raised_by_executive):
            continue
        column = COLUMN_OF[key]
        before = getattr(issue, column)
        after = _as_column(key, fields[key])
        if after == before:
            continue
        if key == "office" and after:
            subject.office_name = await _name_open_office(session, subject, after)
        setattr(issue, column, after)
        if actor_id != issue.submitter_id:
            subject.rows.append(
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


async def _name_open_office(session: AsyncSession, subject: Subject, code: str) -> str:
    known = {option.value: option.label for option in subject.lists.get("offices", ())}
    return known[code] if code in known else (await require_open_office(session, code)).name


def _as_column(key: str, value: Any) -> Any:
    if key == "attachments":
        return [UUID(item) for item in value or ()]
    if key == "executive":
        return UUID(value) if value else None
    # Columns of text are empty, not null; an importance may be missing.
    return (value or None) if key == "importance" else (value or "")


def _as_json(value: Any) -> Any:
    if isinstance(value, list):
        return [str(item) for item in value]
    return str(value) if isinstance(value, UUID) else value


def _choose_executive(subject: Subject, issue: IssueRecord) -> None:
    if issue.raised_by_executive:
        issue.executive_id = issue.submitter_id
        return
    candidates = [UUID(option.value) for option in subject.lists.get("executives", ())]
    if not candidates:
        raise NoExecutive
    if issue.executive_id not in candidates:
        if len(candidates) > 1:
            raise ChooseExecutive
        issue.executive_id = candidates[0]


async def _submit_to_customs(context: StepContext, calendar: WorkingCalendar, days: float) -> dict[str, Any]:
    """The clock starts (anew, when the issue was reopened) and the office gets the issue for good."""
    subject = await open_subject(context.session, context.instance_id, context.definition.key)
    issue = subject.require_issue()
    deadline = deadlines.set_deadline(issue, int(days), calendar, context.now)
    issue.submitted_at = issue.submitted_at or context.now
    _arrive(context, subject, issue.office)
    return deadline.as_variables()


async def record_answer(context: StepContext, /) -> dict[str, Any]:
    """Who handled it; and the answer, when it is one (and not a transfer or a question to the enterprise)."""
    subject = await open_subject(context.session, context.instance_id, context.definition.key)
    issue = subject.require_issue()
    issue.handler_id = context.actor
    if context.answers.get("decision") == "answer" and context.actor is not None:
        files = _files(context.answers)
        issue.answered_at = context.now
        subject.rows.append(
            IssueAnswer(
                id=uuid7(),  # SQLModel's default factories cost six times the rest of the row
                issue_id=issue.id,
                round=issue.round,
                office=issue.office,
                text=context.answers.get("answer") or "",
                attachments=files,
                answered_by=context.actor,
                answered_at=context.now,
            )
        )
    return facts(issue)


async def transfer_issue(context: StepContext, /, office: str) -> dict[str, Any]:
    """To another open office; the deadline stays, the old office keeps reading."""
    subject = await open_subject(context.session, context.instance_id, context.definition.key)
    issue = subject.require_issue()
    other = await require_other_office(context.session, issue.office, office)
    issue.office, subject.office_name = other.code, other.name
    issue.handler_id = None
    issue.transfers += 1
    _arrive(context, subject, office)
    return facts(issue)


async def pause_deadline(context: StepContext, /) -> None:
    """The enterprise is asked: the clock stands, and no timer of it fires whose moment is still to come."""
    issue = (await open_subject(context.session, context.instance_id, context.definition.key)).require_issue()
    deadlines.pause_deadline(issue, context.now)
    for timer, moment in ((REMIND_TIMER, issue.remind_at), (OVERDUE_TIMER, issue.due_at)):
        if moment is None or moment > context.now:  # what is past has happened, told or not
            context.reschedule(timer, None)


async def _resume_deadline(context: StepContext, calendar: WorkingCalendar) -> dict[str, Any]:
    """The enterprise has answered: its working time is added back. A timer that has fired is gone, and not moved."""
    issue = (await open_subject(context.session, context.instance_id, context.definition.key)).require_issue()
    after = deadlines.resume_deadline(issue, calendar, context.now)
    context.reschedule(REMIND_TIMER, after.remind_at)
    context.reschedule(OVERDUE_TIMER, after.due_at)
    return after.as_variables()


async def assign_last_handler(context: StepContext, /) -> dict[str, Any]:
    """The handler who asked gets the task back while still a handler of the office; else it goes to the pool."""
    issue = (await open_subject(context.session, context.instance_id, context.definition.key)).require_issue()
    if issue.handler_id is not None:
        parameters = {"person_id": issue.handler_id, "office": issue.office}
        if (await context.session.execute(statements.IS_ACTIVE_HANDLER, parameters)).first() is None:
            issue.handler_id = None
    return facts(issue)


async def record_evaluation(context: StepContext, /) -> dict[str, Any]:
    """One person's evaluation of this round; only the submitter may ask for 重新办理, and only with rating 3 or 4."""
    subject = await open_subject(context.session, context.instance_id, context.definition.key)
    issue = subject.require_issue()
    rating, reopen = context.answers.get("rating"), bool(context.answers.get("reopen"))
    if context.actor is None or rating not in (1, 2, 3, 4):
        raise AnswersRefused({"rating": "请选择评价。"})
    if reopen and (context.actor != issue.submitter_id or rating not in REOPENING_RATINGS):
        raise AnswersRefused(
            {"reopen": "只有经办人在评价为“没有解决问题”或“解决部分问题”时，才能要求重新办理。"}
        )
    subject.rows.append(
        Evaluation(
            issue_id=issue.id,
            round=issue.round,
            person_id=context.actor,
            rating=rating,
            comment=context.answers.get("comment") or "",
            reopen=reopen,
            at=context.now,
        )
    )
    return {"rating": rating, "reopen": reopen}


async def reopen_issue(context: StepContext, /) -> dict[str, Any]:
    """The next round: customs again, with nobody's name on it; `submit_to_customs` sets the new deadline."""
    issue = (await open_subject(context.session, context.instance_id, context.definition.key)).require_issue()
    reopen(issue)
    return facts(issue)


async def close_issue(context: StepContext, /, outcome: str) -> None:
    """The end: cleared or withdrawn. Who was asked to evaluate and did not is written down as 未评价."""
    subject = await open_subject(context.session, context.instance_id, context.definition.key)
    issue = subject.require_issue()
    issue.closed_at, issue.outcome, issue.paused_at = context.now, outcome, None
    if outcome == "cleared":
        # A row that is there already stays: the statement leaves conflicting rows out.
        for person in list_evaluators(issue):
            subject.rows.append(
                Evaluation(issue_id=issue.id, round=issue.round, person_id=person, at=context.now)
            )


async def mark_overdue(context: StepContext, /) -> None:
    """Customs is late: the issue or the registration says since when."""
    subject = await open_subject(context.session, context.instance_id, context.definition.key)
    if subject.record is None:
        raise ValueError(f"instance {context.instance_id} has no deadline")
    deadlines.mark_overdue(subject.record, context.now)


def _arrive(context: StepContext, subject: Subject, office: str) -> None:
    subject.rows.append(IssueOffice(issue_id=context.instance_id, office=office, since=context.now))


def _files(answers: Mapping[str, Any]) -> list[UUID]:
    return [UUID(str(item)) for item in answers.get("attachments") or ()]


OPERATORS: dict[str, Operator] = build_operators(WorkingCalendar())
"""The operators with the calendar library's days alone: for checking diagrams. The application builds its own."""

"""One issue as its page shows it: names instead of ids, answers by rounds, changes marked, the history in sentences."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from markupsafe import Markup
from sqlalchemy.ext.asyncio import AsyncSession

from api.pages.compare import mark_changes
from api.pages.due import tell_due
from api.pages.entry_names import entry_name
from api.pages.history import (
    DECISION,
    Line,
    Moment,
    line_of,
    line_of_kept,
    pick,
    tell_history,
    tell_waiting,
)
from api.pages.step_words import Speaker, words_of_issue
from api.pages.wording import Due
from api.wired import Wired
from domain.actor import Actor
from domain.lists import LIST_NAMES
from domain.models import Attachment, IssueRecord
from engine.moments import find_expiries
from tasks.details import FIELD_NAMES, IssueDetail, OpenTask, get_issue
from tasks.details import timeline as read_history
from tasks.kinds import ISSUE
from tasks.needs import ISSUE_NEEDS
from tasks.timeline import DoneTask

TIMED = ("customs", "enterprise")
OWN_PLACE = frozenset({ISSUE.keeps, "record_evaluation"})
"""Operators that put a step's answers where the page shows them: in the question, the changes, the evaluations."""
LONG_TEXT = "textarea"


@dataclass(frozen=True)
class Part:
    """The answers of one step that have no other place on the page."""

    name: str
    person_name: str
    at: datetime
    lines: Sequence[Line]


@dataclass(frozen=True)
class EvaluationView:
    rating: int | None
    comment: str
    reopen: bool
    person_name: str
    at: datetime
    lines: Sequence[Line] = ()


@dataclass(frozen=True)
class AnswerView:
    """Customs' answer of one round, with what the enterprise says of it."""

    round: int
    office_name: str
    answered_by_name: str
    answered_at: datetime
    text: str
    files: Sequence[Attachment]
    evaluations: Sequence[EvaluationView]
    lines: Sequence[Line] = ()
    """What else the forms of the answer and of an evaluation asked."""


@dataclass(frozen=True)
class ChangeLine:
    label: str
    before: Markup
    after: Markup


@dataclass(frozen=True)
class ChangeView:
    """What one person changed at one moment."""

    person_name: str
    at: datetime
    lines: Sequence[ChangeLine]


@dataclass(frozen=True)
class IssueView:
    """What templates read; whatever else they ask for is a column of the issue itself."""

    detail: IssueDetail
    due: Due | None
    answers: Sequence[AnswerView]
    others: Sequence[Part]
    changes: Sequence[ChangeView]
    speaker: Speaker
    timeline: Sequence[Moment] = field(default=())
    expires_at: datetime | None = None
    """When the diagram ends what is waited for now, in the phase in which it does."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.detail.issue, name)

    @property
    def office_name(self) -> str:
        return self.detail.office_name

    @property
    def enterprise_name(self) -> str:
        return self.detail.enterprise_name

    @property
    def submitter_name(self) -> str:
        return self._name(self.detail.issue.submitter_id)

    @property
    def executive_name(self) -> str:
        return self._name(self.detail.issue.executive_id)

    @property
    def handler_name(self) -> str:
        return self._name(self.detail.issue.handler_id)

    @property
    def files(self) -> list[Attachment]:
        return pick(self.detail.attachments, self.detail.issue.attachments)

    @property
    def fields(self) -> list[Line]:
        """What the forms of the question ask besides its columns."""
        return [line_of_kept(one, self.detail.attachments) for one in self.detail.fields.values()]

    @property
    def state_words(self) -> str:
        """Where it stands and what will happen."""
        return self.speaker.tell_state(self.detail.standing, self.detail.issue.status)

    @property
    def steps(self) -> list[str]:
        """The user tasks the issue has been through, each once in a row."""
        return [name for name, _ in groupby(task.name for task in self.detail.done_tasks)]

    @property
    def current_steps(self) -> list[str]:
        """The open ones."""
        return list(dict.fromkeys(task.name for task in self.detail.open_tasks))

    def notes_for(self, element_id: str) -> list[dict[str, str]]:
        """What the step before this one said: why it was returned, what is asked for, what is not solved."""
        element = self.detail.standing.definition.elements.get(element_id)
        if (element is not None and element.multi_instance) or not self.detail.done_tasks:
            return []
        last = self.detail.done_tasks[-1]
        said = [
            answer
            for answer in last.answers
            if answer.kind == LONG_TEXT
            and answer.key not in FIELD_NAMES
            and answer.key not in self.detail.fields
        ]
        who = last.completed_by_name or ""
        return [{"title": f"{answer.label}（{who}）", "text": answer.text} for answer in said]

    def _name(self, person: UUID | None) -> str:
        return self.detail.people.get(person, "") if person else ""


async def view_issue(
    session: AsyncSession, wired: Wired, actor: Actor, issue_id: UUID, now: datetime, *, history: bool = False
) -> IssueView:
    """An issue I may read; `history` with its timeline. Raises NotFound."""
    detail = await get_issue(session, wired.engine, actor, issue_id)
    entries = await read_history(session, wired.engine, actor, issue_id) if history else []
    issue = detail.issue
    expires_at = await find_expiry(session, wired, issue, now)
    words = words_of_issue(
        issue,
        actor,
        detail.people,
        office=detail.office_name,
        enterprise=detail.enterprise_name,
        holder=name_holder(detail.open_tasks),
        expires_at=expires_at,
    )
    return IssueView(
        detail=detail,
        due=tell_due(issue.due_at, now, wired.calendar, paused=issue.paused_at is not None)
        if issue.phase in TIMED
        else None,
        answers=[_answer(detail, index) for index in range(len(detail.answers))],
        others=[_part(detail, task) for task in detail.done_tasks if _stands_alone(task)],
        changes=_changes(detail),
        timeline=[
            *tell_history(entries, detail.attachments, {*FIELD_NAMES, *detail.fields}),
            *tell_waiting(detail.open_tasks, now),
        ]
        if history
        else (),
        expires_at=expires_at,
        speaker=Speaker(wired.engine.evaluator, words, now, issue.due_at),
    )


def name_holder(tasks: Sequence[OpenTask]) -> str:
    """Who has claimed what is open; "" for nobody."""
    return next((task.claimed_by_name for task in tasks if task.claimed_by_name), "")


async def find_expiry(
    session: AsyncSession, wired: Wired, issue: IssueRecord, now: datetime
) -> datetime | None:
    """Until when an answered issue may be evaluated, as its own diagram says; None where nothing ends it."""
    if issue.phase != "answered":
        return None
    return min((await find_expiries(session, wired.engine, issue.id, now)).values(), default=None)


def _answer(detail: IssueDetail, index: int) -> AnswerView:
    answer = detail.answers[index]
    return AnswerView(
        round=answer.round,
        office_name=detail.offices.get(answer.office, answer.office),
        answered_by_name=detail.people.get(answer.answered_by, ""),
        answered_at=answer.answered_at,
        text=answer.text,
        files=pick(detail.attachments, answer.attachments),
        evaluations=[
            EvaluationView(
                one.rating,
                one.comment,
                one.reopen,
                detail.people.get(one.person_id, ""),
                one.at,
                _said_besides(detail, "record_evaluation", one.person_id, one.at),
            )
            for one in detail.evaluations
            if one.round == answer.round
        ],
        lines=_said_besides(detail, "record_answer", answer.answered_by, answer.answered_at),
    )


def _said_besides(detail: IssueDetail, operator: str, person: UUID, at: datetime) -> list[Line]:
    """What the form of the step that this person did at this moment asked, besides what the operator has put elsewhere."""
    own = {need.key for need in ISSUE_NEEDS.fields if need.operator == operator}
    return [
        line_of(answer, detail.attachments)
        for task in detail.done_tasks
        if (task.on_complete, task.completed_by, task.completed_at) == (operator, person, at)
        for answer in task.answers
        if answer.key not in own
    ]


def _stands_alone(task: DoneTask) -> bool:
    """Whether a step's answers are shown as a part of their own: everything that is written nowhere else."""
    if not task.answers or task.on_complete in OWN_PLACE:
        return False
    is_answer = any(one.key == DECISION and one.value == "answer" for one in task.answers)
    return not (task.on_complete == "record_answer" and is_answer)


def _part(detail: IssueDetail, task: DoneTask) -> Part:
    decision = next((one.text for one in task.answers if one.key == DECISION), "")
    return Part(
        name=decision or task.name,
        person_name=task.completed_by_name or "",
        at=task.completed_at,
        lines=[line_of(one, detail.attachments) for one in task.answers if one.key != DECISION],
    )


def _changes(detail: IssueDetail) -> list[ChangeView]:
    views: list[ChangeView] = []
    shown = [
        one for one in detail.changes if one.before or one.field != "importance"
    ]  # setting it is no change
    for (_, at), changes in groupby(shown, key=lambda one: (one.actor_id, one.at)):
        group = list(changes)
        lines = [
            ChangeLine(one.label, *mark_changes(_named(one.before, one.field), _named(one.after, one.field)))
            for one in group
        ]
        views.append(ChangeView(group[0].actor_name, at, lines))
    return views


def _named(text: str, field: str) -> str:
    return entry_name(text, field) if field in LIST_NAMES else text

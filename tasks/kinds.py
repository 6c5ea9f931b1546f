"""What a process may be about: an issue or a registration. One entry says for each where it lies, which answers of forms are its
own columns, and what expressions, forms and message texts know of it. A process of another name is about nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import TextClause

from domain import issues, registrations
from domain.models import (
    Enterprise,
    Evaluation,
    Issue,
    IssueAnswer,
    IssueChange,
    IssueOffice,
    IssueRecord,
    Registration,
    RegistrationChange,
)
from domain.working_days import BEIJING
from tasks import statements
from tasks.fields import ISSUE_FIELDS, REGISTRATION_FIELDS

Record = IssueRecord | Registration
Beside = IssueOffice | IssueChange | IssueAnswer | Evaluation | RegistrationChange


@dataclass(frozen=True)
class Kind:
    """`name` is its table, its variable, and what forms call it; `keeps` the operator that saves its `fields`. `make` fills a
    record in memory with all columns. `params` takes the names of office and enterprise besides."""

    name: str
    make: Callable[..., Record]
    columns: tuple[str, ...]
    beside: Mapping[type[Beside], str]
    load: TextClause
    copy_status: TextClause
    keeps: str
    fields: tuple[str, ...]
    placeholders: tuple[str, ...]
    facts: Callable[[Any], dict[str, Any]]
    values: Callable[[Any, Enterprise | None], Mapping[str, Any]]
    params: Callable[[Any, str, str], tuple[str, ...]]


def kind_of(process: str) -> Kind:
    """What the instances of this process are about. For other processes an issue is looked for, and none is found."""
    return KINDS.get(process, ISSUE)


def describe_due(record: Record) -> str:
    """The last day of the deadline, in Beijing."""
    if record.due_at is None:
        return "未定"
    due = record.due_at.astimezone(BEIJING)
    return f"{due.year}年{due.month}月{due.day}日"


def _columns(record: type[Issue | Registration]) -> tuple[str, ...]:
    return tuple(column.name for column in record.__table__.columns)  # type: ignore[union-attr]  # SQLModel's typing


def _issue_values(issue: IssueRecord, _enterprise: Enterprise | None) -> Mapping[str, Any]:
    return {
        "kind": issue.kind or None,
        "category": issue.category or None,
        "office": issue.office,
        "title": issue.title,
        "description": issue.description,
        "contact": issue.contact,
        "attachments": [str(file) for file in issue.attachments],
        "importance": issue.importance,
        "executive": str(issue.executive_id) if issue.executive_id else None,
    }


def _issue_params(issue: IssueRecord, office_name: str, _enterprise_name: str) -> tuple[str, ...]:
    return issue.number, issue.title, office_name, describe_due(issue)


def _registration_values(registration: Registration, enterprise: Enterprise | None) -> Mapping[str, Any]:
    values: dict[str, Any] = {
        "contact": registration.contact,
        "office": registration.office,
        "licence": [str(registration.licence)] if registration.licence else [],
    }
    if enterprise is not None:
        values |= {name: getattr(enterprise, name) or "" for name in registrations.ENTERPRISE_FIELDS}
    return values


def _registration_params(
    registration: Registration, office_name: str, enterprise_name: str
) -> tuple[str, ...]:
    due = describe_due(registration)
    return registration.number, enterprise_name, office_name, due, registration.reason


ISSUE = Kind(
    name="issue",
    make=IssueRecord.model_construct,
    columns=_columns(Issue),
    beside={
        IssueOffice: "issue_office",
        IssueChange: "issue_change",
        IssueAnswer: "issue_answer",
        Evaluation: "evaluation",
    },
    load=statements.LOAD_SUBJECT,
    copy_status=statements.COPY_STATUS,
    keeps="save_issue",
    fields=ISSUE_FIELDS,
    placeholders=("number", "title", "office", "due"),
    facts=issues.facts,
    values=_issue_values,
    params=_issue_params,
)
REGISTRATION = Kind(
    name="registration",
    make=Registration,
    columns=_columns(Registration),
    beside={RegistrationChange: "registration_change"},
    load=statements.LOAD_REGISTRATION,
    copy_status=statements.COPY_REGISTRATION_STATUS,
    keeps="save_registration",
    fields=REGISTRATION_FIELDS,
    placeholders=("number", "enterprise", "office", "due", "reason"),
    facts=registrations.facts,
    values=_registration_values,
    params=_registration_params,
)
KINDS = {kind.name: kind for kind in (ISSUE, REGISTRATION)}
GIVEN = {kind.name: (kind.name,) for kind in KINDS.values()}
"""What each process is given at its start: the facts of its record, under its name. Its diagram declares the same."""

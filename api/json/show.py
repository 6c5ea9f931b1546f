"""Rows as the JSON contract shows them: plain dicts, straight to orjson."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any
from uuid import UUID

from domain.models import Attachment
from domain.registrations import ENTERPRISE_FIELDS
from tasks.details import IssueDetail
from tasks.fields import inputs, options, starting_values
from tasks.inbox import TaskLine, TaskView
from tasks.registration_details import RegistrationDetail


def show_task(line: TaskLine) -> dict[str, Any]:
    """One line of a list of tasks."""
    issue = line.issue
    return {
        "id": line.id,
        "element_id": line.element_id,
        "name": line.name,
        "issue": {
            "id": issue.id,
            "number": issue.number,
            "title": issue.title,
            "status": issue.status,
            "phase": issue.phase,
            "office": issue.office,
            "category": issue.category,
            "importance": issue.importance,
            "round": issue.round,
        }
        if issue
        else None,
        "registration": asdict(line.registration) if line.registration else None,
        "subject": line.subject,
        "due_at": line.due_at,
        "claimed_by": line.claimed_by,
        "claimed_at": line.claimed_at,
        "version": line.version,
        "created_at": line.created_at,
        "completed_at": line.completed_at,
    }


def show_task_view(view: TaskView) -> dict[str, Any]:
    """One task to work on, with its form as it was drawn and what its fields start with."""
    return {
        **show_task(view.line),
        "state": view.state,
        "form": view.form,
        "values": starting_values(view.form, view.context),
        "options": {
            component["key"]: [
                {"value": one.value, "label": one.label} for one in options(component, view.context)
            ]
            for component, _ in inputs(view.form)
            if "valuesKey" in component
        },
        "draft": view.draft,
        "draft_saved_at": view.draft_saved_at,
        "answers": view.answers,
        "may_claim": view.may_claim,
        "may_release": view.may_release,
    }


ISSUE_COLUMNS = (
    "id",
    "number",
    "title",
    "description",
    "contact",
    "kind",
    "category",
    "importance",
    "office",
    "status",
    "phase",
    "round",
    "transfers",
    "outcome",
    "raised_by_executive",
    "created_at",
    "submitted_at",
    "due_at",
    "paused_at",
    "first_claimed_at",
    "answered_at",
    "overdue_at",
    "closed_at",
)


def show_issue_detail(detail: IssueDetail) -> dict[str, Any]:
    """Everything about one issue; people as id and name, files as their metadata."""
    issue = detail.issue

    def person(id_: UUID | None) -> dict[str, Any] | None:
        return {"id": id_, "name": detail.people.get(id_, "")} if id_ else None

    def files(ids: Iterable[UUID]) -> list[dict[str, Any]]:
        found = [detail.attachments[id_] for id_ in ids if id_ in detail.attachments]
        return [{"id": one.id, "name": one.name, "size": one.size, "type": one.media_type} for one in found]

    return {
        **{name: getattr(issue, name) for name in ISSUE_COLUMNS},
        "office_name": detail.office_name,
        "enterprise": {"id": issue.enterprise_id, "name": detail.enterprise_name},
        "submitter": person(issue.submitter_id),
        "executive": person(issue.executive_id),
        "handler": person(issue.handler_id),
        "attachments": files(issue.attachments),
        "answers": [
            {
                "round": one.round,
                "answer": one.text,
                "office": one.office,
                "office_name": detail.offices.get(one.office, one.office),
                "answered_by": person(one.answered_by),
                "answered_at": one.answered_at,
                "attachments": files(one.attachments),
            }
            for one in detail.answers
        ],
        "evaluations": [
            {
                "round": one.round,
                "person": person(one.person_id),
                "rating": one.rating,
                "comment": one.comment,
                "reopen": one.reopen,
                "at": one.at,
            }
            for one in detail.evaluations
        ],
        "changes": detail.changes,
        "tasks": detail.open_tasks,
        "done_tasks": detail.done_tasks,
        "other_answers": detail.other_answers,
        "may_withdraw": detail.may_withdraw,
    }


REGISTRATION_COLUMNS = (
    "id",
    "number",
    "status",
    "phase",
    "outcome",
    "route",
    "office",
    "contact",
    "round",
    "reason",
    "check_digit_failed",
    "created_at",
    "submitted_at",
    "due_at",
    "overdue_at",
    "decided_at",
)


def show_registration(detail: RegistrationDetail) -> dict[str, Any]:
    """Everything about one registration; people as id and name, files as their metadata."""
    registration, enterprise = detail.registration, detail.enterprise

    def person(id_: UUID | None) -> dict[str, Any] | None:
        return {"id": id_, "name": detail.people.get(id_, "")} if id_ else None

    def file(one: Attachment | None) -> dict[str, Any] | None:
        return one and {"id": one.id, "name": one.name, "size": one.size, "type": one.media_type}

    return {
        **{name: getattr(registration, name) for name in REGISTRATION_COLUMNS},
        "office_name": detail.office_name,
        "enterprise": {
            "id": enterprise.id,
            **{name: getattr(enterprise, name) for name in (*ENTERPRISE_FIELDS, "status")},
        },
        "applicant": person(registration.applicant_id),
        "reviewer": person(registration.reviewer_id),
        "check_digit_overridden_by": person(registration.check_digit_overridden_by),
        "licence": file(detail.licence),
        "changes": [
            {
                **asdict(one.change),
                "round": one.round,
                "before_file": file(one.before_file),
                "after_file": file(one.after_file),
            }
            for one in detail.changes
        ],
        "tasks": detail.open_tasks,
        "done_tasks": detail.done_tasks,
    }

"""Tasks."""

from collections.abc import Mapping
from typing import Any

from api.json.schemas.issues import IssueState
from api.json.schemas.registrations import RegistrationState
from api.json.schemas.tasks import (
    Completed,
    NextSubject,
    NextTask,
    OptionOut,
    TaskDetail,
    TaskIssue,
    TaskLine,
    TaskList,
    TaskRegistration,
)
from tasks import inbox
from tasks.completion import CompleteResult
from tasks.fields import inputs, options, starting_values
from tasks.pages import Page


def show_tasks(page: Page[inbox.TaskLine]) -> TaskList:
    """One page of a list."""
    return TaskList(items=[show_line(one) for one in page.items], next=page.next)


def show_line(line: inbox.TaskLine) -> TaskLine:
    """One line of it."""
    return TaskLine(
        id=line.id,
        element_id=line.element_id,
        name=line.name,
        issue=_show_issue(line.issue) if line.issue else None,
        registration=_show_registration(line.registration) if line.registration else None,
        subject=line.subject,
        due_at=line.due_at,
        claimed_by=line.claimed_by,
        claimed_at=line.claimed_at,
        version=line.version,
        created_at=line.created_at,
        completed_at=line.completed_at,
    )


def _show_issue(issue: inbox.IssueRef) -> TaskIssue:
    return TaskIssue(
        id=issue.id,
        number=issue.number,
        title=issue.title,
        status=issue.status,
        phase=issue.phase,
        office=issue.office,
        category=issue.category,
        importance=issue.importance,
        round=issue.round,
    )


def _show_registration(registration: inbox.RegistrationRef) -> TaskRegistration:
    return TaskRegistration(
        id=registration.id,
        number=registration.number,
        status=registration.status,
        phase=registration.phase,
        office=registration.office,
        office_name=registration.office_name,
        enterprise_name=registration.enterprise_name,
        round=registration.round,
    )


def show_task(view: inbox.TaskView) -> TaskDetail:
    """One task to work on, with its form as it was drawn and what its fields start with."""
    line = show_line(view.line)
    return TaskDetail(
        id=line.id,
        element_id=line.element_id,
        name=line.name,
        issue=line.issue,
        registration=line.registration,
        subject=line.subject,
        due_at=line.due_at,
        claimed_by=line.claimed_by,
        claimed_at=line.claimed_at,
        version=line.version,
        created_at=line.created_at,
        completed_at=line.completed_at,
        state=view.state,
        form=dict(view.form),
        values=starting_values(view.form, view.context),
        options=_show_options(view),
        draft=dict(view.draft) if view.draft is not None else None,
        draft_saved_at=view.draft_saved_at,
        answers=dict(view.answers) if view.answers is not None else None,
        may_claim=view.may_claim,
        may_release=view.may_release,
    )


def _show_options(view: inbox.TaskView) -> dict[str, list[OptionOut]]:
    return {
        component["key"]: [
            OptionOut(value=one.value, label=one.label) for one in options(component, view.context)
        ]
        for component, _ in inputs(view.form)
        if "valuesKey" in component
    }


def show_completed(result: CompleteResult) -> Completed:
    """What came of a submit, now or (kept as JSON) when it was sent for the first time."""
    issue, registration = result.issue, result.registration
    return Completed(
        issue=IssueState(id=issue["id"], status=issue["status"], phase=issue["phase"]) if issue else None,
        registration=RegistrationState(
            id=registration["id"], status=registration["status"], phase=registration["phase"]
        )
        if registration
        else None,
        next=[_show_next(task) for task in result.next],
    )


def _show_next(task: Mapping[str, Any]) -> NextTask:
    return NextTask(
        id=task["id"],
        element_id=task["element_id"],
        name=task["name"],
        issue=_show_subject(task.get("issue")),
        registration=_show_subject(task.get("registration")),
        due_at=task["due_at"],
        claimed_by=task["claimed_by"],
        version=task["version"],
    )


def _show_subject(told: Mapping[str, Any] | None) -> NextSubject | None:
    if told is None:
        return None
    return NextSubject(
        id=told["id"],
        number=told["number"],
        title=told["title"],
        status=told["status"],
        phase=told["phase"],
    )

"""Rows as the JSON contract shows them: plain dicts, straight to orjson."""

from typing import Any

from tasks.fields import inputs, options, starting_values
from tasks.inbox import TaskLine, TaskView


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
            component["key"]: [{"value": one.value, "label": one.label} for one in options(component, view.context)]
            for component, _ in inputs(view.form)
            if "valuesKey" in component
        },
        "draft": view.draft,
        "draft_saved_at": view.draft_saved_at,
        "answers": view.answers,
        "may_claim": view.may_claim,
        "may_release": view.may_release,
    }

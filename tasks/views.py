"""What a form is drawn and checked with, for this person and this issue."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from domain.actor import Actor
from domain.issues import facts
from domain.models import IssueRecord
from engine.instances import Engine
from engine.specs import ParsedDefinition
from tasks.fields import FormContext, Schema
from tasks.subjects import Subject

NO_FORM: Schema = {"type": "default", "components": []}


def form_context(
    engine: Engine, actor: Actor, subject: Subject, now: datetime, *, saves_issue: bool, max_files: int = 10
) -> FormContext:
    """Facts of the issue, who I am, the lists and files that were loaded.

    In a task that saves the issue, fields named like its columns start with them; elsewhere such a field (the office of
    a transfer, the files of an answer) is the task's own.
    """
    issue = subject.issue
    return FormContext(
        issue=facts(issue) if issue else {},
        me={
            "person_id": str(actor.person_id),
            "is_submitter": issue is not None and issue.submitter_id == actor.person_id,
            "is_executive": "executive" in actor.roles,
            "executive_count": len(subject.lists.get("executives", ())),
        },
        lists=subject.lists,
        values=issue_values(issue) if issue and saves_issue else {},
        files=subject.files,
        actor_id=actor.person_id,
        instance_id=subject.instance_id,
        max_files=max_files,
        evaluator=engine.evaluator,
        now=now,
    )


def saves_issue(definition: ParsedDefinition, element_id: str) -> bool:
    """Whether completing this user task writes its answers to the issue."""
    element = definition.elements.get(element_id)
    return element is not None and element.on_complete == "save_issue"


def form_of(definition: ParsedDefinition, element_id: str) -> Schema:
    """The form of a user task; one without any is completed by a button."""
    form: Schema = definition.forms.get(element_id, NO_FORM)
    return form


def issue_values(issue: IssueRecord) -> Mapping[str, Any]:
    """What fields start with that stand for a column of the issue."""
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

"""What a form is drawn and checked with, for this person and this issue or registration."""

from datetime import datetime

from domain.actor import Actor
from engine.instances import Engine
from engine.specs import ParsedDefinition
from tasks.fields import FormContext, Schema
from tasks.kinds import kind_of
from tasks.subjects import Subject

NO_FORM: Schema = {"type": "default", "components": []}


def form_context(
    engine: Engine, actor: Actor, subject: Subject, now: datetime, *, keeps: bool, max_files: int = 10
) -> FormContext:
    """Facts of the record, who I am, the lists and files that were loaded.

    In a task that keeps its answers in the record, fields named like its columns start with them; elsewhere such a field (the
    office of a transfer, the files of an answer) is the task's own.
    """
    kind, record, issue = subject.kind, subject.record, subject.issue
    return FormContext(
        facts={kind.name: kind.facts(record) if record else {}},
        me={
            "person_id": str(actor.person_id),
            "is_submitter": issue is not None and issue.submitter_id == actor.person_id,
            "is_executive": "executive" in actor.roles,
            "executive_count": len(subject.lists.get("executives", ())),
        },
        lists=subject.lists,
        values=kind.values(record, subject.enterprise) if record and keeps else {},
        files=subject.files,
        actor_id=actor.person_id,
        instance_id=subject.instance_id,
        max_files=max_files,
        evaluator=engine.evaluator,
        now=now,
    )


def keeps_record(definition: ParsedDefinition, element_id: str) -> bool:
    """Whether completing this user task writes its answers to the issue's or registration's own columns."""
    element = definition.elements.get(element_id)
    return element is not None and element.on_complete == kind_of(definition.key).keeps


def form_of(definition: ParsedDefinition, element_id: str) -> Schema:
    """The form of a user task; one without any is completed by a button."""
    form: Schema = definition.forms.get(element_id, NO_FORM)
    return form

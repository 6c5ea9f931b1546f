"""What a form is drawn and checked with, for this person and this issue or registration."""

from datetime import datetime

from domain.actor import Actor
from engine.instances import Engine
from engine.specs import ParsedDefinition
from tasks.fields import FormContext
from tasks.kept_answers import starting_answers
from tasks.subjects import Subject
from tasks.task_forms import keeps_record


def form_context(
    engine: Engine,
    actor: Actor,
    subject: Subject,
    now: datetime,
    *,
    task: tuple[ParsedDefinition, str],
    max_files: int = 10,
) -> FormContext:
    """Facts of the record, who I am, the lists and files that were loaded, for the form of this task (by its element's id).

    In a task that keeps its answers in the record, fields named like its columns start with them; elsewhere such a field (the
    office of a transfer, the files of an answer) is the task's own. Other fields start with what was answered before.
    """
    kind, record, issue = subject.kind, subject.record, subject.issue
    columns = kind.values(record, subject.enterprise) if record and keeps_record(*task) else {}
    answers = starting_answers(record, *task) if record else {}
    return FormContext(
        facts={kind.name: kind.facts(record) if record else {}},
        me={
            "person_id": str(actor.person_id),
            "is_submitter": issue is not None and issue.submitter_id == actor.person_id,
            "is_executive": "executive" in actor.roles,
            "executive_count": len(subject.lists.get("executives", ())),
        },
        lists=subject.lists,
        values={**columns, **answers},
        carried=frozenset(answers),
        files=subject.files,
        actor_id=actor.person_id,
        instance_id=subject.instance_id,
        max_files=max_files,
        evaluator=engine.evaluator,
        now=now,
    )

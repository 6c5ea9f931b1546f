"""Carrying a live instance over to another version of its process: live tokens keep their place, their claims and their
timers' moments; what lies ahead of them is drawn anew from the new diagram. What only listens is no token: an event sub-process
that the new version lacks is no longer listened for, one that it adds is, unless its scope has been interrupted, and one that
both have keeps its moment."""

import re
from collections.abc import Iterator, Set
from datetime import datetime
from typing import Any

from SpiffWorkflow import TaskState
from SpiffWorkflow.task import Task

from engine.execution import Execution
from engine.expressions import Evaluator
from engine.scopes import EventStart, is_interrupted, triggers_of
from engine.specs import ParsedDefinition

_AHEAD = TaskState.PREDICTED_MASK | TaskState.FUTURE
_LIVE = TaskState.WAITING | TaskState.READY | TaskState.STARTED


def misplaced_elements(execution: Execution, new: ParsedDefinition) -> list[str]:
    """The elements where something is going on that the other version lacks, or has as another kind."""
    misplaced = [
        _element_id(task)
        for workflow in _workflows(execution)
        for task in workflow.tasks.values()
        if task._state & _LIVE
        and not _only_listens(task)
        and not _has_place(task, _spec(new, workflow), execution.definition, new)
    ]
    return list(dict.fromkeys(misplaced))


def carry_over(execution: Execution, new: ParsedDefinition, evaluator: Evaluator, now: datetime) -> Execution:
    """The same instance by another definition, in which every live element has its place. The old one is used up.

    Then `advance`: what the new version listens for may have come already.
    """
    old = execution.definition
    for workflow in _workflows(execution):
        goes_on = dict(_listens_for(old, workflow).items() & _listens_for(new, workflow).items())
        for task in [task for task in workflow.tasks.values() if _only_listens(task)]:
            if task.task_spec.bpmn_id not in goes_on:
                task.cancel()
        for task in [task for task in workflow.tasks.values() if task._state & _AHEAD]:
            if task.id in workflow.tasks:
                workflow._remove_task(task.id)
    moved = Execution.load(new, execution.dump(), evaluator, now)
    for workflow in _workflows(moved):
        for task in [task for task in workflow.tasks.values() if task._state & _LIVE]:
            task.task_spec._predict(task, mask=TaskState.NOT_FINISHED_MASK)
    for workflow in list(_workflows(moved)):
        _listen(workflow, _listens_for(new, workflow).items() - _listens_for(old, workflow).items())
    return moved


def _only_listens(task: Task) -> bool:
    return isinstance(task.task_spec, EventStart) and task._state == TaskState.WAITING


def _listens_for(definition: ParsedDefinition, workflow: Any) -> dict[str, str | None]:
    """What a scope listens for by this definition: start events, each with its kind."""
    spec = _spec(definition, workflow)
    triggers = triggers_of(spec.start) if spec is not None else []
    return {trigger.bpmn_id: definition.elements[trigger.bpmn_id].event for trigger in triggers}


def _listen(workflow: Any, added: Set[tuple[str, str | None]]) -> None:
    root = workflow.task_tree
    triggers = [trigger for trigger in triggers_of(root.task_spec) if trigger.bpmn_id in dict(added)]
    if not triggers or is_interrupted(workflow):
        return
    for trigger in triggers:
        task = root._add_child(trigger, TaskState.FUTURE)
        task.triggered = True
        trigger._update(task)


def _spec(definition: ParsedDefinition, workflow: Any) -> Any:
    name = workflow.spec.name
    return definition.spec if definition.spec.name == name else definition.subprocess_specs.get(name)


def _workflows(execution: Execution) -> Iterator[Any]:
    top = execution._workflow
    yield top
    yield from top.subprocesses.values()


def _has_place(task: Task, spec: Any, old: ParsedDefinition, new: ParsedDefinition) -> bool:
    if spec is None or task.task_spec.name not in spec.task_specs:
        return False
    # What surrounds a live element (the split of its boundary events, the list it repeats over) must be there as well.
    parent = task.parent
    if parent is not None and parent.task_spec.name not in spec.task_specs:
        return False
    return _outline(old, _element_id(task)) == _outline(new, _element_id(task))


def _outline(definition: ParsedDefinition, element_id: str) -> tuple[Any, ...] | None:
    element = definition.elements.get(element_id)
    if element is None:
        return None
    return (
        element.kind,
        element.parent_id,
        element.event,
        element.attached_to,
        element.interrupting,
        element.multi_instance,
        element.by_event,
    )


def _element_id(task: Task) -> str:
    return task.task_spec.bpmn_id or re.sub(
        r"\.(BoundaryEventSplit|BoundaryEventJoin|EndJoin)$", "", task.task_spec.name
    )

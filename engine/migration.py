"""Carrying a live instance over to another version of its process: live tokens keep their place, their claims and their
timers' moments; what lies ahead of them is drawn anew from the new diagram. What only listens is no token: event sub-processes
that the new version lacks are no longer listened for, and those that it adds are, unless their scope has been interrupted."""

import re
from collections.abc import Iterator
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
    specs = {new.spec.name: new.spec, **new.subprocess_specs}
    misplaced = [
        _element_id(task)
        for workflow in _workflows(execution)
        for task in workflow.tasks.values()
        if task._state & _LIVE
        and not _is_let_go(task, new)
        and not _has_place(task, specs.get(workflow.spec.name), execution.definition, new)
    ]
    return list(dict.fromkeys(misplaced))


def carry_over(execution: Execution, new: ParsedDefinition, evaluator: Evaluator, now: datetime) -> Execution:
    """The same instance by another definition, in which every live element has its place. The old one is used up.

    Then `advance`: what the new version listens for may have come already.
    """
    for workflow in _workflows(execution):
        for task in [task for task in workflow.tasks.values() if _is_let_go(task, new)]:
            task.cancel()
        for task in [task for task in workflow.tasks.values() if task._state & _AHEAD]:
            if task.id in workflow.tasks:
                workflow._remove_task(task.id)
    moved = Execution.load(new, execution.dump(), evaluator, now)
    for workflow in _workflows(moved):
        for task in [task for task in workflow.tasks.values() if task._state & _LIVE]:
            task.task_spec._predict(task, mask=TaskState.NOT_FINISHED_MASK)
    for workflow in list(_workflows(moved)):
        _listen(workflow, execution.definition)
    return moved


def _is_let_go(task: Task, new: ParsedDefinition) -> bool:
    spec = task.task_spec
    return (
        isinstance(spec, EventStart) and task._state == TaskState.WAITING and spec.bpmn_id not in new.elements
    )


def _listen(workflow: Any, old: ParsedDefinition) -> None:
    root = workflow.task_tree
    added = [trigger for trigger in triggers_of(root.task_spec) if trigger.bpmn_id not in old.elements]
    if not added or is_interrupted(workflow):
        return
    for trigger in added:
        task = root._add_child(trigger, TaskState.FUTURE)
        task.triggered = True
        trigger._update(task)


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

# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportIncompatibleMethodOverride=false
# pyright: reportArgumentType=false, reportAssignmentType=false
# The library is untyped, and what is inferred of it (a bool that is always True, attributes set later) is wrong.
"""Errors and escalations: thrown outward, to the innermost place around that catches them. In each scope its event
sub-processes are asked first, then the events at the boundary of the activity that the scope is; of several, one that names
the code comes before one that takes any."""

from __future__ import annotations

from typing import Any

from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn.specs.control import BoundaryEventSplit
from SpiffWorkflow.bpmn.specs.event_definitions import ErrorEventDefinition, EscalationEventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.item_aware_event import CodeEventDefinition
from SpiffWorkflow.task import Task

from engine.runtime import runtime_of
from engine.scopes import EventStart, listening_in


class Error(ErrorEventDefinition):
    """An error by its code; none: any."""

    def throw(self, my_task: Task) -> None:
        _throw_outward(self, my_task)


class Escalation(EscalationEventDefinition):
    """An escalation by its code; none: any."""

    def throw(self, my_task: Task) -> None:
        _throw_outward(self, my_task)


def _throw_outward(definition: CodeEventDefinition, my_task: Task) -> None:
    # The library asks every waiting event of the instance.
    top, workflow, came_from = my_task.workflow.top_workflow, my_task.workflow, None
    while True:
        # An event sub-process does not catch what it throws itself.
        listening = [task for task in listening_in(workflow) if not _starts(task.task_spec, came_from)]
        if _is_caught(listening, definition) or workflow.parent_task_id is None:
            return
        host = top.get_task_from_id(workflow.parent_task_id)
        if "index" in host.internal_data:
            host = host.parent
        if _is_caught(_attached(host), definition):
            return
        workflow, came_from = host.workflow, host.task_spec


def _starts(trigger: EventStart, spec: Any) -> bool:
    return spec is not None and spec in trigger.outputs


def _is_caught(tasks: list[Task], thrown: CodeEventDefinition) -> bool:
    catching = [task for task in tasks if _catches_code(task, thrown)]
    if not catching:
        return False
    catching.sort(key=lambda task: task.task_spec.event_definition.code is None)
    caught_by = catching[0]
    caught_by.internal_data["event_fired"] = True
    runtime_of(caught_by).happened("event_caught", caught_by, caught_by.task_spec.bpmn_id)
    caught_by.task_spec._update(caught_by)
    return True


def _attached(host: Task) -> list[Task]:
    if not isinstance(host.parent.task_spec, BoundaryEventSplit):
        return []
    return [task for task in host.parent.children if task.has_state(TaskState.WAITING)]


def _catches_code(task: Task, thrown: CodeEventDefinition) -> bool:
    definition = getattr(task.task_spec, "event_definition", None)
    return type(definition) is type(thrown) and definition.code in (None, thrown.code)

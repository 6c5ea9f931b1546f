# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportIncompatibleMethodOverride=false
# pyright: reportArgumentType=false, reportAssignmentType=false
# The library is untyped, and what is inferred of it (a bool that is always True, attributes set later) is wrong.
"""Scopes with event sub-processes: a process or sub-process that listens, beside its own flow, for events that start one of
them, and ends when its flow and all of them are over.

The library grows its shared spec when such an event comes, hears events for the process alone, and interrupts nothing. Here
all is drawn once, when the diagram is parsed: `Start → EventStart → EventSubProcess → the scope's end` beside the flow from
the start event. What starts the sub-process waits in the scope around it; within, its start event is a plain one."""

from __future__ import annotations

from typing import Any

from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn.specs import defaults as bpmn
from SpiffWorkflow.bpmn.specs.bpmn_process_spec import BpmnProcessSpec
from SpiffWorkflow.bpmn.specs.control import BpmnStartTask, SimpleBpmnTask, _EndJoin
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskIterator

from engine.activities import EventSubProcess
from engine.events import Catching, arm_again


class EventStart(Catching, bpmn.IntermediateCatchEvent):
    """The start event of an event sub-process, as the scope around it sees it: like an event at the scope's boundary."""

    def __init__(
        self, wf_spec: Any, bpmn_id: str, event_definition: Any, cancel_activity: bool, **kw: Any
    ) -> None:
        super().__init__(wf_spec, bpmn_id, event_definition, **kw)
        self.cancel_activity = cancel_activity

    def _predict_hook(self, my_task: Task) -> None:
        """What it may start is nobody's way yet."""

    def _run_hook(self, my_task: Task) -> bool:
        if self.cancel_activity:
            _interrupt(my_task)
        return super()._run_hook(my_task)

    def _on_complete_hook(self, my_task: Task) -> None:
        super()._on_complete_hook(my_task)
        my_task._sync_children(self.outputs, TaskState.FUTURE)
        for child in my_task.children:
            child.task_spec._predict(child, mask=TaskState.FUTURE | TaskState.PREDICTED_MASK)
        if not self.cancel_activity:
            arm_again(my_task)


def _interrupt(started_by: Task) -> None:
    """End everything in the scope, what else listens there included, but for the event itself."""
    workflow = started_by.workflow
    for task in list(TaskIterator(workflow.task_tree, state=TaskState.NOT_FINISHED_MASK)):
        # One that was cancelled took along what hung below it.
        if task is not started_by and workflow.tasks.get(task.id) is task:
            task.cancel()


class EndJoin(_EndJoin):
    """The end of a scope with event sub-processes: those that only listen do not keep it open, and stop listening."""

    def _check_threshold_unstructured(self, my_task: Task) -> bool:
        listening: list[Task] = []
        workflow = my_task.workflow
        for task in TaskIterator(
            workflow.task_tree, state=TaskState.NOT_FINISHED_MASK, end_at_spec=self.name
        ):
            if isinstance(task.task_spec, EventStart) and task._state == TaskState.WAITING:
                listening.append(task)
            elif task is not my_task:
                return False
        for task in listening:
            task.cancel()
        return True


class ScopeSpec(BpmnProcessSpec):
    """The spec of a process or sub-process with event sub-processes."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for task_spec in (self.end, *self.end.outputs):
            del self.task_specs[task_spec.name]
        self.end = EndJoin(self, f"{self.name}.EndJoin")
        self.end.connect(SimpleBpmnTask(self, "End"))

    def listen(self, trigger: EventStart, subprocess: EventSubProcess) -> None:
        """Let this event start that sub-process, while an instance of the scope lives."""
        self.start.connect(trigger)
        trigger.connect(subprocess)
        subprocess.connect(self.end)


def listening_in(workflow: Any) -> list[Task]:
    """What an instance of a scope listens for on behalf of its event sub-processes."""
    return [
        task
        for task in workflow.top_workflow.event_manager.tasks.values()
        if task.workflow is workflow
        and isinstance(task.task_spec, EventStart)
        and task._state == TaskState.WAITING
    ]


def triggers_of(task_spec: Any) -> list[EventStart]:
    """What starts event sub-processes in the scope that this spec is the root of; of other specs nothing."""
    if not isinstance(task_spec, BpmnStartTask):
        return []
    return [each for each in task_spec.outputs if isinstance(each, EventStart)]


def is_interrupted(workflow: Any) -> bool:
    """Whether a scope is over but for an event sub-process that interrupted it: it listens for nothing any more."""
    return workflow.completed or any(
        isinstance(task.task_spec, EventSubProcess)
        and not task.has_state(TaskState.FINISHED_MASK)
        and any(trigger.cancel_activity for trigger in task.task_spec.inputs)
        for task in workflow.tasks.values()
    )

# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportIncompatibleMethodOverride=false
# pyright: reportArgumentType=false, reportAssignmentType=false
# The library is untyped, and what is inferred of it (a bool that is always True, attributes set later) is wrong.
"""What the library's specs talk to while an instance runs: the clock, the variables, the expressions, the queue of steps to
run, and the record of what happened. One runtime belongs to one `engine.execution.Execution`.

Variables belong to the instance, not to tasks: every branch, embedded subprocess and called process sees and writes the same
ones, and a write replaces the value. An instance of a multi-instance activity has variables of its own above them (its
item, its answers, whatever is written within it); they end with it, and the diagram says what is collected from them."""

from __future__ import annotations

import logging
from collections import ChainMap, deque
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.specs.control import SimpleBpmnTask
from SpiffWorkflow.bpmn.specs.mixins.subworkflow_task import EventSubprocess
from SpiffWorkflow.bpmn.util.subworkflow import BpmnSubWorkflow
from SpiffWorkflow.task import Task

from db.ids import uuid7
from engine.exceptions import EngineFailure, ExpressionFailed, TooManySteps
from engine.expressions import Evaluator
from engine.values import ValueRefused

if TYPE_CHECKING:
    from engine.specs import ParsedDefinition

MAX_DEPTH = 12
"""How deep processes may call each other."""

# The library composes a log record, task data included, at every change of state, wanted or not.
for _name in ("spiff", "spiff.workflow", "spiff.task", "spiff.data", "spiff.dmn"):
    logging.getLogger(_name).setLevel(logging.WARNING)


# Tasks that people and operators hold on to have ids that sort by when they were made: of tasks due at the same moment the
# older one comes first. All others are known to this process only, and only while their execution lasts: a number is hashed
# in no time.
_numbers = count(1)


class TraceEntry(NamedTuple):
    """One thing that happened: `kind` is entered, completed, cancelled, timer_fired, message_caught, event_caught (a signal, an
    error, an escalation, a condition) or ended.

    `task_id` is a UUID where somebody outside may speak of the task, else a number of this process.
    """

    kind: str
    element_id: str
    task_id: UUID | int


@dataclass(slots=True)
class Outcome:
    """The end event at which the instance ended, and what it says."""

    element_id: str
    status: str | None
    phase: str | None


class Runtime:
    """The script engine of one live instance, as the library calls it."""

    def __init__(self, definition: ParsedDefinition, evaluator: Evaluator, now: datetime) -> None:
        self.definition = definition
        self.evaluator = evaluator
        self.now = now
        self.fire_until: datetime | None = None
        self.has_written = False
        self.is_looking = False
        self.sequence = 0
        self.queue: deque[Task] = deque()
        self.trace: list[TraceEntry] = []
        self.outcome: Outcome | None = None

    # What the library asks for

    def evaluate(self, task: Task, expression: str, external_context: Any = None) -> Any:
        """The value of an expression of the diagram at this task."""
        return self.evaluate_in(self.scope(task), expression, _element_id(task))

    def execute(self, task: Task, script: str, external_context: Any = None) -> bool:
        """Scripts do not run, whatever got past the validator."""
        raise EngineFailure("流程图里不能有脚本", _element_id(task))

    # Variables

    def scope(self, task: Task) -> MutableMapping[str, Any]:
        """The variables a task sees: those of the multi-instance instances around it, innermost first, then all others."""
        shared: dict[str, Any] = task.workflow.top_workflow.data
        own = list(_local_variables(task))
        return ChainMap(*own, shared) if own else shared

    def write(self, task: Task, variable: str | None, value: Any) -> None:
        """Replace a variable where the task lives; what no expression reads is not kept."""
        reads = self.definition.reads
        if variable is None or variable not in reads:
            return
        self.has_written = True
        try:
            self.scope(task)[variable] = reads.kept(variable, value)
        except ValueRefused as refused:
            raise EngineFailure(str(refused), _element_id(task)) from refused

    def evaluate_in(self, scope: Mapping[str, Any], expression: str, element_id: str | None) -> Any:
        """The value of an expression; a failure names the element."""
        try:
            return self.evaluator.evaluate(expression, scope, now=self.now)
        except ExpressionFailed as failure:
            raise ExpressionFailed(str(failure), element_id) from failure

    # What happened

    def entered(self, task: Task) -> None:
        """A token reached an element: numbered, so that the order outlives a reload."""
        element_id = _element_id(task)
        if element_id is None or "seq" in task.internal_data:
            return
        self.sequence += 1
        task.internal_data["seq"] = self.sequence
        if self._is_told(task):
            self.trace.append(TraceEntry("entered", element_id, task.id))

    def ready(self, task: Task) -> None:
        """A step is due: people's tasks wait, boundary events come before what they interrupt, the rest in order."""
        self.entered(task)
        if task.task_spec.manual:
            return
        if _is_boundary(task):
            self.queue.appendleft(task)
        else:
            self.queue.append(task)

    def completed(self, task: Task) -> None:
        """An element was left."""
        element_id = _element_id(task)
        if element_id is None:
            return
        if self._is_told(task):
            self.trace.append(TraceEntry("completed", element_id, task.id))
        element = self.definition.elements.get(element_id)
        if element is not None and element.kind == "endEvent":
            handlers = _handlers_around(task.workflow)
            if handlers is not None:
                is_aside = any(not trigger.cancel_activity for each in handlers for trigger in each.inputs)
                self._end(task, element_id, is_aside)

    def _end(self, task: Task, element_id: str, is_aside: bool) -> None:
        properties = self.definition.elements[element_id].properties
        status = properties.get("status")
        text = self.evaluate(task, status) if status else None
        old = self.outcome
        if text is not None or old is None or (old.status is None and not is_aside):
            self.outcome = Outcome(element_id, text, properties.get("phase"))
        self.trace.append(TraceEntry("ended", element_id, task.id))

    def cancelled(self, task: Task) -> None:
        """A token was taken back. Told once: the library cancels some tasks twice and removes others untold."""
        element_id = _element_id(task)
        if task.internal_data.pop("seq", None) is not None and element_id is not None and self._is_told(task):
            self.trace.append(TraceEntry("cancelled", element_id, task.id))

    def happened(self, kind: str, task: Task, element_id: str) -> None:
        """A timer fired, or a message or another event was caught."""
        self.trace.append(TraceEntry(kind, element_id, task.id))

    def _is_told(self, task: Task) -> bool:
        return not _is_boundary(task) and not getattr(task.task_spec, "spawns_instances", False)


def runtime_of(task: Task) -> Runtime:
    """The runtime of the execution that a task belongs to."""
    return task.workflow.top_workflow.script_engine


def is_named(task_spec: Any) -> bool:
    """Whether somebody outside speaks of this spec's tasks by their ids: people of theirs, operators of their calls."""
    return task_spec.manual or hasattr(task_spec, "operation_name")


def _is_boundary(task: Task) -> bool:
    return hasattr(task.task_spec, "cancel_activity")


def _handlers_around(workflow: Any) -> list[Any] | None:
    """The event sub-processes between an end event's place and the process: none for the process itself. None: what ends
    there is not the instance but an activity of it."""
    handlers: list[Any] = []
    while workflow.parent_task_id is not None:
        host = workflow.top_workflow.get_task_from_id(workflow.parent_task_id)
        if not isinstance(host.task_spec, EventSubprocess):
            return None
        handlers.append(host.task_spec)
        workflow = host.workflow
    return handlers


def _element_id(task: Task) -> str | None:
    return task.task_spec.bpmn_id


def _local_variables(task: Task) -> Iterator[dict[str, Any]]:
    while True:
        if "index" in task.internal_data:
            yield task.data
        host_id = task.workflow.parent_task_id
        if host_id is None:
            return
        task = task.workflow.top_workflow.get_task_from_id(host_id)


class LiveTask(Task):
    """The library's task without its bookkeeping: it composes log records and reads the clock at every change of state."""

    def __init__(
        self,
        workflow: Any,
        task_spec: Any,
        parent: Task | None = None,
        state: int = TaskState.MAYBE,
        id: UUID | None = None,  # noqa: A002  (the library passes it by name)
    ) -> None:
        self.id = id or (uuid7() if is_named(task_spec) else next(_numbers))
        workflow.tasks[self.id] = self
        self.workflow = workflow
        self._children = []
        self._state = state
        self.triggered = False
        self.task_spec = task_spec
        self.thread_id = 0
        self.data = {}
        self.internal_data = {}
        self.last_state_change = 0.0
        if parent is None:
            self._parent = None
        else:
            self._parent = parent.id
            parent._children.append(self.id)

    def _set_state(self, value: int) -> None:
        self._state = value

    def _add_child(self, task_spec: Any, state: int = TaskState.MAYBE) -> LiveTask:
        if self._state & TaskState.PREDICTED_MASK and not state & TaskState.PREDICTED_MASK:
            raise EngineFailure("a predicted task cannot have a definite child", _element_id(self))
        task = LiveTask(self.workflow, task_spec, self, state)
        if state == TaskState.READY:
            task._ready()
        return task


class _Waiting:
    """Shared by both kinds of workflow: cheaper look-ups, and nothing left behind by what is removed."""

    def begin(self) -> None:
        """The root task, as the library's constructor makes it, but alive in our way."""
        self.task_tree = LiveTask(self, self.spec.start, state=TaskState.FUTURE)
        self.spec.start._predict(self.task_tree, mask=TaskState.NOT_FINISHED_MASK)
        self.task_tree._ready()

    def update_waiting_tasks(self) -> None:
        for task in [task for task in self.tasks.values() if task._state == TaskState.WAITING]:
            # One update may cancel what the next would have been.
            if task._state == TaskState.WAITING and task.id in self.tasks:
                task.task_spec._update(task)

    def _task_completed_notify(self, task: Task) -> None:
        # The library asks whether the task is called `End`; an element of the diagram may be.
        self.last_task = task
        if type(task.task_spec) is SimpleBpmnTask:
            self._mark_complete(task)
        if self.completed:
            self.completed_event(self)
        else:
            self.update_waiting_tasks()

    def _task_removed_notify(self, task: Task) -> None:
        # The library drops the children of a cancelled activity without cancelling them: their timers, messages
        # and subprocesses would live on.
        if task._state in (TaskState.WAITING, TaskState.READY, TaskState.STARTED):
            top = self.top_workflow
            top.event_manager.remove_task(task)
            subprocess = top.subprocesses.get(task.id)
            if subprocess is not None:
                subprocess.cancel()
            top.script_engine.cancelled(task)


class InstanceWorkflow(_Waiting, BpmnWorkflow):
    """The top level of an instance; without `begin` it is empty, to be filled by whoever restores it."""

    def __init__(
        self, spec: Any, subprocess_specs: Any, runtime: Runtime, deserializing: bool = True
    ) -> None:
        self.runtime = runtime
        super().__init__(spec, subprocess_specs, deserializing=True)

    @property
    def script_engine(self) -> Runtime:
        return self.runtime

    def create_subprocess(self, my_task: Task, spec_name: str) -> InstanceSubWorkflow:
        subprocess = InstanceSubWorkflow(self.subprocess_specs[spec_name], my_task.id, self)
        if subprocess.depth > MAX_DEPTH:
            raise TooManySteps("流程互相调用的层数过多", _element_id(my_task))
        self.subprocesses[my_task.id] = subprocess
        subprocess.begin()
        return subprocess


class InstanceSubWorkflow(_Waiting, BpmnSubWorkflow):
    """An embedded subprocess or a called process; empty until `begin`, like its parent."""

    def __init__(
        self, spec: Any, parent_task_id: UUID, top_workflow: Any, deserializing: bool = True
    ) -> None:
        super().__init__(spec, parent_task_id, top_workflow, deserializing=True)

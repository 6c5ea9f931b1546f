# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportIncompatibleMethodOverride=false
# pyright: reportArgumentType=false, reportAssignmentType=false
# The library is untyped, and what is inferred of it (a bool that is always True, attributes set later) is wrong.
"""One instance running in memory: pure and synchronous. It is loaded, told what happened (answers, a message, a time, a
service's result), advanced until it is quiet, asked what there is to do, and dumped. It calls nobody: what services are due
is returned, and the caller resolves them. A failed execution is thrown away; its bytes were never changed."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from typing import Any
from uuid import UUID

from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn import BpmnEvent
from SpiffWorkflow.bpmn.specs.control import BoundaryEventSplit
from SpiffWorkflow.exceptions import SpiffWorkflowException
from SpiffWorkflow.specs.MultiChoice import MultiChoice
from SpiffWorkflow.task import Task

from engine import paces
from engine.events import BoundaryEvent, Condition, FirstOfEvents, Message, Timer, activity_lives, arm_anew
from engine.exceptions import EngineFailure, ExpressionFailed, NotWaiting, TaskGone, TooManySteps
from engine.expressions import Evaluator
from engine.runtime import InstanceWorkflow, Outcome, Runtime, TraceEntry
from engine.scopes import EventStart, is_interrupted, triggers_of
from engine.specs import Element, ParsedDefinition
from engine.state import drop_finished_workflows, dump_state, load_state
from engine.timers import TimeRefused, parse_moment
from engine.values import copied

MAX_STEPS = 1_000
"""Steps one execution may take from load to dump."""

_LIVE = TaskState.READY | TaskState.WAITING | TaskState.STARTED

Claimed = Container[UUID] | Callable[[UUID], bool]


@dataclass(frozen=True, slots=True)
class ServiceCall:
    """An operator that is due: call it, then `resolve` with what it returned."""

    id: UUID
    element_id: str
    operator: str
    params: dict[str, Any]
    result_variable: str | None


class ReadyTask:
    """A user task waiting for a person. Its expressions are evaluated when asked for: only new tasks need them."""

    def __init__(self, runtime: Runtime, task: Task, element: Element) -> None:
        self._runtime, self._task, self.element = runtime, task, element
        self.id: UUID = task.id
        self.element_id = element.id
        self.name = element.name
        self.lane = element.lane
        self.index: int | None = task.internal_data.get("index")
        self.entered: int = task.internal_data.get("seq", 0)

    def __repr__(self) -> str:
        return f"ReadyTask({self.element_id!r}, {self.id})"

    @cached_property
    def candidate_groups(self) -> list[str]:
        """Groups of which anybody may claim the task."""
        value = self._value("candidateGroups")
        groups = value if isinstance(value, list) else [value]
        return [self._text("candidateGroups", group) for group in groups if group is not None]

    @cached_property
    def assignee(self) -> str | None:
        """The one person whose task it is."""
        return self._text("assignee", self._value("assignee"))

    @cached_property
    def claim_for(self) -> str | None:
        """The person who has the task from the start but may give it back to the groups."""
        return self._text("claimFor", self._value("claimFor"))

    @cached_property
    def due_at(self) -> datetime | None:
        """The task's deadline, as UTC."""
        value = self._value("dueDate")
        try:
            return None if value is None else parse_moment(value)
        except TimeRefused as refused:
            raise ExpressionFailed(str(refused), self.element_id) from refused

    def _value(self, name: str) -> Any:
        expression = self.element.properties.get(name)
        return self._runtime.evaluate(self._task, expression) if expression else None

    def _text(self, name: str, value: Any) -> Any:
        if value is not None and not isinstance(value, str):
            raise ExpressionFailed(f"{name} 应是文字，得到的是“{value}”", self.element_id)
        return value


class Execution:
    """A live instance. Build it with `new` or `load`."""

    def __init__(self, workflow: InstanceWorkflow, runtime: Runtime) -> None:
        self._workflow = workflow
        self._runtime = runtime
        self._steps = 0

    @classmethod
    def new(
        cls, definition: ParsedDefinition, variables: Mapping[str, Any], evaluator: Evaluator, now: datetime
    ) -> Execution:
        """A new instance at its start event; `advance` moves it on."""
        runtime = Runtime(definition, evaluator, now)
        workflow = InstanceWorkflow(definition.spec, definition.subprocess_specs, runtime)
        workflow.begin()
        for name, value in variables.items():
            runtime.write(workflow.task_tree, name, value)
        return cls(workflow, runtime)

    @classmethod
    def load(
        cls, definition: ParsedDefinition, state: bytes, evaluator: Evaluator, now: datetime
    ) -> Execution:
        """The instance whose bytes these are, at this moment."""
        runtime = Runtime(definition, evaluator, now)
        return cls(load_state(state, definition, runtime), runtime)

    def dump(self) -> bytes:
        """The bytes of the instance; whatever is still due is kept in them."""
        return dump_state(self._workflow, self._runtime)

    # What there is

    @property
    def definition(self) -> ParsedDefinition:
        """The definition it runs by."""
        return self._runtime.definition

    @property
    def now(self) -> datetime:
        """The moment at which everything here happens."""
        return self._runtime.now

    @now.setter
    def now(self, now: datetime) -> None:
        self._runtime.now = now

    @property
    def variables(self) -> dict[str, Any]:
        """The instance's variables: what the diagram's expressions read, and no more. Not a copy."""
        return self._workflow.data

    @property
    def trace(self) -> list[TraceEntry]:
        """What happened since it was built, in order."""
        return self._runtime.trace

    @property
    def is_ended(self) -> bool:
        """Whether no token is left."""
        return self._workflow.completed

    @property
    def outcome(self) -> Outcome | None:
        """The last end event reached at the top level."""
        return self._runtime.outcome

    def ready_tasks(self) -> list[ReadyTask]:
        """What waits for people, in the order in which it came up."""
        elements = self._runtime.definition.elements
        ready = [
            ReadyTask(self._runtime, task, elements[task.task_spec.bpmn_id])
            for task in self._live(TaskState.READY)
            if task.task_spec.manual
        ]
        return sorted(ready, key=lambda task: task.entered)

    def active_elements(self) -> list[str]:
        """The elements where tokens are, in the order in which they came there."""
        ids = (task.task_spec.bpmn_id for task in self._active())
        return list(dict.fromkeys(element_id for element_id in ids if element_id is not None))

    def status(self, claimed: Claimed = ()) -> tuple[str | None, str | None]:
        """The text people see and the phase code may test: of the latest-entered active element that has one, each for
        itself; once ended, the end event's. None: unchanged."""
        if self.is_ended:
            outcome = self._runtime.outcome
            return (outcome.status, outcome.phase) if outcome else (None, None)
        is_claimed = claimed if callable(claimed) else claimed.__contains__
        text: str | None = None
        phase: str | None = None
        for task in reversed(self._active()):
            properties = self._properties(task)
            if text is None:
                expression = properties.get("statusClaimed") if is_claimed(task.id) else None
                expression = expression or properties.get("status")
                text = self._runtime.evaluate(task, expression) if expression else None
            phase = phase or properties.get("phase")
        return text, phase

    # What happens to it

    def complete(self, task_id: UUID, answers: Mapping[str, Any], result: Any = None) -> None:
        """A person's answers: they replace those of an earlier round. `result` is what the `onComplete` operator gave.

        Raises TaskGone if the task is not (or no longer) waiting.
        """
        task = self._find(task_id, TaskState.READY)
        if task is None or not task.task_spec.manual:
            raise TaskGone
        element = self._runtime.definition.elements[task.task_spec.bpmn_id]
        self._runtime.write(task, element.variable, answers)
        if element.on_complete and element.result_variable:
            self._runtime.write(task, element.result_variable, result)
        self._run(task)

    def advance(self) -> list[ServiceCall]:
        """Take every step that needs nobody; the services that are due, in the order in which they came up."""
        queue = self._runtime.queue
        self._look_at_conditions()
        while queue:
            task = queue.popleft()
            if task._state == TaskState.READY and task.workflow.tasks.get(task.id) is task:
                self._run(task)
            self._look_at_conditions()
        self._workflow.bpmn_events.clear()
        drop_finished_workflows(self._workflow)
        started = [task for task in self._live(TaskState.STARTED) if "call" in task.internal_data]
        started.sort(key=lambda task: task.internal_data.get("seq", 0))
        return [self._call(task) for task in started]

    def resolve(self, call_id: UUID, result: Any) -> None:
        """What a service returned. Raises TaskGone if it was cancelled meanwhile."""
        task = self._find(call_id, TaskState.STARTED)
        if task is None or "call" not in task.internal_data:
            raise TaskGone
        element = self._runtime.definition.elements[task.task_spec.bpmn_id]
        self._runtime.write(task, element.result_variable, result)
        del task.internal_data["call"]
        self._guarded(task, task.complete)

    def waiting_messages(self) -> list[str]:
        """The names of the messages that something waits for."""
        definitions = [definition for task in self._listening() for definition in _definitions(task)]
        return list(dict.fromkeys(str(each.name) for each in definitions if isinstance(each, Message)))

    def correlate(self, message: str, payload: Mapping[str, Any] | None = None) -> None:
        """Deliver a message to the innermost element that waits for it, the earliest of several. Raises NotWaiting."""
        event = BpmnEvent(Message(message, "", None, None), payload=copied(payload or {}))
        catching = [task for task in self._listening() if task.task_spec.catches(task, event)]
        if not catching:
            raise NotWaiting(message=None, expected=message)
        # What starts an event sub-process stands around everything else in its scope.
        catching.sort(
            key=lambda task: (
                -task.workflow.depth,
                isinstance(task.task_spec, EventStart),
                task.internal_data.get("seq", 0),
            )
        )
        catching[0].task_spec.catch(catching[0], event)
        self._guarded(catching[0], lambda: catching[0].task_spec._update(catching[0]))

    def next_due(self) -> datetime | None:
        """When the next timer is due; None if none ever is."""
        return min((moment for moment, _, _ in self._armed()), default=None)

    def due_timers(self) -> dict[str, datetime]:
        """The armed timers by element, each with its next moment."""
        dues: dict[str, datetime] = {}
        for moment, _, element_id in self._armed():
            if element_id not in dues or moment < dues[element_id]:
                dues[element_id] = moment
        return dues

    def fire_due_timers(self) -> list[str]:
        """Fire the one timer that is due longest (it may cancel the next); its element, or nothing. Then `advance`, and
        again while `next_due()` has passed."""
        due = [entry for entry in self._armed() if entry[0] <= self.now]
        if not due:
            return []
        moment, task, _ = min(due, key=lambda entry: (entry[0], entry[1].internal_data.get("seq", 0)))
        before = len(self.trace)
        self._runtime.fire_until = moment
        try:
            self._guarded(task, lambda: task.task_spec._update(task))
        finally:
            self._runtime.fire_until = None
        return [entry.element_id for entry in self.trace[before:] if entry.kind == "timer_fired"]

    def reschedule(self, element_id: str, due_at: datetime | None, *, anew: bool = False) -> None:
        """Move the timers of an element; None: never, until moved again. Raises NotWaiting if none is armed.

        `anew`: one that has fired, beside an activity that still goes on, is armed once more.
        """
        moment = None if due_at is None else parse_moment(due_at)
        found = False
        for task in self._listening():
            if element_id in task.internal_data.get("due", ()):
                _timer_of(task, element_id).move(task, moment)
                found = True
        if not found and anew and moment is not None:
            found = self._arm_anew(element_id, moment)
        if not found:
            raise NotWaiting(element=element_id)

    def write(self, variable: str, value: Any) -> None:
        """Replace a variable of the instance; what no expression reads is not kept. Then `advance`: a condition may have
        become true."""
        self._runtime.write(self._workflow.task_tree, variable, value)

    def follow_claims(self, claimed: Claimed) -> bool:
        """Let the timers that run only while their task is unclaimed stand or go on, as these tasks are claimed; whether that
        changed anything."""
        is_claimed = claimed if callable(claimed) else claimed.__contains__
        changed = False
        for task in self._listening():
            timer = getattr(task.task_spec, "event_definition", None)
            if not isinstance(task.task_spec, BoundaryEvent) or not isinstance(timer, Timer):
                continue
            pace = self._runtime.definition.elements[timer.element_id].properties.get(paces.PROPERTY)
            stands = pace is not None and any(
                host.task_spec.manual and host._state == TaskState.READY and is_claimed(host.id)
                for host in task.parent.children
            )
            if stands and pace is not None:
                changed |= timer.hold(task, pace)
            else:
                changed |= timer.let_go_on(task)
        return changed

    # Inside

    def _look_at_conditions(self) -> None:
        """Queue what waits for a condition that has become true, if anything was written since the last look."""
        runtime = self._runtime
        if not runtime.has_written:
            return
        runtime.has_written = False
        if not runtime.definition.has_conditions:
            return
        waiting = [
            task
            for task in self._listening()
            if any(isinstance(definition, Condition) for definition in _definitions(task))
        ]
        # Each comes to the front of the queue: the last of these will be the first.
        waiting.sort(key=lambda task: task.internal_data.get("seq", 0), reverse=True)
        runtime.is_looking = True
        try:
            for task in waiting:
                self._guarded(task, partial(task.task_spec._update, task))
        finally:
            runtime.is_looking = False

    def _run(self, task: Task) -> None:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise TooManySteps(f"流程连续走了 {MAX_STEPS} 步仍未停下", task.task_spec.bpmn_id)
        self._guarded(task, task.run)

    def _guarded(self, task: Task, step: Callable[[], Any]) -> None:
        try:
            step()
        except SpiffWorkflowException as error:
            element_id = task.task_spec.bpmn_id
            if isinstance(task.task_spec, MultiChoice):
                raise EngineFailure("网关的条件都不成立，也没有默认出口", element_id) from error
            raise EngineFailure(str(error), element_id) from error

    def _call(self, task: Task) -> ServiceCall:
        element = self._runtime.definition.elements[task.task_spec.bpmn_id]
        params = task.internal_data["call"]
        return ServiceCall(task.id, element.id, element.operator or "", params, element.result_variable)

    def _find(self, task_id: UUID, state: int) -> Task | None:
        return next((task for task in self._live(state) if task.id == task_id), None)

    def _live(self, mask: int) -> Iterator[Task]:
        for workflow in (self._workflow, *self._workflow.subprocesses.values()):
            for task in workflow.tasks.values():
                if task._state & mask:
                    yield task

    def _active(self) -> list[Task]:
        active = [
            task
            for task in self._live(_LIVE)
            if task.task_spec.bpmn_id is not None
            and not isinstance(task.task_spec, BoundaryEvent | EventStart)
        ]
        return sorted(active, key=lambda task: task.internal_data.get("seq", 0))

    def _properties(self, task: Task) -> Mapping[str, str]:
        element = self._runtime.definition.elements.get(task.task_spec.bpmn_id)
        return {} if element is None else element.properties

    def _listening(self) -> list[Task]:
        return [
            task for task in self._workflow.event_manager.tasks.values() if task._state == TaskState.WAITING
        ]

    def _arm_anew(self, element_id: str, moment: datetime) -> bool:
        for task in self._live(TaskState.COMPLETED):
            for event in _beside(task):
                if event.bpmn_id == element_id and isinstance(event.event_definition, Timer):
                    arm_anew(event, task, moment)
                    return True
        return False

    def _armed(self) -> Iterator[tuple[datetime, Task, str]]:
        for task in self._listening():
            for element_id, due in task.internal_data.get("due", {}).items():
                if due[0] is not None:
                    yield parse_moment(due[0]), task, element_id


def _beside(task: Task) -> list[Any]:
    """The events that may wait below a task, while what they stand beside goes on."""
    if isinstance(task.task_spec, BoundaryEventSplit):
        return task.task_spec.outputs if activity_lives(task) else []
    return [] if is_interrupted(task.workflow) else triggers_of(task.task_spec)


def _timer_of(task: Task, element_id: str) -> Timer:
    return next(
        each for each in _definitions(task) if isinstance(each, Timer) and each.element_id == element_id
    )


def _definitions(task: Task) -> list[Any]:
    definition = task.task_spec.event_definition
    return definition.event_definitions if isinstance(definition, FirstOfEvents) else [definition]

# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportIncompatibleMethodOverride=false
# pyright: reportArgumentType=false, reportAssignmentType=false
# The library is untyped, and what is inferred of it (a bool that is always True, attributes set later) is wrong.
"""How events behave where this engine differs from the library: time is an argument and is fixed when a timer is armed, what a
message carries becomes a variable, a condition is looked at when a variable was written, and an event that does not interrupt
fires again."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn import BpmnEvent
from SpiffWorkflow.bpmn.specs import defaults as bpmn
from SpiffWorkflow.bpmn.specs.control import BoundaryEventJoin
from SpiffWorkflow.bpmn.specs.event_definitions import MultipleEventDefinition, SignalEventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.conditional import ConditionalEventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.message import MessageEventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.timer import TimerEventDefinition
from SpiffWorkflow.specs.base import TaskSpec
from SpiffWorkflow.spiff.specs import defaults as spiff
from SpiffWorkflow.task import Task

from engine import paces
from engine.exceptions import ExpressionFailed
from engine.names import identifier
from engine.runtime import Runtime, runtime_of
from engine.timers import Cycle, TimeRefused, due_from, parse_cycle, parse_moment

if TYPE_CHECKING:
    from engine.elements import Element


class Catching(TaskSpec):
    """A catching event that tells when it is ready (the library's does not)."""

    def _on_ready_hook(self, my_task: Task) -> None:
        my_task.workflow.top_workflow.event_manager.remove_task(my_task)
        TaskSpec._on_ready_hook(self, my_task)


class StartEvent(Catching, bpmn.StartEvent):
    pass


class IntermediateCatchEvent(Catching, bpmn.IntermediateCatchEvent):
    pass


class ReceiveTask(Catching, spiff.ReceiveTask):
    pass


class BoundaryEvent(Catching, bpmn.BoundaryEvent):
    """A non-interrupting one is not joined to its activity: what it started goes on without it."""

    def _predict_hook(self, my_task: Task) -> None:
        state = TaskState.FUTURE if my_task.has_state(TaskState.DEFINITE_MASK) else my_task.state
        outputs = self.outputs
        if not self.cancel_activity:
            outputs = [output for output in outputs if not isinstance(output, BoundaryEventJoin)]
        my_task._sync_children(outputs, state)

    def _on_complete_hook(self, my_task: Task) -> None:
        super()._on_complete_hook(my_task)
        if not self.cancel_activity and activity_lives(my_task.parent):
            arm_again(my_task)


def arm_again(my_task: Task) -> None:
    """Wait beside an event that has happened for its next time, if there can be one: a timer's next moment, another message,
    a condition that becomes true once more."""
    # The library keeps a cycle's event waiting and hangs what it started below it, where finishing the activity
    # would drop it; other events it never hears twice. Here every firing is an event of its own, and the next one
    # waits beside it.
    definition = my_task.task_spec.event_definition
    following = definition.following(my_task) if isinstance(definition, Timer) else None
    if isinstance(definition, Timer) and following is None:
        return
    again = wait_beside(my_task.task_spec, my_task.parent)
    if following is not None:
        definition.arm(again, following)
    if isinstance(definition, Condition):
        definition.hold(again)


def arm_anew(spec: Any, parent: Task, due_at: datetime) -> None:
    """Let a timer wait once more, for this moment, beside what goes on."""
    again = wait_beside(spec, parent)
    again.internal_data["due"] = {spec.event_definition.element_id: [due_at.isoformat(), None, None]}


def wait_beside(spec: Any, parent: Task) -> Task:
    """One more event of this spec that waits below a task."""
    again = parent._add_child(spec, TaskState.WAITING)
    again.triggered = True
    spec._predict(again, mask=TaskState.NOT_FINISHED_MASK)
    runtime_of(again).entered(again)
    again.workflow.top_workflow.event_manager.add_task(again)
    return again


def activity_lives(split: Task) -> bool:
    """Whether what these boundary events stand beside still goes on."""
    return any(
        not isinstance(task.task_spec, BoundaryEvent) and not task.has_state(TaskState.FINISHED_MASK)
        for task in split.children
    )


class EventBasedGateway(Catching, bpmn.EventBasedGateway):
    """Waits for the first of its events; they are told apart by their place, not by their names."""

    def connect(self, child: Any) -> None:
        definition = child.event_definition
        super().connect(child)
        self.event_definition.element_ids.append(child.bpmn_id)
        if isinstance(definition, Timer | Message | Condition):
            definition.element_id = child.bpmn_id

    def _run_hook(self, my_task: Task) -> bool:
        place = my_task.internal_data.pop("seen")
        self.event_definition.event_definitions[place].update_task_data(my_task)
        my_task._sync_children([self.outputs[place]], TaskState.FUTURE)
        for child in my_task.children:
            child.task_spec._predict(child, mask=TaskState.FUTURE | TaskState.PREDICTED_MASK)
        return True


class FirstOfEvents(MultipleEventDefinition):
    """The events behind an event-based gateway."""

    def __init__(self) -> None:
        super().__init__([], False)
        self.element_ids: list[str] = []

    def has_fired(self, my_task: Task) -> bool:
        if "seen" not in my_task.internal_data:
            for place, definition in enumerate(self.event_definitions):
                if isinstance(definition, Timer | Condition) and definition.has_fired(my_task):
                    my_task.internal_data["seen"] = place
                    break
        return "seen" in my_task.internal_data

    def catches(self, my_task: Task, event: BpmnEvent) -> bool:
        return any(definition.catches(my_task, event) for definition in self.event_definitions)

    def catch(self, my_task: Task, event: BpmnEvent) -> None:
        for place, definition in enumerate(self.event_definitions):
            if definition.catches(my_task, event):
                definition.catch(my_task, event)
                my_task.internal_data["seen"] = place
                return

    def reset(self, my_task: Task) -> None:
        my_task.internal_data.pop("seen", None)


class Timer(TimerEventDefinition):
    """A timer whose moment is fixed when it is armed and moved only by `reschedule`.

    `form` is timeDate, timeDuration or timeCycle. Armed timers are kept in the task's internal data under "due":
    element id → [moment or None, firings left or None, interval or None]. They fire when the runtime says so, or at
    once if their moment has passed when they are armed. One that stands while its task is claimed has no moment; what is left
    of it is under "stands": element id → [pace, seconds].
    """

    def __init__(self, element_id: str, form: str, expression: str) -> None:
        super().__init__(element_id, expression)
        self.element_id = element_id
        self.form = form

    def arm(self, my_task: Task, cycle: Cycle) -> None:
        """Set the next moment of a cycle."""
        due = [cycle.due_at.isoformat(), cycle.left, cycle.interval]
        my_task.internal_data.setdefault("due", {})[self.element_id] = due

    def hold(self, my_task: Task, pace: str) -> bool:
        """Let it stand; whether it ran. One whose moment has come is late, whoever claims now: it fires."""
        runtime = runtime_of(my_task)
        due = my_task.internal_data["due"][self.element_id]
        if due[0] is None or parse_moment(due[0]) <= runtime.now:
            return False
        self._hold(my_task, pace)
        return True

    def let_go_on(self, my_task: Task) -> bool:
        """Arm it with what was left; whether it stood."""
        held = my_task.internal_data.get("stands", {}).pop(self.element_id, None)
        if held is None:
            return False
        if not my_task.internal_data["stands"]:
            del my_task.internal_data["stands"]
        runtime = runtime_of(my_task)
        pace, seconds = held
        moment = paces.moment_after(pace, seconds, runtime.evaluator, runtime.now)
        my_task.internal_data["due"][self.element_id][0] = parse_moment(moment).isoformat()
        return True

    def is_held(self, my_task: Task) -> bool:
        """Whether it stands because its task is claimed."""
        return self.element_id in my_task.internal_data.get("stands", ())

    def move(self, my_task: Task, moment: datetime | None) -> None:
        """Another moment, or none; one that stands goes on standing, with as much left as there is until then."""
        due = my_task.internal_data["due"][self.element_id]
        due[0] = moment and moment.isoformat()
        if self.is_held(my_task):
            pace, _ = my_task.internal_data["stands"].pop(self.element_id)
            if moment is not None:
                self._hold(my_task, pace)

    def _hold(self, my_task: Task, pace: str) -> None:
        runtime = runtime_of(my_task)
        due = my_task.internal_data["due"][self.element_id]
        left = paces.seconds_until(pace, parse_moment(due[0]), runtime.evaluator, runtime.now)
        my_task.internal_data.setdefault("stands", {})[self.element_id] = [pace, left]
        due[0] = None

    def following(self, my_task: Task) -> Cycle | None:
        """What is left of the cycle after this firing; None if it is no cycle."""
        moment, left, interval = my_task.internal_data["due"][self.element_id]
        if interval is None or moment is None:
            return None
        return Cycle(left, parse_moment(moment), interval).following(runtime_of(my_task).now)

    def has_fired(self, my_task: Task) -> bool:
        runtime = runtime_of(my_task)
        dues = my_task.internal_data.setdefault("due", {})
        until = runtime.fire_until
        if self.element_id not in dues:
            self._arm_first(my_task, runtime)
            until = runtime.now
        moment = dues[self.element_id][0]
        if moment is not None and until is not None and parse_moment(moment) <= until:
            if not my_task.internal_data.get("event_fired"):
                runtime.happened("timer_fired", my_task, self.element_id)
            my_task.internal_data["event_fired"] = True
        return my_task.internal_data.get("event_fired", False)

    def _arm_first(self, my_task: Task, runtime: Runtime) -> None:
        value = runtime.evaluate(my_task, self.expression)
        dues = my_task.internal_data["due"]
        try:
            if self.form == "timeCycle":
                cycle = parse_cycle(value, runtime.now)
                dues[self.element_id] = [None, None, None]
                if cycle is not None:
                    self.arm(my_task, cycle)
            else:
                due_at = due_from(value, runtime.now)
                dues[self.element_id] = [due_at and due_at.isoformat(), None, None]
        except TimeRefused as refused:
            raise ExpressionFailed(str(refused), self.element_id) from refused
        element = runtime.definition.elements[self.element_id]
        pace = element.properties.get(paces.PROPERTY)
        if pace and dues[self.element_id][0] is not None and _begins_claimed(my_task, element, runtime):
            self._hold(my_task, pace)

    def catches(self, my_task: Task, event: BpmnEvent) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__


def _begins_claimed(my_task: Task, event: Element, runtime: Runtime) -> bool:
    host = runtime.definition.elements.get(event.attached_to or "")
    words = [host.properties.get(name) for name in ("assignee", "claimFor")] if host else []
    return any(runtime.evaluate(my_task, word) is not None for word in words if word)


class Message(MessageEventDefinition):
    """A message: what it carries becomes a variable, named by the diagram or else like the element that caught it."""

    def __init__(self, name: str, element_id: str, variable: str | None, payload: str | None) -> None:
        super().__init__(name)
        self.element_id = element_id
        self.variable = variable or identifier(element_id)
        self.payload = payload

    def catches(self, my_task: Task, event: BpmnEvent) -> bool:
        return isinstance(event.event_definition, Message) and event.event_definition.name == self.name

    def catch(self, my_task: Task, event: BpmnEvent | None = None) -> None:
        my_task.internal_data["payload"] = {} if event is None else event.payload
        my_task.internal_data["event_fired"] = True
        runtime_of(my_task).happened("message_caught", my_task, self.element_id)

    def update_task_data(self, my_task: Task) -> None:
        runtime_of(my_task).write(my_task, self.variable, my_task.internal_data.pop("payload", {}))

    def throw(self, my_task: Task) -> None:
        payload = runtime_of(my_task).evaluate(my_task, self.payload) if self.payload else {}
        my_task.workflow.top_workflow.catch(BpmnEvent(self, payload=payload))


class Signal(SignalEventDefinition):
    """A signal within the instance; it carries nothing."""

    def catch(self, my_task: Task, event: BpmnEvent | None = None) -> None:
        super().catch(my_task, event)
        runtime_of(my_task).happened("event_caught", my_task, my_task.task_spec.bpmn_id)

    def throw(self, my_task: Task) -> None:
        my_task.workflow.top_workflow.catch(BpmnEvent(self))

    def update_task_data(self, my_task: Task) -> None:
        """Nothing to take over."""


class Condition(ConditionalEventDefinition):
    """A condition over the variables. It happens when it becomes true; one that is true already when it is armed happens at
    once, one that is armed again waits until it has been false.

    It is looked at when it is armed and whenever a variable was written (`Runtime.is_looking`). Kept in the task's internal
    data under "held": element id → whether it was true when last looked at.
    """

    def __init__(self, element_id: str, expression: str) -> None:
        super().__init__(expression, name=element_id)
        self.element_id = element_id

    def hold(self, my_task: Task) -> None:
        """Arm it while it is true."""
        my_task.internal_data["held"] = {self.element_id: True}

    def has_fired(self, my_task: Task) -> bool:
        runtime = runtime_of(my_task)
        held = my_task.internal_data.setdefault("held", {})
        if self.element_id in held and not runtime.is_looking:
            return False
        holds = bool(runtime.evaluate(my_task, self.expression))
        happens = holds and not held.get(self.element_id)
        held[self.element_id] = holds
        if happens:
            runtime.happened("event_caught", my_task, self.element_id)
        return happens

    def catches(self, my_task: Task, event: BpmnEvent) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__

# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportIncompatibleMethodOverride=false
# pyright: reportArgumentType=false, reportAssignmentType=false
# The library is untyped, and what is inferred of it (a bool that is always True, attributes set later) is wrong.
"""How elements behave where this engine differs from the library: time is an argument, services are called by the caller,
variables are assigned and never merged, events reach the activity that they belong to."""

from __future__ import annotations

from typing import Any

from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn import BpmnEvent
from SpiffWorkflow.bpmn.specs import defaults as bpmn
from SpiffWorkflow.bpmn.specs.bpmn_task_spec import BpmnTaskSpec
from SpiffWorkflow.bpmn.specs.control import BoundaryEventJoin, BoundaryEventSplit
from SpiffWorkflow.bpmn.specs.event_definitions import (
    ErrorEventDefinition,
    EscalationEventDefinition,
    MultipleEventDefinition,
    SignalEventDefinition,
)
from SpiffWorkflow.bpmn.specs.event_definitions.item_aware_event import CodeEventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.message import MessageEventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.timer import TimerEventDefinition
from SpiffWorkflow.specs.base import TaskSpec
from SpiffWorkflow.spiff.specs import SpiffBpmnTask
from SpiffWorkflow.spiff.specs import defaults as spiff
from SpiffWorkflow.task import Task

from engine.decisions import Decision
from engine.exceptions import EngineFailure, ExpressionFailed
from engine.runtime import Runtime
from engine.timers import Cycle, TimeRefused, due_from, parse_cycle, parse_moment

MAX_INSTANCES = 500
"""Instances of one multi-instance activity at a time."""


def runtime_of(task: Task) -> Runtime:
    """The runtime of the execution that a task belongs to."""
    return task.workflow.top_workflow.script_engine


# Events


class _Catching(TaskSpec):
    """A catching event that tells when it is ready (the library's does not)."""

    def _on_ready_hook(self, my_task: Task) -> None:
        my_task.workflow.top_workflow.event_manager.remove_task(my_task)
        TaskSpec._on_ready_hook(self, my_task)


class StartEvent(_Catching, bpmn.StartEvent):
    pass


class IntermediateCatchEvent(_Catching, bpmn.IntermediateCatchEvent):
    pass


class ReceiveTask(_Catching, spiff.ReceiveTask):
    pass


class BoundaryEvent(_Catching, bpmn.BoundaryEvent):
    """A non-interrupting one is not joined to its activity: what it started goes on without it."""

    def _predict_hook(self, my_task: Task) -> None:
        state = TaskState.FUTURE if my_task.has_state(TaskState.DEFINITE_MASK) else my_task.state
        outputs = self.outputs
        if not self.cancel_activity:
            outputs = [output for output in outputs if not isinstance(output, BoundaryEventJoin)]
        my_task._sync_children(outputs, state)

    def _on_complete_hook(self, my_task: Task) -> None:
        super()._on_complete_hook(my_task)
        if not self.cancel_activity and _activity_lives(my_task.parent):
            self._arm_again(my_task)

    def _arm_again(self, my_task: Task) -> None:
        # The library keeps a cycle's event waiting and hangs what it started below it, where finishing the activity
        # would drop it; other events it never hears twice. Here every firing is an event of its own, and the next one
        # waits beside it.
        definition = self.event_definition
        following = definition.following(my_task) if isinstance(definition, Timer) else None
        if isinstance(definition, Timer) and following is None:
            return
        again = my_task.parent._add_child(self, TaskState.WAITING)
        again.triggered = True
        self._predict(again, mask=TaskState.NOT_FINISHED_MASK)
        if following is not None:
            definition.arm(again, following)
        runtime_of(my_task).entered(again)
        my_task.workflow.top_workflow.event_manager.add_task(again)


def _activity_lives(split: Task) -> bool:
    return any(
        not isinstance(task.task_spec, BoundaryEvent) and not task.has_state(TaskState.FINISHED_MASK)
        for task in split.children
    )


class EventBasedGateway(_Catching, bpmn.EventBasedGateway):
    """Waits for the first of its events; they are told apart by their place, not by their names."""

    def connect(self, child: Any) -> None:
        definition = child.event_definition
        super().connect(child)
        self.event_definition.element_ids.append(child.bpmn_id)
        if isinstance(definition, Timer | Message):
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
                if isinstance(definition, Timer) and definition.has_fired(my_task):
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
    once if their moment has passed when they are armed.
    """

    def __init__(self, element_id: str, form: str, expression: str) -> None:
        super().__init__(element_id, expression)
        self.element_id = element_id
        self.form = form

    def arm(self, my_task: Task, cycle: Cycle) -> None:
        """Set the next moment of a cycle."""
        due = [cycle.due_at.isoformat(), cycle.left, cycle.interval]
        my_task.internal_data.setdefault("due", {})[self.element_id] = due

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

    def catches(self, my_task: Task, event: BpmnEvent) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__


class Message(MessageEventDefinition):
    """A message: what it carries becomes a variable, named by the diagram or else like the element that caught it."""

    def __init__(self, name: str, element_id: str, variable: str | None, payload: str | None) -> None:
        super().__init__(name)
        self.element_id = element_id
        self.variable = variable or element_id
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

    def throw(self, my_task: Task) -> None:
        my_task.workflow.top_workflow.catch(BpmnEvent(self))

    def update_task_data(self, my_task: Task) -> None:
        """Nothing to take over."""


def _throw_outward(definition: CodeEventDefinition, my_task: Task) -> None:
    # To the nearest enclosing activity that catches it; the library asks every waiting event of the instance.
    top, workflow = my_task.workflow.top_workflow, my_task.workflow
    while workflow.parent_task_id is not None:
        host = top.get_task_from_id(workflow.parent_task_id)
        if "index" in host.internal_data:
            host = host.parent
        catching = [task for task in _attached(host) if _catches_code(task, definition)]
        if catching:
            catching.sort(key=lambda task: task.task_spec.event_definition.code is None)
            catching[0].internal_data["event_fired"] = True
            catching[0].task_spec._update(catching[0])
            return
        workflow = host.workflow


def _attached(host: Task) -> list[Task]:
    if not isinstance(host.parent.task_spec, BoundaryEventSplit):
        return []
    return [task for task in host.parent.children if task.has_state(TaskState.WAITING)]


def _catches_code(task: Task, thrown: CodeEventDefinition) -> bool:
    definition = getattr(task.task_spec, "event_definition", None)
    return type(definition) is type(thrown) and definition.code in (None, thrown.code)


class Error(ErrorEventDefinition):
    def throw(self, my_task: Task) -> None:
        _throw_outward(self, my_task)


class Escalation(EscalationEventDefinition):
    def throw(self, my_task: Task) -> None:
        _throw_outward(self, my_task)


# Activities


class PlainTask(spiff.NoneTask):
    """A task of no kind has nobody to wait for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.manual = False


class ServiceTask(spiff.ServiceTask):
    """Works out its parameters and waits: the caller calls the operator and resolves the task."""

    def _run_hook(self, my_task: Task) -> None:
        runtime = runtime_of(my_task)
        scope = runtime.scope(my_task)
        my_task.internal_data["call"] = {
            name: runtime.evaluate_in(scope, parameter["value"], self.bpmn_id)
            for name, parameter in self.operation_params.items()
        }


class BusinessRuleTask(SpiffBpmnTask):
    """Decides by a table. The outputs become variables by their names, or one variable if `resultVariable` says so."""

    def __init__(self, wf_spec: Any, name: str, decision: Decision, **kwargs: Any) -> None:
        super().__init__(wf_spec, name, **kwargs)
        self.decision = decision

    def _run_hook(self, my_task: Task) -> bool:
        runtime = runtime_of(my_task)
        try:
            outputs = self.decision.decide(runtime.scope(my_task), runtime.evaluator, runtime.now)
        except ExpressionFailed as failure:
            raise ExpressionFailed(str(failure), self.bpmn_id) from failure
        variable = runtime.definition.elements[self.bpmn_id].result_variable
        for name, value in ({variable: outputs} if variable else outputs).items():
            runtime.write(my_task, name, value)
        return True


class _Hosting(TaskSpec):
    """An activity with a workflow inside, which shares its variables."""

    def copy_data(self, my_task: Task, subworkflow: Any) -> None:
        """Variables are the instance's: nothing to copy."""

    def update_data(self, my_task: Task, subworkflow: Any) -> None:
        """Variables are the instance's: nothing to copy back."""

    def _on_subworkflow_completed(self, subworkflow: Any, my_task: Task) -> None:
        if not my_task.has_state(TaskState.FINISHED_MASK):
            my_task._set_state(TaskState.READY)
            runtime_of(my_task).ready(my_task)

    def _on_cancel(self, my_task: Task) -> None:
        super()._on_cancel(my_task)
        TaskSpec._on_cancel(self, my_task)


class SubWorkflowTask(_Hosting, spiff.SubWorkflowTask):
    pass


class CallActivity(_Hosting, spiff.CallActivity):
    pass


# Activities that repeat


class _MultiInstance(SpiffBpmnTask):
    """Both kinds of multi-instance: internal data "items" (still to start), "done" (count), "outputs" ([index, value])."""

    spawns_instances = True

    def _update_hook(self, my_task: Task) -> bool:
        BpmnTaskSpec._update_hook(self, my_task)
        items = self._items(my_task)
        data = my_task.internal_data
        data["items"], data["total"], data["done"], data["outputs"] = items, len(items), 0, []
        self._publish(my_task)
        if not items:
            return True
        # Before the instances start: an instance that is over at once must find it waiting.
        my_task._set_state(TaskState.STARTED)
        self._start_next(my_task)
        return False

    def _items(self, my_task: Task) -> list[Any]:
        runtime = runtime_of(my_task)
        if self.data_input is not None:
            items = runtime.evaluate(my_task, self.data_input.bpmn_id) or []
        else:
            count = runtime.evaluate(my_task, self.cardinality)
            items = list(range(count)) if isinstance(count, int) and 0 <= count <= MAX_INSTANCES else count
        if not isinstance(items, list) or len(items) > MAX_INSTANCES:
            raise EngineFailure(f"多实例的列表须是不超过 {MAX_INSTANCES} 项的列表", self.bpmn_id)
        return list(items)

    def _start(self, my_task: Task, index: int, item: Any) -> None:
        child = my_task._add_child(my_task.workflow.spec.task_specs[self.task_spec], TaskState.WAITING)
        child.triggered = True
        child.internal_data["index"] = index
        if self.input_item is not None:
            runtime_of(my_task).write(child, self.input_item.bpmn_name or self.input_item.bpmn_id, item)
        child.task_spec._update(child)

    def merge_child(self, workflow: Any, child: Task) -> None:
        my_task = child.parent
        data = my_task.internal_data
        data["done"] += 1
        self._collect(my_task, child)
        if self._is_enough(my_task, child):
            for other in my_task.children:
                if other.task_spec.name == self.task_spec and not other.has_state(TaskState.FINISHED_MASK):
                    other.cancel()
            data["items"] = []
        elif data["done"] < data["total"]:
            self._start_next(my_task)
            return
        my_task._set_state(TaskState.READY)
        runtime_of(my_task).ready(my_task)

    def _collect(self, my_task: Task, child: Task) -> None:
        if self.data_output is None:
            return
        item = self.output_item
        name = self.bpmn_id if item is None else item.bpmn_name or item.bpmn_id
        value = runtime_of(my_task).evaluate(child, name)
        my_task.internal_data["outputs"].append([child.internal_data["index"], value])
        self._publish(my_task)

    def _publish(self, my_task: Task) -> None:
        if self.data_output is not None:
            outputs = sorted(my_task.internal_data["outputs"], key=lambda output: output[0])
            runtime_of(my_task).write(my_task, self.data_output.bpmn_id, [value for _, value in outputs])

    def _is_enough(self, my_task: Task, child: Task) -> bool:
        if self.condition is None:
            return False
        done, total = my_task.internal_data["done"], my_task.internal_data["total"]
        counts = {"nrOfInstances": total, "nrOfCompletedInstances": done, "nrOfActiveInstances": total - done}
        runtime = runtime_of(my_task)
        return bool(runtime.evaluate_in({**runtime.scope(child), **counts}, self.condition, self.bpmn_id))

    def _start_next(self, my_task: Task) -> None:
        raise NotImplementedError


class ParallelMultiInstance(_MultiInstance, spiff.ParallelMultiInstanceTask):
    def _start_next(self, my_task: Task) -> None:
        items, my_task.internal_data["items"] = my_task.internal_data["items"], []
        for index, item in enumerate(items):
            self._start(my_task, index, item)


class SequentialMultiInstance(_MultiInstance, spiff.SequentialMultiInstanceTask):
    def _start_next(self, my_task: Task) -> None:
        data = my_task.internal_data
        index = data["total"] - len(data["items"])
        item = data["items"].pop(0)
        self._start(my_task, index, item)


class StandardLoop(spiff.StandardLoopTask):
    """A loop with a condition; nothing of the body is local to a round."""

    def merge_child(self, workflow: Any, child: Task) -> None:
        super().merge_child(workflow, child)
        my_task = child.parent
        if my_task.has_state(TaskState.READY):
            runtime_of(my_task).ready(my_task)

# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportIncompatibleMethodOverride=false
# pyright: reportArgumentType=false, reportAssignmentType=false
# The library is untyped, and what is inferred of it (a bool that is always True, attributes set later) is wrong.
"""How activities behave where this engine differs from the library: services are called by the caller, variables are assigned
and never merged, the instances of a multi-instance activity have variables of their own."""

from __future__ import annotations

from typing import Any

from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn.specs.bpmn_task_spec import BpmnTaskSpec
from SpiffWorkflow.specs.base import TaskSpec
from SpiffWorkflow.spiff.specs import SpiffBpmnTask
from SpiffWorkflow.spiff.specs import defaults as spiff
from SpiffWorkflow.task import Task

from engine.decisions import Decision
from engine.exceptions import EngineFailure, ExpressionFailed
from engine.names import as_read, identifier
from engine.runtime import runtime_of

MAX_INSTANCES = 500
"""Instances of one multi-instance activity at a time."""


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

    def start_workflow(self, my_task: Task) -> None:
        # The library looks for a task called `Start`, which may be an element of the diagram.
        subworkflow = my_task.workflow.top_workflow.create_subprocess(my_task, self.spec)
        subworkflow.completed_event.connect(self._on_subworkflow_completed, my_task)
        subworkflow.task_tree.run()

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


class EventSubProcess(_Hosting, spiff.EventSubprocess):
    pass


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
            items = runtime.evaluate(my_task, as_read(self.data_input.bpmn_id)) or []
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
            runtime_of(my_task).write(
                child, identifier(self.input_item.bpmn_name or self.input_item.bpmn_id), item
            )
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
        name = identifier(self.bpmn_id) if item is None else as_read(item.bpmn_name or item.bpmn_id)
        value = runtime_of(my_task).evaluate(child, name)
        my_task.internal_data["outputs"].append([child.internal_data["index"], value])
        self._publish(my_task)

    def _publish(self, my_task: Task) -> None:
        if self.data_output is not None:
            outputs = sorted(my_task.internal_data["outputs"], key=lambda output: output[0])
            runtime_of(my_task).write(
                my_task, as_read(self.data_output.bpmn_id), [value for _, value in outputs]
            )

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

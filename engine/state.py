# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportIncompatibleMethodOverride=false
# pyright: reportArgumentType=false, reportAssignmentType=false
# The library is untyped, and what is inferred of it (a bool that is always True, attributes set later) is wrong.
"""The state of a running instance as bytes: what is alive, and nothing of how it came to be.

One version byte, then zstd over JSON: the variables, and for each workflow (the instance, its live subprocesses) rows
`[spec name, parent row, state, id, internal data, own variables]`, trailing zeros cut off. Rows are in the order of
the tree, so nothing depends on the order of keys. Finished tasks are left out and what hangs below them moves up, except
where the library still looks back: at the root, at the events beside a live activity, and at what has arrived at a join
that a token may still reach."""

from __future__ import annotations

import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import orjson
import zstandard
from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn.specs.control import BoundaryEventSplit
from SpiffWorkflow.bpmn.specs.mixins.events.event_types import CatchingEvent
from SpiffWorkflow.bpmn.specs.mixins.events.intermediate_event import BoundaryEvent
from SpiffWorkflow.task import Task

from engine.exceptions import EngineFailure
from engine.runtime import InstanceSubWorkflow, InstanceWorkflow, LiveTask, Outcome, Runtime
from engine.specs import ParsedDefinition, is_join
from engine.values import tagged, untagged

VERSION = 1
MAX_STATE = 4_000_000
"""The largest state that is read, in bytes before compression."""

_FINISHED = TaskState.COMPLETED
_TRIGGERED = 1024
"""Added to the state of a task that no sequence flow predicts."""


def dump_state(workflow: InstanceWorkflow, runtime: Runtime) -> bytes:
    """The live part of an instance; the workflow itself is not changed."""
    workflows: list[list[Any]] = []
    places: dict[UUID, list[int]] = {}
    for each in _live_workflows(workflow):
        host = places[each.parent_task_id] if each.parent_task_id is not None else None
        rows = _rows(each, runtime.definition, len(workflows), places)
        workflows.append([host, each.completed, rows])
    outcome = runtime.outcome
    content = [
        runtime.sequence,
        None if outcome is None else [outcome.element_id, outcome.status, outcome.phase],
        tagged(workflow.data),
        workflows,
    ]
    return bytes((VERSION,)) + _compressor().compress(orjson.dumps(content))


def load_state(data: bytes, definition: ParsedDefinition, runtime: Runtime) -> InstanceWorkflow:
    """The instance that `dump_state` wrote; fills the runtime's sequence and outcome."""
    if not data or data[0] != VERSION:
        raise EngineFailure(f"unknown version {data[:1]!r} of an instance's state")
    runtime.sequence, outcome, variables, workflows = orjson.loads(
        _decompressor().decompress(data[1:], max_output_size=MAX_STATE)
    )
    runtime.outcome = None if outcome is None else Outcome(*outcome)
    top = InstanceWorkflow(definition.spec, definition.subprocess_specs, runtime)
    top.data = untagged(variables)
    waiting: list[Task] = []
    runtime.queue.clear()
    restored: list[list[Task]] = []
    for host, completed, rows in workflows:
        workflow = top if host is None else _hosted(top, restored[host[0]][host[1]])
        workflow.completed = completed
        tasks = _tasks(workflow, rows)
        workflow.task_tree = tasks[0]
        restored.append(tasks)
        runtime.queue.extend(
            task for task in tasks if task._state == TaskState.READY and not task.task_spec.manual
        )
        waiting += [
            task
            for task in tasks
            if task._state == TaskState.WAITING and isinstance(task.task_spec, CatchingEvent)
        ]
    for task in sorted(waiting, key=lambda task: task.internal_data.get("seq", 0)):
        top.event_manager.add_task(task)
    return top


def drop_finished_workflows(workflow: InstanceWorkflow) -> None:
    """Forget the subprocesses that nothing hosts any more."""
    for host_id, subprocess in list(workflow.subprocesses.items()):
        if not _is_hosted(workflow, subprocess):
            del workflow.subprocesses[host_id]


def _is_hosted(top: InstanceWorkflow, subprocess: InstanceSubWorkflow) -> bool:
    for each in (top, *top.subprocesses.values()):
        host = each.tasks.get(subprocess.parent_task_id)
        if host is not None:
            return host._state < _FINISHED
    return False


def _live_workflows(top: InstanceWorkflow) -> Iterator[Any]:
    yield top
    drop_finished_workflows(top)
    yield from sorted(top.subprocesses.values(), key=lambda each: each.depth)


def _rows(
    workflow: Any, definition: ParsedDefinition, index: int, places: dict[UUID, list[int]]
) -> list[list[Any]]:
    order = _in_tree_order(workflow)
    kept = _kept(workflow, order, definition)
    hosts = workflow.top_workflow.subprocesses
    row_of: dict[UUID, int] = {}
    rows: list[list[Any]] = []
    for task in order:
        parent = -1 if task._parent is None else row_of[task._parent]
        if task.id not in kept:
            row_of[task.id] = parent
            continue
        row_of[task.id] = len(rows)
        if task.id in hosts:
            places[task.id] = [index, len(rows)]
        rows.append(_row(task, parent))
    return rows


def _row(task: Task, parent: int) -> list[Any]:
    state = task._state + (_TRIGGERED if task.triggered else 0)
    internal = task.internal_data
    # Only what people and operators hold on to needs to keep its name.
    is_known = (task._state == TaskState.READY and task.task_spec.manual) or "call" in internal
    row = [
        task.task_spec.name,
        parent,
        state,
        b64encode(task.id.bytes).decode() if is_known else 0,
        tagged(internal) if internal and task._state < _FINISHED else 0,
        tagged(task.data) if task.data else 0,
    ]
    while not row[-1]:
        row.pop()
    return row


def _in_tree_order(workflow: Any) -> list[Task]:
    tasks = workflow.tasks
    order: list[Task] = []
    ahead: list[Task] = [workflow.task_tree]
    while ahead:
        task = ahead.pop()
        order.append(task)
        ahead.extend(tasks[child] for child in reversed(task._children))
    return order


def _kept(workflow: Any, order: list[Task], definition: ParsedDefinition) -> set[UUID]:
    kept = {task.id for task in order if task._state < _FINISHED}
    reached: set[str] = set()
    if definition.joins_ahead:
        for task in order:
            if TaskState.FUTURE <= task._state < _FINISHED:
                reached |= definition.joins_ahead.get((workflow.spec.name, task.task_spec.name), frozenset())
    for task in order:
        name = task.task_spec.name
        if reached and is_join(task.task_spec) and (name in reached or task._state < _FINISHED):
            kept.update((task.id, task._parent or task.id))
    needed = set(kept)
    for task in reversed(order):
        if task.id in needed and task._parent is not None:
            needed.add(task._parent)
    for task in order:
        if isinstance(task.task_spec, BoundaryEventSplit) and task._state >= _FINISHED:
            events = [child for child in task.children if isinstance(child.task_spec, BoundaryEvent)]
            if any(child._state < _FINISHED for child in task.children if child not in events):
                kept.add(task.id)
                kept.update(child.id for child in events if child.id in needed)
    kept.add(order[0].id)
    return kept


def _hosted(top: InstanceWorkflow, host: Task) -> InstanceSubWorkflow:
    subprocess = InstanceSubWorkflow(top.subprocess_specs[host.task_spec.spec], host.id, top)
    subprocess.completed_event.connect(host.task_spec._on_subworkflow_completed, host)
    top.subprocesses[host.id] = subprocess
    return subprocess


def _tasks(workflow: Any, rows: list[list[Any]]) -> list[Task]:
    specs: Mapping[str, Any] = workflow.spec.task_specs
    tasks: list[Task] = []
    for row in rows:
        name, parent, state, known, internal, own = (*row, 0, 0, 0)[:6]
        spec = specs.get(name)
        if spec is None:
            raise EngineFailure(f"the definition has no element {name!r} any more", name)
        task_id = UUID(bytes=b64decode(known)) if known else None
        task = LiveTask(
            workflow, spec, tasks[parent] if parent >= 0 else None, state & (_TRIGGERED - 1), task_id
        )
        task.triggered = state >= _TRIGGERED
        if internal:
            task.internal_data = untagged(internal)
        if own:
            task.data = untagged(own)
        tasks.append(task)
    return tasks


# Contexts of zstd may not be used by two threads at once.
_local = threading.local()


def _compressor() -> zstandard.ZstdCompressor:
    if not hasattr(_local, "compressor"):
        _local.compressor = zstandard.ZstdCompressor(level=6, write_checksum=True)
    return _local.compressor


def _decompressor() -> zstandard.ZstdDecompressor:
    if not hasattr(_local, "decompressor"):
        _local.decompressor = zstandard.ZstdDecompressor()
    return _local.decompressor

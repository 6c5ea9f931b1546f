"""Random walks over a diagram, twice at once: through this engine's compact state, dumped and loaded at every step, and through
the library's own serializer, which keeps the whole tree. Both must see the same at every step. `walk` is what the long
runs repeat with more seeds."""

from __future__ import annotations

import random
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
from SpiffWorkflow.bpmn.serializer.default.workflow import (
    BpmnSubWorkflowConverter,
    BpmnWorkflowConverter,
    TaskConverter,
)
from SpiffWorkflow.bpmn.specs.mixins.events.event_types import CatchingEvent
from SpiffWorkflow.spiff.serializer import DEFAULT_CONFIG
from SpiffWorkflow.task import TaskState

from engine.execution import Execution
from engine.expressions import Evaluator
from engine.grammar import parse_expression
from engine.nodes import Literal, Node, children
from engine.runtime import InstanceSubWorkflow, InstanceWorkflow, LiveTask, Outcome, Runtime
from engine.specs import ParsedDefinition, expressions_of, parse_definition, parse_xml

START = datetime(2026, 12, 20, 9, tzinfo=UTC)
PEOPLE = ["anna", "boris", "chen"]
VARIABLES: dict[str, Any] = {
    "voters": PEOPLE,
    "places": ["苏州", "无锡"],
    "boss": "anna",
    "limit": START + timedelta(days=12),
    "registration": {
        "id": "1",
        "route": "web",
        "office": "2301",
        "applicant": "anna",
        "uscc_taken": False,
    },
    "issue": {
        "id": "1",
        "office": "2301",
        "submitter": "anna",
        "executive": "boris",
        "raised_by_executive": False,
        "importance": "一般",
        "round": 1,
        "evaluators": ["anna", "boris"],
        "handler": "chen",
    },
    "deadline": {"due_at": START + timedelta(days=6), "remind_at": START + timedelta(days=5)},
}


def functions() -> dict[str, Any]:
    """Stand-ins for the functions that diagrams call."""
    return {
        "working_days": lambda now, days, start=None: (start or now) + timedelta(days=days),
        "working_time_until": lambda now, moment: (moment - now).total_seconds() / 3,
        "working_time_after": lambda now, seconds: now + timedelta(seconds=seconds * 3),
    }


class _SharedSpecs(BpmnWorkflowConverter):
    """The library's converter, but for the specs: those are shared, as in this engine."""

    specs: tuple[Any, Any, Runtime]

    def to_dict(self, workflow: Any) -> dict[str, Any]:
        spec, workflow.spec = workflow.spec, None
        subprocess_specs, workflow.subprocess_specs = workflow.subprocess_specs, {}
        try:
            return super().to_dict(workflow)
        finally:
            workflow.spec, workflow.subprocess_specs = spec, subprocess_specs

    def from_dict(self, dct: dict[str, Any]) -> Any:
        spec, subprocess_specs, runtime = self.specs
        self.target_class = lambda *_, **kw: InstanceWorkflow(spec, subprocess_specs, runtime, **kw)  # type: ignore[assignment]  # the converter calls whatever stands here
        return super().from_dict(dct)


class StockTwin:
    """The same execution, kept by the library's serializer."""

    def __init__(self, definition: ParsedDefinition, execution: Execution, evaluator: Evaluator) -> None:
        self.definition, self.evaluator = definition, evaluator
        config = {
            **DEFAULT_CONFIG,
            InstanceWorkflow: _SharedSpecs,
            InstanceSubWorkflow: BpmnSubWorkflowConverter,
            LiveTask: TaskConverter,
        }
        self.registry = BpmnWorkflowSerializer.configure(config)
        self.serializer = BpmnWorkflowSerializer(self.registry)
        self.save(execution)

    def save(self, execution: Execution) -> None:
        _name_tasks(execution._workflow)
        self.text = self.serializer.serialize_json(execution._workflow)
        self.sequence, self.outcome = execution._runtime.sequence, execution._runtime.outcome

    def load(self, now: datetime) -> Execution:
        runtime = Runtime(self.definition, self.evaluator, now)
        runtime.sequence = self.sequence
        runtime.outcome = None if self.outcome is None else Outcome(*_fields(self.outcome))
        _SharedSpecs.specs = (self.definition.spec, self.definition.subprocess_specs, runtime)
        workflow: Any = self.serializer.deserialize_json(self.text)
        _register_events(workflow)
        return Execution(workflow, runtime)


def _name_tasks(top: Any) -> None:
    """The library writes ids as UUIDs; tasks that nobody outside speaks of have numbers."""

    def named(id_: Any) -> Any:
        return UUID(int=id_) if isinstance(id_, int) else id_

    for workflow in (top, *top.subprocesses.values()):
        for task in workflow.tasks.values():
            task.id, task._parent = named(task.id), named(task._parent)
            task._children = [named(child) for child in task._children]
        workflow.tasks = {task.id: task for task in workflow.tasks.values()}
        if workflow is not top:
            workflow.parent_task_id = named(workflow.parent_task_id)
    top.subprocesses = {workflow.parent_task_id: workflow for workflow in top.subprocesses.values()}
    manager = top.event_manager
    manager.tasks = {task.id: task for task in manager.tasks.values()}


def _fields(outcome: Outcome) -> tuple[str, str | None, str | None]:
    return outcome.element_id, outcome.status, outcome.phase


def _register_events(workflow: Any) -> None:
    # The library hears again in the order of its tree; what this engine promises is the order of entering.
    manager = workflow.event_manager
    manager.tasks.clear()
    waiting = [
        task
        for each in (workflow, *workflow.subprocesses.values())
        for task in each.tasks.values()
        if task.state == TaskState.WAITING and isinstance(task.task_spec, CatchingEvent)
    ]
    for task in sorted(waiting, key=lambda task: task.internal_data.get("seq", 0)):
        manager.add_task(task)


def view(execution: Execution) -> dict[str, Any]:
    """What both must agree on."""
    return {
        "ready": [
            (task.element_id, task.index, task.entered, task.assignee) for task in execution.ready_tasks()
        ],
        "active": execution.active_elements(),
        "timers": Counter((element, moment) for moment, _, element in execution._armed()),
        "stands": sorted(
            (element, *left)
            for task in execution._listening()
            for element, left in task.internal_data.get("stands", {}).items()
        ),
        "messages": sorted(execution.waiting_messages()),
        "variables": execution.variables,
        "ended": execution.is_ended,
        "outcome": execution.outcome,
        "status": execution.status(),
    }


def result(execution: Execution, choice: random.Random) -> dict[str, Any]:
    """What an operator may return: facts and a deadline in one, so that it fits whatever variable takes it."""
    moments = {"due_at": execution.now + timedelta(days=3), "remind_at": execution.now + timedelta(days=2)}
    return {**VARIABLES["issue"], **moments, "office": "2302", "round": choice.randint(1, 3)}


def settle(execution: Execution, choice: random.Random) -> None:
    """Advance, giving every service a result."""
    while calls := execution.advance():
        execution.resolve(calls[0].id, result(execution, choice))


def answers(choice: random.Random, words: list[str]) -> dict[str, Any]:
    """Random answers, long ones among them."""
    return {
        "decision": choice.choice(words),
        "reopen": choice.random() < 0.3,
        "rating": choice.randint(1, 4),
        "more": choice.random() < 0.5,
        "office": choice.choice(["2301", "2302"]),
        "send": True,
        "comment": "问" * choice.randint(0, 500),
    }


def words_of(definition: ParsedDefinition) -> list[str]:
    """The words that the diagram's conditions ask for."""
    found = {"yes", "no"}
    for file, body in definition.files.items():
        if file.endswith(".bpmn"):
            for _, expression in expressions_of(parse_xml(file, body)):
                if "decision" in expression:
                    found |= set(_literals(parse_expression(expression)))
    return sorted(word for word in found if re.fullmatch(r"[a-z_]+", word))


def _literals(node: Node) -> list[str]:
    if isinstance(node, Literal):
        return [node.value] if isinstance(node.value, str) else []
    return [word for child in children(node) for word in _literals(child)]


Action = tuple[str, Any, Any]


def choose(execution: Execution, choice: random.Random, words: list[str]) -> Action | None:
    """What happens next: mostly a task done, now and then a timer fired or moved, or a message."""
    kinds: dict[str, int] = {}
    ready, timers, messages = execution.ready_tasks(), execution.due_timers(), execution.waiting_messages()
    kinds |= {"complete": 60} if ready else {}
    kinds |= {"fire": 20, "reschedule": 8} if timers else {}
    timed = [task for task in ready if task.element_id in execution.definition.timed_while_unclaimed]
    kinds |= {"claim": 30} if timed else {}
    kinds |= {"correlate": 8 * len(messages)} if messages else {}
    if not kinds:
        return None
    kind = choice.choices(list(kinds), list(kinds.values()))[0]
    if kind == "complete":
        return kind, choice.randrange(len(ready)), answers(choice, words)
    if kind == "claim":
        return kind, choice.choice(timed).entered, execution.now + timedelta(hours=choice.randint(0, 12))
    if kind == "fire":
        return kind, max(min(timers.values()), execution.now), None
    if kind == "reschedule":
        element_id = choice.choice(sorted(timers))
        moved = timers[element_id] + timedelta(hours=choice.randint(-30, 30))
        return kind, element_id, None if choice.random() < 0.1 else moved
    return kind, choice.choice(messages), answers(choice, words)


def act(execution: Execution, action: Action, seed: int) -> None:
    """Do it."""
    kind, what, how = action
    choice = random.Random(seed)
    if kind == "complete":
        execution.complete(execution.ready_tasks()[what].id, how, result(execution, choice))
    elif kind == "fire":
        execution.now = what
        assert execution.fire_due_timers()
    elif kind == "reschedule":
        execution.reschedule(what, how)
    elif kind == "claim":
        execution.now = how
    else:
        execution.correlate(what, how)
    settle(execution, choice)


class Claims:
    """Who has a task is not in the state: tasks by the order in which they were entered, which both executions share."""

    def __init__(self) -> None:
        self.seen: set[int] = set()
        self.claimed: set[int] = set()

    def note(self, execution: Execution, action: Action | None) -> None:
        """A task was claimed or given back, or came up in somebody's name."""
        for task in execution.ready_tasks():
            if task.entered not in self.seen and (task.assignee or task.claim_for):
                self.claimed.add(task.entered)
            self.seen.add(task.entered)
        if action is not None and action[0] == "claim":
            self.claimed ^= {action[1]}

    def follow(self, execution: Execution) -> None:
        """Timers follow, as every command lets them."""
        execution.follow_claims({task.id for task in execution.ready_tasks() if task.entered in self.claimed})


def load_diagram(path: Path) -> ParsedDefinition:
    """A diagram with the decision tables, forms and texts beside it."""
    files = {path.name: path.read_bytes()}
    files |= {table.name: table.read_bytes() for table in path.parent.glob("*.dmn")}
    folder = path.parent / path.stem
    files |= {f"{path.stem}/{file.name}": file.read_bytes() for file in folder.glob("*.form")}
    return parse_definition(files)


def walk(definition: ParsedDefinition, seed: int, steps: int = 40) -> int:
    """One random walk; raises AssertionError at the first difference. The number of steps taken."""
    choice = random.Random(seed)
    evaluator, words = Evaluator(functions()), words_of(definition)
    execution = Execution.new(definition, VARIABLES, evaluator, START)
    settle(execution, random.Random(seed))
    claims = Claims()
    claims.note(execution, None)
    claims.follow(execution)
    twin = StockTwin(definition, execution, evaluator)
    state, now = execution.dump(), START
    for step in range(steps):
        ours, stock = Execution.load(definition, state, evaluator, now), twin.load(now)
        assert view(ours) == view(stock), f"seed {seed}, after loading for step {step}"
        action = choose(ours, choice, words)
        if action is None or ours.is_ended:
            assert ours.is_ended, f"seed {seed}, step {step}: stuck at {ours.active_elements()}"
            return step
        act(ours, action, seed + step)
        act(stock, action, seed + step)
        claims.note(ours, action)
        for each in (ours, stock):
            claims.follow(each)
        assert view(ours) == view(stock), f"seed {seed}, step {step}: {action[:2]}"
        assert told(ours) == told(stock), f"seed {seed}, step {step}: {action[:2]}"
        state, now = ours.dump(), ours.now
        twin.save(stock)
    return steps


def told(execution: Execution) -> list[tuple[str, str]]:
    """The trace without ids."""
    return [(entry.kind, entry.element_id) for entry in execution.trace]

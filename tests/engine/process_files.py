"""Small processes written in place, for tests that need just one feature."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

from engine.execution import Execution, ReadyTask, ServiceCall
from engine.expressions import Evaluator
from engine.specs import ParsedDefinition, parse_definition

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
EVALUATOR = Evaluator()
DIAGRAMS = Path(__file__).parent / "diagrams"

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xmlns:spiffworkflow="http://spiffworkflow.org/bpmn/schema/1.0/core" id="defs" targetNamespace="http://example.org">
"""


def diagram(body: str, before: str = "") -> str:
    """A file with one process `p` of this body."""
    return f'{_HEAD}{before}<bpmn:process id="p" isExecutable="true">{body}</bpmn:process></bpmn:definitions>'


def flows(*chains: str) -> str:
    """Sequence flows: `"a > b > c"`, or `"a > b if x = 1"`."""
    found: list[str] = []
    for chain in chains:
        path, _, condition = chain.partition(" if ")
        names = [name.strip() for name in path.split(">")]
        for source, target in pairwise(names):
            inner = f"<bpmn:conditionExpression>{condition}</bpmn:conditionExpression>" if condition else ""
            found.append(
                f'<bpmn:sequenceFlow id="{source}_{target}" sourceRef="{source}" targetRef="{target}">{inner}</bpmn:sequenceFlow>'
            )
    return "".join(found)


def properties(**values: str) -> str:
    """Extension elements with these properties, their values escaped for XML."""
    inner = "".join(
        f'<spiffworkflow:property name="{name}" value="{value.replace(chr(34), "&quot;")}"/>'
        for name, value in values.items()
    )
    return f"<bpmn:extensionElements><spiffworkflow:properties>{inner}</spiffworkflow:properties></bpmn:extensionElements>"


def user(element_id: str, inner: str = "", **values: str) -> str:
    """A user task."""
    return (
        f'<bpmn:userTask id="{element_id}" name="{element_id}">{properties(**values)}{inner}</bpmn:userTask>'
    )


def timer(element_id: str, host: str, form: str, expression: str, *, interrupting: bool = True) -> str:
    """A boundary timer."""
    return (
        f'<bpmn:boundaryEvent id="{element_id}" attachedToRef="{host}" cancelActivity="{str(interrupting).lower()}">'
        f"<bpmn:timerEventDefinition><bpmn:{form}>{expression}</bpmn:{form}></bpmn:timerEventDefinition></bpmn:boundaryEvent>"
    )


START = '<bpmn:startEvent id="begin"/>'
END = '<bpmn:endEvent id="done"/>'


def parse(body: str, before: str = "", **files: str) -> ParsedDefinition:
    """The definition of one process `p`."""
    return parse_definition({"p.bpmn": diagram(body, before), **files})


def parse_file(name: str) -> ParsedDefinition:
    """One of the diagrams beside these tests."""
    return parse_definition({f"{name}.bpmn": (DIAGRAMS / f"{name}.bpmn").read_bytes()})


class Run:
    """An execution that is dumped and loaded at every step, with short names for what tests do."""

    def __init__(self, definition: ParsedDefinition, now: datetime = NOW, **variables: Any) -> None:
        self.definition = definition
        self.now = now
        self.last = Execution.new(definition, variables, EVALUATOR, now)
        self.calls: list[ServiceCall] = []
        self._settle({})

    def load(self) -> Execution:
        """The execution as it was left."""
        return Execution.load(self.definition, self.state, EVALUATOR, self.now)

    def _settle(self, results: Mapping[str, Any]) -> None:
        while calls := self.last.advance():
            self.calls.append(calls[0])
            self.last.resolve(calls[0].id, results.get(calls[0].element_id))
        self.state = self.last.dump()

    def complete(
        self,
        element_id: str,
        index: int | None = None,
        results: Mapping[str, Any] | None = None,
        **answers: Any,
    ) -> Run:
        """Complete the user task of an element."""
        self.last = self.load()
        self.last.complete(self.task(element_id, index).id, answers)
        self._settle(results or {})
        return self

    def task(self, element_id: str, index: int | None = None) -> ReadyTask:
        """The ready task of an element."""
        return next(
            task
            for task in self.load().ready_tasks()
            if task.element_id == element_id and index in (None, task.index)
        )

    def send(self, message: str, **payload: Any) -> Run:
        """Deliver a message."""
        self.last = self.load()
        self.last.correlate(message, payload)
        self._settle({})
        return self

    def wait_until(self, now: datetime) -> list[str]:
        """Let time pass; the timers that fired."""
        self.now = now
        self.last = self.load()
        fired: list[str] = []
        while due := self.last.fire_due_timers():
            fired += due
            self._settle({})
        return fired

    def reschedule(self, element_id: str, due_at: datetime | None) -> Run:
        """Move the timers of an element."""
        self.last = self.load()
        self.last.reschedule(element_id, due_at)
        self._settle({})
        return self

    @property
    def ready(self) -> list[str]:
        """The elements of the ready tasks."""
        return [task.element_id for task in self.load().ready_tasks()]

    @property
    def ids(self) -> list[UUID]:
        """The ids of the ready tasks."""
        return [task.id for task in self.load().ready_tasks()]

    @property
    def told(self) -> list[tuple[str, str]]:
        """What happened in the last step."""
        return [(entry.kind, entry.element_id) for entry in self.last.trace]

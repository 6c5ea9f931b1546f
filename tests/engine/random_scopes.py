"""Random processes full of event sub-processes: nested in one another and in sub-processes, started by whatever may start one,
interrupting or not. Each can be ended from wherever it is: nothing waits for what nobody does."""

from __future__ import annotations

import random

from engine.specs import ParsedDefinition
from tests.engine.handlers import NAMES, at, boundary, by, end, throw, when
from tests.engine.process_files import flows, parse, user

MESSAGES = ("ask", "stop")
ERRORS = ("lost", "late")
DEEPEST = 3


class _Drawing:
    """One process being drawn; names grow with every element."""

    def __init__(self, seed: int) -> None:
        self.choice = random.Random(seed)
        self.count = 0
        self.tasks: list[str] = []

    def name(self, word: str) -> str:
        self.count += 1
        return f"{word}_{self.count}"

    def scope(self, depth: int, start: str) -> str:
        """The inside of a process or sub-process that begins with this element: steps, an end, event sub-processes."""
        first, again = self.name("gate"), self.name("gate")
        body, last = f'<bpmn:exclusiveGateway id="{first}"/>' + flows(f"{start} > {first}"), first
        asked = ""
        for place in range(self.choice.randint(1, 4)):
            # Whoever begins a scope waits there once: else most would be over before anything can happen.
            step, name = self._task() if place == 0 else self._step(depth)
            body += step + flows(f"{last} > {name}")
            last, asked = name, asked or name
        # Most go round some times, so that events have time to come.
        body += f'<bpmn:exclusiveGateway id="{again}" default="{again}_out"/>' + flows(
            f"{last} > {again}", f"{again} > {first} if {asked}.rating in {[1, 2, 3] if depth == 0 else [1]}"
        )
        ends = self.name("end")
        thrown = by("error", self.choice.choice(ERRORS)) if depth and self.choice.random() < 0.2 else ""
        body += end(ends, thrown, status=f'"{ends}"', phase="closed")
        body += f'<bpmn:sequenceFlow id="{again}_out" sourceRef="{again}" targetRef="{ends}"/>'
        return body + self._handlers(depth)

    def _step(self, depth: int) -> tuple[str, str]:
        kind = self.choice.choice(["user", "user", "throw", "signal", "sub"])
        if kind == "sub" and depth < DEEPEST:
            return self._sub(depth)
        name = self.name("throw")
        if kind == "throw":
            return throw(name, by("escalation", "help")), name
        if kind == "signal":
            return throw(name, by("signal", "calm")), name
        return self._task()

    def _task(self) -> tuple[str, str]:
        name = self.name("step")
        self.tasks.append(name)
        task = user(name, status=f'"{name}"', phase="work")
        if self.choice.random() < 0.3:
            task += self._boundary(name, at("timeDuration", "P2D"))
        return task, name

    def _sub(self, depth: int) -> tuple[str, str]:
        name, begins = self.name("sub"), self.name("begin")
        inside = f'<bpmn:startEvent id="{begins}"/>' + self.scope(depth + 1, begins)
        body = f'<bpmn:subProcess id="{name}">{inside}</bpmn:subProcess>'
        if self.choice.random() < 0.5:
            body += self._boundary(name, by("error"), interrupting=True)
        return body, name

    def _boundary(self, host: str, caught: str, *, interrupting: bool | None = None) -> str:
        name, task, ends = self.name("edge"), self.name("step"), self.name("end")
        interrupts = self.choice.random() < 0.5 if interrupting is None else interrupting
        body = boundary(name, host, caught, interrupting=interrupts) + user(task) + end(ends)
        return body + flows(f"{name} > {task} > {ends}")

    def _handlers(self, depth: int) -> str:
        body, taken = "", set[str]()
        for _ in range(self.choice.choice([0, 1, 1, 2, 3]) if depth < DEEPEST else 0):
            caught = self._trigger()
            if caught in taken:
                continue
            taken.add(caught)
            name, begins = self.name("handler"), self.name("begin")
            interrupts = "error" in caught or self.choice.random() < 0.2
            # What throws within is drawn one level down: an event sub-process that starts itself for ever would be one.
            inside = self.scope(depth + 1, begins) if self.choice.random() < 0.6 else self._plain(begins)
            body += (
                f'<bpmn:subProcess id="{name}" triggeredByEvent="true"><bpmn:startEvent id="{begins}"'
                f' isInterrupting="{str(interrupts).lower()}">{caught}</bpmn:startEvent>{inside}</bpmn:subProcess>'
            )
        return body

    def _plain(self, begins: str) -> str:
        task, ends = self.name("step"), self.name("end")
        self.tasks.append(task)
        return (
            user(task, status=f'"{task}"', phase="handled") + end(ends) + flows(f"{begins} > {task} > {ends}")
        )

    def _trigger(self) -> str:
        kind = self.choice.choice(["message", "message", "timer", "cycle", "error", "help", "calm", "when"])
        if kind == "when" and self.tasks:
            return when(f"{self.choice.choice(self.tasks)}.rating = {self.choice.randint(1, 4)}")
        return {
            "message": by("message", self.choice.choice(MESSAGES)),
            "timer": at("timeDuration", f"P{self.choice.randint(1, 4)}D"),
            "cycle": at("timeCycle", f"R{self.choice.randint(1, 3)}/P2D"),
            "error": by("error", self.choice.choice(ERRORS)),
            "help": by("escalation", "help"),
            "calm": by("signal", "calm"),
        }.get(kind, at("timeDate", "limit"))


def draw(seed: int) -> ParsedDefinition:
    """The random process of this number."""
    return parse('<bpmn:startEvent id="begin"/>' + _Drawing(seed).scope(0, "begin"), NAMES)

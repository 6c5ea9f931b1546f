"""Plays the cases of a process against the engine alone: no database, no clock, no real operator. Operators are faked and
recorded, every step goes through the instance's bytes, and each difference from what the analyst expected is one sentence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from lxml import etree

from engine.case_file import Case, CaseFile, CasesRefused, CaseStep, Fake, Person, merged, read_cases
from engine.exceptions import DiagramRefused, EngineFailure, NotWaiting
from engine.execution import Execution, ReadyTask
from engine.expressions import Evaluator, ExpressionFailed, ExpressionRefused, Function
from engine.findings import Finding
from engine.runtime import TraceEntry
from engine.specs import BPMN, ParsedDefinition, parse_definition, parse_xml
from engine.timers import TimeRefused, parse_duration

CASES = "cases.yaml"
MOST_FIRINGS = 100


@dataclass(frozen=True, slots=True)
class Called:
    """One call of an operator, as it was made."""

    operator: str
    params: Mapping[str, Any]
    element_id: str


@dataclass
class CaseResult:
    """What came of one case: nothing in `problems` means that all was as expected."""

    name: str
    problems: list[str] = field(default_factory=list)
    flows: set[str] = field(default_factory=set)
    """The sequence flows that tokens took."""
    calls: list[Called] = field(default_factory=list)
    by_step: list[list[Called]] = field(default_factory=list[list[Called]])
    """The same calls step by step, those of the start first."""


def check_cases(files: Mapping[str, str], functions: Mapping[str, Function]) -> list[Finding]:
    """Play the cases among a process's files, which `validate` has passed; one finding a difference."""
    file = next((file for file in files if file.rsplit("/", 1)[-1] == CASES), None)
    if file is None:
        return []
    try:
        cases = read_cases(files[file])
    except CasesRefused as refused:
        return [Finding(file, "", "bad-cases", str(refused))]
    results = play_cases(parse_definition(files), cases, functions)
    return [
        Finding(file, each.name, "case-failed", f"{problem.rstrip('。')}。")
        for each in results
        for problem in each.problems
    ]


def play_cases(
    definition: ParsedDefinition, cases: CaseFile, functions: Mapping[str, Function]
) -> list[CaseResult]:
    """Play each case from its beginning."""
    evaluator = Evaluator(functions)
    flows = list_flows(definition)
    return [_Play(definition, cases, case, evaluator, flows).run() for case in cases.cases]


class _Mismatch(Exception):
    """The case cannot go on: what it wants to do is not possible."""


class _Play:
    """One case being played."""

    def __init__(
        self,
        definition: ParsedDefinition,
        cases: CaseFile,
        case: Case,
        evaluator: Evaluator,
        flows: Sequence[tuple[str, str, str]],
    ) -> None:
        self.definition, self.cases, self.case, self.evaluator = definition, cases, case, evaluator
        self.flows = flows
        self.now: datetime = cases.at
        self.state = b""
        self.holders: dict[UUID, str] = {}
        self.seen: set[UUID] = set()
        self.called: list[Called] = []
        self.trace: list[TraceEntry] = []
        self.fakes: Mapping[str, Fake] = cases.operators
        self.answers: Mapping[str, Any] = {}
        self.actor: str | None = None
        self.result = CaseResult(case.name)

    def run(self) -> CaseResult:
        """Play all steps; the first that is impossible ends the case."""
        try:
            execution = Execution.new(self.definition, self.case.variables, self.evaluator, self.now)
            self._advance(execution)
            self.result.by_step.append(self.called)
            for number, step in enumerate(self.case.steps, 1):
                self._play(step, number)
                self.result.by_step.append(self.called if step.verb != "expect" else [])
        except (_Mismatch, EngineFailure, ExpressionFailed, ExpressionRefused, DiagramRefused) as error:
            self.result.problems.append(f"用例“{self.case.name}”：{error}")
        self.result.flows = _flows_taken(self.trace, self.flows)
        return self.result

    def _play(self, step: CaseStep, number: int) -> None:
        where = f"第 {number} 步（{step.verb} {step.target}）" if step.target else f"第 {number} 步"
        if step.verb != "expect":
            self.called = []
        self.fakes = {**self.cases.operators, **step.operators}
        self.answers = step.answers
        execution = Execution.load(self.definition, self.state, self.evaluator, self.now)
        try:
            self.actor = self._person(step).id if step.person else None
            self._do(execution, step)
        except (_Mismatch, EngineFailure, ExpressionFailed, ExpressionRefused) as error:
            raise _Mismatch(f"{where}：{error}") from error
        for name, value in step.expect.items():
            if problem := self._difference(name, value):
                self.result.problems.append(f"用例“{self.case.name}”{where}：{problem}")

    # What a step does

    def _do(self, execution: Execution, step: CaseStep) -> None:
        match step.verb:
            case "do":
                task = self._claim(execution, step)
                self._complete(execution, task, step.answers)
            case "claim":
                self._claim(execution, step)
            case "release":
                self.holders.pop(self._task(execution, step).id, None)
            case "message":
                try:
                    execution.correlate(step.target, step.payload)
                except NotWaiting:
                    waiting = "、".join(execution.waiting_messages()) or "（无）"
                    raise _Mismatch(f"没有步骤在等消息 {step.target}；在等的有：{waiting}") from None
            case "wait":
                self._wait(execution, step.target)
            case _:
                return
        self._advance(execution)

    def _task(self, execution: Execution, step: CaseStep) -> ReadyTask:
        found = [task for task in execution.ready_tasks() if task.element_id == step.target]
        if not found:
            there = "、".join(task.element_id for task in execution.ready_tasks()) or "（无）"
            raise _Mismatch(f"现在没有任务 {step.target}；待办的有：{there}")
        person = self._person(step)
        mine = [task for task in found if self.holders.get(task.id) == person.id]
        free = [
            task
            for task in found
            if task.id not in self.holders and person.groups & set(task.candidate_groups)
        ]
        if not mine and not free:
            raise _Mismatch(f"{person.name}不能办理任务 {step.target}：既不在其名下，也不属于其候选组")
        return (mine or free)[0]

    def _person(self, step: CaseStep) -> Person:
        person = self.cases.people.get(step.person or "")
        if person is None:
            raise _Mismatch(f"没有写明由谁办理，或者 people 里没有 {step.person or '（空）'}")
        return person

    def _claim(self, execution: Execution, step: CaseStep) -> ReadyTask:
        task = self._task(execution, step)
        self.holders[task.id] = self._person(step).id
        return task

    def _complete(self, execution: Execution, task: ReadyTask, answers: Mapping[str, Any]) -> None:
        result = None
        if task.element.on_complete:
            result = self._call(
                execution, task.element.on_complete, {}, task.element_id, task.element.result_variable
            )
        execution.complete(task.id, answers, result)

    def _wait(self, execution: Execution, target: str) -> None:
        if target.startswith("P"):
            try:
                until = parse_duration(target).after(self.now)
            except TimeRefused as refused:
                raise _Mismatch(str(refused)) from refused
        else:
            due = execution.due_timers()
            if target not in due:
                raise _Mismatch(f"没有在走的定时 {target}；在走的有：{'、'.join(due) or '（无）'}")
            until = max(due[target], self.now)
        for _ in range(MOST_FIRINGS):
            moment = execution.next_due()
            if moment is None or moment > until:
                break
            self.now = execution.now = max(moment, self.now)
            execution.fire_due_timers()
            self._settle(execution)
        else:
            raise _Mismatch(f"一次等待触发了超过 {MOST_FIRINGS} 次定时")
        self.now = execution.now = until

    # The engine goes on until it waits for somebody

    def _advance(self, execution: Execution) -> None:
        self._settle(execution)
        for task in execution.ready_tasks():
            if task.id not in self.seen and (holder := task.assignee or task.claim_for):
                self.holders[task.id] = holder
            self.seen.add(task.id)
        execution.follow_claims(self.holders.keys())
        self.trace += execution.trace
        self.state = execution.dump()

    def _settle(self, execution: Execution) -> None:
        moved: dict[str, Any] = {}
        while calls := execution.advance():
            call = calls[0]
            result = self._call(
                execution, call.operator, call.params, call.element_id, call.result_variable, moved
            )
            execution.resolve(call.id, result)
        for element_id, due_at in moved.items():
            with suppress(NotWaiting):  # it has fired or gone: nothing to move
                execution.reschedule(element_id, due_at)

    def _call(
        self,
        execution: Execution,
        operator: str,
        params: Mapping[str, Any],
        element_id: str,
        variable: str | None,
        moved: dict[str, Any] | None = None,
    ) -> Any:
        self.called.append(Called(operator, params, element_id))
        self.result.calls.append(self.called[-1])
        fake = self.fakes.get(operator, Fake())
        before = execution.variables.get(variable) if variable else None
        names = {**execution.variables, "params": params, "answers": self.answers, "actor": self.actor}
        returned = before if fake.returns is None else merged(before, self._filled(fake.returns, names))
        if moved is not None and fake.reschedule:
            names |= {variable: returned} if variable else {}
            moved |= self._filled(fake.reschedule, names)
        return returned

    def _filled(self, value: Any, names: Mapping[str, Any]) -> Any:
        if isinstance(value, Mapping):
            return {name: self._filled(each, names) for name, each in value.items()}
        if isinstance(value, list):
            return [self._filled(each, names) for each in value]
        if isinstance(value, str) and value.startswith("="):
            return self.evaluator.evaluate(value, names, now=self.now)
        return value

    # What was expected

    def _difference(self, name: str, wanted: Any) -> str | None:
        execution = Execution.load(self.definition, self.state, self.evaluator, self.now)
        tasks = execution.ready_tasks()
        status, phase = execution.status(self.holders.keys())
        outcome = execution.outcome
        if name == "called":
            return self._called_difference(wanted)
        if name == "variables":
            return _variables_difference(wanted, execution.variables)
        found: dict[str, Any] = {
            "status": status,
            "phase": phase,
            "open": sorted(task.element_id for task in tasks),
            "claimed": sorted(task.element_id for task in tasks if task.id in self.holders),
            "waiting": sorted(execution.due_timers()),
            "end": outcome.element_id if execution.is_ended and outcome else None,
        }
        expected = sorted(str(each) for each in wanted) if isinstance(wanted, list) else wanted
        return (
            None
            if found[name] == expected
            else f"{name} 应是 {_shown(expected)}，实际是 {_shown(found[name])}"
        )

    def _called_difference(self, wanted: Any) -> str | None:
        expected = [each if isinstance(each, Mapping) else {str(each): {}} for each in wanted or []]
        found = [{call.operator: call.params} for call in self.called]
        matches = len(expected) == len(found) and all(
            next(iter(one), None) == next(iter(other))
            and (next(iter(one.values())) or {}).items() <= next(iter(other.values())).items()
            for one, other in zip(expected, found, strict=True)
        )
        return None if matches else f"called 应是 {_shown(expected)}，实际是 {_shown(found)}"


def _variables_difference(wanted: Any, variables: Mapping[str, Any]) -> str | None:
    expected = merged(variables, wanted or {})
    return (
        None
        if expected == variables
        else f"variables 应含 {_shown(wanted)}，实际是 {_shown(dict(variables))}"
    )


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return "、".join(_shown(each) for each in value) or "（无）"
    if isinstance(value, Mapping):
        return "；".join(f"{name} {_shown(each)}".strip() for name, each in value.items())
    return "（无）" if value is None else str(value)


def list_flows(definition: ParsedDefinition) -> list[tuple[str, str, str]]:
    """Every sequence flow of the diagrams: id, source, target."""
    found: list[tuple[str, str, str]] = []
    for file, body in definition.files.items():
        if file.endswith(".bpmn"):
            root: etree._Element = parse_xml(file, body)
            found += [
                (flow.get("id") or "", flow.get("sourceRef") or "", flow.get("targetRef") or "")
                for flow in root.iter(BPMN + "sequenceFlow")
            ]
    return found


def _flows_taken(trace: Sequence[TraceEntry], flows: Sequence[tuple[str, str, str]]) -> set[str]:
    # Of the flows that lead to an element, a token came along the one whose source was busy last.
    last: dict[str, int] = {}
    taken: set[str] = set()
    for place, entry in enumerate(trace):
        if entry.kind == "entered":
            leading_here = [
                (flow_id, source) for flow_id, source, target in flows if target == entry.element_id
            ]
            arriving = [(last[source], flow_id) for flow_id, source in leading_here if source in last]
            if arriving:
                taken.add(max(arriving)[1])
        if entry.kind in ("entered", "completed", "timer_fired", "message_caught", "event_caught"):
            last[entry.element_id] = place
    return taken

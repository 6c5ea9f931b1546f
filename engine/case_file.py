"""The format of `cases.yaml`: what an analyst writes beside a diagram to say what should happen. Read into plain values;
every mistake in the writing is one Chinese sentence. Playing the cases is `engine.cases`'."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import yaml

STEPS = ("do", "claim", "release", "wait", "message", "expect")
_STEP_KEYS = {*STEPS, "as", "answers", "operators", "payload"}
_EXPECTED = {"status", "phase", "open", "claimed", "called", "end", "waiting", "variables"}
_TOP = {"start", "people", "operators", "cases"}


class CasesRefused(Exception):
    """测试用例的写法不对。"""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of a case: `id` is what expressions give as assignee."""

    name: str
    id: str
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Fake:
    """What an operator does in the cases: `returns` changes the fields of its result variable, `reschedule` moves
    timers. A text that starts with `=` is an expression over the variables, `params`, `answers` and `actor` (a person id)."""

    returns: Any = None
    reschedule: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CaseStep:
    """One thing done: `verb` is one of STEPS, `target` what stands behind it."""

    verb: str
    target: str
    person: str | None = None
    answers: Mapping[str, Any] = field(default_factory=dict)
    operators: Mapping[str, Fake] = field(default_factory=dict)
    payload: Mapping[str, Any] = field(default_factory=dict)
    expect: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """One life of an instance."""

    name: str
    variables: Mapping[str, Any]
    steps: Sequence[CaseStep]


@dataclass(frozen=True, slots=True)
class CaseFile:
    """All cases of a process; `at` is when each begins."""

    at: datetime
    people: Mapping[str, Person]
    operators: Mapping[str, Fake]
    cases: Sequence[Case]


def read_cases(text: str) -> CaseFile:
    """The cases in a file's text. Raises CasesRefused with a Chinese sentence."""
    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise CasesRefused("不是有效的 YAML，请检查缩进、冒号和引号。") from error
    top = _mapping(content, "文件")
    _only(top, _TOP, "文件")
    start = _mapping(top.get("start"), "start")
    _only(start, {"at", "variables"}, "start")
    variables = _mapping(start.get("variables"), "start.variables")
    cases = [_case(each, variables, place) for place, each in enumerate(_list(top.get("cases"), "cases"), 1)]
    if not cases:
        raise CasesRefused("cases 里一个用例也没有。")
    names = [case.name for case in cases]
    if len(set(names)) != len(names):
        raise CasesRefused("有两个用例同名。")
    return CaseFile(_moment(start.get("at")), _people(top.get("people")), _fakes(top.get("operators")), cases)


def _moment(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        moment = None
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        raise CasesRefused("start.at 须写成带时区的时间，例如 2026-03-02T09:00:00+08:00。")
    return moment.astimezone(UTC)


def _people(value: Any) -> dict[str, Person]:
    people: dict[str, Person] = {}
    for name, about in _mapping(value, "people").items():
        _only(_mapping(about, f"people.{name}"), {"id", "groups"}, f"people.{name}")
        if not isinstance(about.get("id"), str):
            raise CasesRefused(f"people.{name} 须有 id。")
        groups = frozenset(str(group) for group in _list(about.get("groups"), f"people.{name}.groups"))
        people[str(name)] = Person(str(name), about["id"], groups)
    return people


def _fakes(value: Any) -> dict[str, Fake]:
    fakes: dict[str, Fake] = {}
    for name, about in _mapping(value, "operators").items():
        fake = _mapping(about, f"operators.{name}")
        _only(fake, {"returns", "reschedule"}, f"operators.{name}")
        fakes[str(name)] = Fake(
            fake.get("returns"), _mapping(fake.get("reschedule"), f"operators.{name}.reschedule")
        )
    return fakes


def _case(value: Any, variables: Mapping[str, Any], place: int) -> Case:
    case = _mapping(value, f"第 {place} 个用例")
    name = case.get("name")
    if not isinstance(name, str) or not name.strip():
        raise CasesRefused(f"第 {place} 个用例没有名称（name）。")
    _only(case, {"name", "given", "steps"}, name)
    given = merged(variables, _mapping(case.get("given"), f"{name}：given"))
    steps = [
        _step(each, f"{name}：第 {number} 步")
        for number, each in enumerate(_list(case.get("steps"), name), 1)
    ]
    return Case(name, given, steps)


def _step(value: Any, where: str) -> CaseStep:
    step = _mapping(value, where)
    _only(step, _STEP_KEYS, where)
    verbs = [verb for verb in STEPS if verb in step and verb != "expect"] or ["expect"]
    if len(verbs) != 1 or verbs[0] not in step:
        raise CasesRefused(f"{where}：须写明做什么，{'、'.join(STEPS)} 只写一种。")
    expect = _mapping(step.get("expect"), f"{where}：expect")
    _only(expect, _EXPECTED, f"{where}：expect")
    return CaseStep(
        verb=verbs[0],
        target="" if verbs[0] == "expect" else str(step[verbs[0]]),
        person=None if step.get("as") is None else str(step["as"]),
        answers=_mapping(step.get("answers"), f"{where}：answers"),
        operators=_fakes(step.get("operators")),
        payload=_mapping(step.get("payload"), f"{where}：payload"),
        expect=expect,
    )


def merged(base: Any, change: Any) -> Any:
    """`base` with the fields of `change` put over it, field by field where both are mappings."""
    if not isinstance(base, Mapping) or not isinstance(change, Mapping):
        return change
    return {**base, **{name: merged(base.get(name), value) for name, value in change.items()}}


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise CasesRefused(f"{where}：应是“名称: 内容”的形式。")
    return value


def _list(value: Any, where: str) -> Sequence[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise CasesRefused(f"{where}：应是列表，每项前面有一个短横。")
    return value


def _only(found: Mapping[str, Any], known: set[str], where: str) -> None:
    if unknown := [str(name) for name in found if name not in known]:
        raise CasesRefused(f"{where}：不认识 {'、'.join(unknown)}；可用的有 {'、'.join(sorted(known))}。")

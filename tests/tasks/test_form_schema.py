"""Which forms may be deployed, and which patterns are let in."""

import re
import time
from typing import Any

import pytest

from engine.form_schema import LONGEST_PATTERN_INPUT, pattern_problem, problems


def form(*components: Any) -> dict[str, Any]:
    return {"type": "default", "components": list(components)}


GOOD = {"type": "textfield", "key": "title", "label": "标题"}


def test_a_form_of_supported_fields_has_no_problems() -> None:
    schema = form(
        {**GOOD, "validate": {"required": True, "maxLength": 100, "pattern": "^[A-Z]\\d+$"}},
        {"type": "group", "label": "组", "components": [{"type": "number", "key": "count", "label": "数量"}]},
        {"type": "select", "key": "office", "label": "海关", "valuesKey": "offices"},
        {"type": "text", "text": "说明"},
    )
    assert problems(schema) == []


@pytest.mark.parametrize(
    "component",
    [
        {"type": "table", "key": "rows", "label": "表"},
        {"type": "textfield", "label": "没有名字"},
        {"type": "textfield", "key": "Title", "label": "大写"},
        {"type": "textfield", "key": ["title"], "label": "列表"},
        {"type": "textfield", "key": {"a": 1}, "label": "对象"},
        {"type": ["textfield"], "key": "title", "label": "类型"},
        {"type": "textfield", "key": "issue", "label": "保留的名字"},
        {"type": "textfield", "key": "title"},
        {**GOOD, "validate": {"pattern": "^(a+)+$"}},
        {**GOOD, "validate": {"minLength": 5, "maxLength": 2}},
        {**GOOD, "validate": {"min": 5}},
        {**GOOD, "readonly": True},
        {**GOOD, "conditional": {"hide": "title"}},
        {**GOOD, "properties": {"onclick": "alert(1)"}},
        {"type": "select", "key": "office", "label": "海关"},
        {"type": "select", "key": "office", "label": "海关", "valuesKey": "planets"},
        {"type": "radio", "key": "one", "label": "一", "values": []},
        {
            "type": "radio",
            "key": "one",
            "label": "一",
            "values": [{"label": "a", "value": 1}, {"label": "b", "value": "1"}],
        },
        {"type": "datetime", "key": "day", "label": "日"},
        "不是字段",
    ],
)
def test_what_is_not_supported_is_named(component: Any) -> None:
    found = problems(form(component))
    assert len(found) == 1
    assert found[0][1].endswith("。")


def test_a_key_may_occur_once() -> None:
    assert problems(form(GOOD, {"type": "group", "components": [GOOD]})) == [
        ("title", "字段名 title 出现了两次。")
    ]


@pytest.mark.parametrize("schema", [None, [], "x", {"components": 3}])
def test_what_is_no_form_is_said_to_be_none(schema: Any) -> None:
    assert len(problems(schema)) == 1


@pytest.mark.parametrize(
    "pattern",
    [
        "^(a+)+$",
        "^(a|aa)+$",
        "^(a|b)*$",
        "^(\\d{1,3}){5}$",
        "^((ab)*c)*$",
        "^a*a*a*$",
        "^(a?){30}$",
        "^a?a?a?a?a?a?a?a?a?a?a?aaaaaaaaaaa$",
        "^(?=a)b$",
        "^(a)\\1$",
        "^a|b$",
        "a+",
        "^[$",
        "^a*?$",
        17,
    ],
)
def test_patterns_that_could_take_long_are_refused(pattern: Any) -> None:
    assert pattern_problem(pattern)


@pytest.mark.parametrize(
    ("pattern", "worst"),
    [
        ("^\\d{4}[0-9A-Z]{6}$", "1" * LONGEST_PATTERN_INPUT),
        ("^[0-9A-HJ-NPQRTUWXY]{2}\\d{6}[0-9A-HJ-NPQRTUWXY]{10}$", "1" * LONGEST_PATTERN_INPUT),
        ("^(?:\\d{3}-){2}\\d{4}$", "1" * LONGEST_PATTERN_INPUT),
        ("^.*.*$", "1" * LONGEST_PATTERN_INPUT),
        ("^\\d*\\d*x$", "1" * LONGEST_PATTERN_INPUT),
        ("^(甲|乙)?[^\\]]+$", "]" * LONGEST_PATTERN_INPUT),
        ("^a?a?a?a?a?a?a?a?a?aaaaaaaaa$", "a" * 8),
    ],
)
def test_patterns_that_are_let_in_stay_quick(pattern: str, worst: str) -> None:
    assert pattern_problem(pattern) is None
    started = time.perf_counter()
    re.fullmatch(pattern, worst)
    assert time.perf_counter() - started < 0.2

"""What a form may contain: the subset of form-js that is drawn and checked here, and nothing else.

Pure: a schema in, findings out. A form with findings is never deployed, so that who draws or checks forms need not
expect anything else. The rules for patterns keep every match short: see `pattern_problem`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

INPUTS = (
    "textfield",
    "textarea",
    "number",
    "select",
    "radio",
    "checkbox",
    "checklist",
    "datetime",
    "filepicker",
)
SHOWN_ONLY = ("text",)
COMPONENTS = (*INPUTS, "group", *SHOWN_ONLY)
WITH_OPTIONS = ("select", "radio", "checklist")
LISTS = ("offices", "executives", "kinds", "categories", "importances")
RESERVED_KEYS = ("issue", "registration", "me", "send", "csrf_token", "version")
LONGEST_TEXT = 10_000
MOST_FIELDS = 300
LONGEST_PATTERN = 200
LONGEST_PATTERN_INPUT = 1_000

_DRAWING = {"id", "type", "layout", "appearance", "conditional", "properties", "label", "description"}
_INPUT = _DRAWING | {"key", "validate", "defaultValue", "disabled", "readonly"}
ALLOWED: dict[str, set[str]] = {
    "textfield": _INPUT,
    "textarea": _INPUT,
    "number": _INPUT | {"decimalDigits", "increment", "serializeToString"},
    "select": _INPUT | {"values", "valuesKey", "searchable"},
    "radio": _INPUT | {"values", "valuesKey"},
    "checkbox": _INPUT,
    "checklist": _INPUT | {"values", "valuesKey"},
    "datetime": _INPUT
    | {"subtype", "dateLabel", "timeLabel", "timeSerializingFormat", "timeInterval", "use24h"},
    "filepicker": _INPUT | {"multiple", "accept"},
    "group": _DRAWING | {"components", "showOutline", "verticalAlignment"},
    "text": (_DRAWING - {"label", "description"}) | {"text"},
}
VALIDATIONS: dict[str, set[str]] = {
    "textfield": {"required", "minLength", "maxLength", "pattern", "validationType"},
    "textarea": {"required", "minLength", "maxLength"},
    "number": {"required", "min", "max"},
    "select": {"required"},
    "radio": {"required"},
    "checkbox": {"required"},
    "checklist": {"required", "minLength", "maxLength"},
    "datetime": {"required"},
    "filepicker": {"required", "minLength", "maxLength"},
}
PROPERTIES = ("requiredWhen", "carry")
CARRY = ("yes", "no")
_KEY = re.compile(r"[a-z][a-z0-9_]{0,59}")

Problem = tuple[str, str]
"""Where (a field's key, else its id or place) and what: a Chinese sentence for the analyst."""


def is_crowded(schema: Any) -> bool:
    """Whether there are more components in a form than anybody would fill in, groups and nests included."""
    ahead, seen = [schema], 0
    while ahead:
        inner = ahead.pop()
        components = inner.get("components") if isinstance(inner, dict) else None
        if isinstance(components, list):
            seen += len(components)
            ahead += components
        if seen > MOST_FIELDS:
            return True
    return False


def problems(schema: Any) -> list[Problem]:
    """Every rule this form breaks, in the order of its fields; empty when it may be used."""
    if not isinstance(schema, dict) or not isinstance(schema.get("components"), list):
        return [("", "表单不是 form-js 的格式：最外层须是对象，并有 components 列表。")]
    found: list[Problem] = []
    keys: set[str] = set()
    for place, component in walk(schema):
        found += _component_problems(place, component)
        if isinstance(component, dict) and component.get("type") in INPUTS:
            key = component.get("key")
            if not isinstance(key, str):
                continue  # reported by the rule for keys
            if key in keys:
                found.append((place, f"字段名 {key} 出现了两次。"))
            keys.add(key)
    return found


def walk(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Each component with the word that names it in findings, groups before what they contain."""
    for position, component in enumerate(schema.get("components") or [], 1):
        if not isinstance(component, dict):
            yield f"{path}{position}", component
            continue
        place = str(component.get("key") or component.get("id") or f"{path}{position}")
        yield place, component
        if component.get("type") == "group" and isinstance(component.get("components"), list):
            yield from walk(component, f"{place}.")


def conditions(schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Each expression of a form (without its leading `=`) with the field it belongs to."""
    for place, component in walk(schema):
        if isinstance(component, dict):
            for source in (hide_condition(component), required_condition(component)):
                if source:
                    yield place, source


def hide_condition(component: Mapping[str, Any]) -> str | None:
    """The expression that hides this component."""
    return _expression((component.get("conditional") or {}).get("hide"))


def required_condition(component: Mapping[str, Any]) -> str | None:
    """The expression that makes this field required."""
    return _expression((component.get("properties") or {}).get("requiredWhen"))


def is_carried(component: Mapping[str, Any]) -> bool:
    """Whether the analyst lets later forms that ask for the same begin with this answer."""
    return (component.get("properties") or {}).get("carry") != "no"


def _expression(value: Any) -> str | None:
    return value[1:].strip() if isinstance(value, str) and value.startswith("=") else None


def _component_problems(place: str, component: Any) -> Iterator[Problem]:
    if not isinstance(component, dict):
        yield place, "不是一个字段。"
        return
    kind = component.get("type")
    if kind not in COMPONENTS:
        yield place, f"不支持类型为 {kind} 的字段；可用的有：{'、'.join(COMPONENTS)}。"
        return
    for name in sorted(component.keys() - ALLOWED[kind]):
        yield place, f"类型为 {kind} 的字段不支持 {name}。"
    yield from _expression_problems(place, component)
    if kind == "group" and not isinstance(component.get("components"), list):
        yield place, "分组里没有 components 列表。"
    if kind == "text" and not isinstance(component.get("text"), str):
        yield place, "说明文字缺少 text。"
    if kind in INPUTS:
        yield from _input_problems(place, component)


def _input_problems(place: str, component: dict[str, Any]) -> Iterator[Problem]:
    key, kind = component.get("key"), str(component["type"])
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        yield place, "字段名（key）须以小写字母开头，只含小写字母、数字和下划线，不超过 60 个字符。"
    elif key in RESERVED_KEYS:
        yield place, f"字段名 {key} 另有用途，请换一个。"
    if not isinstance(component.get("label"), str) or not component["label"].strip():
        yield place, "字段没有标题（label）。"
    if component.get("readonly") or component.get("disabled"):
        yield place, "不支持只读或停用的字段；只供阅读的内容请用 text。"
    yield from _validation_problems(place, component.get("validate", {}), kind)
    if kind in WITH_OPTIONS:
        yield from _option_problems(place, component)
    if kind == "datetime" and component.get("subtype") not in ("date", "time", "datetime"):
        yield place, "日期时间字段的 subtype 须是 date、time 或 datetime。"


def _validation_problems(place: str, rules: Any, kind: str) -> Iterator[Problem]:
    if not isinstance(rules, dict):
        yield place, "validate 须是对象。"
        return
    for name in sorted(rules.keys() - VALIDATIONS[kind]):
        yield place, f"类型为 {kind} 的字段不支持检查规则 {name}。"
    for name in ("minLength", "maxLength"):
        if name in rules and not _is_whole(rules[name], 0, LONGEST_TEXT):
            yield place, f"{name} 须是 0 到 {LONGEST_TEXT} 之间的整数。"
    for name in ("min", "max"):
        if name in rules and (isinstance(rules[name], bool) or not isinstance(rules[name], int | float)):
            yield place, f"{name} 须是数字。"
    for low, high in (("minLength", "maxLength"), ("min", "max")):
        try:
            if low in rules and high in rules and rules[low] > rules[high]:
                yield place, f"{low} 大于 {high}，没有答案能通过。"
        except TypeError:
            continue  # already reported above
    if not isinstance(rules.get("required", False), bool):
        yield place, "required 须是 true 或 false；有条件的必填请用 properties.requiredWhen。"
    if "pattern" in rules and (problem := pattern_problem(rules["pattern"])):
        yield place, problem


def _option_problems(place: str, component: dict[str, Any]) -> Iterator[Problem]:
    if ("values" in component) == ("valuesKey" in component):
        yield place, "选项须用 values 或 valuesKey 给出，只能用其中一种。"
    elif "valuesKey" in component:
        if component["valuesKey"] not in LISTS:
            yield place, f"没有名为 {component['valuesKey']} 的选项来源；可用的有：{'、'.join(LISTS)}。"
    else:
        values = component["values"]
        if not isinstance(values, list) or not values:
            yield place, "values 须是至少有一项的列表。"
            return
        seen: set[str] = set()
        for option in values:
            if not isinstance(option, dict) or not {"label", "value"} <= option.keys():
                yield place, "每个选项都须有 label 和 value。"
            elif not isinstance(option["value"], str | int | float):
                yield place, "选项的 value 须是文字或数字。"
            elif str(option["value"]) in seen:
                yield place, f"选项 {option['value']} 出现了两次。"
            else:
                seen.add(str(option["value"]))


def _expression_problems(place: str, component: dict[str, Any]) -> Iterator[Problem]:
    conditional, properties = component.get("conditional", {}), component.get("properties", {})
    if not isinstance(conditional, dict) or not isinstance(properties, dict):
        yield place, "conditional 和 properties 须是对象。"
        return
    for name in sorted(conditional.keys() - {"hide"}):
        yield place, f"conditional 不支持 {name}，只支持 hide。"
    for name in sorted(properties.keys() - set(PROPERTIES)):
        yield place, f"properties 不支持 {name}，只支持 {'、'.join(PROPERTIES)}。"
    if properties.get("carry", "yes") not in CARRY:
        yield place, "carry 须是 yes 或 no：no 表示这是本步自己的内容，不带入以后的表单。"
    for name, value in (("hide", conditional.get("hide")), ("requiredWhen", properties.get("requiredWhen"))):
        if value is not None and not _expression(value):
            yield place, f"{name} 须是以等号开头的表达式。"


def _is_whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


_TOKEN = re.compile(
    r"""\\(?P<escaped>.) | (?P<set>\[\^?\]?(?:\\.|[^\]\\])*\]) | \((?P<extension>\?(?!:))? (?P<open>(?:\?:)?)
    | (?P<close>\)) | (?P<bar>\|) | (?P<count>[*+?]|\{\d*,?\d*\})(?P<mode>[?+]?) | .""",
    re.VERBOSE | re.DOTALL,
)
_COUNT = re.compile(r"\{(\d*)(,?)(\d*)\}")


def pattern_problem(pattern: Any) -> str | None:
    """Why this regular expression is refused, or None.

    Python's matcher backtracks, so whatever could take long is not let in: what repeats may not itself vary
    (`(a+)+`, `(a|b)*`), at most two parts are unbounded, and look-around and back references do not exist. With inputs
    of at most LONGEST_PATTERN_INPUT characters a match then stays within milliseconds.
    """
    if not isinstance(pattern, str) or len(pattern) > LONGEST_PATTERN:
        return f"pattern 须是不超过 {LONGEST_PATTERN} 个字符的文字。"
    if not (pattern.startswith("^") and pattern.endswith("$")):
        return "pattern 须以 ^ 开头、以 $ 结尾，对整个答案作检查。"
    try:
        re.compile(pattern)
    except re.error as error:
        return f"pattern 不是正确的正则表达式：{error}。"
    return _cost_problem(pattern[1:-1])


def _cost_problem(body: str) -> str | None:
    groups = [False]  # one entry an open group: whether anything inside it varies
    variable = unbounded = 0
    closed_varies = False  # whether the token before was the end of a group in which something varies
    for token in _TOKEN.finditer(body):
        kind = token.lastgroup if token["count"] is None else "count"
        if problem := _token_problem(token, len(groups)):
            return problem
        after_varying, closed_varies = closed_varies, False
        if kind == "open":
            groups.append(False)
        elif kind == "close":
            closed_varies = groups.pop()
            groups[-1] = groups[-1] or closed_varies
        elif kind == "bar":
            groups[-1] = True
            variable += 1
        elif kind == "count":
            repeats, varies, endless = _read_count(token["count"])
            if repeats and after_varying:
                return "pattern 里重复的分组内不能再有重复或“|”，以免检查耗时过长。"
            groups[-1] = groups[-1] or varies
            variable += varies
            unbounded += endless
    if unbounded > 2 or variable > 10:
        return "pattern 过于复杂：不定长的部分不能超过 2 处，可变的部分不能超过 10 处。"
    return None


def _token_problem(token: re.Match[str], depth: int) -> str | None:
    if (token["escaped"] or "").isdigit():
        return "pattern 不支持反向引用。"
    if token["extension"]:
        return "pattern 只支持普通分组和 (?:…)，不支持环视、命名等写法。"
    if token["bar"] and depth == 1:
        return "pattern 里的“|”须放在括号内。"
    return "pattern 不支持 *?、++ 这类写法。" if token["mode"] else None


def _read_count(text: str) -> tuple[bool, bool, bool]:
    """Whether it can repeat more than once, whether its number varies, and whether it varies widely."""
    if text == "?":
        return False, True, False
    if found := _COUNT.fullmatch(text):
        low, comma, high = found.groups()
        most = int(high) if high else (LONGEST_PATTERN_INPUT if comma else int(low or 0))
        varies = bool(comma) and high != low
        return most > 1, varies, varies and most > 20
    return True, True, True


def read_form(text: str) -> Any:
    """The schema in a `.form` file; raises ValueError where it is no JSON."""
    return json.loads(text)

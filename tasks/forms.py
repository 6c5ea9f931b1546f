"""Answers to a form: every mistake at once, one Chinese sentence a field, or the checked values.

Answers come as JSON, or as a page posts them (strings, lists of strings, "on"); both give the same values. Fields are
checked as they stand when everything has been entered: what is hidden then may not be answered.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from cleaning import is_blank
from tasks import values as read
from tasks.exceptions import AnswersRefused
from tasks.fields import (
    FormContext,
    Option,
    Schema,
    expression_names,
    inputs,
    is_hidden,
    is_hidden_by_answers,
    is_required,
    options,
)
from tasks.values import Mistake

Component = Mapping[str, Any]


def check(
    schema: Schema, answers: Mapping[str, Any], context: FormContext, *, complete: bool = True
) -> dict[str, Any]:
    """The answers with their types right; raises AnswersRefused with every mistake.

    Fields in `context.values` (the issue's) left out stay out: they mean unchanged. Others left out are None, False or [].
    What was answered before and other answers now hide is None. `complete=False` asks for nothing that is missing: for what is
    not sent yet.
    """
    if not isinstance(answers, Mapping):
        raise AnswersRefused({"answers": "答案须是字段名与内容的对应。"})
    given, errors = _read_all(schema, answers, context)
    names = expression_names(schema, context, {**context.values, **given})
    checked: dict[str, Any] = {}
    for component, around in inputs(schema):
        key = component["key"]
        if any(is_hidden(part, context, names) for part in (*around, component)):
            names[key] = None
            errors.pop(key, None)
            if not is_empty(answers.get(key)) and given.get(key) is not False:
                errors[key] = f"按照已填写的内容，不需要填写“{component['label']}”，请清空。"
            elif key in context.carried and any(
                is_hidden_by_answers(part, context, names, given.keys() | context.values.keys())
                for part in (*around, component)
            ):
                checked[key] = None
            continue
        if key in errors:
            continue
        unchanged = key not in answers and key in context.values
        value = context.values[key] if unchanged else given[key]
        if complete and is_empty(value) and is_required(component, context, names):
            errors[key] = _ask_for(component)
        elif not unchanged:
            checked[key] = value
    if errors:
        raise AnswersRefused(errors)
    return checked


def file_ids(schema: Schema, answers: Mapping[str, Any]) -> list[UUID]:
    """The files the answers name, as far as they are ids at all: what to load before `check`."""
    found: list[UUID] = []
    for component, _ in inputs(schema):
        if component["type"] == "filepicker":
            for item in as_list(answers.get(component["key"])):
                try:
                    found.append(UUID(str(item)))
                except ValueError:
                    continue  # `check` names the field
    return found


def describe(
    schema: Schema, answers: Mapping[str, Any], lists: Mapping[str, Sequence[Option]]
) -> list[dict[str, Any]]:
    """Answers to read: one `{key, label, kind, value, text}` a field that was answered, in the form's order.

    `text` is what to show; for files `value` holds their ids. Answers the form does not know come last, by their key.
    """
    lines: list[dict[str, Any]] = []
    known: set[str] = set()
    for component, _ in inputs(schema):
        key = component["key"]
        known.add(key)
        value = answers.get(key)
        if not is_empty(value):
            text = words_of(component, value, lists)
            lines.append(
                {
                    "key": key,
                    "label": component["label"],
                    "kind": component["type"],
                    "value": value,
                    "text": text,
                }
            )
    for key, value in answers.items():
        if key not in known and not is_empty(value):
            lines.append({"key": key, "label": key, "kind": "textfield", "value": value, "text": str(value)})
    return lines


def is_empty(value: Any) -> bool:
    """Nothing was entered. False and 0: a checkbox not ticked is empty, a zero is an answer."""
    if isinstance(value, str):
        return is_blank(value)
    if isinstance(value, list | tuple):
        return all(is_empty(item) for item in value)
    return value is None or value is False


def as_list(value: Any) -> list[Any]:
    """One or many, as a list without the blank entry a page posts for none."""
    items = list(value) if isinstance(value, list | tuple) else [value]
    return [item for item in items if item not in (None, "")]


def _read_all(
    schema: Schema, answers: Mapping[str, Any], context: FormContext
) -> tuple[dict[str, Any], dict[str, str]]:
    given: dict[str, Any] = {}
    errors: dict[str, str] = {}
    known: set[str] = set()
    for component, _ in inputs(schema):
        key = component["key"]
        known.add(key)
        if key not in answers and key in context.values:
            continue
        try:
            given[key] = _read(component, answers.get(key), context)
        except Mistake as mistake:
            errors[key] = mistake.sentence(component["label"])
    for key in answers:
        if key == "send" and key not in known:
            if answers[key] not in (True, "true", "on", "1"):
                errors[key] = "提交时 send 须为 true；不提交请保存草稿。"
        elif key not in known:
            errors[str(key)] = f"表单里没有名为“{str(key)[:60]}”的字段。"
    return given, errors


def _read(component: Component, raw: Any, context: FormContext) -> Any:
    kind, rules = component["type"], component.get("validate", {})
    if kind in ("checklist", "filepicker"):
        items = as_list(raw)
        if kind == "checklist":
            return read.choices(items, options(component, context), rules)
        return read.files(items, rules, component.get("accept", ""), context)
    if isinstance(raw, list | tuple):
        if len(raw) > 1:
            raise Mistake("{label}只能有一项。")
        raw = raw[0] if raw else None
    if kind == "checkbox":
        return read.tick(raw)
    if isinstance(raw, str):
        raw = read.tidy(component, raw)
    if is_empty(raw) and raw is not False:
        return None
    if kind in ("textfield", "textarea"):
        return read.words(raw, rules, lines=kind == "textarea")
    if kind == "number":
        return read.number(raw, rules, component.get("decimalDigits"))
    if kind == "datetime":
        return read.moment(raw, component["subtype"])
    return read.choice(raw, options(component, context))


def _ask_for(component: Component) -> str:
    label = component["label"]
    if component["type"] in ("select", "radio", "checklist", "datetime"):
        return f"请选择“{label}”。"
    if component["type"] == "filepicker":
        return f"请上传“{label}”。"
    return f"请勾选“{label}”。" if component["type"] == "checkbox" else f"请填写“{label}”。"


def words_of(component: Component, value: Any, lists: Mapping[str, Sequence[Option]]) -> str:
    """One answer as it is shown: the labels of what was chosen, how many files there are."""
    if component["type"] == "checkbox":
        return "是"
    if component["type"] == "filepicker":
        return f"{len(as_list(value))} 个附件"
    choices = {str(option.value): option.label for option in options(component, FormContext(lists=lists))}
    return "、".join(choices.get(str(item), str(item)) for item in as_list(value))

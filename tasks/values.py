"""One answer at a time: what was entered, turned into a value of the right type, or the mistake in it."""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from cleaning import clean_address, clean_code, clean_identifier, clean_line, clean_text
from engine.form_schema import LONGEST_PATTERN_INPUT, LONGEST_TEXT
from tasks.fields import FormContext, Option

LONGEST_LINE = 500
LARGEST = 10**15
BEIJING = ZoneInfo("Asia/Shanghai")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d{1,10})?")
_PHONE_OR_MAIL = {
    "email": re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}\.[^@\s.]{1,63}"),
    "phone": re.compile(r"[+\d][\d -]{4,20}"),
}
_EXAMPLE = {
    "date": "日期（如 2026-03-02）",
    "time": "时间（如 09:30）",
    "datetime": "日期和时间（如 2026-03-02T09:30）",
}


class Mistake(Exception):
    """What is wrong with one answer; `{label}` in it stands for the field's title."""

    def sentence(self, label: str) -> str:
        """The mistake, naming the field."""
        return str(self).replace("{label}", f"“{label}”")


def tidy(component: Mapping[str, Any], raw: str) -> str:
    """What was typed into this field as it will be kept, whether it is right or not: by the field's type (docs/adr/0023).

    A line that has to look like something is taken for a number or code people copy, where only that makes it fit.
    """
    kind, rules = component["type"], component.get("validate", {})
    if kind == "textarea":
        return clean_text(raw)
    if kind in ("number", "datetime") or (kind == "textfield" and "validationType" in rules):
        return clean_address(raw)
    if kind != "textfield":
        return raw
    line = clean_line(raw)
    return next((one for one in (line, clean_identifier(raw), clean_code(raw)) if _fits(one, rules)), line)


def words(raw: Any, rules: Mapping[str, Any], *, lines: bool) -> str:
    """Text, tidied before; line breaks only where there are several lines."""
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        raise Mistake("{label}须是文字。")
    text = str(raw).replace("\r\n", "\n").replace("\r", "\n").strip()
    if _CONTROL.search(text):
        raise Mistake("{label}里有不能使用的控制字符，请重新输入。")
    if not lines and "\n" in text:
        raise Mistake("{label}只能写一行。")
    longest = rules.get("maxLength", LONGEST_TEXT if lines else LONGEST_LINE)
    if len(text) > longest:
        raise Mistake(f"{{label}}不能超过 {longest} 个字，现在是 {len(text)} 个字。")
    if len(text) < rules.get("minLength", 0):
        raise Mistake(f"{{label}}至少要写 {rules['minLength']} 个字，现在是 {len(text)} 个字。")
    if not _fits(text, rules):
        raise Mistake("{label}的格式不正确。")
    kind = rules.get("validationType")
    if kind in _PHONE_OR_MAIL and not _PHONE_OR_MAIL[kind].fullmatch(text):
        raise Mistake("{label}的格式不正确。")
    return text


def _fits(text: str, rules: Mapping[str, Any]) -> bool:
    """Whether a text has the field's pattern: a digit is 0 to 9 there, as in the browsers' forms these files come from."""
    pattern = rules.get("pattern")
    # The schema check let in only patterns that stay quick on inputs of this length.
    return not pattern or (len(text) <= LONGEST_PATTERN_INPUT and bool(re.fullmatch(pattern, text, re.ASCII)))


def number(raw: Any, rules: Mapping[str, Any], decimals: int | None) -> int | float:
    """A finite number within its bounds; whole where the form allows no decimals."""
    value: Any = raw
    if isinstance(raw, str) and _NUMBER.fullmatch(raw.strip()):
        value = float(raw) if "." in raw else int(raw)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Mistake("{label}须是数字。")
    if not math.isfinite(value) or abs(value) > LARGEST:
        raise Mistake("{label}须是数字。")
    if decimals is not None and round(value, decimals) != value:
        raise Mistake("{label}须是整数。" if decimals == 0 else f"{{label}}最多保留 {decimals} 位小数。")
    if "min" in rules and value < rules["min"]:
        raise Mistake(f"{{label}}不能小于 {rules['min']}。")
    if "max" in rules and value > rules["max"]:
        raise Mistake(f"{{label}}不能大于 {rules['max']}。")
    return value


def moment(raw: Any, subtype: str) -> str:
    """A day, a time of day, or a point in time with its zone, as ISO 8601. Without a zone it is Beijing's."""
    text = str(raw).strip()
    try:
        if subtype == "date":
            return date.fromisoformat(text).isoformat()
        if subtype == "time":
            return time.fromisoformat(text).replace(tzinfo=None).isoformat(timespec="minutes")
        at = datetime.fromisoformat(text)
        if len(text) <= 10:
            raise Mistake("{label}须同时有日期和时间。")
        return (at if at.tzinfo else at.replace(tzinfo=BEIJING)).isoformat(timespec="seconds")
    except ValueError as error:
        raise Mistake(f"{{label}}须是正确的{_EXAMPLE[subtype]}。") from error


def choice(raw: Any, options: Sequence[Option]) -> Any:
    """The value of the option that was picked, with the type the form gives it."""
    for option in options:
        if not isinstance(raw, bool) and str(option.value) == str(raw).strip():
            return option.value
    raise Mistake("{label}须从给出的选项里选择。")


def choices(raw: Sequence[Any], options: Sequence[Option], rules: Mapping[str, Any]) -> list[Any]:
    """The values of the options that were picked, each once."""
    picked = list(dict.fromkeys(choice(item, options) for item in raw))
    count(len(picked), rules, "项")
    return picked


def tick(raw: Any) -> bool:
    """Whether the box is ticked; pages send "on", or nothing."""
    if raw in (True, "on", "true", "1"):
        return True
    if raw in (None, False, "", "false", "off", "0"):
        return False
    raise Mistake("{label}须是“是”或“否”。")


def files(raw: Sequence[Any], rules: Mapping[str, Any], accept: str, context: FormContext) -> list[str]:
    """Ids of files that exist and are the actor's own new ones, or belong to this instance already; of the types in `accept`
    (`.jpg,.pdf`), where it names any: what a file is called was held against its content when it came in."""
    types = [one.strip().lower().lstrip(".") for one in accept.split(",") if one.strip()]
    found: dict[str, None] = {}
    for item in raw:
        try:
            file = context.files.get(UUID(str(item)))
        except ValueError:
            file = None
        own = file and file.instance_id is None and file.owner_id == context.actor_id
        here = file and file.instance_id is not None and file.instance_id == context.instance_id
        if file is None or not (own or here):
            raise Mistake("{label}里有找不到的附件，请重新上传。")
        if types and file.name.rpartition(".")[2].lower() not in types:
            raise Mistake(f"{{label}}只能是 {'、'.join(types)} 文件，“{file.name}”不是。")
        found[str(file.id)] = None
    count(len(found), {"maxLength": context.max_files, **rules}, "个附件")
    return list(found)


def count(number_of: int, rules: Mapping[str, Any], unit: str) -> None:
    """Not too few (none at all is a matter of being required) and not too many."""
    if number_of > rules.get("maxLength", number_of):
        raise Mistake(f"{{label}}最多 {rules['maxLength']} {unit}，现在是 {number_of} {unit}。")
    if 0 < number_of < rules.get("minLength", 0):
        raise Mistake(f"{{label}}至少 {rules['minLength']} {unit}，现在是 {number_of} {unit}。")

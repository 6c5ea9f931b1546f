"""Which of our templates is which of WeChat's, and what stands in its fields: a TOML file (docs/wechat.md), because every
official account chooses its templates on WeChat's own pages. A mistake in the file is named when it is read.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, cast

from sending import OperatorNeeded
from wechat.exceptions import TemplatesWrong
from wechat.fields import LISTED, field_type, fit
from wechat.sender import PROVIDER, Notice

TEMPLATE_ID = re.compile(r"[A-Za-z0-9_-]{20,64}", re.ASCII)
KINDS = ("template", "subscribe")
OWN = ("title", "text", "at")
"""What a field may be taken from besides the params: the notice's own parts. A param of the same name comes first."""


@dataclass(frozen=True)
class Field:
    """Where one field's value comes from: a fixed `text`, or `source`; `otherwise` where that is missing or does not fit."""

    name: str
    kind: str
    source: str | None = None
    text: str | None = None
    otherwise: str | None = None
    values: tuple[str, ...] = ()

    def read(self, notice: Notice) -> str | None:
        """What stands in it for this notice, None where nothing fits."""
        if self.text is not None:
            return self.text
        assert self.source is not None
        own = {name: getattr(notice, name) for name in OWN}
        value = fit(self.kind, {**own, **notice.params}.get(self.source))
        if value is not None and self.values and value not in self.values:
            value = None
        return self.otherwise if value is None else value


@dataclass(frozen=True)
class Template:
    """One of WeChat's templates. `kind`: template message (模板消息) or subscription notice (订阅通知)."""

    kind: Literal["template", "subscribe"]
    id: str
    fields: tuple[Field, ...]


class WechatTemplates:
    """Our templates' names, each with WeChat's."""

    def __init__(self, templates: Mapping[str, Template]) -> None:
        self._templates = dict(templates)

    @classmethod
    def from_file(cls, path: Path | None) -> Self:
        """As the file says; none without a file. Raises TemplatesWrong."""
        if path is None:
            return cls({})
        try:
            return cls.from_toml(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise TemplatesWrong(f"{path}: cannot be read") from error
        except TemplatesWrong as error:
            raise TemplatesWrong(f"{path}: {error}") from error

    @classmethod
    def from_toml(cls, text: str) -> Self:
        """As this text says. Raises TemplatesWrong, which names every mistake."""
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise TemplatesWrong(f"not TOML: {error}") from error
        mistakes: list[str] = []
        templates = _read_templates(data, mistakes)
        if mistakes:
            raise TemplatesWrong("\n".join(mistakes))
        return cls(templates)

    @property
    def names(self) -> frozenset[str]:
        """Our templates that WeChat can carry; all others go another way."""
        return frozenset(self._templates)

    def find(self, name: str) -> Template:
        """The template. Raises OperatorNeeded."""
        if name not in self._templates:
            raise OperatorNeeded(PROVIDER, "no template", f"没有为 {name} 配置微信模板")
        return self._templates[name]


def fill(template: Template, notice: Notice) -> dict[str, dict[str, str]]:
    """`data` of the API. Raises OperatorNeeded where a field would be refused."""
    data: dict[str, dict[str, str]] = {}
    for field in template.fields:
        value = field.read(notice)
        if value is None:
            why = f"模板 {notice.template} 的字段 {field.name} 没有合适的内容，可为它配置 otherwise"
            raise OperatorNeeded(PROVIDER, f"field {field.name}", why)
        data[field.name] = {"value": value}
    return data


def _read_templates(data: dict[str, Any], mistakes: list[str]) -> dict[str, Template]:
    mistakes += [f"{key}: unknown" for key in sorted(data.keys() - {"templates"})]
    tables = data.get("templates", {})
    if not isinstance(tables, dict):
        mistakes.append("templates: has to be a table")
        return {}
    return {name: _read_template(f"templates.{name}", table, mistakes) for name, table in tables.items()}


def _read_template(place: str, table: Any, mistakes: list[str]) -> Template:
    if not isinstance(table, dict):
        mistakes.append(f"{place}: has to be a table")
        return Template("template", "", ())
    mistakes += [f"{place}.{key}: unknown" for key in sorted(table.keys() - {"kind", "id", "fields"})]
    if table.get("kind") not in KINDS:
        mistakes.append(f"{place}.kind: one of {', '.join(KINDS)}")
    if not isinstance(table.get("id"), str) or not TEMPLATE_ID.fullmatch(table["id"]):
        mistakes.append(f"{place}.id: the template's id as WeChat shows it")
    fields = table.get("fields")
    if not isinstance(fields, dict) or not fields:
        mistakes.append(f"{place}.fields: at least one")
        return Template("template", "", ())
    read = tuple(
        _read_field(f"{place}.fields.{name}", name, entry, mistakes) for name, entry in fields.items()
    )
    return Template(cast(Any, table.get("kind")), str(table.get("id")), read)


def _read_field(place: str, name: str, entry: Any, mistakes: list[str]) -> Field:
    kind = field_type(name)
    if kind is None:
        mistakes.append(f"{place}: WeChat has no such type of field")
    if not isinstance(entry, dict):
        mistakes.append(f"{place}: has to be a table with `from` or `text`")
        return Field(name, "thing")
    mistakes += [
        f"{place}.{key}: unknown" for key in sorted(entry.keys() - {"from", "text", "otherwise", "values"})
    ]
    if ("from" in entry) == ("text" in entry):
        mistakes.append(f"{place}: either `from` or `text`")
    values = entry.get("values", [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        mistakes.append(f"{place}.values: a list of texts")
        values = []
    if kind in LISTED and not values:
        mistakes.append(f"{place}.values: the values that WeChat allows for it")
    for key in ("from", "text", "otherwise"):
        if key in entry and not isinstance(entry[key], str):
            mistakes.append(f"{place}.{key}: a text")
    for key in ("text", "otherwise"):
        fixed = entry.get(key)
        if (
            kind
            and isinstance(fixed, str)
            and (fit(kind, fixed) != fixed or (values and fixed not in values))
        ):
            mistakes.append(f"{place}.{key}: WeChat would refuse it")
    return Field(
        name, kind or "", entry.get("from"), entry.get("text"), entry.get("otherwise"), tuple(values)
    )

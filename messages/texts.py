"""Message texts: templates with `{placeholders}`, written beside the diagram in `texts.yaml`, rendered strictly."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any

import yaml

from messages.exceptions import TextBroken


@dataclass(frozen=True)
class Text:
    """One template, or one rendered message: what a list shows, and what is sent."""

    title: str
    text: str


def load_texts(source: str) -> dict[str, Text]:
    """`texts.yaml`: `template: {title, text}`. Raises TextBroken."""
    try:
        read = yaml.safe_load(source) or {}
    except yaml.YAMLError as error:
        raise TextBroken(f"texts.yaml 不是有效的 YAML：{error}") from error
    if not isinstance(read, dict):
        raise TextBroken("texts.yaml 应为“模板名: {title, text}”的形式。")
    return {str(name): _to_text(str(name), entry) for name, entry in read.items()}


def render(texts: Mapping[str, Text], template: str, params: Mapping[str, Any]) -> Text:
    """The text with its placeholders filled. Raises TextBroken for an unknown template or placeholder."""
    if template not in texts:
        raise TextBroken(f"没有消息模板 {template}。")
    entry = texts[template]
    return Text(_fill(template, entry.title, params), _fill(template, entry.text, params))


def find_mistakes(texts: Mapping[str, Text], known: Collection[str]) -> list[tuple[str, str]]:
    """Template and sentence for each placeholder that nobody will fill, for the check of a process before it is deployed."""
    mistakes: list[tuple[str, str]] = []
    for name, entry in texts.items():
        for part in (entry.title, entry.text):
            try:
                unknown = sorted(_placeholders(name, part) - set(known))
            except TextBroken as broken:
                mistakes.append((name, str(broken)))
                continue
            mistakes.extend((name, f"消息模板 {name} 使用了未知的占位符 {{{key}}}。") for key in unknown)
    return mistakes


def _to_text(name: str, entry: Any) -> Text:
    if not isinstance(entry, dict) or not isinstance(entry.get("text"), str):
        raise TextBroken(f"消息模板 {name} 缺少 text。")
    return Text(str(entry.get("title", "")), entry["text"].strip())


def _fill(template: str, part: str, params: Mapping[str, Any]) -> str:
    missing = sorted(_placeholders(template, part) - set(params))
    if missing:
        raise TextBroken(f"消息模板 {template} 使用了未知的占位符 {{{missing[0]}}}。")
    return "".join(
        literal + ("" if key is None else _show(params[key]))
        for literal, key, _, _ in Formatter().parse(part)
    )


def _placeholders(template: str, part: str) -> set[str]:
    """Only bare names: no attribute, index, format or conversion, which could reach into objects."""
    found: set[str] = set()
    try:
        for _, key, spec, conversion in Formatter().parse(part):
            if key is None:
                continue
            if not key.isidentifier() or spec or conversion:
                raise TextBroken(f"消息模板 {template} 的占位符 {{{key}}} 只能是名称。")
            found.add(key)
    except ValueError as error:
        raise TextBroken(f"消息模板 {template} 的花括号不成对。") from error
    return found


def _show(value: Any) -> str:
    return "" if value is None else str(value)

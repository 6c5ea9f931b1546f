"""Message texts: templates with `{placeholders}`, written beside the diagram in `texts.yaml`, rendered strictly.

answered:
  topic: progress                    # what people switch on and off; left out: progress
  channels: [wechat, sms, mail]      # which channels this kind may use, in order; left out: all that can; []: in-app only
  title: 您的问题已有办理结果
  text: 问题 {number} 已有办理结果。
  sms: 您的问题已有办理结果。          # what an SMS says; needed where the text has placeholders: carriers take none
  hours: office                      # to officers in office hours only; left out: at any hour
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any

import yaml

from messages.exceptions import TextBroken
from messages.topics import ACCOUNT, CHANNELS, PROGRESS, SMS, TOPICS

KEYS = ("channels", "hours", "sms", "text", "title", "topic")
OFFICE = "office"


@dataclass(frozen=True)
class Text:
    """One template, or one rendered message: what a list shows, what is sent, over which channels it may go, and whether officers
    get it in office hours only."""

    title: str
    text: str
    channels: tuple[str, ...] = CHANNELS
    sms: str | None = None
    topic: str = PROGRESS
    in_office_hours: bool = False


def by_sms(title: str, text: str) -> Text:
    """What goes to a phone, whoever has it: codes, and what concerns somebody's account."""
    return Text(title, text, channels=(SMS,), topic=ACCOUNT)


def load_texts(source: str) -> dict[str, Text]:
    """`texts.yaml`: `template: {title, text, channels, sms, topic, hours}`. Raises TextBroken."""
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
    title, text = _fill(template, entry.title, params), _fill(template, entry.text, params)
    return Text(title, text, entry.channels, entry.sms, entry.topic, entry.in_office_hours)


def find_mistakes(texts: Mapping[str, Text], known: Collection[str]) -> list[tuple[str, str]]:
    """Template and sentence for each placeholder that nobody will fill, or that no SMS may have; for the check of a process
    before it is deployed."""
    mistakes: list[tuple[str, str]] = []
    for name, entry in texts.items():
        found: list[str] = []
        for part in (entry.title, entry.text):
            try:
                unknown = sorted(_placeholders(name, part) - set(known))
            except TextBroken as broken:
                found.append(str(broken))
                continue
            found += (f"消息模板 {name} 使用了未知的占位符 {{{key}}}。" for key in unknown)
        mistakes += ((name, sentence) for sentence in found or _find_sms_mistakes(name, entry))
    return mistakes


def _find_sms_mistakes(name: str, entry: Text) -> list[str]:
    """Carriers take no variables in notifications (cloud.tencent.com/document/product/382/39023, November 2026)."""
    if "sms" not in entry.channels:
        return []
    try:
        if entry.sms is None and _placeholders(name, entry.text):
            return [
                f"消息模板 {name} 要发短信，但 text 里有占位符：请写一条不带占位符的 sms，或者从 channels 里去掉 sms。"
            ]
        if entry.sms is not None and _placeholders(name, entry.sms):
            return [f"消息模板 {name} 的 sms 不能有占位符：运营商不接受带变量的通知短信。"]
    except TextBroken as broken:
        return [str(broken)]
    return []


def _to_text(name: str, entry: Any) -> Text:
    if not isinstance(entry, dict) or not isinstance(entry.get("text"), str):
        raise TextBroken(f"消息模板 {name} 缺少 text。")
    if unknown := sorted(map(str, entry.keys() - set(KEYS))):
        raise TextBroken(f"消息模板 {name} 有不认识的项：{'、'.join(unknown)}。")
    text = entry["text"].strip()
    sms = entry.get("sms")
    if sms is not None and (not isinstance(sms, str) or not sms.strip()):
        raise TextBroken(f"消息模板 {name} 的 sms 应为一段文字。")
    topic = entry.get("topic", PROGRESS)
    if topic not in TOPICS:
        raise TextBroken(f"消息模板 {name} 的 topic 应为 {'、'.join(TOPICS)} 之一。")
    channels = _read_channels(name, entry.get("channels"), sms_can=sms is not None or "{" not in text)
    hours = entry.get("hours")
    if hours not in (None, OFFICE):
        raise TextBroken(f"消息模板 {name} 的 hours 只能是 {OFFICE}（只在办公时间发给关员），或者不写。")
    return Text(
        str(entry.get("title", "")), text, channels, sms.strip() if sms else None, topic, hours == OFFICE
    )


def _read_channels(name: str, named: Any, *, sms_can: bool) -> tuple[str, ...]:
    if named is None:
        return tuple(channel for channel in CHANNELS if channel != "sms" or sms_can)
    if not isinstance(named, list) or any(channel not in CHANNELS for channel in named):
        raise TextBroken(f"消息模板 {name} 的 channels 应为 {'、'.join(CHANNELS)} 中的几项。")
    if len(set(named)) < len(named):
        raise TextBroken(f"消息模板 {name} 的 channels 有重复。")
    return tuple(named)


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

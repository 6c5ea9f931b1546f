"""Values as people read them: times in Beijing's zone, how long something took, how large a file is, when something is due."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from domain.files.types import ALL_TYPES, BY_MEDIA_TYPE, PICTURES, FileType, tell_kinds
from domain.models.people import ROLE_NAMES

BEIJING = ZoneInfo("Asia/Shanghai")
ENTERPRISE_STATES = {"pending": "待审核", "returned": "已退回", "suspended": "已停用"}
"""What is worth telling about an enterprise where one chooses it: why issues cannot be raised."""
RATINGS = {1: "完全解决问题", 2: "同意答复意见", 3: "没有解决问题", 4: "解决部分问题"}


@dataclass(frozen=True)
class Due:
    """A deadline in words; `level` is ok, soon or late."""

    at: datetime
    words: str
    level: str


def moment(at: datetime | str | None) -> str:
    """`2026年11月23日 17:06`."""
    local = to_local(at)
    return f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}" if local else ""


def day(at: datetime | str | None) -> str:
    """`2026年11月23日`."""
    local = to_local(at)
    return f"{local.year}年{local.month}月{local.day}日" if local else ""


def due_day(at: datetime | str | None, now: datetime | None = None) -> str:
    """The last day of a deadline: `11月30日`, with the year when it is another one."""
    local, today = to_local(at), to_local(now or datetime.now(UTC))
    if local is None or today is None:
        return ""
    return f"{local.month}月{local.day}日" if local.year == today.year else day(local)


def due_by(at: datetime | str | None, now: datetime | None = None) -> Markup:
    """`11月30日前`, and the moment itself for who points at it."""
    local = to_local(at)
    if local is None:
        return Markup()
    return Markup('<time datetime="{}" title="{}">{}前</time>').format(
        local.isoformat(), moment(local), due_day(local, now)
    )


def point_at_due(words: str, at: datetime | None, now: datetime | None = None) -> str:
    """A sentence that may name the last day of this deadline: there with the moment for who points at it."""
    if at is None:
        return words
    named = re.compile(rf"(?<![\d年]){due_day(at, now)}(?! ?\d)")
    before, found, after = _parted(named, words)
    if not found:
        return words
    local = to_local(at)
    assert local is not None
    return Markup('{}<time datetime="{}" title="{}">{}</time>{}').format(
        before, local.isoformat(), moment(local), found, after
    )


def _parted(named: re.Pattern[str], words: str) -> tuple[str, str, str]:
    match = named.search(words)
    return (words[: match.start()], match[0], words[match.end() :]) if match else (words, "", "")


def short_moment(at: datetime | str | None, now: datetime | None = None) -> str:
    """`17:06` of today, `11月23日 17:06` of this year, with the year before that."""
    local, today = to_local(at), to_local(now or datetime.now(UTC))
    if local is None or today is None:
        return ""
    if local.date() == today.date():
        return f"今天 {local:%H:%M}"
    return f"{local.month}月{local.day}日 {local:%H:%M}" if local.year == today.year else moment(local)


def to_local(at: datetime | str | None) -> datetime | None:
    """The time in Beijing; texts are ISO 8601."""
    if isinstance(at, str):
        at = datetime.fromisoformat(at)
    return at.astimezone(BEIJING) if at else None


def duration(seconds: float | None) -> str:
    """`不到 1 分钟`, `35 分钟`, `5 小时`, `2 天 3 小时`."""
    if seconds is None:
        return ""
    minutes = int(seconds // 60)
    if minutes < 1:
        return "不到 1 分钟"
    if minutes < 60:
        return f"{minutes} 分钟"
    days, hours = divmod(minutes // 60, 24)
    if not days:
        rest = minutes % 60
        return f"{hours} 小时 {rest} 分钟" if hours < 6 and rest else f"{hours} 小时"
    return f"{days} 天 {hours} 小时" if hours and days < 10 else f"{days} 天"


def size(number_of_bytes: int) -> str:
    """`35 KB`, `1.2 MB`."""
    if number_of_bytes < 1024 * 1024:
        return f"{max(1, round(number_of_bytes / 1024))} KB"
    return f"{number_of_bytes / 1024 / 1024:.1f} MB"


def file_kind(media_type: str) -> str:
    """What a file is, in a word."""
    kind = BY_MEDIA_TYPE.get(media_type)
    return kind.word if kind else "文件"


def extensions(accept: str) -> list[FileType]:
    """The kinds that a field takes (`.jpg,.pdf`); all of them when it names none."""
    named = [one.strip().lstrip(".").lower() for one in accept.split(",") if one.strip()]
    kinds = [
        kind
        for kind in ALL_TYPES
        if any(kind.extension == one or one in kind.also - PICTURES for one in named)
    ]
    return kinds or list(ALL_TYPES)


def accepted(accept: str) -> str:
    """The kinds of a field in words: 图片、PDF或Word."""
    return tell_kinds(extensions(accept))


def pickable(accept: str) -> str:
    """What the browser's file picker offers: a field's own list, or everything that may come in."""
    names = (
        f".{name}"
        for kind in ALL_TYPES
        for name in (kind.extension, *sorted(kind.also - {"dib", "hif", "jpe", "jfif"}))
    )
    return accept or ",".join(dict.fromkeys(names))


def file_address(file: Any, base: str = "/attachments") -> str:
    """Where a file is opened: what can be shown on a page of ours, the rest by itself."""
    return f"{base}/{file.id}/view" if file.is_shown and base == "/attachments" else f"{base}/{file.id}"


def masked(phone: str) -> str:
    """`138****0001`."""
    digits = phone.removeprefix("+86")
    return f"{digits[:3]}****{digits[-4:]}"


def capped(number: int) -> str:
    """Counts on tabs: up to 99+, and `12+` for what was counted for a moment only."""
    if number > 99:
        return "99+"
    return str(number) if getattr(number, "exact", True) else f"{number}+"


def role_names(roles: Iterable[str]) -> str:
    """The roles in Chinese, in the order of the glossary."""
    held = set(roles)
    return "、".join(name for role, name in ROLE_NAMES.items() if role in held)


def paragraphs(text: str) -> Markup:
    """Lines as paragraphs (`### ` makes a heading of one), everything escaped."""

    def draw(line: str) -> Markup:
        heading = re.match(r"#{1,6}\s+(.*)", line)
        return Markup("<h3>{}</h3>").format(heading[1]) if heading else Markup("<p>{}</p>").format(line)

    return Markup("").join(draw(line) for line in text.splitlines() if line.strip())


def for_input(value: Any, subtype: str) -> str:
    """An answer's time as the browser's input of this kind wants it."""
    if not value:
        return ""
    if subtype in ("date", "time"):
        return str(value)
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return str(escape(value))
    return f"{at.astimezone(BEIJING) if at.tzinfo else at:%Y-%m-%dT%H:%M}"

"""Moments, durations and cycles as ISO 8601 writes them, for timers. Pure arithmetic on aware datetimes: the clock is an
argument, a time without a zone is refused, a month is a calendar month."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

_DURATION = re.compile(
    r"P(?!$)(?:(\d{1,4})Y)?(?:(\d{1,5})M)?(?:(\d{1,5})W)?(?:(\d{1,6})D)?"
    r"(?:T(?=\d)(?:(\d{1,7})H)?(?:(\d{1,8})M)?(?:(\d{1,9}(?:\.\d{1,6})?)S)?)?"
)
_CYCLE = re.compile(r"R(\d{0,6})/(?:([^/]+)/)?(P[^/]+)")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T.+")


class TimeRefused(Exception):
    """这不是有效的时间。"""

    def __init__(self, value: Any, reason: str) -> None:
        super().__init__(f"“{value}”不是有效的时间：{reason}")


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time in calendar months and exact time."""

    months: int
    rest: timedelta

    def after(self, moment: datetime) -> datetime:
        """The moment this much later; the 31st becomes the last day of a shorter month."""
        if self.months:
            year, month = divmod(moment.year * 12 + moment.month - 1 + self.months, 12)
            day = min(moment.day, monthrange(year, month + 1)[1])
            moment = moment.replace(year=year, month=month + 1, day=day)
        return moment + self.rest


def is_iso_time(text: str) -> bool:
    """Whether a text is written as ISO 8601 writes durations, cycles or date-times, not as an expression."""
    return bool(_DURATION.fullmatch(text) or _CYCLE.fullmatch(text) or _MOMENT.fullmatch(text))


def parse_duration(text: str) -> Duration:
    """`P15D`, `PT1H30M`, `P1M`, `P2W`; no sign. Raises TimeRefused."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise TimeRefused(text, "时长应写成 P15D、PT12H 这样的形式")
    years, months, weeks, days, hours, minutes = (int(part or 0) for part in match.groups()[:6])
    seconds = float(match.group(7) or 0)
    rest = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    return Duration(years * 12 + months, rest)


def parse_moment(value: Any) -> datetime:
    """An aware datetime or an ISO 8601 text with a zone, as UTC. Raises TimeRefused."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise TimeRefused(value, "应写成 2026-12-31T17:00:00+08:00 这样的形式") from None
    if not isinstance(value, datetime):
        raise TimeRefused(value, "应是日期时间或时长")
    if value.utcoffset() is None:
        raise TimeRefused(value, "没有时区")
    return value.astimezone(UTC)


def due_from(value: Any, now: datetime) -> datetime | None:
    """When a timer is due whose expression gave `value`: a moment, a duration from now, or None for never."""
    if value is None:
        return None
    try:
        if isinstance(value, timedelta):
            return now + value
        if isinstance(value, str) and value.startswith("P"):
            return parse_duration(value).after(now)
    except (OverflowError, ValueError):
        raise TimeRefused(value, "超出了日历的范围") from None
    return parse_moment(value)


@dataclass(frozen=True, slots=True)
class Cycle:
    """`R3/P1D`: how often is left (None: without end), when next, and how far apart."""

    left: int | None
    due_at: datetime
    interval: str

    def following(self, now: datetime) -> Cycle | None:
        """What remains after firing at `now`. Times missed while nobody looked count as fired: no burst of them."""
        left, due_at = self.left, self.due_at
        step = parse_duration(self.interval)
        while due_at <= now:
            due_at = step.after(due_at)
            left = left if left is None else left - 1
        return Cycle(left, due_at, self.interval) if left is None or left > 0 else None


def parse_cycle(value: Any, now: datetime) -> Cycle | None:
    """`R/P1D`, `R3/PT1H`, `R3/<start>/P1D`; None stays None (never). Raises TimeRefused."""
    if value is None:
        return None
    match = _CYCLE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise TimeRefused(value, "周期应写成 R3/P1D 这样的形式")
    count, start, interval = match.groups()
    step = parse_duration(interval)
    if step.after(now) < now + timedelta(minutes=1):
        raise TimeRefused(value, "周期不能短于一分钟")
    left = int(count) if count else None
    due_at = parse_moment(start) if start else step.after(now)
    if left == 0:
        return None
    cycle = Cycle(left, due_at, interval)
    return cycle.following(now) if due_at < now else cycle

"""Working days (工作日) in China: public holidays and make-up days as published, over Monday to Friday.

The library knows the years up to its release; rows of `calendar_day` correct it or add a year it does not know. A year
that neither knows counts Monday to Friday, and `unknown_years` names it so that the administrator is told.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from chinese_calendar import constants
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.models import CalendarDay

BEIJING = ZoneInfo("Asia/Shanghai")
FRESH_FOR = timedelta(seconds=60)
LIBRARY_YEARS = frozenset(day.year for day in constants.holidays)


class WorkingCalendar:
    """What is known about days. One for a process: expressions read it at once, edges refresh it from the database."""

    def __init__(self, overrides: Mapping[date, bool] | None = None) -> None:
        self._overrides: Mapping[date, bool] = dict(overrides or {})
        self._years_of_overrides = frozenset(day.year for day in self._overrides)
        self._read_at: datetime | None = None

    async def refresh(self, session: AsyncSession, now: datetime, *, at_once: bool = False) -> bool:
        """Read the administrator's days again when the last reading is older than a minute (or `at_once`); whether they
        differ."""
        if not at_once and self._read_at is not None and now - self._read_at < FRESH_FOR:
            return False
        rows = await session.execute(select(col(CalendarDay.day), col(CalendarDay.working)))
        fresh: dict[date, bool] = dict(rows.all())
        self._read_at = now
        changed = fresh != self._overrides
        self._overrides = fresh
        self._years_of_overrides = frozenset(day.year for day in fresh)
        return changed

    def is_working(self, day: date) -> bool:
        """Whether offices work on this day."""
        if day in self._overrides:
            return self._overrides[day]
        if day in constants.workdays:  # a weekend day on which people make up for a holiday
            return True
        return day.weekday() < 5 and day not in constants.holidays and day not in constants.in_lieu_days

    def knows(self, year: int) -> bool:
        """Whether this year's holidays have been published to us."""
        return year in LIBRARY_YEARS or year in self._years_of_overrides


def add_working_days(start: datetime, days: float, calendar: WorkingCalendar) -> datetime:
    """The moment `days` working days after `start`: the same time of day in Beijing, on a working day; in UTC.

    The day of `start` is not counted. Part of a day moves on by that part of 24 hours, over non-working days.
    """
    local = start.astimezone(BEIJING)
    whole = int(days)
    for _ in range(whole):
        local = _next_working(local + timedelta(days=1), calendar)
    if days != whole:
        moved = local + timedelta(days=days - whole)
        local = _next_working(moved, calendar) if moved.date() != local.date() else moved
    return local.astimezone(UTC)


def working_days_between(start: date, end: date, calendar: WorkingCalendar) -> int:
    """How many working days lie after `start`, up to and including `end`."""
    return sum(calendar.is_working(start + timedelta(days=n)) for n in range(1, (end - start).days + 1))


def unknown_years(calendar: WorkingCalendar, first: datetime, last: datetime) -> list[int]:
    """The years between these moments whose holidays we do not know yet: their days count Monday to Friday."""
    years = range(first.astimezone(BEIJING).year, last.astimezone(BEIJING).year + 1)
    return [year for year in years if not calendar.knows(year)]


def _next_working(moment: datetime, calendar: WorkingCalendar) -> datetime:
    while not calendar.is_working(moment.date()):
        moment += timedelta(days=1)
    return moment

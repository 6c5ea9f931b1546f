"""Working days (工作日) in China, and the hours in which offices work on them: public holidays and make-up days as published,
over Monday to Friday; office hours as the administrator entered them.

The library knows the years up to its release; rows of `calendar_day` correct it or add a year it does not know. A year
that neither knows counts Monday to Friday, and `unknown_years` names it so that the administrator is told. Office hours without
rows are `DEFAULT_HOURS`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from itertools import pairwise
from zoneinfo import ZoneInfo

from chinese_calendar import constants
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

BEIJING = ZoneInfo("Asia/Shanghai")
FRESH_FOR = timedelta(seconds=60)
LIBRARY_YEARS = frozenset(day.year for day in constants.holidays)
MOST_DAYS = 10_000
"""The longest deadline: nobody waits for forty years, and nothing may count for ever."""

# One statement: refreshing costs a request one round trip, once a minute.
READ: TextClause = text("""
    SELECT CAST('day' AS text) AS kind, day, working, NULL::time AS opens, NULL::time AS closes FROM calendar_day
    UNION ALL SELECT 'hours', NULL, NULL, opens_at, closes_at FROM office_hours ORDER BY opens
""")


@dataclass(frozen=True)
class OfficeHours:
    """When offices work on a working day, in Beijing's time: spans in their order that do not overlap, at least one."""

    spans: tuple[tuple[time, time], ...]

    def __post_init__(self) -> None:
        edges = [edge for span in self.spans for edge in span]
        if not edges or any(one >= other for one, other in pairwise(edges)):
            raise ValueError("office hours are spans in their order that do not overlap")

    @cached_property
    def length(self) -> timedelta:
        """How long a working day is."""
        any_day = date(2026, 1, 5)
        return sum((end - start for start, end in self.on(any_day)), timedelta())

    def on(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        """The spans of a day, as moments."""
        for opens, closes in self.spans:
            yield datetime.combine(day, opens, BEIJING), datetime.combine(day, closes, BEIJING)

    def opens(self, day: date) -> datetime:
        """When offices open on this day, as UTC."""
        return datetime.combine(day, self.spans[0][0], BEIJING).astimezone(UTC)

    def closes(self, day: date) -> datetime:
        """When they close, as UTC."""
        return datetime.combine(day, self.spans[-1][1], BEIJING).astimezone(UTC)


DEFAULT_HOURS = OfficeHours(((time(9), time(12)), (time(13, 30), time(17, 30))))


class WorkingCalendar:
    """What is known about days and hours. One for a process: expressions read it at once, edges refresh it from the database."""

    def __init__(
        self, overrides: Mapping[date, bool] | None = None, hours: OfficeHours = DEFAULT_HOURS
    ) -> None:
        self._overrides: Mapping[date, bool] = dict(overrides or {})
        self._years_of_overrides = frozenset(day.year for day in self._overrides)
        self._read_at: datetime | None = None
        self.hours = hours

    async def refresh(self, session: AsyncSession, now: datetime, *, at_once: bool = False) -> bool:
        """Read the administrator's days and hours again when the last reading is older than a minute (or `at_once`); whether
        they differ."""
        if not at_once and self._read_at is not None and now - self._read_at < FRESH_FOR:
            return False
        rows = (await session.execute(READ)).all()
        days = {row.day: row.working for row in rows if row.kind == "day"}
        hours = read_hours([(row.opens, row.closes) for row in rows if row.kind == "hours"])
        self._read_at = now
        changed = (days, hours) != (self._overrides, self.hours)
        self._overrides, self.hours = days, hours
        self._years_of_overrides = frozenset(day.year for day in days)
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


def read_hours(rows: Sequence[tuple[time, time]]) -> OfficeHours:
    """Office hours as their rows say; without rows the default."""
    return OfficeHours(tuple(rows)) if rows else DEFAULT_HOURS


def find_working_day(after: date, count: int, calendar: WorkingCalendar) -> date:
    """The working day that is `count` working days after this day, which itself is not counted (Civil Code, Art. 201); for 0
    this day, or the next that is one."""
    day = after
    for _ in range(min(count, MOST_DAYS)):
        day = _next_working(day + timedelta(days=1), calendar)
    return _next_working(day, calendar)


def close_of_office(start: datetime, days: int, calendar: WorkingCalendar) -> datetime:
    """When offices close on the working day that is so many after that of `start`, whatever its hour; as UTC."""
    return calendar.hours.closes(find_working_day(start.astimezone(BEIJING).date(), days, calendar))


def opening_of_office(start: datetime, days: int, calendar: WorkingCalendar) -> datetime:
    """When they open on that day."""
    return calendar.hours.opens(find_working_day(start.astimezone(BEIJING).date(), days, calendar))


def next_office_moment(now: datetime, calendar: WorkingCalendar) -> datetime:
    """This moment when offices are open, else the one when they are again."""
    return next(start for start, _ in _open_spans(now, calendar))


def working_time_between(start: datetime, end: datetime, calendar: WorkingCalendar) -> timedelta:
    """How long offices were open in between."""
    found = timedelta()
    for opens, closes in _open_spans(start, calendar):
        if opens >= end:
            return found
        found += min(closes, end) - opens
    return found


def add_working_time(start: datetime, left: timedelta, calendar: WorkingCalendar) -> datetime:
    """The moment by which offices have been open for so long, as UTC; with nothing left, this moment."""
    if left <= timedelta():
        return start.astimezone(UTC)
    for opens, closes in _open_spans(start, calendar):
        if left <= closes - opens:
            return (opens + left).astimezone(UTC)
        left -= closes - opens
    raise ValueError("no working day is left")


def working_days_between(start: date, end: date, calendar: WorkingCalendar) -> int:
    """How many working days lie after `start`, up to and including `end`."""
    return sum(calendar.is_working(start + timedelta(days=n)) for n in range(1, (end - start).days + 1))


def unknown_years(calendar: WorkingCalendar, first: datetime, last: datetime) -> list[int]:
    """The years between these moments whose holidays we do not know yet: their days count Monday to Friday."""
    years = range(first.astimezone(BEIJING).year, last.astimezone(BEIJING).year + 1)
    return [year for year in years if not calendar.knows(year)]


def _open_spans(start: datetime, calendar: WorkingCalendar) -> Iterator[tuple[datetime, datetime]]:
    """When offices are open from this moment on, without end; the first span may have begun before."""
    day = start.astimezone(BEIJING).date()
    while True:
        if calendar.is_working(day):
            for opens, closes in calendar.hours.on(day):
                if closes > start:
                    yield max(opens, start), closes
        day += timedelta(days=1)


def _next_working(day: date, calendar: WorkingCalendar) -> date:
    while not calendar.is_working(day):
        day += timedelta(days=1)
    return day

"""Working days over holidays, make-up days, the year's end, and years that nobody knows yet."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession

from domain.models import CalendarDay
from domain.working_days import (
    BEIJING,
    WorkingCalendar,
    add_working_days,
    unknown_years,
    working_days_between,
)

PLAIN = WorkingCalendar()
moments = st.integers(0, 4 * 365 * 24).map(
    lambda hours: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
)


def beijing(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BEIJING)


def add(start: str, days: float, calendar: WorkingCalendar = PLAIN) -> str:
    return add_working_days(beijing(start), days, calendar).astimezone(BEIJING).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        ("2026-03-02 09:00", 1, "2026-03-03 09:00"),
        ("2026-03-06 17:30", 1, "2026-03-09 17:30"),  # over a weekend
        ("2026-03-07 10:00", 1, "2026-03-09 10:00"),  # from a Saturday
        ("2026-09-30 10:00", 1, "2026-10-08 10:00"),  # over the National Day week
        ("2026-10-09 10:00", 1, "2026-10-10 10:00"),  # Saturday 10 October is a make-up day
        ("2026-03-02 09:00", 10, "2026-03-16 09:00"),
        ("2026-03-02 09:00", 0, "2026-03-02 09:00"),
        ("2026-03-05 18:00", 1.5, "2026-03-09 06:00"),  # half a day from Friday evening ends on Monday
    ],
)
def test_days_are_counted_in_beijing_over_weekends_holidays_and_make_up_days(
    start: str, days: float, due: str
) -> None:
    assert add(start, days) == due


def test_a_day_that_is_tomorrow_in_beijing_already_counts_as_tomorrow() -> None:
    sunday_in_london = datetime(2026, 3, 1, 20, tzinfo=UTC)  # Monday 04:00 in Beijing
    assert add_working_days(sunday_in_london, 1, PLAIN) == datetime(2026, 3, 2, 20, tzinfo=UTC)


def test_a_deadline_over_the_years_end_counts_the_unknown_year_monday_to_friday() -> None:
    assert add("2026-12-31 10:00", 1) == "2027-01-01 10:00"
    assert add("2026-12-31 10:00", 10) == "2027-01-14 10:00"
    assert unknown_years(PLAIN, beijing("2026-12-31 10:00"), beijing("2027-01-14 10:00")) == [2027]


def test_the_same_deadline_moves_when_the_years_holidays_are_known() -> None:
    known = WorkingCalendar({date(2027, 1, 1): False, date(2027, 1, 9): True})
    assert add("2026-12-31 10:00", 1, known) == "2027-01-04 10:00"
    assert add("2026-12-31 10:00", 10, known) == "2027-01-14 10:00"  # one day lost, one made up
    assert unknown_years(known, beijing("2026-12-31 10:00"), beijing("2027-01-14 10:00")) == []


def test_overrides_come_before_the_library() -> None:
    closed = WorkingCalendar({date(2026, 3, 3): False})
    assert add("2026-03-02 09:00", 1, closed) == "2026-03-04 09:00"


@given(moments, st.integers(1, 30))
def test_the_result_is_a_working_day_that_many_working_days_later(start: datetime, days: int) -> None:
    due = add_working_days(start, days, PLAIN)
    first, last = start.astimezone(BEIJING).date(), due.astimezone(BEIJING).date()
    assert PLAIN.is_working(last)
    assert working_days_between(first, last, PLAIN) == days


@given(moments, st.floats(0, 20), st.floats(0, 20))
def test_more_days_never_end_earlier(start: datetime, one: float, other: float) -> None:
    less, more = sorted((one, other))
    assert add_working_days(start, less, PLAIN) <= add_working_days(start, more, PLAIN)


async def test_the_calendar_reads_the_administrators_days_at_most_every_minute(
    session: AsyncSession, now: datetime
) -> None:
    calendar, tuesday = WorkingCalendar(), date(2026, 3, 3)
    assert not await calendar.refresh(session, now)
    session.add(CalendarDay(day=tuesday, working=False, name="停工"))
    await session.flush()
    assert not await calendar.refresh(session, now + timedelta(seconds=59))
    assert calendar.is_working(tuesday)
    assert await calendar.refresh(session, now + timedelta(seconds=60))
    assert not calendar.is_working(tuesday)

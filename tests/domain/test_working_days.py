"""Working days and office hours over holidays, make-up days, the year's end, and years that nobody knows yet."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession

from domain.models import CalendarDay, OfficeHoursRow
from domain.working_days import (
    BEIJING,
    DEFAULT_HOURS,
    OfficeHours,
    WorkingCalendar,
    add_working_time,
    close_of_office,
    next_office_moment,
    opening_of_office,
    unknown_years,
    working_days_between,
    working_time_between,
)

PLAIN = WorkingCalendar()
ALL_DAY = WorkingCalendar(hours=OfficeHours(((time(8), time(16)),)))
moments = st.integers(0, 4 * 365 * 24 * 60).map(
    lambda minutes: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
lengths = st.integers(0, 40 * 60).map(lambda minutes: timedelta(minutes=minutes))


def beijing(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BEIJING)


def written(moment: datetime) -> str:
    return moment.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        ("2026-03-02 09:00", 1, "2026-03-03 17:30"),
        ("2026-03-02 00:00", 1, "2026-03-03 17:30"),  # whatever the hour
        ("2026-03-02 23:59", 1, "2026-03-03 17:30"),
        ("2026-03-06 17:30", 1, "2026-03-09 17:30"),  # over a weekend
        ("2026-03-07 10:00", 1, "2026-03-09 17:30"),  # from a Saturday
        ("2026-09-30 10:00", 1, "2026-10-08 17:30"),  # over the National Day week
        ("2026-10-09 10:00", 1, "2026-10-10 17:30"),  # Saturday 10 October is a make-up day
        ("2026-03-02 09:00", 10, "2026-03-16 17:30"),
        ("2026-03-02 09:00", 0, "2026-03-02 17:30"),
        ("2026-03-07 09:00", 0, "2026-03-09 17:30"),
    ],
)
def test_days_end_when_offices_close_in_beijing_over_weekends_holidays_and_make_up_days(
    start: str, days: int, due: str
) -> None:
    assert written(close_of_office(beijing(start), days, PLAIN)) == due
    assert written(opening_of_office(beijing(start), days, PLAIN)) == due.replace("17:30", "09:00")


def test_a_day_that_is_tomorrow_in_beijing_already_counts_as_tomorrow() -> None:
    sunday_in_london = datetime(2026, 3, 1, 20, tzinfo=UTC)  # Monday 04:00 in Beijing
    assert close_of_office(sunday_in_london, 1, PLAIN) == datetime(2026, 3, 3, 9, 30, tzinfo=UTC)


def test_a_deadline_over_the_years_end_counts_the_unknown_year_monday_to_friday() -> None:
    start = beijing("2026-12-31 10:00")
    assert written(close_of_office(start, 1, PLAIN)) == "2027-01-01 17:30"
    assert written(close_of_office(start, 10, PLAIN)) == "2027-01-14 17:30"
    assert unknown_years(PLAIN, start, beijing("2027-01-14 10:00")) == [2027]


def test_the_same_deadline_moves_when_the_years_holidays_are_known() -> None:
    known = WorkingCalendar({date(2027, 1, 1): False, date(2027, 1, 9): True})
    start = beijing("2026-12-31 10:00")
    assert written(close_of_office(start, 1, known)) == "2027-01-04 17:30"
    assert written(close_of_office(start, 10, known)) == "2027-01-14 17:30"  # one day lost, one made up
    assert unknown_years(known, start, beijing("2027-01-14 10:00")) == []


def test_overrides_come_before_the_library() -> None:
    closed = WorkingCalendar({date(2026, 3, 3): False})
    assert written(close_of_office(beijing("2026-03-02 09:00"), 1, closed)) == "2026-03-04 17:30"


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2026-03-02 09:00", "2026-03-02 17:30", 7.0),
        ("2026-03-02 11:30", "2026-03-02 14:00", 1.0),  # over midday
        ("2026-03-02 12:00", "2026-03-02 13:30", 0.0),
        ("2026-03-06 17:00", "2026-03-09 09:30", 1.0),  # over a weekend
        ("2026-11-27 18:00", "2026-11-30 08:30", 0.0),
        ("2026-09-30 17:30", "2026-10-08 09:00", 0.0),  # the National Day week
        ("2026-10-09 16:30", "2026-10-10 10:00", 2.0),  # into a make-up Saturday
        ("2026-03-02 17:30", "2026-03-02 09:00", 0.0),  # nothing lies between them
    ],
)
def test_working_time_is_the_time_in_which_offices_are_open(start: str, end: str, hours: float) -> None:
    assert working_time_between(beijing(start), beijing(end), PLAIN) == timedelta(hours=hours)


@given(moments, lengths)
def test_working_time_added_is_the_working_time_between(start: datetime, left: timedelta) -> None:
    for calendar in (PLAIN, ALL_DAY):
        end = add_working_time(start, left, calendar)
        assert working_time_between(start, end, calendar) == left
        assert end == start or calendar.is_working(end.astimezone(BEIJING).date())


@given(moments)
def test_the_next_office_moment_is_now_or_an_opening(moment: datetime) -> None:
    found = next_office_moment(moment, PLAIN)
    assert working_time_between(moment, found, PLAIN) == timedelta()
    assert working_time_between(found, found + timedelta(minutes=1), PLAIN) == timedelta(minutes=1)
    assert found == moment or found.astimezone(BEIJING).time() in (time(9), time(13, 30))


def test_an_office_is_closed_in_the_moment_in_which_it_closes() -> None:
    assert written(next_office_moment(beijing("2026-03-06 17:30"), PLAIN)) == "2026-03-09 09:00"
    assert written(next_office_moment(beijing("2026-03-06 17:29"), PLAIN)) == "2026-03-06 17:29"


@given(moments, st.integers(1, 30))
def test_the_result_is_a_working_day_that_many_working_days_later(start: datetime, days: int) -> None:
    due = close_of_office(start, days, PLAIN)
    first, last = start.astimezone(BEIJING).date(), due.astimezone(BEIJING).date()
    assert PLAIN.is_working(last)
    assert working_days_between(first, last, PLAIN) == days


@given(moments, st.integers(0, 20), st.integers(0, 20))
def test_more_days_never_end_earlier(start: datetime, one: int, other: int) -> None:
    less, more = sorted((one, other))
    assert close_of_office(start, less, PLAIN) <= close_of_office(start, more, PLAIN)


@pytest.mark.parametrize(
    "spans",
    [(), (("09:00", "09:00"),), (("13:30", "17:30"), ("09:00", "12:00")), (("09:00", "13:30"), ("13:00", "17:30"))],
)  # fmt: skip
def test_hours_that_are_none_are_refused(spans: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(ValueError, match="spans in their order"):
        OfficeHours(tuple((time.fromisoformat(one), time.fromisoformat(other)) for one, other in spans))


async def test_the_calendar_reads_the_administrators_days_and_hours_at_most_every_minute(
    session: AsyncSession, now: datetime
) -> None:
    calendar, tuesday = WorkingCalendar(), date(2026, 3, 3)
    assert not await calendar.refresh(session, now)
    session.add(CalendarDay(day=tuesday, working=False, name="停工"))
    session.add(OfficeHoursRow(opens_at=time(8, 30), closes_at=time(16)))
    await session.flush()
    assert not await calendar.refresh(session, now + timedelta(seconds=59))
    assert calendar.is_working(tuesday)
    assert await calendar.refresh(session, now + timedelta(seconds=60))
    assert not calendar.is_working(tuesday)
    assert calendar.hours == OfficeHours(((time(8, 30), time(16)),))
    assert not await calendar.refresh(session, now, at_once=True)
    await session.execute(OfficeHoursRow.__table__.delete())  # type: ignore[attr-defined]  # SQLModel's typing
    assert await calendar.refresh(session, now, at_once=True)
    assert calendar.hours == DEFAULT_HOURS

"""A deadline: it ends when an office closes, time for which the clock stood counts in working time, and a new calendar or other
office hours move it."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.deadlines import (
    adopt,
    count_moved,
    is_moved,
    pause_deadline,
    recompute_deadline,
    resume_deadline,
    set_deadline,
)
from domain.models import IssueRecord
from domain.working_days import (
    BEIJING,
    OfficeHours,
    WorkingCalendar,
    working_days_between,
    working_time_between,
)

CALENDAR = WorkingCalendar()
SHORT = WorkingCalendar(hours=OfficeHours(((time(9), time(12)), (time(14), time(17)))))
DAY = CALENDAR.hours.length
START = datetime(2024, 1, 1, tzinfo=UTC)
moments = st.integers(0, 2 * 365 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes))
pauses = st.lists(st.tuples(st.integers(0, 4 * 24 * 60), st.integers(0, 6 * 24 * 60)), max_size=4)
"""Minutes the clock runs, then minutes it stands."""


def make_issue() -> IssueRecord:
    return IssueRecord(
        id=uuid4(),
        number="QL23012026000001",
        enterprise_id=uuid4(),
        submitter_id=uuid4(),
        office="2301",
        created_at=START,
    )


@pytest.fixture
def issue() -> IssueRecord:
    return make_issue()


def beijing(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BEIJING)


def written(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M")


def stand(
    issue: IssueRecord, spans: Sequence[tuple[datetime, datetime]], calendar: WorkingCalendar = CALENDAR
) -> None:
    for start, end in spans:
        pause_deadline(issue, start)
        resume_deadline(issue, calendar, end)


def spans_of(start: datetime, minutes: Sequence[tuple[int, int]]) -> list[tuple[datetime, datetime]]:
    spans: list[tuple[datetime, datetime]] = []
    for runs, stands in minutes:
        begin = start + timedelta(minutes=runs)
        start = begin + timedelta(minutes=stands)
        spans.append((begin, start))
    return spans


@pytest.mark.parametrize(
    ("submitted", "days", "stood", "due", "remind"),
    [
        (
            "2026-11-25 10:00",
            5,
            [("2026-11-27 18:00", "2026-11-30 08:30")],  # no working time
            "2026-12-02 17:30",
            "2026-12-01 09:00",
        ),
        (
            "2026-09-28 10:00",
            5,
            [("2026-09-30 17:30", "2026-10-08 09:00")],  # the National Day week
            "2026-10-10 17:30",  # a make-up Saturday
            "2026-10-09 09:00",
        ),
        ("2026-11-28 00:45", 2, [], "2026-12-01 17:30", "2026-12-01 09:00"),
        # what the clock stood for is added in whole days
        ("2026-11-25 10:00", 5, [("2026-11-27 17:00", "2026-11-30 09:30")], "2026-12-03 17:30", "2026-12-02 09:00"),
        # once on the sum: three times ten minutes are one day, not three
        (
            "2026-11-25 10:00",
            5,
            [
                ("2026-11-26 10:00", "2026-11-26 10:10"),
                ("2026-11-27 10:00", "2026-11-27 10:10"),
                ("2026-11-30 10:00", "2026-11-30 10:10"),
            ],
            "2026-12-03 17:30",
            "2026-12-02 09:00",
        ),
        ("2026-11-25 10:00", 5, [("2026-11-26 09:00", "2026-11-27 09:00")], "2026-12-03 17:30", "2026-12-02 09:00"),
        ("2026-11-25 10:00", 5, [("2026-11-26 09:00", "2026-11-27 09:01")], "2026-12-04 17:30", "2026-12-03 09:00"),
        ("2026-03-02 09:00", 10, [], "2026-03-16 17:30", "2026-03-12 09:00"),
        ("2026-03-02 09:00", 1, [], "2026-03-03 17:30", "2026-03-03 09:00"),
        ("2026-03-02 09:00", 0, [], "2026-03-03 17:30", "2026-03-03 09:00"),  # never less than a day
    ],
)  # fmt: skip
def test_a_deadline_worked_out_by_hand(
    issue: IssueRecord, submitted: str, days: int, stood: list[tuple[str, str]], due: str, remind: str
) -> None:
    set_deadline(issue, days, CALENDAR, beijing(submitted))
    stand(issue, [(beijing(start), beijing(end)) for start, end in stood])
    assert (written(issue.due_at), written(issue.remind_at)) == (due, remind)


@given(moments, st.integers(1, 15), pauses)
def test_a_deadline_is_always_the_close_of_a_working_day(
    start: datetime, days: int, stood: list[tuple[int, int]]
) -> None:
    issue = make_issue()
    set_deadline(issue, days, CALENDAR, start)
    stand(issue, spans_of(start, stood))
    assert issue.due_at is not None
    assert issue.remind_at is not None
    local = issue.due_at.astimezone(BEIJING)
    assert CALENDAR.is_working(local.date())
    assert local.time() == time(17, 30)
    remind = issue.remind_at.astimezone(BEIJING)
    assert CALENDAR.is_working(remind.date())
    assert remind.time() == time(9)
    assert remind <= local


@given(moments, st.integers(1, 15), pauses)
def test_a_pause_never_brings_it_forward_and_gives_back_what_it_took_and_less_than_a_day_more(
    start: datetime, days: int, stood: list[tuple[int, int]]
) -> None:
    issue = make_issue()
    before = set_deadline(issue, days, CALENDAR, start).due_at
    spans = spans_of(start, stood)
    for span in spans:
        stand(issue, [span])
        assert issue.due_at is not None
        assert issue.due_at >= before
        before = issue.due_at
    took = sum((working_time_between(*span, CALENDAR) for span in spans), timedelta())
    first, last = start.astimezone(BEIJING).date(), before.astimezone(BEIJING).date()
    gained = (working_days_between(first, last, CALENDAR) - days) * DAY
    assert took <= gained < took + DAY
    assert issue.paused_s == took.total_seconds()


@given(moments, st.integers(1, 15), pauses, st.integers(0, 60))
def test_a_pause_outside_office_hours_changes_nothing(
    start: datetime, days: int, stood: list[tuple[int, int]], minutes: int
) -> None:
    issue, other = make_issue(), make_issue()
    for one in (issue, other):
        set_deadline(one, days, CALENDAR, start)
        stand(one, spans_of(start, stood))
    evening = start.astimezone(BEIJING).replace(hour=18, minute=0) + timedelta(days=30)
    stand(other, [(evening, evening + timedelta(minutes=minutes, hours=10))])
    assert (other.due_at, other.remind_at) == (issue.due_at, issue.remind_at)


@given(moments, st.integers(1, 15), pauses, st.floats(0, 1))
def test_splitting_a_pause_in_two_changes_nothing(
    start: datetime, days: int, stood: list[tuple[int, int]], part: float
) -> None:
    whole, split = make_issue(), make_issue()
    for one in (whole, split):
        set_deadline(one, days, CALENDAR, start)
    spans = spans_of(start, stood)
    stand(whole, spans)
    for begin, end in spans:
        middle = begin + (end - begin) * part
        stand(split, [(begin, middle), (middle, end)])
    assert (split.due_at, split.remind_at) == (whole.due_at, whole.remind_at)


def test_pausing_twice_is_pausing_once(issue: IssueRecord) -> None:
    set_deadline(issue, 5, CALENDAR, beijing("2026-03-02 09:00"))
    pause_deadline(issue, beijing("2026-03-03 09:00"))
    pause_deadline(issue, beijing("2026-03-04 09:00"))
    resume_deadline(issue, CALENDAR, beijing("2026-03-05 09:00"))
    assert written(issue.due_at) == "2026-03-11 17:30"
    assert (issue.paused_at, issue.paused_s) == (None, 2 * DAY.total_seconds())


def test_resuming_without_a_pause_buys_no_time(issue: IssueRecord, now: datetime) -> None:
    before = set_deadline(issue, 5, CALENDAR, now)
    assert resume_deadline(issue, CALENDAR, now + timedelta(days=3)) == before


def test_a_new_deadline_forgets_the_old_one(issue: IssueRecord, now: datetime) -> None:
    set_deadline(issue, 5, CALENDAR, now)
    stand(issue, [(now, now + timedelta(days=9))])
    issue.overdue_at, issue.days_added = now, 3
    set_deadline(issue, 2, CALENDAR, beijing("2026-04-01 20:00"))
    assert written(issue.due_at) == "2026-04-03 17:30"
    assert (issue.overdue_at, issue.pauses, issue.paused_s) == (None, [], 0)


def test_a_holiday_published_later_moves_the_deadline_and_what_the_pause_was_worth(
    issue: IssueRecord,
) -> None:
    set_deadline(issue, 2, CALENDAR, beijing("2026-12-30 10:00"))
    stand(
        issue, [(beijing("2026-12-31 09:00"), beijing("2027-01-04 09:00"))]
    )  # Thursday and Friday: two days
    assert written(issue.due_at) == "2027-01-05 17:30"
    known = WorkingCalendar({date(2027, 1, 1): False})
    assert count_moved([issue], known) == 0  # a day fewer to count, and a day less that the clock stood
    assert recompute_deadline(issue, known).due_at == issue.due_at
    assert issue.paused_s == DAY.total_seconds()
    moved = WorkingCalendar({date(2027, 1, 5): False})
    assert count_moved([issue], moved) == 1
    recompute_deadline(issue, moved)
    assert written(issue.due_at) == "2027-01-06 17:30"


def test_other_office_hours_move_the_end_and_what_a_pause_was_worth(issue: IssueRecord) -> None:
    set_deadline(issue, 5, CALENDAR, beijing("2026-03-02 09:00"))
    stand(issue, [(beijing("2026-03-03 09:00"), beijing("2026-03-03 17:30"))])
    assert is_moved(issue, SHORT)
    recompute_deadline(issue, SHORT)
    assert written(issue.due_at) == "2026-03-10 17:00"
    early = WorkingCalendar(hours=OfficeHours(((time(8), time(17, 30)),)))
    recompute_deadline(issue, CALENDAR)
    assert count_moved([issue], early) == 0
    assert is_moved(issue, early)  # only the reminder


@given(moments, st.integers(1, 15), pauses, st.integers(0, 20 * 24 * 60))
def test_a_deadline_of_the_former_rule_never_ends_on_an_earlier_day(
    start: datetime, days: int, stood: list[tuple[int, int]], promised: int
) -> None:
    issue = make_issue()
    issue.deadline_from, issue.days_given, issue.pauses = start, days, None
    issue.due_at = before = start + timedelta(minutes=promised)
    spans = spans_of(start, stood)
    adopt(issue, [moment for span in spans for moment in span], CALENDAR)
    by_rule = make_issue()
    set_deadline(by_rule, days, CALENDAR, start)
    stand(by_rule, spans)
    assert by_rule.due_at is not None
    recompute_deadline(issue, CALENDAR)
    assert issue.due_at.astimezone(BEIJING).date() >= before.astimezone(BEIJING).date()
    assert issue.due_at >= by_rule.due_at
    if by_rule.due_at >= before:
        assert issue.due_at == by_rule.due_at


def test_a_pause_of_a_deadline_that_nobody_has_adopted_yet_keeps_its_day(issue: IssueRecord) -> None:
    issue.deadline_from, issue.days_given, issue.pauses = beijing("2026-11-25 10:00"), 5, None
    issue.due_at = beijing("2026-12-05 00:30")  # a Saturday
    assert count_moved([issue], CALENDAR) == 1
    assert issue.pauses is None
    pause_deadline(issue, beijing("2026-12-01 09:00"))
    resume_deadline(issue, CALENDAR, beijing("2026-12-01 17:30"))
    assert written(issue.due_at) == "2026-12-08 17:30"  # Monday, and the day for which the clock stood
    assert issue.days_added == 3

"""An issue's deadline: what it is made of, that a pause is added back, and that a new calendar moves it."""

from datetime import date, datetime, timedelta
from uuid import uuid4

import pytest

from domain.deadlines import pause_deadline, recompute_deadline, resume_deadline, set_deadline
from domain.models import Issue
from domain.working_days import WorkingCalendar, add_working_days

CALENDAR = WorkingCalendar()


@pytest.fixture
def issue(now: datetime) -> Issue:
    return Issue(
        id=uuid4(),
        number="QL23012026000001",
        enterprise_id=uuid4(),
        submitter_id=uuid4(),
        office="2301",
        created_at=now,
    )


def test_a_reminder_comes_after_four_fifths_of_the_days(issue: Issue, now: datetime) -> None:
    deadline = set_deadline(issue, 10, CALENDAR, now)
    assert deadline.due_at == issue.due_at == add_working_days(now, 10, CALENDAR)
    assert deadline.remind_at == add_working_days(now, 8, CALENDAR)


def test_the_time_the_enterprise_took_is_added_back(issue: Issue, now: datetime) -> None:
    after = before = set_deadline(issue, 5, CALENDAR, now)
    for _ in range(2):
        pause_deadline(issue, now + timedelta(days=1))
        pause_deadline(issue, now + timedelta(days=2))  # pausing twice is pausing once
        after = resume_deadline(issue, CALENDAR, now + timedelta(days=3))
    assert after.due_at == before.due_at + timedelta(days=4)
    assert after.remind_at == before.remind_at + timedelta(days=4)
    assert issue.paused_at is None


def test_resuming_without_a_pause_buys_no_time(issue: Issue, now: datetime) -> None:
    before = set_deadline(issue, 5, CALENDAR, now)
    assert resume_deadline(issue, CALENDAR, now + timedelta(days=3)) == before


def test_a_new_deadline_forgets_the_old_one(issue: Issue, now: datetime) -> None:
    set_deadline(issue, 5, CALENDAR, now)
    pause_deadline(issue, now)
    resume_deadline(issue, CALENDAR, now + timedelta(days=9))
    issue.overdue_at = now
    later = now + timedelta(days=30)
    assert set_deadline(issue, 2, CALENDAR, later).due_at == add_working_days(later, 2, CALENDAR)
    assert issue.overdue_at is None


def test_a_holiday_published_later_moves_the_deadline_but_keeps_the_pause(
    issue: Issue, now: datetime
) -> None:
    before = set_deadline(issue, 2, CALENDAR, now)
    pause_deadline(issue, now)
    resume_deadline(issue, CALENDAR, now + timedelta(hours=5))
    holiday = WorkingCalendar({date(2026, 3, 3): False})
    assert recompute_deadline(issue, holiday).due_at == before.due_at + timedelta(days=1, hours=5)
    assert issue.due_at == before.due_at + timedelta(days=1, hours=5)

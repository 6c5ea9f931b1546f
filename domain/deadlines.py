"""A deadline of customs: set when an issue or a registration goes there, worked out again when needed; an issue's stops while the
enterprise is asked.

It is kept as what it is made of (`deadline_from`, `days_given`, an issue's `paused_s`), so that a year's holidays published
later move it to the right day.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.models import IssueRecord, Registration
from domain.working_days import WorkingCalendar, add_working_days

REMIND_AFTER = 0.8  # of the days given
Timed = IssueRecord | Registration


@dataclass(frozen=True)
class Deadline:
    """When an answer is due, and when its handler is reminded."""

    due_at: datetime
    remind_at: datetime

    def as_variables(self) -> dict[str, str]:
        """The process variable `deadline`."""
        return {"due_at": self.due_at.isoformat(), "remind_at": self.remind_at.isoformat()}


def set_deadline(timed: Timed, days: int, calendar: WorkingCalendar, now: datetime) -> Deadline:
    """A new deadline, this many working days from now; nothing of an older one counts."""
    timed.deadline_from = now
    timed.days_given = days
    timed.overdue_at = None
    if isinstance(timed, IssueRecord):
        timed.paused_s = 0.0
        timed.paused_at = None
    return recompute_deadline(timed, calendar)


def recompute_deadline(timed: Timed, calendar: WorkingCalendar) -> Deadline:
    """The deadline as this calendar has it; `due_at` is set to it. It must have been given days."""
    deadline = work_out(timed, calendar)
    timed.due_at = deadline.due_at
    return deadline


def count_moved(timed: Iterable[Timed], calendar: WorkingCalendar) -> int:
    """How many of these have a deadline that this calendar puts elsewhere. Changes nothing."""
    return sum(work_out(one, calendar).due_at != one.due_at for one in timed)


def work_out(timed: Timed, calendar: WorkingCalendar) -> Deadline:
    """The deadline from what it is made of. It must have been given days."""
    if timed.deadline_from is None or timed.days_given is None:
        raise ValueError(f"{timed.number} has no deadline")
    paused = timedelta(seconds=timed.paused_s if isinstance(timed, IssueRecord) else 0)
    due_at = add_working_days(timed.deadline_from, timed.days_given, calendar) + paused
    remind_at = add_working_days(timed.deadline_from, timed.days_given * REMIND_AFTER, calendar) + paused
    return Deadline(due_at, remind_at)


def mark_overdue(timed: Timed, now: datetime) -> None:
    """The deadline has passed; the first time counts."""
    timed.overdue_at = timed.overdue_at or now


def pause_deadline(issue: IssueRecord, now: datetime) -> None:
    """The enterprise is asked: the clock stands. A second pause changes nothing."""
    if issue.paused_at is None:
        issue.paused_at = now


def resume_deadline(issue: IssueRecord, calendar: WorkingCalendar, now: datetime) -> Deadline:
    """The enterprise has answered: the time it took is added to the deadline."""
    if issue.paused_at is not None:
        issue.paused_s += max(0.0, (now - issue.paused_at).total_seconds())
        issue.paused_at = None
    return recompute_deadline(issue, calendar)

"""An issue's deadline: set when it goes to customs, stopped while the enterprise is asked, worked out again when needed.

It is kept as what it is made of (`deadline_from`, `days_given`, `paused_s`), so that a year's holidays published later
move it to the right day.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.models import IssueRecord
from domain.working_days import WorkingCalendar, add_working_days

REMIND_AFTER = 0.8  # of the days given


@dataclass(frozen=True)
class Deadline:
    """When an answer is due, and when its handler is reminded."""

    due_at: datetime
    remind_at: datetime

    def as_variables(self) -> dict[str, str]:
        """The process variable `deadline`."""
        return {"due_at": self.due_at.isoformat(), "remind_at": self.remind_at.isoformat()}


def set_deadline(issue: IssueRecord, days: int, calendar: WorkingCalendar, now: datetime) -> Deadline:
    """A new deadline, this many working days from now; nothing of an older one counts."""
    issue.deadline_from = now
    issue.days_given = days
    issue.paused_s = 0.0
    issue.paused_at = None
    issue.overdue_at = None
    return recompute_deadline(issue, calendar)


def recompute_deadline(issue: IssueRecord, calendar: WorkingCalendar) -> Deadline:
    """The deadline as this calendar has it; `issue.due_at` is set to it. The issue must have been given days."""
    deadline = work_out(issue, calendar)
    issue.due_at = deadline.due_at
    return deadline


def count_moved(issues: Iterable[IssueRecord], calendar: WorkingCalendar) -> int:
    """How many of these have a deadline that this calendar puts elsewhere. Changes nothing."""
    return sum(work_out(issue, calendar).due_at != issue.due_at for issue in issues)


def work_out(issue: IssueRecord, calendar: WorkingCalendar) -> Deadline:
    """The deadline from what it is made of. The issue must have been given days."""
    if issue.deadline_from is None or issue.days_given is None:
        raise ValueError(f"issue {issue.number} has no deadline")
    paused = timedelta(seconds=issue.paused_s)
    due_at = add_working_days(issue.deadline_from, issue.days_given, calendar) + paused
    remind_at = add_working_days(issue.deadline_from, issue.days_given * REMIND_AFTER, calendar) + paused
    return Deadline(due_at, remind_at)


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

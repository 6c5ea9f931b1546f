"""A deadline of customs: set when an issue or a registration goes there, worked out again when needed; an issue's clock stands
while the enterprise is asked.

A deadline of n working days ends when offices close on the n-th working day after the day it is counted from, which is never
counted, whatever its hour (ADR 25). It is kept as what it is made of (`deadline_from`, `days_given`, `days_added`, an issue's
`pauses`), so that a year's holidays published later, or other office hours, move it to the right moment.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.models import IssueRecord, Registration
from domain.working_days import (
    BEIJING,
    WorkingCalendar,
    close_of_office,
    opening_of_office,
    working_time_between,
)

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
    """A new deadline, this many working days (one at least) from now; nothing of an older one counts."""
    timed.deadline_from = now
    timed.days_given = max(days, 1)
    timed.overdue_at = None
    if isinstance(timed, IssueRecord):
        timed.pauses, timed.days_added, timed.paused_at = [], 0, None
    return recompute_deadline(timed, calendar)


def drop_deadline(timed: Timed) -> None:
    """It is nobody's turn at customs: there is no deadline."""
    timed.deadline_from = timed.days_given = timed.due_at = timed.remind_at = None


def recompute_deadline(timed: Timed, calendar: WorkingCalendar) -> Deadline:
    """The deadline as this calendar has it; the record is set to it. It must have been given days."""
    if isinstance(timed, IssueRecord):
        if timed.pauses is None:
            adopt(timed, (), calendar)
        timed.paused_s = _paused_time(timed.pauses or (), calendar).total_seconds()
    deadline = work_out(timed, calendar)
    timed.due_at, timed.remind_at = deadline.due_at, deadline.remind_at
    return deadline


def adopt(issue: IssueRecord, pauses: Sequence[datetime], calendar: WorkingCalendar) -> None:
    """Bring a deadline that was set by the former rule under this one, with the pauses that its history tells. What it promised
    stays: as many days are added as it takes for its day to be none earlier."""
    issue.days_added = _count_owed(issue, pauses, calendar)
    issue.pauses = list(pauses)


def is_moved(timed: Timed, calendar: WorkingCalendar) -> bool:
    """Whether this calendar puts the deadline or its reminder elsewhere. Changes nothing."""
    deadline = work_out(timed, calendar)
    return (deadline.due_at, deadline.remind_at) != (timed.due_at, timed.remind_at)


def count_moved(timed: Iterable[Timed], calendar: WorkingCalendar) -> int:
    """How many of these have a deadline that this calendar ends at another moment. Changes nothing."""
    return sum(work_out(one, calendar).due_at != one.due_at for one in timed)


def work_out(timed: Timed, calendar: WorkingCalendar) -> Deadline:
    """The deadline from what it is made of. It must have been given days."""
    if timed.deadline_from is None or timed.days_given is None:
        raise ValueError(f"{timed.number} has no deadline")
    days, stood = timed.days_given, 0
    if isinstance(timed, IssueRecord):
        days += timed.days_added if timed.pauses is not None else _count_owed(timed, (), calendar)
        stood = _in_whole_days(_paused_time(timed.pauses or (), calendar), calendar)
    remind_on = _four_fifths(days)
    return Deadline(
        close_of_office(timed.deadline_from, days + stood, calendar),
        opening_of_office(timed.deadline_from, remind_on + stood, calendar),
    )


def mark_overdue(timed: Timed, now: datetime) -> None:
    """The deadline has passed; the first time counts."""
    timed.overdue_at = timed.overdue_at or now


def pause_deadline(issue: IssueRecord, now: datetime) -> None:
    """The enterprise is asked: the clock stands. A second pause changes nothing."""
    if issue.paused_at is None:
        issue.paused_at = now


def resume_deadline(issue: IssueRecord, calendar: WorkingCalendar, now: datetime) -> Deadline:
    """The enterprise has answered: the working time that it took counts for nobody."""
    if issue.pauses is None:
        adopt(issue, (), calendar)
    if issue.paused_at is not None:
        issue.pauses = [*(issue.pauses or ()), issue.paused_at, max(issue.paused_at, now)]
        issue.paused_at = None
    return recompute_deadline(issue, calendar)


def _paused_time(pauses: Sequence[datetime], calendar: WorkingCalendar) -> timedelta:
    spans = zip(pauses[::2], pauses[1::2], strict=True)
    return sum((working_time_between(start, end, calendar) for start, end in spans), timedelta())


def _in_whole_days(paused: timedelta, calendar: WorkingCalendar) -> int:
    """In the handler's favour, and on the sum of all pauses: however often somebody asks, rounding gives less than a day."""
    return -(-paused // calendar.hours.length)


def _four_fifths(days: int) -> int:
    """The day in the course of which four fifths of these days are used up."""
    return (4 * days + 4) // 5


def _count_owed(issue: IssueRecord, pauses: Sequence[datetime], calendar: WorkingCalendar) -> int:
    if issue.deadline_from is None or issue.days_given is None or issue.due_at is None:
        return 0
    promised = issue.due_at.astimezone(BEIJING).date()
    days, owed = issue.days_given + _in_whole_days(_paused_time(pauses, calendar), calendar), 0
    while close_of_office(issue.deadline_from, days + owed, calendar).astimezone(BEIJING).date() < promised:
        owed += 1
    return owed

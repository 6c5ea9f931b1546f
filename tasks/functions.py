"""What expressions of diagrams and forms may call beyond the language's own functions: moments counted from now."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from domain.working_days import WorkingCalendar, add_working_days
from engine.expressions import Function


def build_functions(calendar: WorkingCalendar) -> Mapping[str, Function]:
    """`working_days(n)`, `days(n)`, `hours(n)`: the moment that lies so far after the step at hand."""

    def working_days(now: datetime, count: float) -> datetime:
        return add_working_days(now, count, calendar)

    def days(now: datetime, count: float) -> datetime:
        return now + timedelta(days=count)

    def hours(now: datetime, count: float) -> datetime:
        return now + timedelta(hours=count)

    return {"working_days": working_days, "days": days, "hours": hours}

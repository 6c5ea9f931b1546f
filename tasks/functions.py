"""What expressions of diagrams and forms may call beyond the language's own functions: moments counted from now, and the check
digit of a uscc."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from domain.uscc import check_digit_fails
from domain.working_days import WorkingCalendar, add_working_days
from engine.expressions import Function


def build_functions(calendar: WorkingCalendar) -> Mapping[str, Function]:
    """`working_days(n)`, `days(n)`, `hours(n)`: the moment that lies so far after the step at hand.

    `uscc_check_fails(text)`: whether a code of the right pattern has a wrong check digit.
    """

    def working_days(now: datetime, count: float) -> datetime:
        return add_working_days(now, count, calendar)

    def days(now: datetime, count: float) -> datetime:
        return now + timedelta(days=count)

    def hours(now: datetime, count: float) -> datetime:
        return now + timedelta(hours=count)

    def uscc_check_fails(_now: datetime, code: Any) -> bool:
        return isinstance(code, str) and check_digit_fails(code)

    return {
        "working_days": working_days,
        "days": days,
        "hours": hours,
        "uscc_check_fails": uscc_check_fails,
    }

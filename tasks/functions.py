"""What expressions of diagrams and forms may call beyond the language's own functions: moments counted from now, and the check
digit of a uscc."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from domain.uscc import check_digit_fails
from domain.working_days import (
    WorkingCalendar,
    add_working_time,
    close_of_office,
    opening_of_office,
    working_time_between,
)
from engine.expressions import Function


def build_functions(calendar: WorkingCalendar) -> Mapping[str, Function]:
    """`working_days(n)`: when offices close on the n-th working day after that of the step at hand; `working_day_opens(n)`: when
    they open on it. Part of a day counts as a day. `working_time_until(moment)`: how many seconds offices are open till then,
    `working_time_after(seconds)`: when they will have been open so long; together the pace `working_time` (`engine.paces`).
    `days(n)`, `hours(n)`: the moment that lies so far after the step.

    `uscc_check_fails(text)`: whether a code of the right pattern has a wrong check digit.
    """

    def working_days(now: datetime, count: float) -> datetime:
        return close_of_office(now, ceil(count), calendar)

    def working_day_opens(now: datetime, count: float) -> datetime:
        return opening_of_office(now, ceil(count), calendar)

    def working_time_until(now: datetime, moment: datetime) -> float:
        return working_time_between(now, moment, calendar).total_seconds()

    def working_time_after(now: datetime, seconds: float) -> datetime:
        return add_working_time(now, timedelta(seconds=seconds), calendar)

    def days(now: datetime, count: float) -> datetime:
        return now + timedelta(days=count)

    def hours(now: datetime, count: float) -> datetime:
        return now + timedelta(hours=count)

    def uscc_check_fails(_now: datetime, code: Any) -> bool:
        return isinstance(code, str) and check_digit_fails(code)

    return {
        "working_days": working_days,
        "working_day_opens": working_day_opens,
        "working_time_until": working_time_until,
        "working_time_after": working_time_after,
        "days": days,
        "hours": hours,
        "uscc_check_fails": uscc_check_fails,
    }

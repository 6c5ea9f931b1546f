"""How what is left of a timer is counted while it stands: by the clock, or by a pace that the application registers as functions.

A boundary timer with the property `whileUnclaimed` runs only while nobody has its task: a claim lets it stand, giving the task
back lets it go on with what was left. The property names the pace. `clock_time` is every minute alike; a pace `x` of the
application is its functions `x_until(moment)`, seconds from now, and `x_after(seconds)`, the moment."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from engine.expressions import Evaluator

PROPERTY = "whileUnclaimed"
CLOCK_TIME = "clock_time"
UNTIL, AFTER = "_until", "_after"


def list_paces(functions: Collection[str]) -> list[str]:
    """The paces there are where an application has these functions."""
    named = [name.removesuffix(UNTIL) for name in functions if name.endswith(UNTIL)]
    return [CLOCK_TIME, *sorted(pace for pace in named if pace + AFTER in functions)]


def seconds_until(pace: str, moment: datetime, evaluator: Evaluator, now: datetime) -> float:
    """What is left until a moment; 0 when it has passed."""
    if moment <= now:
        return 0.0
    if pace == CLOCK_TIME:
        return (moment - now).total_seconds()
    return float(evaluator.functions[pace + UNTIL](now, moment))


def moment_after(pace: str, seconds: float, evaluator: Evaluator, now: datetime) -> datetime:
    """When so much will have passed."""
    if pace == CLOCK_TIME:
        return now + timedelta(seconds=seconds)
    return evaluator.functions[pace + AFTER](now, seconds)

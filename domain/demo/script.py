"""The demo's issues and registrations as a script: who does what at which moment, counted in working days back from today."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import yaml

from domain.working_days import BEIJING, WorkingCalendar

SOURCE = Path(__file__).with_name("issues.yaml")
FIELDS = ("kind", "category", "office", "title", "description", "contact", "executive")
REGISTRATIONS = Path(__file__).with_name("registrations.yaml")
REGISTRATION_FIELDS = ("name", "uscc", "customs_code", "address", "legal_person", "contact", "office")
RAISE = "raise"
APPLY = "apply"
BEFORE_FIRST_STEP = timedelta(minutes=12)  # an issue takes a while to write


@dataclass(frozen=True)
class DemoStep:
    """One command: `who` does `what` (raise, claim, release, withdraw, or the user task they complete) with the issue `issue`."""

    at: datetime
    issue: int
    who: str
    firm: str
    what: str
    answers: dict[str, Any]


def read_script(now: datetime, calendar: WorkingCalendar) -> list[DemoStep]:
    """Every step of every issue, in the order of time, all before today."""
    entries: list[dict[str, Any]] = yaml.safe_load(SOURCE.read_text(encoding="utf-8"))
    steps = [step for number, entry in enumerate(entries) for step in _steps_of(number, entry, now, calendar)]
    return sorted(steps, key=lambda step: (step.at, step.issue))


def read_registrations(now: datetime, calendar: WorkingCalendar) -> list[DemoStep]:
    """The same for registrations: `who` applies (by phone), or reviews (by name)."""
    entries: list[dict[str, Any]] = yaml.safe_load(REGISTRATIONS.read_text(encoding="utf-8"))
    steps: list[DemoStep] = []
    for number, entry in enumerate(entries):
        fields = {key: entry[key] for key in REGISTRATION_FIELDS}
        applied_at = _moment(now, entry["ago"], entry["at"], calendar)
        steps.append(DemoStep(applied_at, number, entry["phone"], entry["name"], APPLY, fields))
        for day, clock, who, what, answers in entry["steps"]:
            at = _moment(now, entry["ago"] - day, clock, calendar)
            steps.append(DemoStep(at, number, who, entry["name"], what, answers))
    return sorted(steps, key=lambda step: (step.at, step.issue))


def _steps_of(
    number: int, entry: dict[str, Any], now: datetime, calendar: WorkingCalendar
) -> Iterator[DemoStep]:
    firm: str = entry["firm"]
    fields = {key: entry[key] for key in FIELDS if key in entry}
    written: list[list[Any]] = entry["steps"]
    first_time = written[0][1] if written else "10:00"
    raised_at = _moment(now, entry["ago"], first_time, calendar) - BEFORE_FIRST_STEP
    yield DemoStep(raised_at, number, entry["who"], firm, RAISE, fields)
    for day, clock, who, what, *answers in written:
        at = _moment(now, entry["ago"] - day, clock, calendar)
        yield DemoStep(at, number, who, firm, what, answers[0] if answers else {})


def _moment(now: datetime, days_back: int, clock: str, calendar: WorkingCalendar) -> datetime:
    """That time of day in Beijing, so many working days before today."""
    if days_back < 1:
        raise ValueError("a step of the demo must lie before today")
    day = now.astimezone(BEIJING).date()
    while days_back:
        day -= timedelta(days=1)
        days_back -= calendar.is_working(day)
    return datetime.combine(day, time.fromisoformat(clock), BEIJING).astimezone(UTC)

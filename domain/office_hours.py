"""The hours offices keep on a working day, as a system administrator enters them: one span, or two with a break at midday.
Without an entry `domain.working_days.DEFAULT_HOURS` hold. They are the same for all offices of an installation."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain import audit
from domain.actor import Actor
from domain.administration import begin
from domain.calendar import KEEPER
from domain.exceptions import FormRefused
from domain.models import OfficeHoursRow
from domain.working_days import OfficeHours, read_hours

FIELDS = ("opens", "break_from", "break_to", "closes")
EXAMPLE = "例如 09:00 到 12:00，13:30 到 17:30"
SHORTEST_DAY = timedelta(hours=1)


async def find_hours(session: AsyncSession) -> OfficeHours:
    """What holds now."""
    rows = await session.execute(
        select(col(OfficeHoursRow.opens_at), col(OfficeHoursRow.closes_at)).order_by(
            col(OfficeHoursRow.opens_at)
        )
    )
    return read_hours([(opens, closes) for opens, closes in rows])


async def save_hours(session: AsyncSession, actor: Actor, hours: OfficeHours, now: datetime) -> bool:
    """Let these be the office hours; whether anything changed. Raises NotAdministrator."""
    await begin(session, actor, KEEPER)
    before = await find_hours(session)
    if before == hours:
        return False
    await session.execute(delete(OfficeHoursRow))
    rows = [{"opens_at": opens, "closes_at": closes} for opens, closes in hours.spans]
    await session.execute(insert(OfficeHoursRow), rows)
    await audit.record(
        session,
        "save_office_hours",
        actor=actor,
        about="office_hours",
        about_id="all",
        before={"hours": write_hours(before)},
        after={"hours": write_hours(hours)},
        now=now,
    )
    return True


def parse_hours(typed: Mapping[str, str]) -> OfficeHours:
    """The hours of a form with FIELDS; without a break its two are empty. Raises FormRefused, by `morning` and `afternoon`."""
    given = {key: _read_time(typed.get(key, "")) for key in FIELDS}
    errors: dict[str, str] = {}
    for key, place, words in (("opens", "morning", "上午上班"), ("closes", "afternoon", "下午下班")):
        if given[key] is None:
            errors[place] = f"请填写{words}的时间，{EXAMPLE}。"
    for key, place in (("break_from", "morning"), ("break_to", "afternoon")):
        other = "break_to" if key == "break_from" else "break_from"
        if given[key] is None and (typed.get(key) or given[other] is not None):
            errors.setdefault(place, f"中午休息的，上午下班和下午上班的时间都要填，{EXAMPLE}。")
    if errors:
        raise FormRefused(errors)
    edges = [moment for key in FIELDS if (moment := given[key]) is not None]
    try:
        hours = OfficeHours(tuple(zip(edges[::2], edges[1::2], strict=True)))
    except ValueError:
        raise FormRefused({"afternoon": f"时间要从早到晚，{EXAMPLE}。"}) from None
    if hours.length < SHORTEST_DAY:
        raise FormRefused({"afternoon": "一天的办公时间至少一小时。"})
    return hours


def write_hours(hours: OfficeHours) -> str:
    """`09:00–12:00，13:30–17:30`."""
    return "，".join(f"{opens:%H:%M}–{closes:%H:%M}" for opens, closes in hours.spans)


def fill_form(hours: OfficeHours) -> dict[str, str]:
    """What `parse_hours` reads these from."""
    edges = [f"{edge:%H:%M}" for span in hours.spans for edge in span]
    return dict(
        zip(FIELDS, edges if len(edges) == len(FIELDS) else [edges[0], "", "", edges[-1]], strict=True)
    )


def _read_time(typed: str) -> time | None:
    try:
        moment = time.fromisoformat(typed)
    except ValueError:
        return None
    return moment if moment.tzinfo is None and not (moment.second or moment.microsecond) else None

"""Office hours as an administrator types them: read, written, refused with the reason, kept on the record."""

from datetime import datetime, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.exceptions import FormRefused, NotAdministrator
from domain.office_hours import FIELDS, fill_form, find_hours, parse_hours, save_hours, write_hours
from domain.working_days import DEFAULT_HOURS, OfficeHours, WorkingCalendar

EARLY = OfficeHours(((time(8), time(16)),))
minutes = st.lists(st.integers(0, 24 * 60 - 1), min_size=4, max_size=4, unique=True).map(sorted)


@given(minutes, st.booleans())
def test_what_is_written_into_the_form_is_read_again(edges: list[int], through: bool) -> None:
    one, two, three, four = (time(edge // 60, edge % 60) for edge in edges)
    hours = OfficeHours(((one, four),) if through else ((one, two), (three, four)))
    if hours.length.total_seconds() >= 3600:
        assert parse_hours(fill_form(hours)) == hours
    else:
        with pytest.raises(FormRefused):
            parse_hours(fill_form(hours))


@pytest.mark.parametrize(
    ("typed", "places"),
    [
        ("", {"morning", "afternoon"}),
        ("09:00 12:00 - 17:30", {"afternoon"}),
        ("09:00 - 13:30 17:30", {"morning"}),
        ("09:00 12:00 13:30 -", {"afternoon"}),
        ("09:00 12:00 11:00 17:30", {"afternoon"}),
        ("17:30 - - 09:00", {"afternoon"}),
        ("09:00 - - 09:30", {"afternoon"}),
        ("09:00 noon 13:30 17:30", {"morning"}),
        ("09:00:30 - - 17:30", {"morning"}),
    ],
)
def test_hours_that_cannot_be_are_refused_where_they_are_wrong(typed: str, places: set[str]) -> None:
    values = [word.strip("-") for word in typed.split()]
    with pytest.raises(FormRefused) as refused:
        parse_hours(dict(zip(FIELDS, values, strict=False)))
    assert set(refused.value.errors) == places


@given(st.dictionaries(st.sampled_from(FIELDS), st.text(max_size=10)))
def test_whatever_is_typed_is_hours_or_refused(typed: dict[str, str]) -> None:
    try:
        hours = parse_hours(typed)
    except FormRefused:
        return
    assert parse_hours(fill_form(hours)) == hours


def test_they_are_said_in_words() -> None:
    assert write_hours(DEFAULT_HOURS) == "09:00–12:00，13:30–17:30"
    assert write_hours(EARLY) == "08:00–16:00"


async def test_they_are_kept_on_the_record_and_read_by_every_process(
    session: AsyncSession, world: Any, now: datetime
) -> None:
    keeper = await world.officer("system_admin:2300")
    assert await find_hours(session) == DEFAULT_HOURS
    assert not await save_hours(session, keeper, DEFAULT_HOURS, now), "they held already"
    assert await save_hours(session, keeper, EARLY, now)
    assert not await save_hours(session, keeper, EARLY, now)
    calendar = WorkingCalendar()
    await calendar.refresh(session, now)
    assert await find_hours(session) == calendar.hours == EARLY
    kept = await session.execute(
        text("SELECT before, after FROM audit_record WHERE action = 'save_office_hours'")
    )
    assert [(row.before["hours"], row.after["hours"]) for row in kept] == [
        ("09:00–12:00，13:30–17:30", "08:00–16:00")
    ]


async def test_only_a_system_administrator_changes_them(
    session: AsyncSession, world: Any, now: datetime
) -> None:
    with pytest.raises(NotAdministrator):
        await save_hours(session, await world.officer("handler:2301"), EARLY, now)
    assert await find_hours(session) == DEFAULT_HOURS

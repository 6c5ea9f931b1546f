"""The demo's data is well formed, whatever day it is played on."""

import re
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col
from stdnum.cn import uscc

from domain.demo.people import ENTERPRISES, MEMBERS, OFFICERS, PASSWORD, add_people
from domain.demo.script import APPLY, RAISE, read_registrations, read_script
from domain.models import Officer
from domain.models.people import ENTERPRISE_ROLES, OFFICER_ROLES
from domain.people import normalise_phone
from domain.seed import ENTRIES, OFFICES, seed
from domain.signin import check_password
from domain.uscc import is_customs_code
from domain.working_days import BEIJING, WorkingCalendar

MOMENTS = ["2026-11-23T00:10", "2026-11-23T23:50", "2027-01-01T12:00", "2026-10-03T09:00", "2026-02-28T09:00"]


@pytest.mark.parametrize("moment", MOMENTS)
def test_every_step_lies_before_today_on_a_working_day(moment: str) -> None:
    now = datetime.fromisoformat(moment).replace(tzinfo=BEIJING)
    calendar = WorkingCalendar()
    for step in read_script(now, calendar):
        day = step.at.astimezone(BEIJING).date()
        assert day < now.date() and calendar.is_working(day), step


def test_the_steps_of_an_issue_come_in_their_order_and_begin_with_raising_it() -> None:
    now = datetime.fromisoformat(MOMENTS[0]).replace(tzinfo=BEIJING)
    begun: set[int] = set()
    for step in read_script(now, WorkingCalendar()):
        assert (step.what == RAISE) == (step.issue not in begun)
        begun.add(step.issue)


def test_fields_come_from_the_seeded_lists_and_names_are_people() -> None:
    now = datetime.fromisoformat(MOMENTS[0]).replace(tzinfo=BEIJING)
    names = {one.name for one in (*MEMBERS, *OFFICERS)}
    for step in read_script(now, WorkingCalendar()):
        assert step.who in names
        if step.what == RAISE:
            assert step.answers["kind"] in ENTRIES["kind"]
            assert step.answers["category"] in ENTRIES["category"]
            assert step.answers["office"] in {code for code, *_ in OFFICES}
            assert len(step.answers["title"]) <= 100 and len(step.answers["description"]) > 20
        assert step.answers.get("importance", "一般") in ENTRIES["importance"]


def test_people_have_phones_of_their_own_and_every_role_is_there() -> None:
    people = (*MEMBERS, *OFFICERS)
    assert len({normalise_phone(one.phone) for one in people} - {None}) == len(people)
    assert len({one.name for one in people}) == len(people)
    assert {role for one in MEMBERS for roles in one.roles.values() for role in roles} == set(
        ENTERPRISE_ROLES
    )
    assert {group.split(":")[0] for one in OFFICERS for group in one.groups} == set(OFFICER_ROLES)
    assert {group.split(":")[1] for one in OFFICERS for group in one.groups} == {"2300", "2301", "2325"}
    executives = [sum("executive" in one.roles.get(firm.key, ()) for one in MEMBERS) for firm in ENTERPRISES]
    assert sorted(executives) == [1, 2]
    assert any(len(one.roles) == 2 for one in MEMBERS)


def test_enterprises_have_valid_codes() -> None:
    for one in ENTERPRISES:
        assert uscc.is_valid(one.uscc)
        assert re.fullmatch(r"\d{4}[0-9A-Z]{6}", one.customs_code)


@pytest.mark.parametrize("moment", MOMENTS)
def test_registrations_lie_before_today_with_valid_codes_and_phones_of_their_own(moment: str) -> None:
    now = datetime.fromisoformat(moment).replace(tzinfo=BEIJING)
    steps = read_registrations(now, WorkingCalendar())
    applied = [step for step in steps if step.what == APPLY]
    assert len(applied) == 3 and {step.issue for step in steps} == {0, 1, 2}
    taken = {one.phone for one in (*MEMBERS, *OFFICERS)} | {one.uscc for one in ENTERPRISES}
    for step in applied:
        assert uscc.is_valid(step.answers["uscc"]) and is_customs_code(step.answers["customs_code"])
        assert normalise_phone(step.who) and not {step.who, step.answers["uscc"]} & taken
    officers = {one.name: one.groups for one in OFFICERS}
    offices = {step.issue: step.answers["office"] for step in applied}
    for step in steps:
        assert step.at.astimezone(BEIJING).date() < now.date()
        assert step.what == APPLY or f"registrar:{offices[step.issue]}" in officers[step.who]


async def test_people_are_added_once_and_officers_have_the_shown_password(
    session: AsyncSession, now: datetime
) -> None:
    await seed(session)
    assert await add_people(session, now)
    assert not await add_people(session, now)
    officers: Any = (await session.scalars(select(Officer).order_by(col(Officer.id)))).all()
    assert len(officers) == len(OFFICERS)
    assert await check_password(officers[0], PASSWORD)
    assert not await check_password(officers[0], "Qingling-2025")

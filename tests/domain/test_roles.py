"""Officers' roles: given and taken by a security administrator, three administrators apart, somebody always left."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from domain.exceptions import (
    FormRefused,
    LastAdministrator,
    NotAdministrator,
    OwnRights,
    RecordUnknown,
    RolesApart,
)
from domain.models import OfficerRole
from domain.models.people import ADMINISTRATORS
from domain.officers import disable_officer
from domain.roles import find_administrators, give_role, hold_groups, list_roles, take_role


@pytest.fixture
async def keeper(world: Any) -> Any:
    return await world.officer("security_admin:2300")


async def roles_of(session: AsyncSession, officer: Any) -> list[str]:
    return [f"{one.role}:{one.office}" for one in await list_roles(session, officer.officer_id)]


async def test_a_role_is_given_at_an_office_and_taken_there(
    session: AsyncSession, world: Any, keeper: Any, now: datetime
) -> None:
    officer = await world.officer("handler:2301")
    await give_role(session, keeper, officer.officer_id, "section_chief", "2302", now)
    await give_role(session, keeper, officer.officer_id, "section_chief", "2302", now)
    assert await roles_of(session, officer) == ["handler:2301", "section_chief:2302"]
    await take_role(session, keeper, officer.officer_id, "handler", "2301", now)
    assert await roles_of(session, officer) == ["section_chief:2302"]
    with pytest.raises(RecordUnknown):
        await take_role(session, keeper, officer.officer_id, "handler", "2301", now)


@pytest.mark.parametrize("first", ADMINISTRATORS)
@pytest.mark.parametrize("second", ADMINISTRATORS)
async def test_no_person_holds_two_of_the_three(
    session: AsyncSession, world: Any, keeper: Any, now: datetime, first: str, second: str
) -> None:
    officer = await world.officer("handler:2301")
    await give_role(session, keeper, officer.officer_id, first, "2301", now)
    assert f"{first}:2300" in await roles_of(session, officer), "held at the top office"
    if first == second:
        await give_role(session, keeper, officer.officer_id, second, "2300", now)
    else:
        with pytest.raises(RolesApart):
            await give_role(session, keeper, officer.officer_id, second, "2300", now)
    assert len(await roles_of(session, officer)) == 2


async def test_the_database_keeps_the_three_apart_too(session: AsyncSession, world: Any) -> None:
    officer = await world.officer("system_admin:2300")
    session.add(OfficerRole(officer_id=officer.officer_id, role="auditor", office="2301"))
    with pytest.raises(IntegrityError, match="officer_role_one_administration"):
        await session.flush()


async def test_nobody_changes_their_own_roles(session: AsyncSession, keeper: Any, now: datetime) -> None:
    with pytest.raises(OwnRights):
        await give_role(session, keeper, keeper.officer_id, "handler", "2301", now)
    with pytest.raises(OwnRights):
        await take_role(session, keeper, keeper.officer_id, "security_admin", "2300", now)


async def test_the_last_administrator_stays(
    session: AsyncSession, world: Any, keeper: Any, now: datetime
) -> None:
    system = await world.officer("system_admin:2300")
    with pytest.raises(LastAdministrator):
        await take_role(session, keeper, system.officer_id, "system_admin", "2300", now)
    with pytest.raises(LastAdministrator):
        await disable_officer(session, system, keeper.officer_id, now)
    second = await world.officer("system_admin:2300")
    await disable_officer(session, system, second.officer_id, now)
    with pytest.raises(LastAdministrator):
        await take_role(session, keeper, system.officer_id, "system_admin", "2300", now)
    assert [officer.id for officer, _ in await find_administrators(session, "system_admin")] == [
        system.officer_id
    ]


async def test_who_is_no_security_administrator_any_more_gives_nothing(
    session: AsyncSession, world: Any, keeper: Any, now: datetime
) -> None:
    other = await world.officer("security_admin:2300")
    await take_role(session, keeper, other.officer_id, "security_admin", "2300", now)
    officer = await world.officer("handler:2301")
    with pytest.raises(NotAdministrator):
        await give_role(session, other, officer.officer_id, "handler", "2302", now)


@pytest.mark.parametrize(
    ("role", "office", "field"),
    [
        ("boss", "2301", "role"),
        ("", "2301", "role"),
        ("handler", "", "office"),
        ("handler", "9999", "office"),
    ],
)
async def test_roles_and_offices_that_do_not_exist_are_refused(
    session: AsyncSession, world: Any, keeper: Any, now: datetime, role: str, office: str, field: str
) -> None:
    officer = await world.officer("handler:2301")
    with pytest.raises(FormRefused) as refused:
        await give_role(session, keeper, officer.officer_id, role, office, now)
    assert list(refused.value.errors) == [field]


async def test_held_groups_are_those_of_an_active_officer(
    session: AsyncSession, world: Any, now: datetime
) -> None:
    system = await world.officer("system_admin:2300")
    officer = await world.officer("handler:2301", "handler:2302")
    assert await hold_groups(session, officer.person_id) == ("handler:2301", "handler:2302")
    await disable_officer(session, system, officer.officer_id, now)
    assert await hold_groups(session, officer.person_id) == ()

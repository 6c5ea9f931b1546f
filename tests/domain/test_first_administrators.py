"""The first administrators: one a role, and replaced only by a call that names them."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.exceptions import ChangeRefused, FormRefused
from domain.first_administrators import Made, make_administrator
from domain.models import Officer
from domain.models.people import ADMINISTRATORS
from domain.officers import find_officer
from domain.passwords import check_password

PHONES = {
    role: f"1370000000{number}"
    for number, role in enumerate(("system_admin", "security_admin", "auditor", "next"))
}


async def make(
    session: AsyncSession,
    now: datetime,
    role: str = "system_admin",
    phone: str | None = None,
    replace: str | None = None,
) -> Made:
    return await make_administrator(
        session, role=role, name="管一", phone=phone or PHONES[role], replace=replace, now=now
    )


async def test_each_role_is_made_once_at_the_top_office(
    session: AsyncSession, world: Any, now: datetime
) -> None:
    for role in ADMINISTRATORS:
        made = await make(session, now, role)
        line = await find_officer(session, made.new.officer_id)
        assert line.groups == (f"{role}:2300",) and line.must_change_password
        officer = await session.get_one(Officer, made.new.officer_id)
        assert await check_password(officer, made.new.password)
    actions = await session.scalars(text("SELECT action FROM audit_record"))
    assert sorted(actions).count("give_role") == 3
    for role in ADMINISTRATORS:
        with pytest.raises(ChangeRefused) as refused:
            await make(session, now, role, PHONES["next"])
        assert "管一（137****" in refused.value.message and "--replace" in refused.value.message


async def test_who_is_named_is_replaced(session: AsyncSession, world: Any, now: datetime) -> None:
    first = await make(session, now)
    with pytest.raises(ChangeRefused, match="没有人用手机号码"):
        await make(session, now, phone=PHONES["next"], replace="13711111111")
    made = await make(session, now, phone=PHONES["next"], replace="137 0000 0000")
    assert made.replaced == first.new.officer_id


async def test_the_same_person_gets_a_new_password(session: AsyncSession, world: Any, now: datetime) -> None:
    first = await make(session, now)
    again = await make(session, now, replace=PHONES["system_admin"])
    assert again.new.officer_id == first.new.officer_id and again.replaced is None
    officer = await session.get_one(Officer, first.new.officer_id)
    assert await check_password(officer, again.new.password)
    assert not await check_password(officer, first.new.password)


async def test_a_role_whose_holder_is_disabled_is_free(
    session: AsyncSession, world: Any, now: datetime
) -> None:
    first = await make(session, now)
    officer = await session.get_one(Officer, first.new.officer_id)
    officer.active = False
    await session.flush()
    assert (await make(session, now, phone=PHONES["next"])).replaced is None


async def test_one_person_is_made_one_administrator_only(
    session: AsyncSession, world: Any, now: datetime
) -> None:
    await make(session, now)
    with pytest.raises(FormRefused):
        await make(session, now, "security_admin", PHONES["system_admin"])


@pytest.mark.parametrize("role", ["handler", "boss", ""])
async def test_other_roles_are_not_made_here(
    session: AsyncSession, world: Any, now: datetime, role: str
) -> None:
    with pytest.raises(ChangeRefused):
        await make(session, now, role, PHONES["next"])

"""Officers' accounts: added with a first password, out at once when disabled, back with what they had."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.exceptions import ChangeRefused, FormRefused, OwnRights, RecordUnknown
from domain.models import Officer, Person
from domain.officers import (
    add_officer,
    disable_officer,
    edit_officer,
    enable_officer,
    find_officer,
    list_officers,
    reset_password,
)
from domain.passwords import check_password
from domain.sessions import SessionLimits, list_sessions, load_actor, start_session


@pytest.fixture
async def keeper(world: Any) -> Any:
    return await world.officer("system_admin:2300")


async def add(session: AsyncSession, keeper: Any, now: datetime, **values: str) -> Any:
    fields = {"name": "钱新", "phone": "139 8888 0001", "office": "2301"}
    return await add_officer(session, keeper, **(fields | values), now=now)


async def start(session: AsyncSession, officer: Any, now: datetime) -> str:
    return await start_session(
        session,
        officer.person_id,
        membership_id=None,
        officer_id=officer.officer_id,
        ip=None,
        user_agent=None,
        limits=SessionLimits(),
        now=now,
    )


async def test_a_new_officer_has_a_password_to_change_and_no_role(
    session: AsyncSession, keeper: Any, now: datetime
) -> None:
    new = await add(session, keeper, now)
    officer = await session.get_one(Officer, new.officer_id)
    assert officer.must_change_password and await check_password(officer, new.password)
    line = await find_officer(session, new.officer_id)
    assert (line.name, line.phone, line.office_name, line.groups) == (
        "钱新",
        "+8613988880001",
        "连云港海关",
        (),
    )
    recorded = (await session.execute(text("SELECT * FROM audit_record ORDER BY at"))).mappings().all()
    assert {row["action"] for row in recorded} >= {"add_officer", "set_password"}
    assert new.password not in str(recorded) and "13988880001" not in str(recorded)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "名" * 31}, "name"),
        ({"phone": ""}, "phone"),
        ({"phone": "12345"}, "phone"),
        ({"office": ""}, "office"),
        ({"office": "9999"}, "office"),
    ],
)
async def test_what_is_wrong_is_said_by_its_field(
    session: AsyncSession, keeper: Any, now: datetime, values: dict[str, str], field: str
) -> None:
    with pytest.raises(FormRefused) as refused:
        await add(session, keeper, now, **values)
    assert list(refused.value.errors) == [field]


async def test_a_phone_that_somebody_has_becomes_no_officers(
    session: AsyncSession, world: Any, keeper: Any, now: datetime
) -> None:
    staff = await world.member(await world.enterprise(), "customs_affairs")
    for phone, words in ((keeper.phone, "关员"), (staff.phone, "用户")):
        with pytest.raises(FormRefused) as refused:
            await add(session, keeper, now, phone=phone)
        assert words in refused.value.errors["phone"]


async def test_who_is_disabled_is_out_at_once_and_keeps_the_roles(
    session: AsyncSession, world: Any, keeper: Any, now: datetime
) -> None:
    officer = await world.officer("handler:2301")
    token = await start(session, officer, now)
    await disable_officer(session, keeper, officer.officer_id, now)
    assert await load_actor(session, token, now) is None
    assert (await find_officer(session, officer.officer_id)).groups == ("handler:2301",)
    late = await start(session, officer, now)  # a sign-in that had begun before
    assert await load_actor(session, late, now) is None
    await enable_officer(session, keeper, officer.officer_id, now)
    assert await load_actor(session, late, now) is None, "it does not come alive"
    assert await list_sessions(session, officer.person_id, now) == []


async def test_a_new_password_ends_sessions_and_must_be_changed(
    session: AsyncSession, world: Any, keeper: Any, now: datetime
) -> None:
    officer = await world.officer("handler:2301")
    token = await start(session, officer, now)
    new = await reset_password(session, keeper, officer.officer_id, now)
    stored = await session.get_one(Officer, officer.officer_id)
    assert stored.must_change_password and await check_password(stored, new.password)
    assert await load_actor(session, token, now) is None
    await disable_officer(session, keeper, officer.officer_id, now)
    with pytest.raises(ChangeRefused):
        await reset_password(session, keeper, officer.officer_id, now)


async def test_nobody_disables_or_resets_themselves(
    session: AsyncSession, keeper: Any, now: datetime
) -> None:
    for command in (disable_officer, enable_officer, reset_password):
        with pytest.raises(OwnRights):
            await command(session, keeper, keeper.officer_id, now)


async def test_name_and_office_change_the_phone_does_not(
    session: AsyncSession, world: Any, keeper: Any, now: datetime
) -> None:
    officer = await world.officer("handler:2301")
    await edit_officer(session, keeper, officer.officer_id, name=" 李 明 ", office="2302", now=now)
    line = await find_officer(session, officer.officer_id)
    assert (line.name, line.office, line.phone) == ("李 明", "2302", officer.phone)
    with pytest.raises(FormRefused):
        await edit_officer(session, keeper, officer.officer_id, name="", office="9", now=now)


async def test_officers_are_found_by_name_phone_office_and_role_page_by_page(
    session: AsyncSession, world: Any, keeper: Any
) -> None:
    for name in ("甲一", "甲二", "甲三"):
        await world.officer("handler:2307", person=await world.person(name))
    chief = await world.officer("section_chief:2307", person=await world.person("乙"))
    person = await session.get_one(Person, chief.person_id)
    assert len(await list_officers(session, words="甲")) == 3
    assert [one.name for one in await list_officers(session, words=person.phone[-8:])] == ["乙"]
    assert len(await list_officers(session, office="2307")) == 4
    assert [one.name for one in await list_officers(session, office="2307", role="section_chief")] == ["乙"]
    assert await list_officers(session, words="%") == []
    first = await list_officers(session, words="甲", limit=1)
    assert len(first) == 2, "one more than the page"
    rest = await list_officers(session, words="甲", after=(first[0].name, first[0].id))
    assert (rest[0].id, len(rest)) == (first[1].id, 2)


async def test_an_unknown_officer_is_told(
    session: AsyncSession, world: Any, keeper: Any, now: datetime
) -> None:
    stranger = await world.person()
    with pytest.raises(RecordUnknown):
        await disable_officer(session, keeper, stranger.id, now)

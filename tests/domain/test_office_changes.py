"""Offices changed by a system administrator: codes stay, the tree has no circles, closing and reopening."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.exceptions import ChangeRefused, FormRefused, NotAdministrator, OfficeClosed, RecordUnknown
from domain.models import CustomsOffice, OfficerRole
from domain.offices import (
    add_office,
    close_office,
    count_use,
    edit_office,
    list_offices,
    reopen_office,
    require_open_office,
    walk_tree,
)


async def add(session: AsyncSession, keeper: Any, now: datetime, **values: str) -> CustomsOffice:
    fields = {"code": "2340", "name": "新区海关", "parent": "2300", "source": "文件"}
    return await add_office(session, keeper, **(fields | values), now=now)


@pytest.fixture
async def keeper(world: Any) -> Any:
    return await world.officer("system_admin:2300")


async def test_an_office_is_added_below_another_and_takes_issues(
    session: AsyncSession, keeper: Any, now: datetime
) -> None:
    office = await add(session, keeper, now, name=" 新区 　海关 ")
    assert (office.name, office.parent, office.active) == ("新区 海关", "2300", True)
    assert (await require_open_office(session, "2340")).source == "文件"
    recorded = (await session.execute(text("SELECT action, about_id, after FROM audit_record"))).one()
    assert recorded.action == "add_office" and recorded.about_id == "2340"
    assert recorded.after["office_name"] == "新区 海关"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"code": "234"}, "code"),
        ({"code": "234x"}, "code"),
        ({"code": "２３４"}, "code"),
        ({"code": "2301"}, "code"),
        ({"name": ""}, "name"),
        ({"name": "关" * 51}, "name"),
        ({"name": "昆山海关"}, "name"),
        ({"parent": ""}, "parent"),
        ({"parent": "9999"}, "parent"),
        ({"parent": "2340"}, "parent"),
        ({"source": "源" * 101}, "source"),
    ],
)
async def test_what_is_wrong_with_an_office_is_said_by_its_field(
    session: AsyncSession, keeper: Any, now: datetime, values: dict[str, str], field: str
) -> None:
    with pytest.raises(FormRefused) as refused:
        await add(session, keeper, now, **values)
    assert list(refused.value.errors) == [field]


async def test_an_office_moves_but_never_below_itself(
    session: AsyncSession, keeper: Any, now: datetime
) -> None:
    await edit_office(session, keeper, "2325", name="昆山海关", parent="2303", source="", now=now)
    await edit_office(session, keeper, "2304", name="无锡海关", parent="2325", source="", now=now)
    with pytest.raises(FormRefused) as refused:
        await edit_office(session, keeper, "2303", name="苏州海关", parent="2304", source="", now=now)
    assert "在本单位之下" in refused.value.errors["parent"]
    depths = {one.code: depth for one, depth in walk_tree(await list_offices(session))}
    assert (depths["2300"], depths["2303"], depths["2325"], depths["2304"]) == (0, 1, 2, 3)


async def test_the_top_office_stays_the_top_and_open(
    session: AsyncSession, keeper: Any, now: datetime
) -> None:
    office = await edit_office(session, keeper, "2300", name="南京关区", parent="2301", source="", now=now)
    assert (office.name, office.parent) == ("南京关区", None)
    with pytest.raises(ChangeRefused):
        await close_office(session, keeper, "2300", now)


async def test_a_closed_office_takes_nothing_new_until_it_is_opened_again(
    session: AsyncSession, world: Any, keeper: Any, now: datetime
) -> None:
    handler = await world.officer("handler:2301")
    await close_office(session, keeper, "2301", now)
    with pytest.raises(OfficeClosed):
        await require_open_office(session, "2301")
    assert await session.get(OfficerRole, (handler.officer_id, "handler", "2301")) is not None
    await reopen_office(session, keeper, "2301", now)
    assert (await require_open_office(session, "2301")).active


async def test_what_depends_on_an_office_is_counted(session: AsyncSession, world: Any, keeper: Any) -> None:
    await world.officer("handler:2303", "section_chief:2303")
    enterprise = await world.enterprise()
    staff = await world.member(enterprise, "customs_affairs")
    await world.issue(staff, office="2303", phase="customs")
    await world.issue(staff, office="2303", phase="draft")
    use = await count_use(session, "2303")
    assert (use.open_issues, use.officers, use.open_children) == (1, 1, 0)
    assert (await count_use(session, "2300")).open_children == 15


async def test_only_who_still_is_system_administrator_changes_offices(
    session: AsyncSession, world: Any, keeper: Any, now: datetime
) -> None:
    with pytest.raises(NotAdministrator):
        await add(session, await world.officer("security_admin:2300"), now)
    await session.execute(text("DELETE FROM officer_role WHERE officer_id = :id"), {"id": keeper.officer_id})
    with pytest.raises(NotAdministrator):
        await close_office(session, keeper, "2301", now)


async def test_an_unknown_office_is_told(session: AsyncSession, keeper: Any, now: datetime) -> None:
    with pytest.raises(RecordUnknown):
        await close_office(session, keeper, "9999", now)

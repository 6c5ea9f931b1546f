"""Lists changed by a system administrator: codes in use never vanish, order, at least one to choose."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from domain.exceptions import ChangeRefused, FormRefused, RecordUnknown
from domain.lists import (
    add_entry,
    count_issues,
    list_choices,
    list_entries,
    move_entry,
    rename_entry,
    switch_entry,
)


@pytest.fixture
async def keeper(world: Any) -> Any:
    return await world.officer("system_admin:2300")


async def names(session: AsyncSession, list_name: str = "importance") -> list[str]:
    return [one.name for one in await list_entries(session, list_name)]


async def test_a_new_entry_stands_at_the_end_and_can_be_chosen(
    session: AsyncSession, keeper: Any, now: datetime
) -> None:
    await add_entry(session, keeper, "importance", " 特急 ", now)
    assert await names(session) == ["一般", "重要", "紧急", "特急"]
    assert (await list_choices(session, "importances"))[-1].code == "特急"


@pytest.mark.parametrize("name", ["", "  ", "一般", "名" * 51])
async def test_a_name_that_will_not_do_is_refused(
    session: AsyncSession, keeper: Any, now: datetime, name: str
) -> None:
    with pytest.raises(FormRefused):
        await add_entry(session, keeper, "importance", name, now)


async def test_renaming_keeps_the_code_and_nobody_else_gets_it(
    session: AsyncSession, keeper: Any, now: datetime
) -> None:
    await rename_entry(session, keeper, "importance", "一般", "普通", now)
    first = (await list_entries(session, "importance"))[0]
    assert (first.code, first.name) == ("一般", "普通")
    with pytest.raises(FormRefused, match="修改"):
        await add_entry(session, keeper, "importance", "一般", now)
    with pytest.raises(FormRefused):
        await rename_entry(session, keeper, "importance", "重要", "普通", now)


async def test_an_entry_that_is_switched_off_stays_but_is_not_offered(
    session: AsyncSession, keeper: Any, now: datetime
) -> None:
    await switch_entry(session, keeper, "importance", "紧急", active=False, now=now)
    assert [one.code for one in await list_choices(session, "importances")] == ["一般", "重要"]
    assert "紧急" in await names(session)
    await switch_entry(session, keeper, "importance", "一般", active=False, now=now)
    with pytest.raises(ChangeRefused):
        await switch_entry(session, keeper, "importance", "重要", active=False, now=now)
    await switch_entry(session, keeper, "importance", "紧急", active=True, now=now)
    assert [one.code for one in await list_choices(session, "importances")] == ["重要", "紧急"]


async def test_entries_move_one_place_and_stop_at_the_ends(
    session: AsyncSession, keeper: Any, now: datetime
) -> None:
    await move_entry(session, keeper, "importance", "紧急", "up", now)
    assert await names(session) == ["一般", "紧急", "重要"]
    await move_entry(session, keeper, "importance", "一般", "up", now)
    await move_entry(session, keeper, "importance", "重要", "down", now)
    assert await names(session) == ["一般", "紧急", "重要"]


async def test_use_is_counted_by_code(session: AsyncSession, world: Any) -> None:
    issue = await world.issue(await world.member(await world.enterprise(), "customs_affairs"))
    issue.kind = "投诉"
    await session.flush()
    assert (await count_issues(session, "kind"))["投诉"] == 1


async def test_there_are_three_lists(session: AsyncSession, keeper: Any, now: datetime) -> None:
    with pytest.raises(RecordUnknown):
        await add_entry(session, keeper, "offices", "某海关", now)
    with pytest.raises(RecordUnknown):
        await rename_entry(session, keeper, "kind", "没有", "有", now)

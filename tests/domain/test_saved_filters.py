"""Filters somebody keeps: by name, a few, their own."""

from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from domain.exceptions import CannotKeep
from domain.saved_filters import LONGEST_NAME, MOST, drop_filter, keep_filter, list_filters


async def kept(session: AsyncSession, actor: Any) -> list[tuple[str, str]]:
    return [(one.name, one.query) for one in await list_filters(session, actor)]


@pytest.fixture
async def two(world: Any) -> list[Any]:
    return [await world.officer("handler:2301") for _ in range(2)]


async def test_filters_are_kept_by_name_and_the_same_name_is_replaced(
    session: AsyncSession, world: Any, two: list[Any]
) -> None:
    await keep_filter(session, two[0], " 我的 归类 ", "q=归类", world.now)
    await keep_filter(session, two[0], "逾期", "sort=due", world.now)
    await keep_filter(session, two[0], "我的 归类", "q=税号", world.now)
    assert await kept(session, two[0]) == [("我的 归类", "q=税号"), ("逾期", "sort=due")]
    assert await kept(session, two[1]) == []


async def test_nobody_drops_another_persons(session: AsyncSession, world: Any, two: list[Any]) -> None:
    await keep_filter(session, two[0], "逾期", "sort=due", world.now)
    [mine] = await list_filters(session, two[0])
    await drop_filter(session, two[1], mine.id)
    assert await kept(session, two[0]) == [("逾期", "sort=due")]
    for _ in range(2):
        await drop_filter(session, two[0], mine.id)
    assert await kept(session, two[0]) == []


@pytest.mark.parametrize(
    ("name", "reason"), [("  ", "起个名称"), ("长" * (LONGEST_NAME + 1), "最多 20 个字")]
)
async def test_a_name_that_will_not_do_is_refused(
    session: AsyncSession, world: Any, two: list[Any], name: str, reason: str
) -> None:
    with pytest.raises(CannotKeep) as refused:
        await keep_filter(session, two[0], name, "sort=due", world.now)
    assert reason in refused.value.errors["name"]


async def test_there_is_an_end_to_them_but_one_may_still_be_changed(
    session: AsyncSession, world: Any, two: list[Any]
) -> None:
    for number in range(MOST):
        await keep_filter(session, two[0], f"第{number}个", "sort=due", world.now)
    with pytest.raises(CannotKeep):
        await keep_filter(session, two[0], "再来一个", "sort=due", world.now)
    await keep_filter(session, two[0], "第0个", "q=改", world.now)
    assert ("第0个", "q=改") in await kept(session, two[0])

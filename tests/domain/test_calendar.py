"""A year's holidays as the State Council words them: read, written, doubted, kept."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession

from domain.calendar import (
    Day,
    find_doubts,
    list_days,
    list_library_days,
    list_years,
    read_days,
    save_year,
    write_days,
)
from domain.exceptions import FormRefused, NotAdministrator
from domain.working_days import WorkingCalendar

# 国办发明电〔2024〕12号, as published.
NOTICE_2025 = """
一、元旦：1月1日（周三）放假1天，不调休。
二、春节：1月28日（农历除夕、周二）至2月4日（农历正月初七、周二）放假调休，共8天。1月26日（周日）、2月8日（周六）上班。
三、清明节：4月4日（周五）至6日（周日）放假，共3天。
四、劳动节：5月1日（周四）至5日（周一）放假调休，共5天。4月27日（周日）上班。
五、端午节：5月31日（周六）至6月2日（周一）放假，共3天。
六、国庆节、中秋节：10月1日（周三）至8日（周三）放假调休，共8天。9月28日（周日）、10月11日（周六）上班。
"""


def test_the_published_notice_is_read_as_the_library_knows_it() -> None:
    read = read_days(NOTICE_2025, 2025)
    library = {(one.day, one.working) for one in list_library_days(2025)}
    assert {(one.day, one.working) for one in read} == library
    assert find_doubts(read, 2025) == []
    assert {one.name for one in read} >= {"元旦", "国庆节、中秋节"}


days = st.builds(
    Day,
    st.dates(date(2031, 1, 1), date(2031, 12, 31)),
    st.booleans(),
    st.sampled_from(["元旦", "春节", "国庆节、中秋节"]),
)


@given(st.lists(days, unique_by=lambda one: one.day, max_size=40))
def test_what_is_written_is_read_again(some: list[Day]) -> None:
    assert read_days(write_days(some), 2031) == sorted(some)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("元旦 1月1日放假", "第 1 行：请以节日名称和冒号开头"),
        ("\n元旦：放假", "第 2 行：没有找到日期"),
        ("元旦：1日放假", "没有写月份"),
        ("元旦：2月30日放假", "没有“2月30日”这一天"),
        ("元旦：1月1日至3日", "没有写明是放假还是上班"),
        ("元旦：1月3日至1日放假", "起止日期不对"),
        ("元旦：1月1日至3月1日放假", "起止日期不对"),
        ("元旦：2032年1月1日放假", "不在 2031 年"),
        ("元旦：1月1日放假。\n春节：1月1日上班。", "第 2 行：1月1日既放假又上班"),
        ("元旦：" + "1月1日放假，" * 1000, "最多 5000 个字"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_line(typed: str, words: str) -> None:
    with pytest.raises(FormRefused) as refused:
        read_days(typed, 2031)
    assert words in refused.value.errors["days"]


@given(st.text(alphabet="元旦：:1日月至放假上班，。（）2031年 \n、", max_size=80))
def test_whatever_is_typed_is_read_or_refused(typed: str) -> None:
    try:
        read = read_days(typed, 2031)
    except FormRefused:
        return
    assert all(one.day.year == 2031 and one.name for one in read)


def test_unusual_years_are_doubted() -> None:
    doubts = find_doubts(read_days("元旦：1月1日放假，1月2日上班。", 2031), 2031)
    assert len(doubts) == 2 and "本来就是工作日" in doubts[0] and "只有 1 个节日" in doubts[1]


async def test_a_year_is_kept_whole_replaced_and_taken_back(
    session: AsyncSession, world: Any, now: datetime
) -> None:
    keeper = await world.officer("system_admin:2300")
    first = read_days("元旦：1月1日至3日放假。1月4日上班。", 2031)
    assert await save_year(session, keeper, 2031, first, now)
    assert not await save_year(session, keeper, 2031, first, now), "nothing changed"
    second = read_days("元旦：1月1日放假。", 2031)
    assert await save_year(session, keeper, 2031, second, now)
    assert await list_days(session, 2031) == second
    calendar = WorkingCalendar()
    await calendar.refresh(session, now)
    assert calendar.knows(2031) and not calendar.is_working(date(2031, 1, 1))
    assert await save_year(session, keeper, 2031, [], now)
    await calendar.refresh(session, now + timedelta(seconds=1))
    assert calendar.knows(2031), "read a second ago"
    await calendar.refresh(session, now + timedelta(seconds=1), at_once=True)
    assert not calendar.knows(2031)


async def test_years_say_where_they_are_known_from(session: AsyncSession, world: Any) -> None:
    keeper = await world.officer("system_admin:2300")
    at = datetime(2026, 6, 1, tzinfo=UTC)
    await save_year(session, keeper, 2031, read_days("元旦：1月1日放假。", 2031), at)
    years = {one.year: one.source for one in await list_years(session, at)}
    assert years == {2025: "library", 2026: "library", 2027: "unknown", 2028: "unknown", 2031: "entered"}


async def test_only_a_system_administrator_enters_holidays(
    session: AsyncSession, world: Any, now: datetime
) -> None:
    with pytest.raises(NotAdministrator):
        await save_year(session, await world.officer("handler:2301"), 2031, [], now)

"""Offices and lists out to a file and in again: every line judged, all or nothing."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.bulk import (
    ENTRY_COLUMNS,
    OFFICE_COLUMNS,
    export_entries,
    export_offices,
    import_entries,
    import_offices,
    read_lines,
)
from domain.exceptions import NotAdministrator, SheetRefused
from domain.lists import list_choices, list_entries
from domain.offices import find_office
from domain.sheets import read_table, write_csv, write_table

OFFICE_HEAD, ENTRY_HEAD = list(OFFICE_COLUMNS.values()), list(ENTRY_COLUMNS.values())


@pytest.fixture
async def keeper(world: Any) -> Any:
    return await world.officer("system_admin:2300")


def offices(*rows: Sequence[str]) -> Any:
    return read_lines(read_table(write_csv(OFFICE_HEAD, rows), 100), OFFICE_COLUMNS)


def entries(*rows: Sequence[str]) -> Any:
    return read_lines(read_table(write_csv(ENTRY_HEAD, rows), 100), ENTRY_COLUMNS)


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
async def test_what_is_exported_changes_nothing_when_imported(
    session: AsyncSession, keeper: Any, now: datetime, kind: str
) -> None:
    rows = await export_offices(session)
    data = write_table("机构", OFFICE_HEAD, rows) if kind == "xlsx" else write_csv(OFFICE_HEAD, rows)
    lines = read_lines(read_table(data, 100), OFFICE_COLUMNS)
    report = await import_offices(session, keeper, lines, now, apply=True)
    assert (report.count("same"), len(report.lines)) == (16, 16)
    listed = await export_entries(session, "category")
    data = write_table("列表", ENTRY_HEAD, listed) if kind == "xlsx" else write_csv(ENTRY_HEAD, listed)
    lines = read_lines(read_table(data, 100), ENTRY_COLUMNS)
    report = await import_entries(session, keeper, "category", lines, now, apply=True)
    assert report.count("same") == 13 and await export_entries(session, "category") == listed
    assert await session.scalar(text("SELECT count(*) FROM audit_record")) == 0


async def test_offices_are_added_changed_and_closed_children_before_parents(
    session: AsyncSession, keeper: Any, now: datetime
) -> None:
    lines = offices(
        ["2352", "新区办事处", "2351", "", "文件"],
        ["2351", "新区海关", "2300", "受理", "文件"],
        ["2301", "连云港口岸海关", "2300", "停用", ""],
    )
    report = await import_offices(session, keeper, lines, now, apply=False)
    assert [line.change for line in report.lines] == ["added", "added", "changed"]
    assert (await session.execute(text("SELECT 1 FROM customs_office WHERE code = '2351'"))).first() is None
    await import_offices(session, keeper, lines, now, apply=True)
    assert (await find_office(session, "2352")).parent == "2351"
    closed = await find_office(session, "2301")
    assert (closed.name, closed.active, closed.source) == ("连云港口岸海关", False, "")
    actions = list(await session.scalars(text("SELECT about_id FROM audit_record ORDER BY at, id")))
    assert sorted(actions) == ["2301", "2351", "2352"]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (["235", "新区海关", "2300", "", ""], "4 位数字"),
        (["2351", "", "2300", "", ""], "请填写“单位名称”"),
        (["2351", "昆山海关", "2300", "", ""], "已经有名为"),
        (["2351", "新区海关", "", "", ""], "请选择上级"),
        (["2351", "新区海关", "9999", "", ""], "没有代码为 9999"),
        (["2351", "新区海关", "2300", "关门", ""], "只能是受理、停用"),
        (["2300", "南京海关", "", "停用", ""], "不能停用"),
        (["2303", "苏州海关", "2304", "", ""], "不能作为上级"),
        (["2302", "南通口岸海关", "2300", "", ""], "与第 2 行重复"),
    ],
)
async def test_one_wrong_line_and_nothing_is_imported(
    session: AsyncSession, keeper: Any, now: datetime, row: list[str], words: str
) -> None:
    lines = offices(["2302", "南通新海关", "2300", "", ""], ["2304", "无锡海关", "2303", "", ""], row)
    report = await import_offices(session, keeper, lines, now, apply=True)
    assert any(words in "".join(line.errors) for line in report.lines), report
    assert (await find_office(session, "2302")).name == "南通海关"


async def test_a_list_is_extended_renamed_and_put_in_the_order_of_the_file(
    session: AsyncSession, keeper: Any, now: datetime
) -> None:
    lines = entries(["紧急", "特别紧急", "可选"], ["", "次要", ""], ["一般", "一般", "停用"])
    report = await import_entries(session, keeper, "importance", lines, now, apply=True)
    assert [line.change for line in report.lines] == ["changed", "added", "changed"]
    assert [(one.code, one.name) for one in await list_entries(session, "importance")] == [
        ("紧急", "特别紧急"),
        ("次要", "次要"),
        ("一般", "一般"),
        ("重要", "重要"),
    ]
    assert [one.code for one in await list_choices(session, "importances")] == ["紧急", "次要", "重要"]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([["没有", "没有", ""]], "把“代码”空着"),
        ([["", "", "可选"]], "请填写“名称”"),
        ([["一般", "重要", ""]], "已经有“重要”"),
        ([["", "次要", ""], ["", "次要", ""]], "重复"),
        ([["一般", "一般", "不选"]], "只能是可选、停用"),
        ([[code, code, "停用"] for code in ("一般", "重要", "紧急")], "至少要保留一项"),
    ],
)
async def test_wrong_entries_are_said(
    session: AsyncSession, keeper: Any, now: datetime, rows: list[list[str]], words: str
) -> None:
    report = await import_entries(session, keeper, "importance", entries(*rows), now, apply=True)
    assert any(words in "".join(line.errors) for line in report.lines), report
    assert [one.name for one in await list_entries(session, "importance")] == ["一般", "重要", "紧急"]


def test_files_that_are_no_table_are_refused() -> None:
    with pytest.raises(SheetRefused, match="各列的名称"):
        read_lines([], OFFICE_COLUMNS)
    with pytest.raises(SheetRefused, match="缺少"):
        read_lines(read_table("甲,乙\n1,2\n".encode(), 100), OFFICE_COLUMNS)
    with pytest.raises(SheetRefused, match="没有内容"):
        offices()
    with pytest.raises(SheetRefused, match="请分几次"):
        read_table(write_csv(ENTRY_HEAD, [["", str(number), ""] for number in range(120)]), 100)


def test_csv_as_excel_saves_it_in_china_is_read() -> None:
    rows = read_table("代码,名称,状态\r\n,跨区协调,可选\r\n".encode("gb18030"), 100)
    assert read_lines(rows, ENTRY_COLUMNS)[0].cells["name"] == "跨区协调"


@pytest.mark.parametrize("data", [b"\xff\xfe\x00\x01", b"a\0b", b'"never closed', b"PK\x03\x04broken", b""])
def test_broken_files_are_refused(data: bytes) -> None:
    with pytest.raises(SheetRefused):
        read_lines(read_table(data, 100), ENTRY_COLUMNS)


def test_no_text_becomes_a_formula_and_comes_back_as_it_was() -> None:
    row = ["=1+1", "@x", "-2"]
    data = write_csv(ENTRY_HEAD, [row])
    assert b"'=1+1" in data
    assert list(read_table(data, 100)[1].cells[:3]) == row
    assert list(read_table(write_table("表", ENTRY_HEAD, [row]), 100)[1].cells[:3]) == row


async def test_only_a_system_administrator_imports(session: AsyncSession, world: Any, now: datetime) -> None:
    lines = offices(["2351", "新区海关", "2300", "", ""])
    with pytest.raises(NotAdministrator):
        await import_offices(session, await world.officer("handler:2301"), lines, now, apply=True)

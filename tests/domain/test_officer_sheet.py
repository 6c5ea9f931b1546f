"""Officers out to a file and in again: all or nothing, new accounts with first passwords, roles only out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.bulk import read_lines
from domain.exceptions import NotAdministrator
from domain.models import Officer
from domain.officer_sheet import COLUMNS, ONLY_OUT, export_officers, import_officers
from domain.officers import add_officer, find_officer, list_officers
from domain.passwords import check_password
from domain.sheets import read_table, write_csv, write_table

HEAD = [*COLUMNS.values(), *ONLY_OUT]
ROLES = {"handler": "经办关员", "system_admin": "系统管理员"}
NEW = ["周新", "13977770001", "2301"]


@pytest.fixture
async def keeper(world: Any, session: AsyncSession, now: datetime) -> Any:
    """A system administrator, and an officer of theirs at 2301."""
    keeper = await world.officer("system_admin:2300")
    await session.execute(text("UPDATE officer SET office = '2300' WHERE office IS NULL"))
    await add_officer(session, keeper, name="钱新", phone="13988880001", office="2301", now=now)
    return keeper


def typed(*rows: Sequence[str]) -> Any:
    return read_lines(read_table(write_csv(list(COLUMNS.values()), rows), 101), COLUMNS)


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
async def test_what_is_exported_changes_nothing_when_imported(
    session: AsyncSession, keeper: Any, now: datetime, kind: str
) -> None:
    rows = await export_officers(session, keeper, ROLES, now)
    assert ["钱新", "13988880001", "2301", "连云港海关", "", "在用"] in rows
    assert any(row[4] == "系统管理员（2300）" for row in rows)
    data = write_table("关员", HEAD, rows) if kind == "xlsx" else write_csv(HEAD, rows)
    before = await list_officers(session)
    report, passwords = await import_officers(
        session, keeper, read_lines(read_table(data, 101), COLUMNS), now, apply=True
    )
    assert (report.count("same"), len(report.lines), passwords) == (len(rows), len(rows), [])
    assert await list_officers(session) == before


async def test_an_export_is_on_the_record_without_the_numbers(
    session: AsyncSession, keeper: Any, now: datetime
) -> None:
    await export_officers(session, keeper, ROLES, now)
    found = text("SELECT actor_id FROM audit_record WHERE action = 'export_officers'")
    assert (await session.execute(found)).scalar_one() == keeper.person_id


async def test_new_ones_get_a_password_to_change_and_no_role_known_ones_another_office(
    session: AsyncSession, keeper: Any, now: datetime
) -> None:
    lines = typed(NEW, ["钱新", "139 8888 0001", "2302"])
    report, passwords = await import_officers(session, keeper, lines, now, apply=False)
    assert [line.change for line in report.lines] == ["added", "changed"] and passwords == []
    assert "周新" not in {one.name for one in await list_officers(session)}
    report, [new] = await import_officers(session, keeper, lines, now, apply=True)
    assert (new.name, new.phone) == ("周新", "13977770001")
    by_name = {one.name: one for one in await list_officers(session)}
    assert by_name["周新"].must_change_password and by_name["周新"].groups == ()
    assert (await find_officer(session, by_name["钱新"].id)).office == "2302"
    officer = await session.get_one(Officer, by_name["周新"].id)
    assert await check_password(officer, new.password)
    again, passwords = await import_officers(session, keeper, lines, now, apply=True)
    assert again.count("same") == 2 and passwords == [], "a second click adds nobody"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (["", "13977770002", "2301"], "请填写“姓名”"),
        (["周二", "139", "2301"], "11 位手机号码"),
        (["周二", "13977770002", ""], "请填写“所属单位代码”"),
        (["周二", "13977770002", "9999"], "没有代码为“9999”的受理单位"),
        (["周二", "13977770001", "2301"], "与第 2 行的手机号码重复"),
        (["周二", "13966660001", "2301"], "已经是本系统的用户"),
    ],
)
async def test_one_wrong_line_and_nothing_is_imported(
    session: AsyncSession, world: Any, keeper: Any, now: datetime, row: list[str], words: str
) -> None:
    person = await world.person()
    await session.execute(
        text("UPDATE person SET phone = '+8613966660001' WHERE id = :id"), {"id": person.id}
    )
    report, passwords = await import_officers(session, keeper, typed(NEW, row), now, apply=True)
    assert words in "".join(report.lines[1].errors), report
    assert passwords == [] and "周新" not in {one.name for one in await list_officers(session)}


async def test_only_a_system_administrator_gets_the_list_or_adds_to_it(
    session: AsyncSession, world: Any, now: datetime
) -> None:
    other = await world.officer("security_admin:2300")
    with pytest.raises(NotAdministrator):
        await export_officers(session, other, ROLES, now)
    with pytest.raises(NotAdministrator):
        await import_officers(session, other, typed(NEW), now, apply=True)

"""Members from an Excel file: the template is accepted, every mistake is named by line, and hostile files are refused."""

import io
import zipfile
from collections.abc import Sequence
from typing import Any

import pytest
import xlsxwriter
from openpyxl import load_workbook
from sqlalchemy.ext.asyncio import AsyncSession

from domain.actor import Actor
from domain.exceptions import MemberRefused, SheetRefused
from domain.member_fields import check_member
from domain.member_import import (
    MOST_LINES,
    ROLE_WORDS,
    add_lines,
    check_lines,
    read_lines,
    write_template,
)
from domain.members import add_member, list_members, remove_member, suspend_member

HEAD = ("姓名*", "手机号码*", "职务", "身份*")


def book(*rows: Sequence[Any], head: Sequence[str] = HEAD) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False}) as made:
        sheet = made.add_worksheet()
        lines: list[Sequence[Any]] = [head, *rows]
        for line, row in enumerate(lines):
            for place, value in enumerate(row):
                if isinstance(value, str) and value.startswith("f:"):
                    sheet.write_formula(line, place, value[2:])
                elif value is not None:
                    sheet.write(line, place, value)
    return buffer.getvalue()


@pytest.fixture
async def admin(world: Any) -> Actor:
    return await world.member(await world.enterprise(), "enterprise_admin")


async def report(
    session: AsyncSession, admin: Actor, *rows: Sequence[Any]
) -> list[tuple[int, dict[str, str]]]:
    assert admin.enterprise_id
    found = await check_lines(session, admin.enterprise_id, read_lines(book(*rows)))
    return [(line.line, dict(line.errors)) for line in found.lines]


def test_the_template_explains_itself_and_checks_what_is_typed() -> None:
    made = load_workbook(io.BytesIO(write_template()))
    assert made.sheetnames == ["用户", "填写说明"]
    assert [cell.value for cell in made["用户"][1]] == list(HEAD)
    checks = {str(one.sqref): one for one in made["用户"].data_validations.dataValidation}
    assert checks[f"D2:D{MOST_LINES + 1}"].formula1 == f'"{",".join(ROLE_WORDS)}"'
    with pytest.raises(SheetRefused, match="还没有填写"):
        read_lines(write_template())


def test_rows_are_read_as_they_stand_in_excel() -> None:
    lines = read_lines(
        book(
            ("张三", 13700000001, None, "企业高管"),
            (),
            ("李四", "13700000002", "部长", "关务人员"),
            ("", " ", "", ""),
        )
    )
    assert [(one.line, one.name, one.phone, one.position, one.roles) for one in lines] == [
        (2, "张三", "13700000001", "", "企业高管"),
        (4, "李四", "13700000002", "部长", "关务人员"),
    ]


def test_columns_may_stand_in_any_order_and_others_beside_them() -> None:
    (line,) = read_lines(
        book(
            ("备注", "企业高管", "张三", "", "13700000001"), head=("其他", "身份", "姓名", "职务", "手机号码")
        )
    )
    assert (line.name, line.phone, line.roles) == ("张三", "13700000001", "企业高管")


async def test_every_mistake_is_told_by_line_and_field(session: AsyncSession, admin: Actor) -> None:
    assert await report(
        session,
        admin,
        ("张三", "13700000001", "", "企业高管和关务人员"),
        ("", "123", "职" * 51, "经理"),
        ("李四", "137-0000-0001", "", "关务人员"),
        ("王五", "13700000003", "", ""),
    ) == [
        (2, {}),
        (
            3,
            {
                "name": "请填写“姓名”。",
                "phone": "请填写 11 位手机号码。",
                "position": "“职务”最多 50 个字，不能有特殊符号。",
                "roles": "“身份”只能是“企业高管”、“关务人员”、“企业高管和关务人员”。",
            },
        ),
        (4, {"phone": "与第 2 行的手机号码重复。"}),
        (5, {"roles": "请选择“身份”。"}),
    ]


async def test_formulas_are_text_and_refused(session: AsyncSession, admin: Actor) -> None:
    formula = '=HYPERLINK("http://example.com","张三")'
    assert await report(session, admin, (f"f:{formula}", "13700000001", "", "企业高管")) == [
        (2, {"name": "“姓名”里是公式，请改为文字。"})
    ]
    (line,) = read_lines(book(("张三", "13700000001", "=1+1", "企业高管")))
    assert line.position == "=1+1" and not line.formulas, "a text is a text, whatever it begins with"


async def test_members_there_are_already_are_named(session: AsyncSession, admin: Actor, now: Any) -> None:
    for number, after in ((1, None), (2, suspend_member), (3, remove_member)):
        fields = check_member("老用户", f"1370000000{number}", "", ("executive",))
        added = await add_member(session, admin, fields, now)
        if after:
            await after(session, admin, added.id, now)
    rows = [("新人", f"1370000000{number}", "", "关务人员") for number in (1, 2, 3)]
    assert await report(session, admin, *rows) == [
        (2, {"phone": "已经是贵企业的用户。"}),
        (3, {"phone": "已经是贵企业的用户，现在停用，可以在列表中恢复。"}),
        (4, {}),
    ]


async def test_nothing_is_half_imported_unless_the_admin_wants_it(
    session: AsyncSession, admin: Actor, now: Any
) -> None:
    assert admin.enterprise_id
    lines = read_lines(
        book(
            ("张三", "13700000001", "", "企业高管"),
            ("", "1", "", ""),
            ("李四", "13700000002", "", "关务人员"),
        )
    )
    found, count = await add_lines(session, admin, lines, now, only_right=False)
    assert (len(found.wrong), count) == (1, 0)
    assert len(await list_members(session, admin.enterprise_id)) == 1
    _, count = await add_lines(session, admin, lines, now, only_right=True)
    assert count == 2
    names = [one.name for one in await list_members(session, admin.enterprise_id)]
    assert sorted(names[1:]) == ["张三", "李四"]
    _, count = await add_lines(session, admin, lines, now, only_right=True)
    assert count == 0


async def test_all_right_lines_are_added_together_or_not_at_all(
    session: AsyncSession, admin: Actor, now: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert admin.enterprise_id
    monkeypatch.setattr("domain.members.MOST_MEMBERS", 2)
    lines = read_lines(book(*(("某人", f"1370000000{n}", "", "企业高管") for n in range(3))))
    with pytest.raises(MemberRefused, match="最多 2 位"):
        async with session.begin_nested():
            await add_lines(session, admin, lines, now, only_right=True)
    assert len(await list_members(session, admin.enterprise_id)) == 1


def test_two_hundred_lines_are_read_and_one_more_is_refused() -> None:
    rows = [("某人", f"137{number:08d}", "", "企业高管") for number in range(MOST_LINES + 1)]
    assert len(read_lines(book(*rows[:-1]))) == MOST_LINES
    for too_many in (rows, [*rows[:3], *[()] * 300, rows[3]]):
        with pytest.raises(SheetRefused, match="一次最多导入 200 行"):
            read_lines(book(*too_many))


def packed(parts: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def repacked(data: bytes, name: str, content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    return packed(parts | {name: content})


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "请选择"),
        (b"PK\x03\x04 but no zip", "这不是 Excel 文件"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "另存为 xlsx"),
        (packed({"a.txt": b"text"}), "这不是 Excel 文件"),
        (packed({"xl/workbook.xml": b"<broken"}), "不能读取"),
        (packed({"xl/workbook.xml": b"<workbook/>"}), "不能读取"),
        (packed({"xl/workbook.xml": b"", "bomb": b"\0" * 30_000_000}), "内容太多"),
        (packed({f"xl/{number}": b"" for number in range(200)}), "内容太多"),
        (b"\0" * 3_000_000, "超过 2 MB"),
        (book(head=()), "第一行"),
        (book(("张三",), head=("姓名", "电话")), "缺少“手机号码”“职务”“身份”"),
        (book(head=HEAD), "还没有填写"),
    ],
)
def test_what_is_no_filled_in_template_is_refused_in_words(data: bytes, words: str) -> None:
    with pytest.raises(SheetRefused, match=words):
        read_lines(data)


def test_a_cell_at_the_end_of_the_sheet_costs_nothing() -> None:
    """Six kilobytes that made a reader of whole sheets ask for half a terabyte."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as made:
        sheet = made.add_worksheet()
        sheet.write_row(0, 0, HEAD)
        sheet.write_row(1, 0, ("张三", "13700000001", "", "企业高管"))
        sheet.write(1_048_575, 16_383, "far")
    (line,) = read_lines(buffer.getvalue())
    assert line.name == "张三"


def test_entities_of_the_document_are_not_followed() -> None:
    laughs = b"".join(
        b'<!ENTITY l%d "%s">' % (number, b"&l%d;" % (number - 1) * 10) for number in range(1, 10)
    )
    bomb = (
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">' + laughs + b"]>"
        b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>&l9;</t></si></sst>'
    )
    with pytest.raises(SheetRefused):
        read_lines(repacked(book(("张三", "13700000001", "", "企业高管")), "xl/sharedStrings.xml", bomb))

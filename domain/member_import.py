"""Several members at once from an Excel file: the template, the lines with what is wrong about each, and adding them: all
or, where the admin says so, the right ones."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cleaning import clean_identifier, clean_name
from domain.actor import Actor
from domain.exceptions import MemberRefused, SheetRefused
from domain.member_fields import MemberFields, check_member
from domain.members import add_locked, lock_members
from domain.models import Membership, Person
from domain.people import normalise_phone
from domain.sheets import SheetRow, find_columns, new_book, read_sheet

MOST_LINES = 200
COLUMNS = {"name": "姓名", "phone": "手机号码", "position": "职务", "roles": "身份"}
ROLE_WORDS = {
    "企业高管": ("executive",),
    "关务人员": ("customs_affairs",),
    "企业高管和关务人员": ("executive", "customs_affairs"),
}
HINTS = (
    ("怎样填写", "在“用户”这张表里，从第 2 行起，一行填一个人。不要改动第一行。"),
    ("姓名", "必填，本企业使用的姓名，最多 30 个字。"),
    ("手机号码", "必填，11 位手机号码，用它和验证码登录。一个人一个号码，不要重复。"),
    ("职务", "选填，最多 50 个字。"),
    ("身份", "必填，从下拉列表中选择：企业高管、关务人员、企业高管和关务人员。"),
    ("一次导入几个人", f"最多 {MOST_LINES} 人；更多的请分几次。"),
    ("导入以后", "上传后先逐行检查，告诉您哪一行哪一项有误；您确认以后才会添加。添加后立即可以登录。"),
    ("公式", "请填写文字，不要使用公式。"),
)


@dataclass(frozen=True)
class ImportLine:
    """One line of the file as it was typed; `formulas` are fields that hold one. `errors` by field, empty where it is right."""

    line: int
    name: str
    phone: str
    position: str
    roles: str
    formulas: tuple[str, ...] = ()
    errors: Mapping[str, str] = field(default_factory=dict[str, str])
    fields: MemberFields | None = None


@dataclass(frozen=True)
class Report:
    """What a file would do."""

    lines: Sequence[ImportLine]

    @property
    def right(self) -> list[ImportLine]:
        """The lines that can be added."""
        return [line for line in self.lines if not line.errors]

    @property
    def wrong(self) -> list[ImportLine]:
        """The lines with mistakes."""
        return [line for line in self.lines if line.errors]


def write_template() -> bytes:
    """The file to fill in: one sheet with choices and checks, one that explains."""
    buffer = io.BytesIO()
    with new_book(buffer) as book:
        head = book.add_format({"bold": True, "bg_color": "#E9F0F9", "border": 1, "border_color": "#D5DCE6"})
        as_text = book.add_format({"num_format": "@"})
        wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        bold = book.add_format({"bold": True, "valign": "top"})
        sheet = book.add_worksheet("用户")
        for place, (key, name) in enumerate(COLUMNS.items()):
            sheet.set_column(place, place, 22, as_text)
            sheet.write_string(0, place, name if key == "position" else f"{name}*", head)
        sheet.freeze_panes(1, 0)
        _add_checks(sheet)
        hints = book.add_worksheet("填写说明")
        hints.set_column(0, 0, 18)
        hints.set_column(1, 1, 70)
        for row, (name, words) in enumerate(HINTS):
            hints.write_string(row, 0, name, bold)
            hints.write_string(row, 1, words, wrapped)
    return buffer.getvalue()


def _add_checks(sheet: Any) -> None:
    last = MOST_LINES
    sheet.data_validation(
        1, 0, last, 0,
        {"validate": "length", "criteria": "between", "minimum": 1, "maximum": 30, "error_message": "姓名最多 30 个字。"},
    )  # fmt: skip
    sheet.data_validation(
        1, 1, last, 1,
        {"validate": "length", "criteria": "between", "minimum": 11, "maximum": 14, "input_title": "手机号码",
         "input_message": "11 位手机号码，用来登录。", "error_message": "请填写 11 位手机号码。"},
    )  # fmt: skip
    sheet.data_validation(
        1, 3, last, 3,
        {"validate": "list", "source": list(ROLE_WORDS), "error_message": "请从列表中选择身份。"},
    )  # fmt: skip


def read_lines(data: bytes) -> list[ImportLine]:
    """The lines of a filled-in template, unchecked. Blocking. Raises SheetRefused."""
    rows = read_sheet(data, MOST_LINES + 1)
    if not rows or rows[0].line != 1:
        raise SheetRefused("第一行是空的，请使用模板，不要改动第一行。")
    places = find_columns(rows[0].cells, list(COLUMNS.values()))
    lines = [_read_line(row, places) for row in rows[1:]]
    lines = [line for line in lines if line.name or line.phone or line.position or line.roles]
    if not lines:
        raise SheetRefused("文件里还没有填写用户，请从第 2 行起填写。")
    return lines


def _read_line(row: SheetRow, places: Mapping[str, int]) -> ImportLine:
    texts = {key: row.cells[places[name]] for key, name in COLUMNS.items()}
    formulas = tuple(key for key, name in COLUMNS.items() if places[name] in row.formulas)
    return ImportLine(
        row.line,
        clean_name(texts["name"]),
        clean_identifier(texts["phone"]),
        clean_name(texts["position"]),
        clean_name(texts["roles"]),
        formulas,
    )


def check_line(line: ImportLine) -> ImportLine:
    """The line with everything that is wrong about it by itself, or with its fields."""
    roles = ROLE_WORDS.get(line.roles)
    errors = {key: f"“{COLUMNS[key]}”里是公式，请改为文字。" for key in line.formulas}
    try:
        fields = check_member(line.name, line.phone, line.position, roles or ("executive",))
    except MemberRefused as refused:
        fields = None
        errors = dict(refused.errors) | errors
    if roles is None and "roles" not in errors:
        choices = "、".join(f"“{words}”" for words in ROLE_WORDS)
        errors["roles"] = f"“身份”只能是{choices}。" if line.roles else "请选择“身份”。"
    return replace(line, errors=errors, fields=None if errors else fields)


async def check_lines(session: AsyncSession, enterprise_id: UUID, lines: Sequence[ImportLine]) -> Report:
    """Every line on its own, against the others and against the members there are."""
    checked = [check_line(line) for line in lines]
    known = await _known_phones(session, enterprise_id)
    first: dict[str, int] = {}
    found: list[ImportLine] = []
    for line in checked:
        phone = normalise_phone(line.phone)
        wrong = None
        if phone in first:
            wrong = f"与第 {first[phone]} 行的手机号码重复。"
        elif phone is not None:
            first[phone] = line.line
            if phone in known:
                state = "，现在停用，可以在列表中恢复" if known[phone] else ""
                wrong = f"已经是贵企业的用户{state}。"
        if wrong and "phone" not in line.errors:
            line = replace(line, errors={**line.errors, "phone": wrong}, fields=None)
        found.append(line)
    return Report(found)


async def add_lines(
    session: AsyncSession, actor: Actor, lines: Sequence[ImportLine], now: datetime, *, only_right: bool
) -> tuple[Report, int]:
    """Check again under the members' lock, then add; how many. With mistakes and without `only_right` nobody is added.

    Raises MemberRefused where the enterprise has no room for so many, NotAdmin.
    """
    enterprise_id = await lock_members(session, actor)
    report = await check_lines(session, enterprise_id, lines)
    if report.wrong and not only_right:
        return report, 0
    fields = [cast("MemberFields", line.fields) for line in report.right]
    # One order of phones for everybody: two enterprises with the same new people do not wait for each other.
    for one in sorted(fields, key=lambda one: one.phone):
        await add_locked(session, actor, enterprise_id, one, now)
    return report, len(fields)


async def _known_phones(session: AsyncSession, enterprise_id: UUID) -> dict[str, bool]:
    """The phones of the members there are, and whether they are suspended."""
    rows = await session.execute(
        select(col(Person.phone), col(Membership.suspended_at))
        .join(Membership, col(Membership.person_id) == col(Person.id))
        .where(col(Membership.enterprise_id) == enterprise_id, col(Membership.removed_at).is_(None))
    )
    return {phone: suspended_at is not None for phone, suspended_at in rows}

"""Offices and lists as tables, out and in: what each line of a file would do, and doing all of it or nothing.

What is not in the file stays as it is; nothing is deleted by leaving it out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncSession

from cleaning import clean_identifier, clean_name
from domain import audit
from domain.actor import Actor
from domain.administration import begin
from domain.exceptions import SheetRefused
from domain.lists import (
    describe_entry,
    find_entry_mistakes,
    list_entries,
    put_in_order,
)
from domain.models import CustomsOffice, ListEntry
from domain.offices import describe_office, find_office_mistakes, list_offices, walk_tree
from domain.sheets import SheetRow, find_columns

KEEPER = "system_admin"
MOST_LINES = 500
OFFICE_COLUMNS = {
    "code": "关区代码",
    "name": "单位名称",
    "parent": "上级代码",
    "state": "状态",
    "source": "代码来源",
}
ENTRY_COLUMNS = {"code": "代码", "name": "名称", "state": "状态"}
NUMBERS = frozenset({"phone", "office", "parent"})
OFFICE_STATES = {"受理": True, "停用": False}
ENTRY_STATES = {"可选": True, "停用": False}
Change = Literal["added", "changed", "same", "wrong"]


@dataclass(frozen=True)
class BulkLine:
    """One line of the file as typed, and what it would do; `errors` says why it cannot."""

    line: int
    cells: Mapping[str, str]
    change: Change
    errors: tuple[str, ...] = ()


@dataclass(frozen=True)
class BulkReport:
    """What a file would do, or has done."""

    lines: Sequence[BulkLine]

    def count(self, change: Change) -> int:
        """How many lines of this kind."""
        return sum(line.change == change for line in self.lines)


@dataclass(frozen=True)
class TypedLine:
    """One line of a file, its texts by column."""

    line: int
    cells: Mapping[str, str]


def type_line(line: int, cells: Mapping[str, str]) -> TypedLine:
    """A line as it will be kept. An office's code is a number; the code of a list's entry is the name it was added with."""
    numbers = NUMBERS | ({"code"} if "parent" in cells else set())
    return TypedLine(
        line,
        {key: (clean_identifier if key in numbers else clean_name)(text) for key, text in cells.items()},
    )


def read_lines(rows: Sequence[SheetRow], columns: Mapping[str, str]) -> list[TypedLine]:
    """The lines below the heading. Raises SheetRefused."""
    if not rows or rows[0].line != 1:
        raise SheetRefused("第一行应当是各列的名称，请先导出，在导出的文件上修改。")
    places = find_columns(rows[0].cells, list(columns.values()))
    if formulas := [str(row.line) for row in rows if row.formulas]:
        raise SheetRefused(f"第 {'、'.join(formulas)} 行有公式，请改为文字。")
    lines = [
        type_line(row.line, {key: row.cells[places[name]] for key, name in columns.items()})
        for row in rows[1:]
    ]
    lines = [line for line in lines if any(line.cells.values())]
    if not lines:
        raise SheetRefused("文件里没有内容，请从第 2 行起填写。")
    return lines


async def export_offices(session: AsyncSession) -> list[list[str]]:
    """Every office in the order of the tree, as `import_offices` reads it."""
    offices = await list_offices(session, only_open=False)
    return [
        [one.code, one.name, one.parent or "", "受理" if one.active else "停用", one.source]
        for one, _ in walk_tree(offices)
    ]


async def export_entries(session: AsyncSession, list_name: str) -> list[list[str]]:
    """Every entry of a list in its order, as `import_entries` reads it."""
    entries = await list_entries(session, list_name)
    return [[one.code, one.name, "可选" if one.active else "停用"] for one in entries]


async def import_offices(
    session: AsyncSession, actor: Actor, lines: Sequence[TypedLine], now: datetime, *, apply: bool
) -> BulkReport:
    """What these lines do, judged by the tree as it is after all of them; done only where no line is wrong."""
    await begin(session, actor, KEEPER)
    before = {one.code: one for one in await list_offices(session, only_open=False)}
    after = {code: CustomsOffice.model_validate(one.model_dump()) for code, one in before.items()}
    for line in lines:
        wanted, old = line.cells, before.get(line.cells["code"])
        after[wanted["code"]] = CustomsOffice(
            code=wanted["code"],
            name=wanted["name"],
            parent=wanted["parent"] or None,
            active=OFFICE_STATES.get(wanted["state"], old.active if old else True),
            source=wanted["source"],
        )

    def judge(line: TypedLine) -> list[str]:
        office = after[line.cells["code"]]
        errors = [*find_office_mistakes(office, list(after.values())).values()]
        if line.cells["state"] not in ("", *OFFICE_STATES):
            errors.append("“状态”只能是受理、停用，或者不填。")
        if office.parent is None and not office.active:
            errors.append("最上级的海关单位不能停用。")
        return errors

    old_words = {code: describe_office(one) for code, one in before.items()}
    new_words = {code: describe_office(one) for code, one in after.items()}
    report = _judge_all(lines, lambda line: line.cells["code"], judge, old_words, new_words)
    if apply and not report.count("wrong"):
        for office, _ in walk_tree(list(after.values())):
            if old_words.get(office.code) == new_words[office.code]:
                continue
            await session.merge(office)
            await session.flush()
            await _record(
                session, actor, "customs_office", office.code, old_words, new_words, office.code, now
            )
    return report


async def import_entries(
    session: AsyncSession,
    actor: Actor,
    list_name: str,
    lines: Sequence[TypedLine],
    now: datetime,
    *,
    apply: bool,
) -> BulkReport:
    """The same for a list. The order of the lines becomes the order of choosing; entries that are not in the file follow.

    A line without a code is a new entry, whose code is its name.
    """
    await begin(session, actor, KEEPER)
    entries = await list_entries(session, list_name)
    before = {one.code: one for one in entries}
    in_file = {code_of(line): line for line in lines}
    after: dict[str, ListEntry] = {}
    for code, line in in_file.items():
        old = before.get(code)
        active = ENTRY_STATES.get(line.cells["state"], old.active if old else True)
        after[code] = ListEntry(list_name=list_name, code=code, name=line.cells["name"], active=active)
    for one in entries:
        after.setdefault(
            one.code, ListEntry(list_name=list_name, code=one.code, name=one.name, active=one.active)
        )

    def judge(line: TypedLine) -> list[str]:
        code = code_of(line)
        rest = [one for one in after.values() if one.code != code]
        errors = [*find_entry_mistakes(after[code], rest).values()]
        if line.cells["code"] and code not in before:
            errors.append(f"没有代码为“{code}”的一项；新增的请把“代码”空着。")
        if line.cells["state"] not in ("", *ENTRY_STATES):
            errors.append("“状态”只能是可选、停用，或者不填。")
        if not any(one.active for one in after.values()):
            errors.append("至少要保留一项可以选择。")
        return errors

    old_words = {code: describe_entry(one) for code, one in before.items()}
    new_words = {code: describe_entry(one) for code, one in after.items()}
    report = _judge_all(lines, code_of, judge, old_words, new_words)
    if apply and not report.count("wrong"):
        for position, entry in enumerate(after.values(), start=1):
            entry.position = position
            await session.merge(entry)
            if old_words.get(entry.code) != new_words[entry.code]:
                about = f"{list_name}/{entry.code}"
                await _record(session, actor, "list_entry", about, old_words, new_words, entry.code, now)
        await put_in_order(session, list_name, list(after))
        await session.flush()
    return report


def code_of(line: TypedLine) -> str:
    """The code of an entry's line; a new one's is its name."""
    return line.cells["code"] or line.cells["name"]


def _judge_all(
    lines: Sequence[TypedLine],
    key_of: Callable[[TypedLine], str],
    judge: Callable[[TypedLine], list[str]],
    before: Mapping[str, object],
    after: Mapping[str, object],
) -> BulkReport:
    first: dict[str, int] = {}
    judged: list[BulkLine] = []
    for line in lines:
        key = key_of(line)
        errors = judge(line)
        if key in first:
            errors = [f"与第 {first[key]} 行重复。"]
        first.setdefault(key, line.line)
        change: Change = "added" if key not in before else "same" if before[key] == after[key] else "changed"
        judged.append(BulkLine(line.line, line.cells, "wrong" if errors else change, tuple(errors)))
    return BulkReport(judged)


async def _record(
    session: AsyncSession,
    actor: Actor,
    about: str,
    about_id: str,
    before: Mapping[str, dict[str, object]],
    after: Mapping[str, dict[str, object]],
    key: str,
    now: datetime,
) -> None:
    await audit.record(
        session,
        f"import_{about}",
        actor=actor,
        about=about,
        about_id=about_id,
        before=before.get(key),
        after=after[key],
        now=now,
    )

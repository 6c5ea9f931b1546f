"""The lists people choose from: kinds, categories, importances, offices, and the executives of one's enterprise; and what
a system administrator changes about the first three.

An entry's code never changes and an entry never vanishes: issues, decision tables and diagrams speak of it. A new
entry's code is the name it is added with.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cleaning import clean_name
from domain import audit
from domain.actor import Actor
from domain.administration import begin, find_mistake
from domain.exceptions import ChangeRefused, FormRefused, RecordUnknown
from domain.models import Issue, ListEntry
from domain.offices import list_offices
from domain.people import list_executives

LISTS = {"kinds": "kind", "categories": "category", "importances": "importance"}
LIST_NAMES = {"kind": "问题类型", "category": "业务类别", "importance": "重要性"}
KEEPER = "system_admin"


@dataclass(frozen=True)
class Choice:
    """One thing to choose: `code` is sent, `name` is shown."""

    code: str
    name: str


async def list_choices(session: AsyncSession, key: str, actor: Actor | None = None) -> list[Choice]:
    """The choices of one list: kinds, categories, importances, offices or executives; KeyError for another key."""
    if key == "offices":
        return [Choice(office.code, office.name) for office in await list_offices(session)]
    if key == "executives":
        if actor is None or actor.enterprise_id is None:
            return []
        return [
            Choice(str(one.person_id), one.name)
            for one in await list_executives(session, actor.enterprise_id)
        ]
    entries = await session.scalars(
        select(ListEntry)
        .where(col(ListEntry.list_name) == LISTS[key], col(ListEntry.active))
        .order_by(col(ListEntry.position), col(ListEntry.code))
    )
    return [Choice(entry.code, entry.name) for entry in entries]


async def list_all_choices(session: AsyncSession, actor: Actor) -> dict[str, list[Choice]]:
    """Every list this person may choose from."""
    keys = (*LISTS, "offices", "executives")
    return {key: await list_choices(session, key, actor) for key in keys}


async def list_entries(session: AsyncSession, list_name: str) -> list[ListEntry]:
    """Every entry of a list, the inactive ones too, in the order people see; RecordUnknown for no such list."""
    if list_name not in LIST_NAMES:
        raise RecordUnknown
    entries = await session.scalars(
        select(ListEntry)
        .where(col(ListEntry.list_name) == list_name)
        .order_by(col(ListEntry.position), col(ListEntry.code))
        .execution_options(populate_existing=True)
    )
    return list(entries)


async def find_renamed(session: AsyncSession) -> dict[tuple[str, str], str]:
    """The entries whose name is not their code, by list and code."""
    rows = await session.execute(
        select(col(ListEntry.list_name), col(ListEntry.code), col(ListEntry.name)).where(
            col(ListEntry.name) != col(ListEntry.code)
        )
    )
    return {(list_name, code): name for list_name, code, name in rows}


async def count_issues(session: AsyncSession, list_name: str) -> dict[str, int]:
    """How many issues carry each code of this list."""
    column = {"kind": col(Issue.kind), "category": col(Issue.category), "importance": col(Issue.importance)}
    rows = await session.execute(
        select(column[list_name], func.count())
        .where(column[list_name].is_not(None))
        .group_by(column[list_name])
    )
    return {code: count for code, count in rows if code is not None}


async def add_entry(
    session: AsyncSession, actor: Actor, list_name: str, name: str, now: datetime
) -> ListEntry:
    """A new entry at the end of its list. Raises RecordUnknown, FormRefused."""
    await begin(session, actor, KEEPER)
    entries = await list_entries(session, list_name)
    entry = ListEntry(
        list_name=list_name, code=clean_name(name), name=clean_name(name), position=len(entries) + 1
    )
    if errors := find_entry_mistakes(entry, entries):
        raise FormRefused(errors)
    session.add(entry)
    await session.flush()
    await _record(session, "add_list_entry", actor, entry, None, now)
    return entry


async def rename_entry(
    session: AsyncSession, actor: Actor, list_name: str, code: str, name: str, now: datetime
) -> ListEntry:
    """Another name for the same thing; issues that carry it show the new name. Raises RecordUnknown, FormRefused."""
    await begin(session, actor, KEEPER)
    entries = await list_entries(session, list_name)
    entry = _find(entries, code)
    before = describe_entry(entry)
    changed = ListEntry(list_name=list_name, code=code, name=clean_name(name))
    rest = [one for one in entries if one.code != code]
    if errors := find_entry_mistakes(changed, rest):
        raise FormRefused(errors)
    entry.name = changed.name
    await session.flush()
    await _record(session, "rename_list_entry", actor, entry, before, now)
    return entry


async def switch_entry(
    session: AsyncSession, actor: Actor, list_name: str, code: str, *, active: bool, now: datetime
) -> ListEntry:
    """Offer an entry, or offer it no longer. Raises RecordUnknown; ChangeRefused for the last one that is offered."""
    await begin(session, actor, KEEPER)
    entries = await list_entries(session, list_name)
    entry = _find(entries, code)
    if not active and not any(one.active for one in entries if one.code != code):
        raise ChangeRefused("至少要保留一项可以选择，不能全部停用。")
    before = describe_entry(entry)
    entry.active = active
    await session.flush()
    action = "activate_list_entry" if active else "deactivate_list_entry"
    await _record(session, action, actor, entry, before, now)
    return entry


async def move_entry(
    session: AsyncSession, actor: Actor, list_name: str, code: str, way: Literal["up", "down"], now: datetime
) -> None:
    """One place up or down; at the end nothing happens. Raises RecordUnknown."""
    await begin(session, actor, KEEPER)
    entries = await list_entries(session, list_name)
    before = [one.code for one in entries]
    place = before.index(_find(entries, code).code)
    other = place + (-1 if way == "up" else 1)
    if not 0 <= other < len(entries):
        return
    after = list(before)
    after[place], after[other] = after[other], after[place]
    await put_in_order(session, list_name, after)
    await audit.record(
        session,
        "order_list",
        actor=actor,
        about="list_entry",
        about_id=list_name,
        before={"order": before},
        after={"order": after},
        now=now,
    )


async def put_in_order(session: AsyncSession, list_name: str, codes: Collection[str]) -> None:
    """Number the entries of a list in this order."""
    for position, code in enumerate(codes, start=1):
        await session.execute(
            update(ListEntry)
            .where(col(ListEntry.list_name) == list_name, col(ListEntry.code) == code)
            .values(position=position)
        )


def find_entry_mistakes(entry: ListEntry, others: Collection[ListEntry]) -> dict[str, str]:
    """What is wrong with an entry beside these others, a sentence a field."""
    if mistake := find_mistake("名称", entry.name):
        return {"name": mistake}
    if any(one.name == entry.name for one in others):
        return {"name": f"已经有“{entry.name}”。"}
    if any(one.code == entry.code for one in others):
        return {"name": f"“{entry.code}”是另一项原来的名称，请换一个名称。"}
    return {}


def describe_entry(entry: ListEntry) -> dict[str, Any]:
    """An entry in the audit log."""
    return {"entry_name": entry.name, "active": entry.active}


def _find(entries: Collection[ListEntry], code: str) -> ListEntry:
    for entry in entries:
        if entry.code == code:
            return entry
    raise RecordUnknown


async def _record(
    session: AsyncSession,
    action: str,
    actor: Actor,
    entry: ListEntry,
    before: Mapping[str, Any] | None,
    now: datetime,
) -> None:
    after = describe_entry(entry)
    if before != after:
        about_id = f"{entry.list_name}/{entry.code}"
        await audit.record(
            session,
            action,
            actor=actor,
            about="list_entry",
            about_id=about_id,
            before=before,
            after=after,
            now=now,
        )

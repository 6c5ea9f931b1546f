"""Customs offices: the tree under 2300, which of them take issues, who stands below whom; and what a system administrator
changes about it.

A code never changes and an office never vanishes: issues, roles and numbers speak of it. Closing one stops new issues and
transfers to it; what is there is finished there, and everybody keeps their roles.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cleaning import clean_identifier, clean_name
from domain import audit
from domain.actor import Actor
from domain.administration import begin, find_mistake
from domain.exceptions import ChangeRefused, FormRefused, OfficeClosed, RecordUnknown, SameOffice
from domain.models import CustomsOffice
from domain.models.people import OFFICER_ROLES

CODE = re.compile(r"[0-9]{4}")
KEEPER = "system_admin"
LONGEST_SOURCE = 100


@dataclass(frozen=True)
class OfficeTree:
    """Each office's parent."""

    parents: Mapping[str, str | None] = field(default_factory=dict[str, str | None])

    def is_under(self, code: str, top: str) -> bool:
        """Whether `code` is `top` or stands anywhere below it."""
        seen: set[str] = set()
        current: str | None = code
        while current is not None and current not in seen:
            if current == top:
                return True
            seen.add(current)
            current = self.parents.get(current)
        return False


async def load_office_tree(session: AsyncSession) -> OfficeTree:
    """The tree as it is now, closed offices included."""
    rows = await session.execute(select(col(CustomsOffice.code), col(CustomsOffice.parent)))
    return OfficeTree(dict(rows.all()))


async def list_offices(session: AsyncSession, *, only_open: bool = True) -> list[CustomsOffice]:
    """Offices by code."""
    statement = select(CustomsOffice).order_by(col(CustomsOffice.code))
    if only_open:
        statement = statement.where(col(CustomsOffice.active))
    return list(await session.scalars(statement))


async def require_open_office(session: AsyncSession, code: str) -> CustomsOffice:
    """The office, if it takes issues; OfficeClosed otherwise."""
    if not code:
        raise OfficeClosed("请选择海关单位。")
    office = await session.get(CustomsOffice, code)
    if office is None or not office.active:
        raise OfficeClosed(office=code)
    return office


async def require_other_office(session: AsyncSession, current: str, code: str) -> CustomsOffice:
    """An office an issue at `current` may be transferred to; SameOffice or OfficeClosed otherwise."""
    if code == current:
        raise SameOffice(office=code)
    return await require_open_office(session, code)


@dataclass(frozen=True)
class OfficeUse:
    """What depends on an office, to be said before it is closed."""

    open_issues: int
    unclaimed: int
    officers: int
    open_children: int


COUNT_USE = text("""
SELECT
    (SELECT count(*) FROM issue WHERE office = :code AND closed_at IS NULL AND phase NOT IN ('draft', 'review'))
        AS open_issues,
    (SELECT count(DISTINCT task_id) FROM user_task_group
        WHERE group_name = ANY(CAST(:groups AS text[])) AND open) AS unclaimed,
    (SELECT count(DISTINCT r.officer_id) FROM officer_role r JOIN officer f ON f.id = r.officer_id
        WHERE r.office = :code AND f.active) AS officers,
    (SELECT count(*) FROM customs_office WHERE parent = :code AND active) AS open_children
""")


async def count_use(session: AsyncSession, code: str) -> OfficeUse:
    """What stands and falls with this office at the moment."""
    parameters = {"code": code, "groups": [f"{role}:{code}" for role in OFFICER_ROLES]}
    return OfficeUse(*(await session.execute(COUNT_USE, parameters)).one())


async def find_office(session: AsyncSession, code: str) -> CustomsOffice:
    """The office, open or closed; RecordUnknown for none."""
    office = await session.get(CustomsOffice, code, populate_existing=True)
    if office is None:
        raise RecordUnknown(office=code)
    return office


async def find_top_office(session: AsyncSession) -> CustomsOffice:
    """The office above all others: where administrators hold their role."""
    found = await session.scalars(
        select(CustomsOffice).where(col(CustomsOffice.parent).is_(None)).order_by(col(CustomsOffice.code))
    )
    office = found.first()
    if office is None:
        raise RecordUnknown
    return office


def walk_tree(offices: Collection[CustomsOffice]) -> Iterator[tuple[CustomsOffice, int]]:
    """Each office with its depth, parents before their children, by code among brothers."""
    codes = {office.code for office in offices}
    below: defaultdict[str | None, list[CustomsOffice]] = defaultdict(list)
    for office in sorted(offices, key=lambda one: one.code):
        below[office.parent if office.parent in codes else None].append(office)
    stack = [(office, 0) for office in reversed(below[None])]
    while stack:
        office, depth = stack.pop()
        yield office, depth
        stack += [(child, depth + 1) for child in reversed(below[office.code])]


async def add_office(
    session: AsyncSession, actor: Actor, *, code: str, name: str, parent: str, source: str, now: datetime
) -> CustomsOffice:
    """A new office below another one. Raises FormRefused."""
    await begin(session, actor, KEEPER)
    office = CustomsOffice(
        code=clean_identifier(code), name=clean_name(name), parent=parent or None, source=clean_name(source)
    )
    others = await list_offices(session, only_open=False)
    errors = find_office_mistakes(office, others)
    if any(other.code == office.code for other in others):
        errors = {"code": f"关区代码 {office.code} 已经有了。", **errors}
    if errors:
        raise FormRefused(errors)
    session.add(office)
    await session.flush()
    await _record(session, "add_office", actor, office, None, now)
    return office


async def edit_office(
    session: AsyncSession, actor: Actor, code: str, *, name: str, parent: str, source: str, now: datetime
) -> CustomsOffice:
    """Another name, parent or source. The top office stays the top. Raises RecordUnknown, FormRefused."""
    await begin(session, actor, KEEPER)
    office = await find_office(session, code)
    before = describe_office(office)
    changed = CustomsOffice(
        code=office.code,
        name=clean_name(name),
        parent=(parent or None) if office.parent else None,
        active=office.active,
        source=clean_name(source),
    )
    if errors := find_office_mistakes(changed, await list_offices(session, only_open=False)):
        raise FormRefused(errors)
    office.name, office.parent, office.source = changed.name, changed.parent, changed.source
    await session.flush()
    await _record(session, "edit_office", actor, office, before, now)
    return office


async def close_office(session: AsyncSession, actor: Actor, code: str, now: datetime) -> CustomsOffice:
    """No new issues from now on. Raises RecordUnknown; ChangeRefused for the top office."""
    await begin(session, actor, KEEPER)
    office = await find_office(session, code)
    if office.parent is None:
        raise ChangeRefused("最上级的海关单位不能停用。")
    return await _switch(session, actor, office, active=False, now=now)


async def reopen_office(session: AsyncSession, actor: Actor, code: str, now: datetime) -> CustomsOffice:
    """It takes issues again. Raises RecordUnknown."""
    await begin(session, actor, KEEPER)
    return await _switch(session, actor, await find_office(session, code), active=True, now=now)


def find_office_mistakes(office: CustomsOffice, others: Collection[CustomsOffice]) -> dict[str, str]:
    """What is wrong with an office as it would be among these, a sentence a field. An office of its code among them is
    the one it replaces."""
    rest = {one.code: one for one in others if one.code != office.code}
    errors: dict[str, str] = {}
    if not CODE.fullmatch(office.code):
        errors["code"] = "关区代码是 4 位数字。"
    if mistake := find_mistake("单位名称", office.name):
        errors["name"] = mistake
    elif any(one.name == office.name for one in rest.values()):
        errors["name"] = f"已经有名为“{office.name}”的单位。"
    if mistake := _find_parent_mistake(office, rest):
        errors["parent"] = mistake
    if mistake := find_mistake("代码来源", office.source, LONGEST_SOURCE, required=False):
        errors["source"] = mistake
    return errors


def describe_office(office: CustomsOffice) -> dict[str, Any]:
    """An office in the audit log."""
    return {
        "office_name": office.name,
        "parent": office.parent,
        "source": office.source,
        "active": office.active,
    }


def _find_parent_mistake(office: CustomsOffice, rest: Mapping[str, CustomsOffice]) -> str | None:
    if office.parent is None:
        tops = [one for one in rest.values() if one.parent is None]
        return "请选择上级单位。" if tops else None
    if office.parent == office.code:
        return "上级单位不能是它自己。"
    if office.parent not in rest:
        return f"没有代码为 {office.parent} 的上级单位。"
    tree = OfficeTree({code: one.parent for code, one in rest.items()} | {office.code: office.parent})
    if tree.is_under(office.parent, office.code):
        return f"{rest[office.parent].name}在本单位之下，不能作为上级。"
    return None


async def _switch(
    session: AsyncSession, actor: Actor, office: CustomsOffice, *, active: bool, now: datetime
) -> CustomsOffice:
    if office.active is not active:
        before = describe_office(office)
        office.active = active
        await session.flush()
        await _record(session, "reopen_office" if active else "close_office", actor, office, before, now)
    return office


async def _record(
    session: AsyncSession,
    action: str,
    actor: Actor,
    office: CustomsOffice,
    before: Mapping[str, Any] | None,
    now: datetime,
) -> None:
    after = describe_office(office)
    if before != after:
        await audit.record(
            session,
            action,
            actor=actor,
            about="customs_office",
            about_id=office.code,
            before=before,
            after=after,
            now=now,
        )

"""Customs offices: the tree under 2300, which of them take issues, and who stands below whom."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.exceptions import OfficeClosed, SameOffice
from domain.models import CustomsOffice


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
    office = await session.get(CustomsOffice, code)
    if office is None or not office.active:
        raise OfficeClosed(office=code)
    return office


async def require_other_office(session: AsyncSession, current: str, code: str) -> CustomsOffice:
    """An office an issue at `current` may be transferred to; SameOffice or OfficeClosed otherwise."""
    if code == current:
        raise SameOffice(office=code)
    return await require_open_office(session, code)

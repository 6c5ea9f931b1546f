"""Where people are reached: their phone, their mail address once it is confirmed, their WeChat while they follow the account."""

from collections.abc import Collection
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

FIND = text("""
    SELECT p.id AS person_id, p.phone, m.address AS mail, w.openid
    FROM person p
    LEFT JOIN person_mail m ON m.person_id = p.id AND m.confirmed_at IS NOT NULL
    LEFT JOIN wechat_binding w ON w.person_id = p.id AND w.unsubscribed_at IS NULL
    WHERE p.id = ANY(:ids) AND p.active
""")


@dataclass(frozen=True)
class Addresses:
    """Where an active person is reached; None where they have no such address, or it may not be used now."""

    person_id: UUID
    phone: str = field(repr=False)
    mail: str | None = field(default=None, repr=False)
    openid: str | None = field(default=None, repr=False)


async def find_addresses(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, Addresses]:
    """Those of these people who are active."""
    rows = await session.execute(FIND, {"ids": list(ids)})
    return {row.person_id: Addresses(*row) for row in rows}

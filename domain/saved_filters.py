"""常用筛选: addresses of 问题管理 that a person has given a name. They are addresses, so whoever gets one sent may read what
they themselves may read."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cleaning import clean_name
from domain.actor import Actor
from domain.exceptions import CannotKeep
from domain.models import SavedFilter

LONGEST_NAME = 20
MOST = 20


async def list_filters(session: AsyncSession, actor: Actor) -> list[SavedFilter]:
    """Mine, in the order in which I kept them."""
    rows = await session.scalars(
        select(SavedFilter)
        .where(col(SavedFilter.person_id) == actor.person_id)
        .order_by(col(SavedFilter.created_at), col(SavedFilter.id))
    )
    return list(rows)


async def keep_filter(session: AsyncSession, actor: Actor, name: str, query: str, now: datetime) -> None:
    """Keep this query under a name; what had the name is replaced. Raises CannotKeep."""
    name = clean_name(name.replace("\0", " "))
    if not name:
        raise CannotKeep({"name": "请给这个筛选起个名称。"})
    if len(name) > LONGEST_NAME:
        raise CannotKeep({"name": f"名称最多 {LONGEST_NAME} 个字。"})
    others = select(func.count()).where(
        col(SavedFilter.person_id) == actor.person_id, col(SavedFilter.name) != name
    )
    if (await session.scalar(others) or 0) >= MOST:
        raise CannotKeep({"name": f"最多保存 {MOST} 个常用筛选，请先删除不用的。"})
    new = SavedFilter(person_id=actor.person_id, name=name, query=query, created_at=now)
    statement = insert(SavedFilter).values(new.model_dump())
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["person_id", "name"], set_={"query": statement.excluded.query}
        )
    )


async def drop_filter(session: AsyncSession, actor: Actor, filter_id: UUID) -> None:
    """Forget one of mine; one that is gone already, or another person's, changes nothing."""
    await session.execute(
        delete(SavedFilter).where(
            col(SavedFilter.id) == filter_id, col(SavedFilter.person_id) == actor.person_id
        )
    )

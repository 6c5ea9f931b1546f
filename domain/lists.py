"""The lists people choose from: kinds, categories, importances, offices, and the executives of one's enterprise."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.actor import Actor
from domain.models import ListEntry
from domain.offices import list_offices
from domain.people import list_executives

LISTS = {"kinds": "kind", "categories": "category", "importances": "importance"}


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

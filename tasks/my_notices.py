"""Somebody's in-app notices, each with what it is about, as far as they may still read that as who they act for now."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.access import readable_by, registration_readable_by
from domain.actor import Actor
from domain.models import Issue, Registration
from messages import notices
from messages.notices import Notice


@dataclass(frozen=True)
class MyNotice:
    """A notice and what it is about: `issue`, `registration`, or None where there is nothing (any more) that they may open."""

    notice: Notice
    about: str | None


async def list_my_notices(
    session: AsyncSession,
    actor: Actor,
    *,
    only_unread: bool = False,
    after: UUID | None = None,
    limit: int = 20,
) -> tuple[list[MyNotice], UUID | None]:
    """A page of them, the newest first, and where the next one begins (None: there is none)."""
    found, following = await notices.list_notices(
        session, actor.person_id, only_unread=only_unread, after=after, limit=limit
    )
    ids = {one.instance_id for one in found if one.instance_id is not None}
    kinds = await _find_kinds(session, actor, ids)
    return [
        MyNotice(one, kinds.get(one.instance_id) if one.instance_id else None) for one in found
    ], following


async def _find_kinds(session: AsyncSession, actor: Actor, ids: AbstractSet[UUID]) -> dict[UUID, str]:
    if not ids:
        return {}
    issues = select(col(Issue.id)).where(col(Issue.id).in_(ids), readable_by(actor))
    kinds = dict.fromkeys((await session.scalars(issues)).all(), "issue")
    registrations = select(col(Registration.id)).where(
        col(Registration.id).in_(ids - kinds.keys()), registration_readable_by(actor)
    )
    return kinds | dict.fromkeys((await session.scalars(registrations)).all(), "registration")

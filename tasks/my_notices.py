"""What somebody's in-app notices are about, as far as they may still read that as who they act for now."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.access import readable_by, registration_readable_by
from domain.actor import Actor
from domain.models import Issue, Registration
from messages.notices import Notice


async def find_subjects(session: AsyncSession, actor: Actor, notices: Iterable[Notice]) -> dict[UUID, str]:
    """By the notice's `instance_id`: `issue` or `registration`. What they may not open (any more) is not among them."""
    ids = {one.instance_id for one in notices if one.instance_id is not None}
    if not ids:
        return {}
    issues = select(col(Issue.id)).where(col(Issue.id).in_(ids), readable_by(actor))
    kinds = dict.fromkeys((await session.scalars(issues)).all(), "issue")
    registrations = select(col(Registration.id)).where(
        col(Registration.id).in_(ids - kinds.keys()), registration_readable_by(actor)
    )
    return kinds | dict.fromkeys((await session.scalars(registrations)).all(), "registration")

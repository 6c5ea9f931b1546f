"""People: their phones, the enterprises they act for, the executives of an enterprise, the parts of a group's name."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import and_, any_, literal, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from cleaning import clean_identifier
from domain.models import Enterprise, Membership, Person
from domain.models.people import ENTERPRISE_ROLES

ENDED = ("refused", "superseded")
MOBILE = re.compile(r"1[3-9]\d{9}")


@dataclass(frozen=True)
class MembershipView:
    """What a person reads about one enterprise they may act for."""

    id: UUID
    enterprise_id: UUID
    enterprise: str
    enterprise_status: str
    display_name: str
    position: str
    roles: list[str]


@dataclass(frozen=True)
class Contact:
    """Where a person is reached."""

    person_id: UUID
    name: str
    phone: str


def normalise_phone(raw: str) -> str | None:
    """A mainland mobile number as `+86…`; None for anything else. The prefix may be written or not."""
    digits = re.sub("[()]", "", clean_identifier(raw))
    digits = re.sub(r"^(\+86|0086|86(?=1\d{10}$))", "", digits)
    return f"+86{digits}" if MOBILE.fullmatch(digits) and digits.isascii() else None


async def list_memberships(session: AsyncSession, person_id: UUID) -> list[MembershipView]:
    """The enterprises this person acts for, in the order they joined.

    A registration that was refused or superseded is left to its admin, who reads the reason there, until they have another
    one for the same uscc.
    """
    again = aliased(Enterprise)
    other = aliased(Membership)
    newer = (
        select(col(other.id))
        .join(again, col(again.id) == col(other.enterprise_id))
        .where(
            col(other.person_id) == person_id,
            col(other.active),
            col(again.uscc) == col(Enterprise.uscc),
            or_(col(again.status).not_in(ENDED), col(again.created_at) > col(Enterprise.created_at)),
        )
        .correlate(Enterprise)
    )
    rows = await session.execute(
        select(
            col(Membership.id),
            col(Membership.enterprise_id),
            col(Enterprise.name),
            col(Enterprise.status),
            col(Membership.display_name),
            col(Membership.position),
            col(Membership.roles),
        )
        .join(Enterprise, col(Enterprise.id) == col(Membership.enterprise_id))
        .where(
            col(Membership.person_id) == person_id,
            col(Membership.active),
            or_(
                col(Enterprise.status).not_in(ENDED),
                and_(literal("enterprise_admin") == any_(col(Membership.roles)), ~newer.exists()),
            ),
        )
        .order_by(col(Membership.created_at), col(Membership.id))
    )
    return [MembershipView(*row) for row in rows]


async def list_executives(session: AsyncSession, enterprise_id: UUID) -> list[Contact]:
    """The active executives of an enterprise, in the order they joined; by the name they have there."""
    rows = await session.execute(
        select(col(Person.id), col(Person.name), col(Membership.display_name), col(Person.phone))
        .join(Membership, col(Membership.person_id) == col(Person.id))
        .where(
            col(Membership.enterprise_id) == enterprise_id,
            col(Membership.active),
            col(Person.active),
            literal("executive") == any_(col(Membership.roles)),
        )
        .order_by(col(Membership.created_at), col(Membership.id))
    )
    return [Contact(id_, display_name or name, phone) for id_, name, display_name, phone in rows]


def split_groups(groups: Iterable[str]) -> tuple[list[tuple[str, str]], list[tuple[str, UUID]]]:
    """Groups of officers as (role, office), groups of members as (role, enterprise id)."""
    officers: list[tuple[str, str]] = []
    members: list[tuple[str, UUID]] = []
    for group in groups:
        role, _, place = group.partition(":")
        if role in ENTERPRISE_ROLES:
            members.append((role, UUID(place)))
        else:
            officers.append((role, place))
    return officers, members


# Whoever acted for the enterprise is called as it calls them, also when they have left; customs' officers by their own name.
NAMES = text("""
    SELECT p.id, coalesce(nullif(m.display_name, ''), p.name) AS name
    FROM person p
    LEFT JOIN membership m ON m.person_id = p.id
        AND m.enterprise_id = coalesce(CAST(:enterprise_id AS uuid),
            (SELECT i.enterprise_id FROM issue i WHERE i.id = CAST(:about AS uuid)),
            (SELECT r.enterprise_id FROM registration r WHERE r.id = CAST(:about AS uuid)))
        AND NOT EXISTS (SELECT FROM officer f WHERE f.person_id = p.id)
    WHERE p.id = ANY(CAST(:ids AS uuid[]))
""")


async def find_names(
    session: AsyncSession,
    ids: Collection[UUID],
    *,
    about: UUID | None = None,
    enterprise_id: UUID | None = None,
) -> dict[UUID, str]:
    """The names of these people, the inactive included. With an enterprise, or `about` one of its issues or registrations, its
    members by the name they have there."""
    if not ids:
        return {}
    rows = await session.execute(
        NAMES, {"ids": list(set(ids)), "about": about, "enterprise_id": enterprise_id}
    )
    return {row.id: row.name for row in rows}

"""Who can sign in to the demo, as the start prints it and /dev/people shows it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.demo.people import PASSWORD

READ_PEOPLE = text("""
    SELECT p.name, p.phone, m.roles AS member_roles, e.name AS enterprise, f.id IS NOT NULL AS is_officer,
        (SELECT array_agg(DISTINCT r.role ORDER BY r.role) FROM officer_role r WHERE r.officer_id = f.id) AS officer_roles,
        (SELECT min(r.office) FROM officer_role r WHERE r.officer_id = f.id) AS office
    FROM person p
    LEFT JOIN membership m ON m.person_id = p.id AND m.active
    LEFT JOIN enterprise e ON e.id = m.enterprise_id
    LEFT JOIN officer f ON f.person_id = p.id AND f.active
    WHERE p.active AND (m.id IS NOT NULL OR f.id IS NOT NULL)
    ORDER BY p.phone, e.name
""")


@dataclass(frozen=True)
class Player:
    """Somebody in one part they play; officers have the password."""

    name: str
    phone: str
    roles: Sequence[str]
    enterprise: str | None
    office: str | None
    password: str | None


async def list_people(session: AsyncSession) -> list[Player]:
    """Everyone active, with the part they play; somebody of two enterprises twice."""
    return [
        Player(
            name=row.name,
            phone=row.phone.removeprefix("+86"),
            roles=(row.officer_roles if row.is_officer else row.member_roles) or (),
            enterprise=row.enterprise,
            office=row.office,
            password=PASSWORD if row.is_officer else None,
        )
        for row in await session.execute(READ_PEOPLE)
    ]

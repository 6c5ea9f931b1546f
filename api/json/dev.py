"""In demo mode only: the phones of the demo's people, and who they are. These routes are not even there otherwise."""

from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col
from starlette.responses import Response

from api.answers import Json
from api.deps import SessionDep
from api.json.route import json_router
from api.json.schemas import DemoPerson, InboxMessage
from api.json.sign_in import show_phone
from domain.demo.people import PASSWORD
from messages.models import DemoInbox

router = json_router(
    "演示"
)  # /dev/inbox without the prefix is a page, which answers programs with the same JSON

plain_router = json_router("演示", prefix="")

SHOWN = 200
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


@router.get("/dev/inbox", response_model=list[InboxMessage], summary="演示收件箱，最新的在前")
async def show_inbox(session: SessionDep) -> Response:
    """What the demo channel delivered, from a table: every process sees the same."""
    return Json(await list_inbox(session))


@plain_router.get("/dev/people", response_model=list[DemoPerson], summary="演示人员（同 /api/v1/dev/people）")
@router.get("/dev/people", response_model=list[DemoPerson], summary="演示人员，一人在几家企业就有几行")
async def show_people(session: SessionDep) -> Response:
    """Who can sign in; officers with their password."""
    return Json(await list_people(session))


async def list_inbox(session: AsyncSession) -> list[dict[str, Any]]:
    """The messages delivered last, the newest first."""
    newest = select(DemoInbox).order_by(col(DemoInbox.at).desc(), col(DemoInbox.id).desc()).limit(SHOWN)
    fields = ("channel", "to", "template", "text", "code", "at")
    return [{name: getattr(one, name) for name in fields} for one in await session.scalars(newest)]


async def list_people(session: AsyncSession) -> list[dict[str, Any]]:
    """Everyone active, with the part they play; somebody of two enterprises twice."""
    return [
        {
            "name": row.name,
            "phone": show_phone(row.phone),
            "roles": row.officer_roles if row.is_officer else row.member_roles,
            "enterprise": row.enterprise,
            "office": row.office,
            "password": PASSWORD if row.is_officer else None,
        }
        for row in await session.execute(READ_PEOPLE)
    ]

"""In demo mode only: the phones of the demo's people, and who they are. These routes are not even there otherwise."""

from sqlalchemy import select, text
from sqlmodel import col
from starlette.responses import Response

from api.answers import Json
from api.deps import SessionDep
from api.json.route import json_router
from api.json.schemas import DemoPerson, InboxMessage
from messages.models import DemoInbox

router = json_router("演示", prefix="")

SHOWN = 200
READ_PEOPLE = text("""
    SELECT p.name, p.phone, m.roles AS member_roles, e.name AS enterprise, f.id AS officer_id,
        (SELECT array_agg(DISTINCT r.role ORDER BY r.role) FROM officer_role r WHERE r.officer_id = f.id) AS officer_roles,
        (SELECT min(r.office) FROM officer_role r WHERE r.officer_id = f.id) AS office
    FROM person p
    LEFT JOIN membership m ON m.person_id = p.id AND m.active
    LEFT JOIN enterprise e ON e.id = m.enterprise_id
    LEFT JOIN officer f ON f.person_id = p.id AND f.active
    WHERE p.active AND (m.id IS NOT NULL OR f.id IS NOT NULL)
    ORDER BY p.id, m.id
""")


@router.get("/api/v1/dev/inbox", response_model=list[InboxMessage], summary="演示收件箱，最新的在前")
async def show_inbox(session: SessionDep) -> Response:
    """What the demo channel delivered, from a table: every process sees the same."""
    found = await session.scalars(select(DemoInbox).order_by(col(DemoInbox.at).desc(), col(DemoInbox.id).desc()).limit(SHOWN))
    fields = ("channel", "to", "template", "text", "code", "at")
    return Json([{name: getattr(one, name) for name in fields} for one in found])

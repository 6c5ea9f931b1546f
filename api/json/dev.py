"""In demo mode only: the phones of the demo's people, and who they are. These routes are not even there otherwise."""

from starlette.responses import Response

from api.answers import Json
from api.deps import SessionDep
from api.json.route import json_router
from api.json.schemas.dev import DemoPerson, InboxMessage
from domain.demo.roster import list_people
from tasks.demo_inbox import list_received

router = json_router(
    "演示"
)  # /dev/inbox without the prefix is a page, which answers programs with the same JSON

plain_router = json_router("演示", prefix="")


@router.get("/dev/inbox", response_model=list[InboxMessage], summary="演示收件箱，最新的在前")
async def show_inbox(session: SessionDep) -> Response:
    """What the demo channel delivered, from a table: every process sees the same."""
    return Json(
        [
            InboxMessage(
                channel=one.channel,
                to=one.to,
                template=one.template,
                text=one.text,
                code=one.code,
                at=one.at,
            )
            for one in await list_received(session)
        ]
    )


@plain_router.get("/dev/people", response_model=list[DemoPerson], summary="演示人员（同 /api/v1/dev/people）")
@router.get("/dev/people", response_model=list[DemoPerson], summary="演示人员，一人在几家企业就有几行")
async def show_people(session: SessionDep) -> Response:
    """Who can sign in; officers with their password."""
    return Json(
        [
            DemoPerson(
                name=one.name,
                phone=one.phone,
                roles=list(one.roles),
                enterprise=one.enterprise,
                office=one.office,
                password=one.password,
            )
            for one in await list_people(session)
        ]
    )

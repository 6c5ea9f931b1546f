"""In demo mode only: what was sent to the phones of the demo's people, as a page, and who these people are."""

from typing import Annotated, Any

from fastapi import Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.deps import SessionDep, SettingsDep
from api.errors import wants_json
from api.json import dev
from api.json.schemas.dev import InboxMessage
from api.pages.render import draw
from api.pages.wording import role_names
from api.routing import make_router
from domain.demo.roster import Player, list_people
from domain.offices import list_offices
from messages.topics import CHANNEL_NAMES
from tasks.demo_inbox import list_received

router = make_router(include_in_schema=False)
SHOWN = 30


@router.get("/dev/inbox", response_model=list[InboxMessage])
async def show_inbox(
    request: Request,
    session: SessionDep,
    settings: SettingsDep,
    channel: Annotated[str, Query(max_length=20)] = "",
    to: Annotated[str, Query(max_length=254)] = "",
) -> Response:
    """What the demo's phones, mailboxes and WeChats have got, newest first; as JSON for programs."""
    if not settings.demo:
        raise HTTPException(404)
    if wants_json(request):
        return await dev.show_inbox(session)
    offices = {office.code: office.name for office in await list_offices(session, only_open=False)}
    return draw(
        request,
        "dev_inbox.html",
        messages=await list_received(session, channel=channel, receiver=to.strip(), limit=SHOWN),
        channels=CHANNEL_NAMES,
        channel=channel,
        to=to.strip(),
        people=[_show(one, offices) for one in await list_people(session)],
    )


def _show(person: Player, offices: dict[str, str]) -> dict[str, Any]:
    place = person.enterprise or offices.get(person.office or "", "")
    return {
        "name": person.name,
        "phone": person.phone,
        "password": person.password,
        "roles": role_names(person.roles),
        "place": place,
    }

"""What stands beside an issue on an officer's desk: who else is looking at it, and answered questions like it."""

from uuid import UUID

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.deps import ActorDep, NowDep, SessionDep, allow
from api.pages.frame import FrameDep
from api.pages.render import draw
from api.pages.route import page_router
from domain.actor import Actor
from domain.models import Issue
from domain.presence import LOOKERS, Looker, look
from domain.similar import find_similar
from tasks.exceptions import NotFound
from tasks.inbox import may_read_issue

router = page_router()


@router.post("/issues/{issue_id}/presence", dependencies=[allow(*LOOKERS)])
async def tell_presence(
    request: Request, session: SessionDep, actor: ActorDep, now: NowDep, issue_id: UUID
) -> Response:
    """A page that is open says so every few seconds, and gets the names of the others."""
    if not await may_read_issue(session, actor, issue_id):
        raise NotFound
    return draw(request, "parts/presence.html", others=await look(session, actor, issue_id, now), now=now)


@router.get("/issues/{issue_id}/similar", dependencies=[allow(*LOOKERS)])
async def show_similar(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    frame: FrameDep,
    issue_id: UUID,
    beside: bool = False,
) -> Response:
    """Answered questions like this one. `beside` an answer that is being written they can be quoted from."""
    issue = await session.get(Issue, issue_id)
    if issue is None or not await may_read_issue(session, actor, issue_id):
        raise NotFound
    similar = await find_similar(session, actor, issue)
    return draw(request, "similar.html", frame=frame, issue=issue, similar=similar, beside=beside)


async def who_else(session: AsyncSession, actor: Actor, issue_id: UUID, now: NowDep) -> list[Looker] | None:
    """The other officers at an issue this one has just opened; None for people of enterprises, who are not told."""
    return await look(session, actor, issue_id, now) if actor.offices_as(*LOOKERS) else None

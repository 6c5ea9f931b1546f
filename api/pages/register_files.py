"""The licence of an application under way, seen by the browser that uploaded it and by nobody else."""

from uuid import UUID

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.deps import SessionDep, WiredDep
from api.json.attachments import PageNumber, answer_page, answer_stored
from api.pages.applying import licence_of
from api.pages.route import page_router
from api.security import browser_key
from domain import applications
from domain.models import Attachment
from tasks.exceptions import NotFound

router = page_router()
LICENCE = "/register/{challenge}/licence/{file_id}"


@router.get(LICENCE)
async def show_licence(
    request: Request, session: SessionDep, wired: WiredDep, challenge: UUID, file_id: UUID
) -> Response:
    """The file as it came."""
    row = await _find(request, session, challenge, file_id)
    return await answer_stored(wired.store, row, inline=True)


@router.get(f"{LICENCE}/small")
async def show_small(
    request: Request, session: SessionDep, wired: WiredDep, challenge: UUID, file_id: UUID
) -> Response:
    """Its first page, small."""
    row = await _find(request, session, challenge, file_id)
    return await answer_page(session, wired.store, row, None)


@router.get(f"{LICENCE}/pages/{{page}}")
async def show_page(
    request: Request, session: SessionDep, wired: WiredDep, challenge: UUID, file_id: UUID, page: PageNumber
) -> Response:
    """One of its pages, as a picture."""
    row = await _find(request, session, challenge, file_id)
    return await answer_page(session, wired.store, row, page)


async def _find(request: Request, session: AsyncSession, challenge: UUID, file_id: UUID) -> Attachment:
    found = await applications.find_challenge(session, challenge, browser_key(request))
    row = await licence_of(session, found, file_id) if found else None
    if row is None:
        raise NotFound
    return row

"""A file: looked at in a page of ours, drawn by the server so that nothing in it runs, or downloaded."""

from uuid import UUID

from fastapi import Request
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col
from starlette.responses import Response

from api.deps import ActorDep, SessionDep, WiredDep, allow
from api.json.attachments import PageNumber, answer_file, answer_page, find_readable
from api.pages.frame import FrameDep
from api.pages.render import draw
from api.pages.route import page_router
from domain.files.previews import count_pages
from domain.models import Attachment, Issue, Registration
from tasks.exceptions import NotFound

router = page_router()
MOST_PAGES = 200  # on one page of ours; the browser asks for each when it comes into sight


@router.get("/attachments/{attachment_id}", dependencies=[allow()])
async def show_attachment(
    session: SessionDep, wired: WiredDep, actor: ActorDep, attachment_id: UUID
) -> Response:
    """The file itself; pictures that browsers know open in them."""
    return await answer_file(session, wired.store, actor, attachment_id, inline=True)


@router.get("/attachments/{attachment_id}/download", dependencies=[allow()])
async def download(session: SessionDep, wired: WiredDep, actor: ActorDep, attachment_id: UUID) -> Response:
    """The file, to be kept."""
    return await answer_file(session, wired.store, actor, attachment_id, inline=False)


@router.get("/attachments/{attachment_id}/small", dependencies=[allow()])
async def show_small(session: SessionDep, wired: WiredDep, actor: ActorDep, attachment_id: UUID) -> Response:
    """Its first page for lists."""
    row = await find_readable(session, actor, attachment_id)
    return await answer_page(session, wired.store, row, None)


@router.get("/attachments/{attachment_id}/pages/{page}", dependencies=[allow()])
async def show_page(
    session: SessionDep, wired: WiredDep, actor: ActorDep, attachment_id: UUID, page: PageNumber
) -> Response:
    """One of its pages, as a picture."""
    row = await find_readable(session, actor, attachment_id)
    return await answer_page(session, wired.store, row, page)


@router.get("/attachments/{attachment_id}/view", dependencies=[allow()])
async def view(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    actor: ActorDep,
    frame: FrameDep,
    attachment_id: UUID,
) -> Response:
    """All its pages, and the way to the file itself."""
    row = await find_readable(session, actor, attachment_id)
    try:
        pages = await count_pages(wired.store, row) if row.is_shown else 0
    except FileNotFoundError as error:
        raise NotFound("这个文件已经不在了。") from error
    return draw(
        request,
        "file.html",
        frame=frame,
        file=row,
        pages=min(pages, MOST_PAGES),
        all_pages=pages,
        is_mine=row.uploader_id == actor.person_id,
        home=await _find_home(session, row),
    )


async def _find_home(session: AsyncSession, row: Attachment) -> str | None:
    """The page of what the file belongs to; None while it is its uploader's alone."""
    if row.instance_id is None:
        return None
    if await session.scalar(select(col(Issue.id)).where(col(Issue.id) == row.instance_id)):
        return f"/issues/{row.instance_id}"
    known = select(col(Registration.id)).where(col(Registration.id) == row.instance_id)
    return f"/registrations/{row.instance_id}" if await session.scalar(known) else None

"""Uploading files and getting them back; what may come in is decided by content in `domain.attachments`."""

from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import File, UploadFile
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col
from starlette.responses import Response

from api.answers import Json
from api.deps import ActorDep, NowDep, SessionDep, WiredDep, allow
from api.json.ids import parse_id
from api.json.route import json_router
from api.json.schemas.parts import AttachmentOut
from api.json.show.parts import show_file
from domain.access import attachment_readable_by
from domain.actor import Actor
from domain.attachments import AttachmentStore, add_attachment
from domain.models import Attachment
from domain.models.people import ENTERPRISE_ROLES
from tasks.exceptions import NotFound

router = json_router("附件")
# Whoever may be given a form to fill in: not the three administrators, not somebody without a role.
UPLOADERS = (*ENTERPRISE_ROLES, "registrar", "handler", "section_chief", "supervisor", "analyst")

SHOWN_IN_PLACE = frozenset({"image/jpeg", "image/png", "application/pdf"})


@router.post(
    "/attachments",
    status_code=201,
    response_model=AttachmentOut,
    summary="上传附件",
    dependencies=[allow(*UPLOADERS)],
)
async def upload(
    file: Annotated[UploadFile, File(description="文件")],
    actor: ActorDep,
    session: SessionDep,
    wired: WiredDep,
    now: NowDep,
) -> Response:
    """jpg, png, pdf, ofd, docx or xlsx, recognised by content; its uploader's until it is used in a task's answers."""
    settings = wired.settings
    row = await add_attachment(
        session,
        wired.store,
        wired.scanner,
        actor=actor,
        name=(file.filename or "").replace("\0", ""),
        data=await file.read(settings.attachment_max_bytes + 1),
        now=now,
        max_bytes=settings.attachment_max_bytes,
    )
    return Json(show_file(row), 201)


@router.get(
    "/attachments/{attachment_id}",
    summary="下载附件",
    dependencies=[allow()],
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}, "description": "文件内容"}},
)
async def download(
    attachment_id: str, actor: ActorDep, session: SessionDep, wired: WiredDep, inline: bool = False
) -> Response:
    """The file, for whoever may read the issue it belongs to; `inline` shows pictures and PDF in the browser."""
    return await answer_file(session, wired.store, actor, parse_id(attachment_id), inline=inline)


async def answer_file(
    session: AsyncSession, store: AttachmentStore, actor: Actor, attachment_id: UUID, *, inline: bool
) -> Response:
    """The file under its name. Raises NotFound for whoever may not read it."""
    row = await session.scalar(
        select(Attachment).where(col(Attachment.id) == attachment_id, attachment_readable_by(actor))
    )
    if row is None:
        raise NotFound
    return await answer_stored(store, row, inline=inline)


async def answer_stored(store: AttachmentStore, row: Attachment, *, inline: bool) -> Response:
    """A file that the caller has found may be read. It may be framed by our own pages only."""
    try:
        data = await store.read(row.stored_as)
    except FileNotFoundError as error:
        raise NotFound("这个文件已经不在了。") from error
    shown = "inline" if inline and row.media_type in SHOWN_IN_PLACE else "attachment"
    headers = {
        "content-disposition": f"{shown}; filename*=UTF-8''{quote(row.name, safe='')}",
        "content-security-policy": "default-src 'none'; frame-ancestors 'self'",
        "x-frame-options": "SAMEORIGIN",
        "cache-control": "private, no-cache",
    }
    return Response(data, media_type=row.media_type, headers=headers)

"""Uploading files, getting them back, and what is seen of them; what may come in is decided by content in `domain.files`."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import File, Path, Query, UploadFile
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col
from starlette.datastructures import UploadFile as Upload
from starlette.responses import Response

from api.answers import Json
from api.deps import ActorDep, NowDep, SessionDep, WiredDep, allow
from api.json.ids import parse_id
from api.json.parameters import AttachmentId
from api.json.route import json_router
from api.json.schemas.parts import UploadedFile
from api.json.show.parts import show_upload
from api.sessions import keep
from api.wired import Wired
from domain.access import attachment_readable_by
from domain.actor import Actor
from domain.attachments import keep_file, read_file
from domain.files import previews
from domain.files.store import AttachmentStore
from domain.files.types import JPG
from domain.models import Attachment
from domain.models.people import ENTERPRISE_ROLES
from tasks.exceptions import NotFound

router = json_router("附件")
# Whoever may be given a form to fill in: not the three administrators, not somebody without a role.
UPLOADERS = (*ENTERPRISE_ROLES, "registrar", "handler", "section_chief", "supervisor", "analyst")

SHOWN_IN_PLACE = frozenset({"image/jpeg", "image/png", "image/webp", "image/bmp"})
"""What browsers show that runs nothing. A PDF is never one of them: its pages are drawn by us, without its scripts."""
PageNumber = Annotated[int, Path(ge=1, le=100_000, description="第几页，从 1 起")]
PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {}}, "description": "JPEG 图片，不含拍摄地点等信息"}
}


@router.post(
    "/attachments",
    status_code=201,
    response_model=UploadedFile,
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
    """Pictures, PDF, OFD, documents of Office and WPS old and new, and text, recognised by content; its uploader's until it is
    used in a task's answers. `pages` of it can be seen; `hint` is what its uploader should know."""
    return Json(show_upload(await take_file(session, wired, actor, file, now)), 201)


@router.get(
    "/attachments/{attachment_id}",
    summary="下载附件",
    dependencies=[allow()],
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}, "description": "文件内容"}},
)
async def download(
    attachment_id: AttachmentId,
    actor: ActorDep,
    session: SessionDep,
    wired: WiredDep,
    inline: Annotated[bool, Query(description="图片和 PDF 在浏览器里打开，不下载")] = False,
) -> Response:
    """The file, for whoever may read the issue it belongs to; `inline` shows pictures in the browser. Whoever did not upload it
    gets a picture without place, time and camera."""
    return await answer_file(session, wired.store, actor, parse_id(attachment_id), inline=inline)


@router.get(
    "/attachments/{attachment_id}/small",
    summary="附件的缩略图",
    dependencies=[allow()],
    response_class=Response,
    responses=PICTURE,
)
async def show_small(
    attachment_id: AttachmentId, actor: ActorDep, session: SessionDep, wired: WiredDep
) -> Response:
    """The first page of a picture or PDF, small, for lists; for whoever may read the file."""
    row = await find_readable(session, actor, parse_id(attachment_id))
    return await answer_page(session, wired.store, row, None)


@router.get(
    "/attachments/{attachment_id}/pages/{page}",
    summary="附件的一页",
    dependencies=[allow()],
    response_class=Response,
    responses=PICTURE,
)
async def show_page(
    attachment_id: AttachmentId, page: PageNumber, actor: ActorDep, session: SessionDep, wired: WiredDep
) -> Response:
    """One page of a picture or PDF, from 1, as JPEG; for whoever may read the file. Nothing in a PDF is run to draw it."""
    row = await find_readable(session, actor, parse_id(attachment_id))
    return await answer_page(session, wired.store, row, page)


async def take_file(
    session: AsyncSession, wired: Wired, actor: Actor, file: Upload, now: datetime
) -> Attachment:
    """Keep an uploaded file as this person's; what was written before it is committed. Raises AttachmentRefused, FilesBusy."""
    await keep(session)  # reading the file takes its time, and the connection is somebody else's meanwhile
    name, most = (file.filename or "").replace("\0", ""), wired.settings.attachment_max_bytes
    read = await read_file(wired.scanner, name, await file.read(most + 1), most)
    return await keep_file(session, wired.store, read, actor=actor, now=now)


async def find_readable(session: AsyncSession, actor: Actor, attachment_id: UUID) -> Attachment:
    """The file with this id. Raises NotFound for whoever may not read it."""
    readable = col(Attachment.id) == attachment_id, attachment_readable_by(actor)
    row = await session.scalar(select(Attachment).where(*readable))
    if row is None:
        raise NotFound
    return row


async def answer_file(
    session: AsyncSession, store: AttachmentStore, actor: Actor, attachment_id: UUID, *, inline: bool
) -> Response:
    """The file under its name: as it came for its uploader, without what a camera tells for others. Raises NotFound."""
    row = await find_readable(session, actor, attachment_id)
    if row.uploader_id == actor.person_id:
        return await answer_stored(store, row, inline=inline)
    await keep(session)
    with _missing():
        data, other = await previews.read_for_others(store, row)
    name = row.name if other is None else f"{row.name.rpartition('.')[0]}.{other.extension}"
    return _answer(data, name, other.media_type if other else row.media_type, inline=inline)


async def answer_stored(store: AttachmentStore, row: Attachment, *, inline: bool) -> Response:
    """A file as it came, for its uploader."""
    with _missing():
        data = await store.read(row.stored_as)
    return _answer(data, row.name, row.media_type, inline=inline)


async def answer_page(
    session: AsyncSession, store: AttachmentStore, row: Attachment, page: int | None
) -> Response:
    """A page of a file that the caller has found may be read, or with None the small first one."""
    await keep(session)
    with _missing():
        data = await (
            previews.read_small(store, row) if page is None else previews.read_page(store, row, page)
        )
    return _answer(data, f"{row.name}.jpg", JPG.media_type, inline=True)


@contextmanager
def _missing() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise NotFound("这个文件已经不在了。") from error
    except previews.NotShown as error:
        raise NotFound("这一页不能显示，请下载后查看。") from error


def _answer(data: bytes, name: str, media_type: str, *, inline: bool) -> Response:
    shown = "inline" if inline and media_type in SHOWN_IN_PLACE else "attachment"
    headers = {
        "content-disposition": f"{shown}; filename*=UTF-8''{quote(name, safe='')}",
        "content-security-policy": "default-src 'none'; frame-ancestors 'self'; sandbox",
        "x-frame-options": "SAMEORIGIN",
        "cache-control": "private, no-cache",
    }
    return Response(data, media_type=media_type, headers=headers)

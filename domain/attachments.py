"""Attachments: checked by content, scanned, stored under a generated name. A command that uses one binds its row
to the instance and task (`tasks.subjects`).

The row belongs to the caller's transaction, the file does not: it is written first, and `sweep_orphans` removes
files without a row and rows that nobody used.
"""

import contextlib
import hashlib
import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cleaning import clean_line, is_plain
from db.ids import uuid7
from domain.actor import Actor
from domain.exceptions import AttachmentRefused
from domain.files import previews, workshop
from domain.files.store import AttachmentStore
from domain.files.types import ALL_TYPES, PDF, FileType
from domain.files.unfit import LOCKED, PICTURE_TOO_HARD, Unfit
from domain.models import Attachment
from domain.scanning import Scanner, ScannerUnavailable

ORPHAN_AFTER = timedelta(days=7)  # a draft may keep a file unused for some days
UNCLAIMED_AFTER = timedelta(days=2)  # files of people without an account, whose application lasts a day
NAME_LENGTH = 120


@dataclass(frozen=True)
class ReadFile:
    """A file that may come in, and what was drawn of it."""

    name: str
    data: bytes
    kind: FileType
    pages: int | None = 0
    locked: bool = False
    first: workshop.Pages | None = None


async def read_file(
    scanner: Scanner | None,
    name: str,
    data: bytes,
    max_bytes: int = 10 * 1024 * 1024,
    allowed: Sequence[FileType] = ALL_TYPES,
) -> ReadFile:
    """Check, scan and draw a file. It takes its time: no transaction should be open. Raises AttachmentRefused, FilesBusy."""
    kind = await check_file(name, data, max_bytes, allowed)
    await _scan(scanner, name, data)
    return await _draw(ReadFile(name, data, kind))


async def keep_file(
    session: AsyncSession,
    store: AttachmentStore,
    file: ReadFile,
    *,
    actor: Actor | None,
    now: datetime,
    challenge_id: UUID | None = None,
) -> Attachment:
    """Store it; it is its uploader's (or its challenge's, for whoever has no account) until it is bound."""
    id_ = uuid7()
    row = Attachment(
        id=id_,
        uploader_id=actor.person_id if actor else None,
        challenge_id=challenge_id,
        enterprise_id=actor.enterprise_id if actor else None,
        name=clean_name(file.name, file.kind),
        size=len(file.data),
        media_type=file.kind.media_type,
        sha256=hashlib.sha256(file.data).hexdigest(),
        stored_as=f"{id_.hex}.{file.kind.extension}",
        created_at=now,
        pages=file.pages,
        locked=file.locked,
    )
    await store.put(row.stored_as, file.data)
    if file.first is not None:
        await previews.keep_page(store, row, 1, file.first)
    session.add(row)
    await session.flush()
    return row


async def check_file(
    name: str, data: bytes, max_bytes: int, allowed: Sequence[FileType] = ALL_TYPES
) -> FileType:
    """The type of an allowed file; AttachmentRefused names the file and what is wrong with it."""
    if not data:
        raise AttachmentRefused(f"文件“{name}”是空的。", name=name)
    if len(data) > max_bytes:
        raise AttachmentRefused(f"文件“{name}”超过 {max_bytes / 1024 / 1024:g} MB。", name=name)
    with _refusing(name):
        return await workshop.examine(data, _extension(name), tuple(allowed))


def clean_name(name: str, file_type: FileType) -> str:
    """The name people see: no folders, no control or direction characters, the right extension."""
    base = re.split(r"[\\/]", unicodedata.normalize("NFC", name))[-1]
    kept = "".join(letter for letter in clean_line(base) if is_plain(letter)).rstrip(" .")
    if not file_type.may_be_called(_extension(kept)):
        kept = f"{kept}.{file_type.extension}"
    stem, dot, _ = kept.rpartition(".")
    return f"{(stem if dot else kept)[:NAME_LENGTH] or '附件'}.{file_type.extension}"


async def sweep_orphans(
    session: AsyncSession, store: AttachmentStore, now: datetime, *, keep: Collection[UUID] = ()
) -> int:
    """Remove rows nobody used for a week (but not `keep`: files of saved drafts; those of a challenge sooner), and files
    without a row; how many went."""
    unused = await session.execute(
        delete(Attachment)
        .where(
            col(Attachment.instance_id).is_(None),
            or_(
                col(Attachment.created_at) < now - ORPHAN_AFTER,
                and_(
                    col(Attachment.uploader_id).is_(None),
                    col(Attachment.created_at) < now - UNCLAIMED_AFTER,
                ),
            ),
            col(Attachment.id).not_in(set(keep)),
        )
        .returning(col(Attachment.stored_as))
    )
    gone = set(unused.scalars())
    async for name in store.names(older_than=now - ORPHAN_AFTER):
        known = await session.scalar(select(col(Attachment.id)).where(col(Attachment.id) == UUID(name[:32])))
        if known is None:
            gone.add(name)
    for name in gone:
        await store.delete(name)
    return len(gone)


async def _draw(file: ReadFile) -> ReadFile:
    """`pages` stays None where it is tried again when somebody looks."""
    if not file.kind.is_shown:
        return file
    try:
        with _refusing(file.name, but_for=file.kind is PDF):
            first = await workshop.draw(file.data, file.kind)
    except Unfit as unfit:  # a PDF that we cannot show may still be read by others
        return replace(file, locked=unfit.reason == LOCKED)
    except workshop.Unread as error:
        if file.kind is PDF:
            return replace(file, pages=None)
        raise AttachmentRefused(f"文件“{file.name}”{PICTURE_TOO_HARD}", name=file.name) from error
    return replace(file, pages=first.count, first=first)


@contextlib.contextmanager
def _refusing(name: str, *, but_for: bool = False) -> Iterator[None]:
    """What the file's reading says as the refusal of an upload; with `but_for` a file that is unfit is left to the caller."""
    try:
        yield
    except Unfit as unfit:
        if but_for:
            raise
        raise AttachmentRefused(f"文件“{name}”{unfit.reason}", name=name) from unfit


async def _scan(scanner: Scanner | None, name: str, data: bytes) -> None:
    if scanner is None:
        return
    try:
        found = await scanner.scan(data)
    except ScannerUnavailable as error:
        raise AttachmentRefused("暂时无法检查附件是否安全，请稍后再试。", name=name) from error
    if found is not None:
        raise AttachmentRefused(f"文件“{name}”含有恶意代码，不能上传。", name=name)


def _extension(name: str) -> str:
    return name.rpartition(".")[2].lower().strip() if "." in name else ""

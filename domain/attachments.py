"""Attachments: checked by content, scanned, stored under a generated name. A command that uses one binds its row
to the instance and task (`tasks.subjects`).

The row belongs to the caller's transaction, the file does not: it is written first, and `sweep_orphans` removes
files without a row and rows that nobody used.
"""

import asyncio
import contextlib
import hashlib
import os
import re
import unicodedata
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol
from uuid import UUID

from sqlalchemy import and_, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cleaning import clean_line, is_plain
from db.ids import uuid7
from domain.actor import Actor
from domain.exceptions import AttachmentRefused
from domain.file_types import ALL_TYPES, FileType, describe, recognise
from domain.models import Attachment
from domain.scanning import Scanner, ScannerUnavailable

ORPHAN_AFTER = timedelta(days=7)  # a draft may keep a file unused for some days
UNCLAIMED_AFTER = timedelta(days=2)  # files of people without an account, whose application lasts a day
NAME_LENGTH = 120


class AttachmentStore(Protocol):
    """Where the bytes lie."""

    async def put(self, name: str, data: bytes) -> None: ...
    async def read(self, name: str) -> bytes: ...
    async def delete(self, name: str) -> None: ...
    def names(self, older_than: datetime) -> AsyncIterator[str]: ...


@dataclass(frozen=True)
class FolderStore:
    """A folder, in 256 subfolders; a file appears whole or not at all."""

    folder: Path

    async def put(self, name: str, data: bytes) -> None:
        await asyncio.to_thread(self._write, self._path(name), data)

    async def read(self, name: str) -> bytes:
        return await asyncio.to_thread(self._path(name).read_bytes)

    async def delete(self, name: str) -> None:
        await asyncio.to_thread(self._path(name).unlink, missing_ok=True)

    async def names(self, older_than: datetime) -> AsyncIterator[str]:
        """Every stored file last written before this moment."""
        for path in await asyncio.to_thread(lambda: sorted(self.folder.glob("??/*"))):
            with contextlib.suppress(FileNotFoundError):  # another sweep was faster
                if path.stat().st_mtime < older_than.timestamp():
                    yield path.name

    def _path(self, name: str) -> Path:
        if not re.fullmatch(r"[0-9a-f]{32}\.[a-z]{3,5}", name):
            raise ValueError(f"not a name of ours: {name!r}")
        return self.folder / name[30:32] / name

    @staticmethod
    def _write(path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)


async def add_attachment(
    session: AsyncSession,
    store: AttachmentStore,
    scanner: Scanner | None,
    *,
    actor: Actor | None,
    challenge_id: UUID | None = None,
    name: str,
    data: bytes,
    now: datetime,
    max_bytes: int = 10 * 1024 * 1024,
    allowed: Sequence[FileType] = ALL_TYPES,
) -> Attachment:
    """Check, scan and store a file; it is its uploader's (or its challenge's, for whoever has no account) until it is bound.

    Raises AttachmentRefused with the reason.
    """
    file_type = await asyncio.to_thread(check_file, name, data, max_bytes, allowed)
    await _scan(scanner, name, data)
    id_ = uuid7()
    row = Attachment(
        id=id_,
        uploader_id=actor.person_id if actor else None,
        challenge_id=challenge_id,
        enterprise_id=actor.enterprise_id if actor else None,
        name=clean_name(name, file_type),
        size=len(data),
        media_type=file_type.media_type,
        sha256=hashlib.sha256(data).hexdigest(),
        stored_as=f"{id_.hex}.{file_type.extension}",
        created_at=now,
    )
    await store.put(row.stored_as, data)
    session.add(row)
    await session.flush()
    return row


def check_file(name: str, data: bytes, max_bytes: int, allowed: Sequence[FileType] = ALL_TYPES) -> FileType:
    """The type of an allowed file; AttachmentRefused names the file and what is wrong with it."""
    if not data:
        raise AttachmentRefused(f"文件“{name}”是空的。", name=name)
    if len(data) > max_bytes:
        raise AttachmentRefused(f"文件“{name}”超过 {max_bytes / 1024 / 1024:g} MB。", name=name)
    file_type = recognise(data)
    if file_type is None or file_type not in allowed:
        seen = file_type.extension if file_type else describe(data)
        seems = f"（内容像是 {seen}）" if seen else ""
        may_be = "、".join(one.extension for one in allowed)
        raise AttachmentRefused(f"文件“{name}”的内容不是允许的格式{seems}，只能上传 {may_be}。", name=name)
    if not file_type.may_be_called(_extension(name)):
        raise AttachmentRefused(f"文件“{name}”的内容是 {file_type.extension}，与扩展名不符。", name=name)
    return file_type


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
        known = await session.scalar(select(col(Attachment.id)).where(col(Attachment.stored_as) == name))
        if known is None:
            gone.add(name)
    for name in gone:
        await store.delete(name)
    return len(gone)


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

"""Attachments: known by content, disguises refused, scanned, swept when nobody uses them."""

import asyncio
import os
import struct
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.attachments import (
    ORPHAN_AFTER,
    check_file,
    clean_name,
    keep_file,
    read_file,
    sweep_orphans,
)
from domain.exceptions import AttachmentRefused
from domain.files.store import FolderStore
from domain.files.types import JPG, PDF
from domain.models import Attachment
from domain.scanning import ClamScanner, ScannerUnavailable
from tests.domain.files.samples import MACROS, doc, pdf

MB = 1024 * 1024
PDF_FILE = pdf()


async def test_a_file_is_known_by_its_content_and_its_refusal_names_it() -> None:
    assert await check_file("文件.PDF", PDF_FILE, MB) is PDF
    assert await check_file("没有扩展名", PDF_FILE, MB) is PDF
    with pytest.raises(AttachmentRefused, match=r"^文件“a\.jpg”的内容是PDF（pdf），与扩展名不符"):
        await check_file("a.jpg", PDF_FILE, MB)
    with pytest.raises(AttachmentRefused, match=r"^文件“a\.doc”带有宏，不能上传。请用 Office 或 WPS 打开"):
        await check_file("a.doc", doc(Macros=MACROS), MB)


async def test_empty_and_oversized_files_are_refused() -> None:
    with pytest.raises(AttachmentRefused, match="空的"):
        await check_file("a.pdf", b"", MB)
    padded = PDF_FILE[:-6] + b" " * (10 * MB) + b"%%EOF\n"
    with pytest.raises(AttachmentRefused, match="超过 10 MB"):
        await check_file("a.pdf", padded, 10 * MB)
    assert await check_file("a.pdf", padded, len(padded)) is PDF


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/合同.pdf", "合同.pdf"),
        ("C:\\资料\\合同.PDF", "合同.pdf"),
        ("合同", "合同.pdf"),
        ("a\u202efdp.exe\x00.pdf", "afdp.exe.pdf"),
        (".pdf", "附件.pdf"),
        ("长" * 300 + ".pdf", "长" * 120 + ".pdf"),
    ],
)
def test_names_are_cleaned(name: str, shown: str) -> None:
    assert clean_name(name, PDF) == shown


def test_a_photo_called_png_gets_its_true_extension() -> None:
    assert clean_name("照片.png", JPG) == "照片.jpg"


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "files")


@pytest.fixture
async def staff(world: Any) -> Any:
    return await world.member(await world.enterprise(), "customs_affairs")


async def add(
    session: AsyncSession, store: FolderStore, actor: Any, now: datetime, scanner: Any = None
) -> Attachment:
    return await keep_file(
        session, store, await read_file(scanner, "合同.pdf", PDF_FILE), actor=actor, now=now
    )


async def test_a_file_is_stored_under_a_generated_name_and_read_back(
    session: AsyncSession, store: FolderStore, staff: Any, now: datetime
) -> None:
    row = await add(session, store, staff, now)
    assert row.name == "合同.pdf" and "合同" not in row.stored_as
    assert await store.read(row.stored_as) == PDF_FILE
    assert (row.size, row.media_type, row.instance_id) == (len(PDF_FILE), "application/pdf", None)


async def test_the_store_refuses_names_that_are_not_its_own(store: FolderStore) -> None:
    with pytest.raises(ValueError, match="not a name of ours"):
        await store.read("../../secret.key")


async def test_the_sweep_takes_unused_rows_and_files_without_a_row_and_nothing_else(
    session: AsyncSession, store: FolderStore, staff: Any
) -> None:
    now = datetime.now().astimezone()
    old, fresh = now - ORPHAN_AFTER - timedelta(hours=1), now - ORPHAN_AFTER + timedelta(hours=1)
    unused, used, drafted, young = [await add(session, store, staff, at) for at in (old, old, old, fresh)]
    used.instance_id = uuid4()
    await session.flush()
    lost, writing = f"{uuid4().hex}.pdf", f"{uuid4().hex}.pdf"
    await store.put(lost, PDF_FILE)
    await store.put(writing, PDF_FILE)
    for row in (used.stored_as, drafted.stored_as, lost):
        for path in store.folder.glob(f"*/{row[:32]}*"):
            os.utime(path, (old.timestamp(), old.timestamp()))
    assert await sweep_orphans(session, store, now, keep=[drafted.id]) == 2
    left = set(await session.scalars(select(col(Attachment.stored_as))))
    assert left == {used.stored_as, drafted.stored_as, young.stored_as}
    made = {f"{row.id.hex}-{what}.jpg" for row in (used, drafted, young) for what in ("p1", "small")}
    assert {path.name for path in store.folder.glob("*/*")} == left | {writing} | made
    assert unused.stored_as not in left


@pytest.fixture
async def clamd() -> AsyncIterator[Any]:
    """A clamd of this test: reads INSTREAM and answers what `answers` says; None closes without a word."""
    received: list[bytes] = []
    answers: list[bytes | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readexactly(10) == b"zINSTREAM\0"
        body = b""
        while size := struct.unpack("!I", await reader.readexactly(4))[0]:
            body += await reader.readexactly(size)
        received.append(body)
        if answer := answers.pop(0):
            writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield ClamScanner(f"127.0.0.1:{port}", timeout_s=2), received, answers


async def test_a_clean_file_comes_in(clamd: Any) -> None:
    scanner, received, answers = clamd
    answers.append(b"stream: OK\0")
    data = os.urandom(150_000)
    assert await scanner.scan(data) is None
    assert received == [data]


async def test_a_scanner_may_listen_on_a_socket_of_this_machine(tmp_path: Path) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(bytes(4))
        writer.write(b"stream: OK\0")
        writer.close()

    path = str(tmp_path / "clamd.sock")
    async with await asyncio.start_unix_server(serve, path):
        assert await ClamScanner(path, timeout_s=2).scan(PDF_FILE) is None
    with pytest.raises(ScannerUnavailable):
        await ClamScanner(str(tmp_path / "nobody.sock"), timeout_s=2).scan(PDF_FILE)


async def test_an_infected_file_is_refused(
    clamd: Any, session: AsyncSession, store: FolderStore, staff: Any, now: datetime
) -> None:
    scanner, _, answers = clamd
    answers.append(b"stream: Eicar-Test-Signature FOUND\0")
    with pytest.raises(AttachmentRefused, match="恶意代码"):
        await add(session, store, staff, now, scanner)
    assert not store.folder.exists()


@pytest.mark.parametrize("answer", [b"INSTREAM size limit exceeded. ERROR\0", b"", None])
async def test_a_scanner_that_gives_no_verdict_lets_nothing_in(clamd: Any, answer: bytes | None) -> None:
    scanner, _, answers = clamd
    answers.append(answer)
    with pytest.raises(ScannerUnavailable):
        await scanner.scan(PDF_FILE)


async def test_a_scanner_that_is_away_lets_nothing_in(
    session: AsyncSession, store: FolderStore, staff: Any, now: datetime
) -> None:
    with pytest.raises(AttachmentRefused, match="暂时无法检查"):
        await add(session, store, staff, now, ClamScanner("127.0.0.1:9", timeout_s=2))
    assert not store.folder.exists()

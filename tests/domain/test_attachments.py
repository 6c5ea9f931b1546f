"""Attachments: known by content, disguises refused, scanned, swept when nobody uses them."""

import asyncio
import io
import os
import struct
import zipfile
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
    FolderStore,
    add_attachment,
    check_file,
    clean_name,
    sweep_orphans,
)
from domain.exceptions import AttachmentRefused
from domain.file_types import JPG, OFD, OFD_NAMESPACE, PDF, SHEET, WORD, recognise
from domain.models import Attachment
from domain.scanning import ClamScanner, ScannerUnavailable

MB = 1024 * 1024
PDF_FILE = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n%%EOF\n"
PNG_FILE = b"\x89PNG\r\n\x1a\n" + struct.pack("!I", 13) + b"IHDR" + bytes(17) + bytes(4) + b"IEND\xaeB`\x82"
JPG_FILE = b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(20) + b"\xff\xd9"


def packed(**entries: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        for name, content in entries.items():
            package.writestr(name.replace("__", "/").replace("-types-", "[Content_Types].xml"), content)
    return buffer.getvalue()


DOCX_FILE = packed(**{"-types-": b"<Types>" + WORD, "word__document.xml": b"<w/>"})
XLSX_FILE = packed(**{"-types-": b"<Types>" + SHEET, "xl__workbook.xml": b"<w/>"})
OFD_FILE = packed(**{"OFD.xml": b"<ofd:OFD xmlns:ofd='" + OFD_NAMESPACE + b"'/>"})


@pytest.mark.parametrize(
    ("data", "extension"),
    [
        (PDF_FILE, "pdf"),
        (PNG_FILE, "png"),
        (JPG_FILE, "jpg"),
        (DOCX_FILE, "docx"),
        (XLSX_FILE, "xlsx"),
        (OFD_FILE, "ofd"),
    ],
)
def test_each_allowed_type_is_known_by_its_content(data: bytes, extension: str) -> None:
    found = recognise(data)
    assert found is not None and found.extension == extension
    assert check_file(f"文件.{extension.upper()}", data, MB) is found
    assert check_file("没有扩展名", data, MB) is found


@pytest.mark.parametrize(
    "data",
    [
        b"MZ\x90\x00" + bytes(100),
        b"\x7fELF" + bytes(100),
        b"<html><script>alert(1)</script></html>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"GIF89a" + bytes(50),
        "只是文字".encode(),
        packed(**{"a.txt": b"plain zip"}),
        packed(**{"-types-": b"<Types>" + WORD}),  # says it is a document and has none
        packed(**{"-types-": b"<Types>" + WORD, "word__document.xml": b"", "word__vbaProject.bin": b""}),
        packed(**{"OFD.xml": b"<other/>"}),
        DOCX_FILE[:-30],
        b"PK\x03\x04" + bytes(50),
        PDF_FILE[:20],
        b"junk" + PDF_FILE,
        PNG_FILE[:20],
        JPG_FILE[:6],
    ],
    ids=range(16),
)
def test_everything_else_is_refused_whatever_it_is_called(data: bytes) -> None:
    for name in ("a.pdf", "a.docx", "a.jpg", "a.zip"):
        with pytest.raises(AttachmentRefused, match=name.replace(".", r"\.")):
            check_file(name, data, MB)


@pytest.mark.parametrize(
    ("name", "data"), [("a.pdf", DOCX_FILE), ("a.exe", PDF_FILE), ("a.docx", XLSX_FILE), ("a.html", PNG_FILE)]
)
def test_an_allowed_file_under_a_false_name_is_refused(name: str, data: bytes) -> None:
    with pytest.raises(AttachmentRefused, match="与扩展名不符"):
        check_file(name, data, MB)


def test_empty_and_oversized_files_are_refused() -> None:
    with pytest.raises(AttachmentRefused, match="空的"):
        check_file("a.pdf", b"", MB)
    padded = PDF_FILE[:-6] + b" " * (10 * MB) + b"%%EOF\n"
    with pytest.raises(AttachmentRefused, match="超过 10 MB"):
        check_file("a.pdf", padded, 10 * MB)
    assert check_file("a.pdf", padded, len(padded)) is PDF


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
    assert OFD.media_type == "application/ofd"


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "files")


@pytest.fixture
async def staff(world: Any) -> Any:
    return await world.member(await world.enterprise(), "customs_affairs")


async def add(
    session: AsyncSession, store: FolderStore, actor: Any, now: datetime, scanner: Any = None
) -> Attachment:
    return await add_attachment(session, store, scanner, actor=actor, name="合同.pdf", data=PDF_FILE, now=now)


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
        os.utime(next(store.folder.glob(f"*/{row}")), (old.timestamp(), old.timestamp()))
    assert await sweep_orphans(session, store, now, keep=[drafted.id]) == 2
    left = set(await session.scalars(select(col(Attachment.stored_as))))
    assert left == {used.stored_as, drafted.stored_as, young.stored_as}
    assert {path.name for path in store.folder.glob("*/*")} == left | {writing}
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

"""What is made of a file: once, kept beside it, gone with it; found out later for files from before."""

import io
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy.ext.asyncio import AsyncSession

from domain.attachments import keep_file, read_file
from domain.exceptions import AttachmentRefused
from domain.files import previews, workshop
from domain.files.store import FolderStore
from domain.models import Attachment
from tests.domain.files.samples import doc, exif, huge_png, pdf, picture


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "files")


class Desk:
    """Somebody uploads."""

    def __init__(self, session: AsyncSession, store: FolderStore, actor: Any, now: datetime) -> None:
        self.session, self.store, self.actor, self.now = session, store, actor, now

    async def add(self, name: str, data: bytes) -> Attachment:
        file = await read_file(None, name, data)
        return await keep_file(self.session, self.store, file, actor=self.actor, now=self.now)

    async def forget(self, row: Attachment) -> Attachment:
        """The file as it was before pages were drawn: its bytes, and nothing known of them."""
        data = await self.store.read(row.stored_as)
        await self.store.delete(row.stored_as)
        await self.store.put(row.stored_as, data)
        row.pages, row.locked = None, False
        return row

    def made(self) -> set[str]:
        return {path.name.partition("-")[2] for path in self.store.folder.glob("*/*-*")}


@pytest.fixture
async def desk(session: AsyncSession, store: FolderStore, world: Any, now: datetime) -> Desk:
    return Desk(session, store, await world.member(await world.enterprise(), "customs_affairs"), now)


async def test_a_picture_is_drawn_when_it_comes_in_and_only_read_afterwards(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = picture("HEIF", exif=exif(6))
    row = await desk.add("IMG_0001.HEIC", data)
    assert (row.name, row.media_type, row.pages, row.is_shown) == ("IMG_0001.heic", "image/heic", 1, True)
    assert await desk.store.read(row.stored_as) == data, "kept byte for byte"
    assert desk.made() == {"p1.jpg", "small.jpg"}
    monkeypatch.setattr(workshop, "ask_child", None)  # nothing is read again
    assert Image.open(io.BytesIO(await previews.read_page(desk.store, row, 1))).size == (240, 320)
    assert len(await previews.read_small(desk.store, row)) < 5000
    assert await previews.count_pages(desk.store, row) == 1


async def test_pages_of_a_pdf_are_drawn_when_somebody_comes_to_them(desk: Desk) -> None:
    row = await desk.add("合同.pdf", pdf(3))
    assert (row.pages, desk.made()) == (3, {"p1.jpg", "small.jpg"})
    third = await previews.read_page(desk.store, row, 3)
    assert desk.made() == {"p1.jpg", "small.jpg", "p3.jpg"}
    assert await previews.read_page(desk.store, row, 3) == third
    for page in (0, 4):
        with pytest.raises(previews.NotShown):
            await previews.read_page(desk.store, row, page)


async def test_files_from_before_are_found_out_about_when_somebody_looks(desk: Desk) -> None:
    photo = await desk.forget(await desk.add("a.jpg", picture("JPEG", exif=exif())))
    scan = await desk.forget(await desk.add("b.pdf", pdf(2)))
    locked = await desk.forget(await desk.add("c.pdf", pdf(password="secret")))
    assert photo.is_shown and scan.is_shown and locked.is_shown
    assert (await previews.read_small(desk.store, photo)).startswith(b"\xff\xd8")
    assert await previews.count_pages(desk.store, scan) == 2
    with pytest.raises(previews.NotShown):
        await previews.read_small(desk.store, locked)
    assert (photo.pages, scan.pages, locked.pages, locked.locked) == (1, 2, 0, True)
    assert not locked.is_shown


async def test_a_pdf_with_a_password_comes_in_and_is_marked(desk: Desk) -> None:
    row = await desk.add("a.pdf", pdf(password="secret"))
    assert (row.pages, row.locked, row.is_shown, desk.made()) == (0, True, False, set())
    odd = await desk.add("b.pdf", b"%PDF-1.7\n%%EOF")
    assert (odd.pages, odd.locked) == (0, False)


async def test_what_has_no_pages_is_kept_without_any(desk: Desk) -> None:
    row = await desk.add("问题.wps", doc())
    assert (row.name, row.pages, row.is_shown, desk.made()) == ("问题.wps", 0, False, set())
    with pytest.raises(previews.NotShown):
        await previews.read_small(desk.store, row)
    assert await previews.read_for_others(desk.store, row) == (doc(), None)


async def test_a_picture_that_cannot_be_drawn_does_not_come_in(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(
        AttachmentRefused, match=r"^文件“a\.png”的画面超过 1 亿像素，不能上传。请缩小后再上传。$"
    ):
        await desk.add("a.png", huge_png())
    with pytest.raises(AttachmentRefused, match="不完整或已损坏的图片"):
        await desk.add("a.jpg", b"\xff\xd8\xff\xe0" + bytes(50) + b"\xff\xd9")

    async def fail(*_: Any) -> None:
        raise workshop.Unread

    monkeypatch.setattr(workshop, "draw", fail)
    with pytest.raises(AttachmentRefused, match="画面太大或太复杂"):
        await desk.add("a.png", picture("PNG"))
    assert (await desk.add("a.pdf", pdf())).pages is None, "it is tried again when somebody looks"
    assert len(list(desk.store.folder.glob("*/*"))) == 1


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "HEIF", "TIFF"])
async def test_others_get_a_picture_without_its_place(desk: Desk, name: str) -> None:
    data = picture(name, exif=exif())
    row = await desk.add("a", data)
    for _ in range(2):
        got, other = await previews.read_for_others(desk.store, row)
        assert other is None and b"Apple" not in got and got != data
    assert await desk.store.read(row.stored_as) == data
    assert f"clean.{row.stored_as.rpartition('.')[2]}" in desk.made()


async def test_others_get_what_is_seen_where_a_picture_cannot_be_cleaned(desk: Desk) -> None:
    row = await desk.add("a.webp", picture("WEBP", exif=exif(6)))
    got, other = await previews.read_for_others(desk.store, row)
    assert other is not None and other.extension == "jpg"
    assert got == await previews.read_page(desk.store, row, 1)


async def test_everything_goes_with_the_file(desk: Desk) -> None:
    row = await desk.add("a.jpg", picture("JPEG", exif=exif()))
    await previews.read_for_others(desk.store, row)
    assert len(list(desk.store.folder.glob("*/*"))) == 4
    await desk.store.delete(row.stored_as)
    assert list(desk.store.folder.glob("*/*")) == []

"""What others see of a file: its pages as JPEGs, the small first one in lists, and a picture without the place it was taken at.

Made once, at the upload or when somebody first looks, and kept beside the file. The uploader gets the file as it came (ADR 35).
"""

from domain.files import workshop
from domain.files.store import AttachmentStore
from domain.files.types import BY_MEDIA_TYPE, JPG, FileType
from domain.files.unfit import LOCKED, Unfit
from domain.files.workshop import Pages
from domain.models import Attachment

SMALL = "small"


class NotShown(Exception):
    """There is no such page, or none that can be drawn."""


async def read_page(store: AttachmentStore, row: Attachment, page: int) -> bytes:
    """Page `page` (from 1) as JPEG; the row learns how many there are. Raises NotShown, FilesBusy, FileNotFoundError."""
    _require_shown(row, page)
    try:
        return await store.read(_page_name(row, page))
    except FileNotFoundError:
        return (await _draw(store, row, page)).page


async def read_small(store: AttachmentStore, row: Attachment) -> bytes:
    """The first page as lists show it. Raises as `read_page`."""
    _require_shown(row, 1)
    try:
        return await store.read(_made(row, SMALL))
    except FileNotFoundError:
        drawn = await _draw(store, row, 1)
        return drawn.small or drawn.page


async def read_for_others(store: AttachmentStore, row: Attachment) -> tuple[bytes, FileType | None]:
    """The file as whoever did not upload it gets it, and its type where that is another one: a picture that cannot be cleaned
    of place, time and camera is given as it is drawn. Raises as `read_page`."""
    kind = BY_MEDIA_TYPE.get(row.media_type)
    if kind is None or kind.family != "picture":
        return await store.read(row.stored_as), None
    try:
        return await store.read(_made(row, "clean", kind.extension)), None
    except FileNotFoundError:
        cleaned = await workshop.clean(await store.read(row.stored_as), kind)
    if cleaned is None:
        return await read_page(store, row, 1), JPG
    await store.put(_made(row, "clean", kind.extension), cleaned)
    return cleaned, None


async def keep_page(store: AttachmentStore, row: Attachment, page: int, drawn: Pages) -> None:
    """Lay a page that was drawn beside its file."""
    await store.put(_page_name(row, page), drawn.page)
    if drawn.small is not None:
        await store.put(_made(row, SMALL), drawn.small)


async def count_pages(store: AttachmentStore, row: Attachment) -> int:
    """How many pages can be shown; 0 for none. Found out now where nobody has looked yet. Raises FilesBusy, FileNotFoundError."""
    if row.pages is None:
        try:
            await _draw(store, row, 1)
        except NotShown:
            row.pages = 0
    return row.pages or 0


def _require_shown(row: Attachment, page: int) -> None:
    if not row.is_shown or page < 1 or (row.pages is not None and page > row.pages):
        raise NotShown


async def _draw(store: AttachmentStore, row: Attachment, page: int) -> Pages:
    kind = BY_MEDIA_TYPE.get(row.media_type)
    if kind is None or not kind.is_shown:
        raise NotShown
    try:
        drawn = await workshop.draw(await store.read(row.stored_as), kind, page)
    except (Unfit, workshop.Unread) as error:
        if page == 1:
            row.pages, row.locked = 0, isinstance(error, Unfit) and error.reason == LOCKED
        raise NotShown from error
    row.pages = drawn.count
    await keep_page(store, row, page, drawn)
    return drawn


def _page_name(row: Attachment, page: int) -> str:
    return _made(row, f"p{page}")


def _made(row: Attachment, what: str, extension: str = JPG.extension) -> str:
    return f"{row.id.hex}-{what}.{extension}"

"""One page of a list, and the cursor to the next: where the last line stood, as an opaque word."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from tasks.exceptions import NotFound

Item = TypeVar("Item")
MOST = 100
COUNTED = 100  # shown as 99+
NIL, LAST_ID = UUID(int=0), UUID(int=2**128 - 1)
INFINITY = "infinity"


@dataclass(frozen=True)
class Page(Generic[Item]):
    """Some lines, and `next` (for `after`) while there are more."""

    items: Sequence[Item]
    next: str | None


def make_cursor(at: datetime | str | None, id_: UUID) -> str:
    """The cursor of a line at this moment (or other sort key); None stands last, like in the lists."""
    key = at.isoformat() if isinstance(at, datetime) else at or INFINITY
    return urlsafe_b64encode(f"{key}|{id_.hex}".encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> tuple[str, UUID]:
    """What `make_cursor` put in; NotFound for anything else."""
    try:
        key, _, id_ = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().rpartition("|")
        return key, UUID(hex=id_)
    except (ValueError, NotBase64) as error:
        raise NotFound("没有这一页，请从第一页重新开始。") from error


def read_moment(cursor: str) -> tuple[str, UUID]:
    """The same where the key must be a moment or infinity."""
    key, id_ = read_cursor(cursor)
    if key not in (INFINITY, f"-{INFINITY}"):
        try:
            datetime.fromisoformat(key)
        except ValueError as error:
            raise NotFound("没有这一页，请从第一页重新开始。") from error
    return key, id_

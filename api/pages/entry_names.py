"""The names of list entries where an issue shows its code: after a rename the two differ. Read once a page, with its frame."""

from collections.abc import Mapping
from contextvars import ContextVar

from sqlalchemy.ext.asyncio import AsyncSession

from domain.lists import find_renamed

_renamed: ContextVar[Mapping[tuple[str, str], str] | None] = ContextVar("renamed", default=None)


async def read_renamed(session: AsyncSession) -> None:
    """Know the names for this request."""
    _renamed.set(await find_renamed(session))


def entry_name(code: str | None, list_name: str) -> str:
    """The entry's name in this list (kind, category, importance); its code where they are the same."""
    return (_renamed.get() or {}).get((list_name, code or ""), code or "")

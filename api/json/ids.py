"""Ids as callers give them: opaque. One of the wrong shape names nothing that exists."""

from uuid import UUID

from tasks.exceptions import NotFound


def parse_id(raw: str) -> UUID:
    """Raises NotFound for what can be no id of ours."""
    found = try_id(raw)
    if found is None:
        raise NotFound
    return found


def try_id(raw: str | None) -> UUID | None:
    """The id, or None for nothing and for what can be none."""
    try:
        return UUID(raw) if raw else None
    except ValueError:
        return None

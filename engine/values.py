"""What a process variable may be: JSON and aware datetimes. Checked and copied when it enters an instance, tagged when it is
written, so that no value of a form can pass for one of ours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any
from uuid import UUID

MAX_DEPTH = 20
MAX_INTEGER = 2**63 - 1
_MOMENT = "$t"
_ESCAPED = "$d"


class ValueRefused(TypeError):
    """A variable may hold JSON values and datetimes with a zone."""


def copied(value: Any, depth: int = 0) -> Any:
    """A copy that shares nothing with the original; a UUID becomes its text. Raises ValueRefused."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str | int | float):
        return _plain(value)
    if depth > MAX_DEPTH:
        raise ValueRefused("a variable is nested too deeply")
    if isinstance(value, Mapping):
        return {_key(key): copied(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [copied(item, depth + 1) for item in value]
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime) and value.utcoffset() is not None:
        return value.astimezone(UTC)
    raise ValueRefused(f"a variable cannot hold {value!r}")


def _plain(value: str | int | float) -> str | int | float:
    # What JSON in UTF-8 cannot carry would be lost or break the dump: half characters, huge numbers, infinity.
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            raise ValueRefused("a text has half a character in it")
    elif not (isfinite(value) if isinstance(value, float) else -MAX_INTEGER <= value <= MAX_INTEGER):
        raise ValueRefused(f"a variable cannot hold the number {value}")
    return value


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise ValueRefused(f"a variable cannot have the key {key!r}")
    _plain(key)
    return key


def tagged(value: Any) -> Any:
    """The same value in JSON types only."""
    if isinstance(value, dict):
        if any(key.startswith("$") for key in value):
            return {_ESCAPED: [[key, tagged(item)] for key, item in value.items()]}
        return {key: tagged(item) for key, item in value.items()}
    if isinstance(value, list):
        return [tagged(item) for item in value]
    if isinstance(value, datetime):
        return {_MOMENT: value.isoformat()}
    return value


def untagged(value: Any) -> Any:
    """The value that `tagged` was given."""
    if isinstance(value, dict):
        if _MOMENT in value:
            return datetime.fromisoformat(value[_MOMENT])
        if _ESCAPED in value:
            return {key: untagged(item) for key, item in value[_ESCAPED]}
        return {key: untagged(item) for key, item in value.items()}
    if isinstance(value, list):
        return [untagged(item) for item in value]
    return value


class Reads:
    """Which variables, and which of their fields, are ever read: only those are worth keeping."""

    def __init__(self, paths: set[tuple[str, ...]]) -> None:
        self.paths = frozenset(paths)
        self._tree: dict[str, Any] = {}
        for path in sorted(paths, key=len):
            self._add(path)

    def _add(self, path: tuple[str, ...]) -> None:
        # None marks "all of it": shorter paths come first, so nothing is added below one.
        branch = self._tree
        for name in path[:-1]:
            following = branch.setdefault(name, {})
            if following is None:
                return
            branch = following
        branch.setdefault(path[-1], None)

    def __contains__(self, variable: str) -> bool:
        return variable in self._tree

    def kept(self, variable: str, value: Any) -> Any:
        """A checked copy of the parts of a variable's value that something reads."""
        return _kept(self._tree[variable], value)


def _kept(branch: dict[str, Any] | None, value: Any) -> Any:
    if branch is None or not isinstance(value, Mapping):
        return copied(value) if branch is None else None
    return {name: _kept(below, value[name]) for name, below in branch.items() if name in value}

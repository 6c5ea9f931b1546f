"""What may go out as JSON: shapes that are closed. An answer is built field by field, so that a column added to a query, or an
attribute added to a record, never goes out by itself; pydantic reads the shapes for OpenAPI, orjson writes what is in them.

They are plain dataclasses: their constructor refuses unknown and missing fields, the type checker sees every one, and nothing
is validated a second time when it is sent (ADR 31).
"""

from dataclasses import dataclass, field
from typing import Any, TypeVar, dataclass_transform

from pydantic import ConfigDict

OPEN = "x-open"  # the mark in OpenAPI of what is a map by intention, saying whose keys they are


class Answer:
    """The base of every shape that goes out."""

    __pydantic_config__ = ConfigDict(extra="forbid")


Shape = TypeVar("Shape", bound=Answer)


def says(description: str, *, open_by: str | None = None) -> Any:
    """A field, and its line in OpenAPI. `open_by` says who decides what is in it, where we do not: a map, or any value."""
    metadata: dict[str, Any] = {"description": description}
    if open_by is not None:
        metadata["json_schema_extra"] = {OPEN: open_by}
    return field(metadata=metadata)


@dataclass_transform(kw_only_default=True, field_specifiers=(says,))
def answer(shape: type[Shape]) -> type[Shape]:
    """Makes an Answer of the class: every field is given by name, and none has a default, so that none is ever left out."""
    return dataclass(kw_only=True)(shape)

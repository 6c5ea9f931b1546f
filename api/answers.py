"""The bodies of JSON answers: orjson, straight from rows and dicts, and RFC 9457 problems.

The routes declare their models for OpenAPI; what they return is not validated a second time.
"""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

OPTIONS = orjson.OPT_NON_STR_KEYS


class Json(Response):
    """A JSON answer. Times come out as ISO 8601 with zone, ids as strings."""

    media_type = "application/json"

    def __init__(
        self, content: Any, status_code: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(content, status_code, headers)

    def render(self, content: Any) -> bytes:
        """`content` as JSON; sets and the like become lists, everything else unknown is an error."""
        return orjson.dumps(content, default=_plain, option=OPTIONS)


class ProblemJson(Response):
    """An RFC 9457 answer."""

    media_type = "application/problem+json"


def problem_body(status: int, kind: str, detail: str, *, title: str | None = None, **members: Any) -> bytes:
    """A problem as bytes; `kind` is what programs tell problems apart by (`type` is `urn:qingling:<kind>`)."""
    problem = {
        "type": f"urn:qingling:{kind}",
        "title": title or detail,
        "status": status,
        "detail": detail,
        **members,
    }
    return orjson.dumps(problem, default=str, option=OPTIONS)


def _plain(value: Any) -> Any:
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no place in a JSON answer")

"""How JSON comes in: parsed by orjson (which refuses lone surrogates), without NUL and not endlessly nested, since neither can
be kept in the database. And what every JSON route says in OpenAPI about its refusals.
"""

from collections.abc import Callable, Coroutine
from json import JSONDecodeError
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from api.deps import find_allow
from api.routing import make_router

DEEPEST = 20
READING = frozenset({"GET", "HEAD"})
# By reference: as a model it would be worked out anew for each status of each route. api.app adds what is referred to.
PROBLEM_CONTENT = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": description, "content": PROBLEM_CONTENT}
    for status, description in {
        400: "请求不正确",
        401: "没有登录，或验证码、密码不正确",
        403: "没有权限",
        404: "不存在，或不该让您知道它存在",
        409: "与当前状态不符：已被他人办理、认领，或有了变化",
        413: "内容太大",
        422: "内容有误，errors 逐项说明",
        429: "太频繁，retry_after_s 秒后再试",
        503: "稍后再试；带同一个 Idempotency-Key",
    }.items()
}


class JsonRequest(Request):
    """A request whose JSON is read as described above."""

    async def json(self) -> Any:
        """The body. Raises JSONDecodeError, which FastAPI tells as 422."""
        if not hasattr(self, "_json"):
            body = await self.body()
            value = orjson.loads(body)
            _check_tree(value, may_hold_nul=b"\\u0000" in body)
            self._json = value
        return self._json


def _check_tree(root: Any, *, may_hold_nul: bool) -> None:
    level = [root]
    for _ in range(DEEPEST):
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                below.extend(value.values())
                if may_hold_nul and any("\0" in name for name in value):
                    raise JSONDecodeError("control character", "", 0)
            elif isinstance(value, list):
                below.extend(value)
            elif may_hold_nul and isinstance(value, str) and "\0" in value:
                raise JSONDecodeError("control character", "", 0)
        if not below:
            return
        level = below
    raise JSONDecodeError("nested too deeply", "", 0)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route says of these refusals, for its `responses`: those that `find_problems` does not know of."""
    return {status: PROBLEMS[status] for status in statuses}


def find_problems(route: APIRoute) -> set[int]:
    """The refusals that a route's declaration lets one expect: whoever may not call it, what is not there, what is sent."""
    dependant, changes = route.dependant, not (route.methods or set()) <= READING
    found = {400, 503}
    if any(find_allow(dependant)):
        found |= {401, 403}
    if dependant.path_params or any(one.name == "after" for one in dependant.query_params):
        found.add(404)
    if dependant.query_params:
        found.add(422)
    if changes:
        found.add(403)
    if changes and (401 in found or dependant.body_params):
        found.add(409)
    if dependant.body_params:
        found |= {413, 422}
    return found


class JsonRoute(APIRoute):
    """A route that reads its body as a JsonRequest, and says in OpenAPI how it may refuse."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self.responses = problems(*sorted(find_problems(self))) | self.responses

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, given our kind of request."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            return await handler(JsonRequest(request.scope, request.receive))

        return handle


def json_router(tag: str, prefix: str = "/api/v1") -> APIRouter:
    """A router for routes of the JSON contract. The prefix is the router's own, so that a route knows its whole path."""
    return make_router(prefix=prefix, tags=[tag], route_class=JsonRoute)

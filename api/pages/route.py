"""Routes of pages. Whoever acts for no enterprise any more, or has not chosen one yet, is led to choose, whatever they are
refused; unless they have typed something, which the error page shows them."""

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from api.pages.render import go_to
from api.phone import keep_on_phone
from api.routing import make_router
from api.typed import find_typed
from domain.actor import Actor
from errors import Refusal


class SkinRoute(APIRoute):
    """A route whose redirects stay in the version, desk or phone, that was asked for."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, and where it sends people."""
        handler = super().get_route_handler()

        async def answer(request: Request) -> Response:
            return keep_on_phone(request, await handler(request))

        return answer


class PageRoute(SkinRoute):
    """A route of a page."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler; by the time the refusal arrives here its transaction has been rolled back."""
        handler = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except Refusal:
                if has_no_part(request) and find_typed(request) is None:
                    return keep_on_phone(request, go_to(choosing_address(request)))
                raise

        return answer


def has_no_part(request: Request) -> bool:
    """Whether somebody has signed in who acts for no enterprise and is no officer: put out of the one they acted for, or
    about to choose."""
    actor: Actor | None = getattr(request.state, "actor", None)
    return actor is not None and not actor.membership_id and not actor.officer_id


def choosing_address(request: Request) -> str:
    """Where one chooses an enterprise, and comes back from to the page one wanted to see."""
    wanted = request.url.path if request.method == "GET" else "/"
    return "/sign-in/membership?" + urlencode({"next": wanted})


def page_router() -> APIRouter:
    """A router for pages; they are no part of the JSON contract."""
    return make_router(include_in_schema=False, route_class=PageRoute)

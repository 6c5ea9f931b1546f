"""Routes of pages. One kind of refusal needs more than the usual error page: a submit that came too late, whose texts are
shown again so that nothing that was typed is lost."""

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from api.errors import status_of, tell_facts
from api.pages.error_page import error_page
from api.pages.render import go_to
from domain.actor import Actor
from errors import Refusal


class PageRoute(APIRoute):
    """A route whose refusals may carry `entered`: what was typed, as pairs of a name and a text."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler; by the time the refusal arrives here its transaction has been rolled back."""
        handler = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except Refusal as refusal:
                if has_no_part(request):
                    return go_to(choosing_address(request))
                entered = refusal.details.pop("entered", None)
                if not entered:
                    raise
                facts = [*tell_facts(refusal.details), *entered]
                return error_page(request, status_of(refusal), "", refusal.message, facts)

        return answer


def has_no_part(request: Request) -> bool:
    """Whether somebody has signed in who acts for no enterprise and is no officer: put out of the one they acted for, or
    about to choose. Whatever they are refused, they are led to choose."""
    actor: Actor | None = getattr(request.state, "actor", None)
    return actor is not None and not actor.membership_id and not actor.officer_id


def choosing_address(request: Request) -> str:
    """Where one chooses an enterprise, and comes back from to the page one wanted to see."""
    wanted = request.url.path if request.method == "GET" else "/"
    return "/sign-in/membership?" + urlencode({"next": wanted})


def page_router() -> APIRouter:
    """A router for pages; they are no part of the JSON contract."""
    return APIRouter(include_in_schema=False, route_class=PageRoute)

"""Routes of pages. One kind of refusal needs more than the usual error page: a submit that came too late, whose texts are
shown again so that nothing that was typed is lost."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from api.errors import status_of, tell_facts
from api.pages.error_page import error_page
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
                entered = refusal.details.pop("entered", None)
                if not entered:
                    raise
                facts = [*tell_facts(refusal.details), *entered]
                return error_page(request, status_of(refusal), "", refusal.message, facts)

        return answer


def page_router() -> APIRouter:
    """A router for pages; they are no part of the JSON contract."""
    return APIRouter(include_in_schema=False, route_class=PageRoute)

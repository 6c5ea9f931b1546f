"""How pages tell a refusal that names people: who has the task or was first, and when, on a page of its own."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from api.errors import status_of
from api.pages.error_page import error_page
from api.pages.wording import moment
from errors import Refusal

STATES = {"completed": "已办结", "cancelled": "已取消"}


class PageRoute(APIRoute):
    """A route whose refusals come with what is known of them."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler; by the time the refusal arrives here its transaction has been rolled back."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await handler(request)
            except Refusal as refusal:
                facts = tell_facts(refusal.details)
                if not facts:
                    raise
                return error_page(request, status_of(refusal), "", refusal.message, facts)

        return handle


def page_router() -> APIRouter:
    """A router for pages; they are no part of the JSON contract."""
    return APIRouter(include_in_schema=False, route_class=PageRoute)


def tell_facts(details: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Who and when, as a refusal's details know it."""
    named = [
        ("现在的办理人", details.get("claimed_by_name")),
        ("认领时间", moment(details.get("claimed_at"))),
        ("办理人", details.get("by_person_name")),
        ("办理时间", moment(details.get("at"))),
        ("任务状态", STATES.get(str(details.get("state")))),
    ]
    facts = [(name, str(value)) for name, value in named if value]
    return [*facts, *details.get("entered", [])] if facts else []

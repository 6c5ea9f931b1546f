"""A page that has no phone version, asked for under `/w`: the desk's. So a link into the WeChat version always leads
somewhere. What the desk has not either is said on the phone."""

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from api.deps import allow
from api.pages.render import go_to
from api.pages.route import page_router
from api.phone import PREFIX
from tasks.exceptions import NotFound

router = page_router()


@router.get(f"{PREFIX}/{{path:path}}", dependencies=[allow()])
async def go_to_desk(request: Request, path: str) -> Response:
    """The same address without `/w`, on this site whatever was typed. Raises NotFound where nothing is there."""
    address = "/" + path.lstrip("/\\")
    if not is_at_desk(request, address):
        raise NotFound
    query = f"?{request.url.query}" if request.url.query else ""
    return go_to(address + query)


def is_at_desk(request: Request, address: str) -> bool:
    """Whether the desk has a page at this address."""
    pages = (
        route
        for route in request.app.routes
        if isinstance(route, APIRoute) and "GET" in (route.methods or ())
    )
    return any(page.path_regex.match(address) for page in pages if not page.path.startswith(f"{PREFIX}/"))

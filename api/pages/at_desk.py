"""A page that has no phone version, asked for under `/w`: the desk's. So a link into the WeChat version always leads
somewhere."""

from fastapi import Request
from starlette.responses import Response

from api.deps import allow
from api.pages.render import go_to
from api.pages.route import page_router
from api.phone import PREFIX

router = page_router()


@router.get(f"{PREFIX}/{{path:path}}", dependencies=[allow()])
async def go_to_desk(request: Request, path: str) -> Response:
    """The same address without `/w`, on this site whatever was typed."""
    query = f"?{request.url.query}" if request.url.query else ""
    return go_to("/" + path.lstrip("/\\") + query)

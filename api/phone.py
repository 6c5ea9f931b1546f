"""The WeChat version: the same pages under `/w`, drawn for a phone. What lies under it is told by the address alone, so that
links and redirects stay there; a page without a phone version is the desk's.
"""

import re
from collections.abc import Collection
from copy import copy
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.routing import compile_path

from api.security import has_signed_out
from api.wechat import is_in_wechat
from api.wired import Wired

PREFIX = "/w"

_pages: list[re.Pattern[str]] = []
_desk_only: list[re.Pattern[str]] = []


def is_phone(request: HTTPConnection) -> bool:
    """Whether a page of the phone version was asked for."""
    path = request.url.path
    return path == PREFIX or path.startswith(f"{PREFIX}/")


def base_of(request: HTTPConnection) -> str:
    """What links of this page begin with: `/w`, or nothing at the desk."""
    return PREFIX if is_phone(request) else ""


def desk_path(request: HTTPConnection) -> str:
    """The path as the desk has it, whichever version was asked for."""
    return (request.url.path.removeprefix(PREFIX) or "/") if is_phone(request) else request.url.path


def on_phone(path: str) -> str:
    """The address of a page's phone version."""
    return PREFIX if path == "/" else PREFIX + path


def second(router: APIRouter, *, without: Collection[str] = ()) -> APIRouter:
    """The same routes under `/w`, but for these paths. Each is a copy of what was worked out already, with another address."""
    phone = APIRouter()
    for route in router.routes:
        assert isinstance(route, APIRoute), "pages are made of routes"
        if route.path in without:
            _desk_only.append(route.path_regex)
            continue
        twin = copy(route)
        twin.path = on_phone(route.path)
        twin.path_regex, twin.path_format, twin.param_convertors = compile_path(twin.path)
        _pages.append(twin.path_regex)
        phone.routes.append(twin)
    return phone


def stay(request: Request, address: str) -> str:
    """Where to go on: an address of ours, from a page on a phone, leads to its phone version if there is one."""
    return find_phone(address) if is_phone(request) else address


def find_phone(address: str) -> str:
    """The phone version of a page of ours, the page itself where there is none."""
    path, mark, query = address.partition("?")
    if not path.startswith("/") or path.startswith((f"{PREFIX}/", "//")):
        return address
    if any(page.match(path) for page in _desk_only):
        return address
    twin = on_phone(path)
    return twin + mark + query if any(page.match(twin) for page in _pages) else address


def keep_on_phone(request: Request, response: Response) -> Response:
    """The same for a redirect."""
    if (location := response.headers.get("location")) is not None:
        response.headers["location"] = stay(request, location)
    return response


def entrance(request: Request, onward: str) -> str:
    """Where somebody on a phone signs in: in WeChat by WeChat, unless they have just signed out here."""
    wired: Wired = request.app.state.wired
    by_wechat = wired.wechat is not None and is_in_wechat(request) and not has_signed_out(request)
    query = f"?next={quote(onward, safe='')}" if onward not in ("", PREFIX) else ""
    return f"{PREFIX}/{'enter' if by_wechat else 'sign-in'}{query}"


def safe_onward(address: str) -> str:
    """A page of the phone version to go on to; never another site, and none of those on which one signs in."""
    inside = address == PREFIX or address.startswith((f"{PREFIX}/", f"{PREFIX}?"))
    entrances = tuple(f"{PREFIX}/{name}" for name in ("sign-in", "sign-out", "enter", "bind"))
    plain = all(" " < letter < "\x7f" for letter in address) and "\\" not in address
    return address if inside and plain and not address.startswith(entrances) else PREFIX

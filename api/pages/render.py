"""Drawing a page: the templates with their filters, and what every page carries (the CSRF token, built assets, the frame)."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api.pages import wording
from api.pages.devices import name_device
from api.pages.entry_names import entry_name
from api.pages.menu import read_menu
from api.pages.picture_parts import PicturesView, view_pictures
from api.phone import base_of, find_phone, is_phone
from api.security import csrf_token, give_browser_key, make_browser_key
from domain.code_limits import in_words
from settings import Settings

API = Path(__file__).parents[1]
STATIC = API / "static"


def static(name: str) -> str:
    """The address of a hand-written asset; it changes when the file does."""
    path = STATIC / name
    return f"/static/{name}?{int(path.stat().st_mtime)}"


def built(name: str) -> str | None:
    """The address of a bundled asset; None where nothing has been bundled: pages then work without it."""
    manifest = STATIC / "dist" / "manifest.json"
    if not manifest.exists():
        return None
    file = _read_manifest(manifest.stat().st_mtime_ns).get(name)
    return f"/static/dist/{file}" if file else None


@cache
def _read_manifest(_changed_at: int) -> dict[str, str]:
    return json.loads((STATIC / "dist" / "manifest.json").read_text())


def is_chosen(field: Any, option: Any) -> bool:
    """Whether this option of a field is among its values; what a page posted compares by its text."""
    values = field.value if isinstance(field.value, list | tuple) else [field.value]
    return any(value is not None and str(value) == str(option.value) for value in values)


def has_short_options(field: Any) -> bool:
    """Whether the options of a field fit side by side."""
    return all(len(option.label) <= 6 for option in field.options)


def as_list(value: Any) -> list[Any]:
    """One or many, without blanks."""
    values = value if isinstance(value, list | tuple) else [value]
    return [one for one in values if one not in (None, "")]


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(API / "templates"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for word in (
        "moment",
        "day",
        "short_moment",
        "due_by",
        "duration",
        "size",
        "file_kind",
        "accepted",
        "pickable",
        "file_address",
        "masked",
        "capped",
        "paragraphs",
    ):
        environment.filters[word] = getattr(wording, word)
    mine: dict[str, Any] = {
        "for_input": wording.for_input,
        "entry_name": entry_name,
        "name_device": name_device,
        "is_chosen": is_chosen,
        "as_list": as_list,
        "has_short_options": has_short_options,
        "role_names": wording.role_names,
        "wait": in_words,
    }
    environment.filters.update(mine)
    known: dict[str, Any] = {
        "static": static,
        "built": built,
        "frame": None,
        "find_phone": find_phone,
        "RATINGS": wording.RATINGS,
        "ENTERPRISE_STATES": wording.ENTERPRISE_STATES,
    }
    environment.globals.update(known)
    return environment


_templates = _environment()


def draw(request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """The page, under `/w` from the template of the same name in w/; a browser without a session gets the pre-session cookie
    its forms are bound to."""
    settings: Settings = request.app.state.wired.settings
    make_browser_key(request)
    frame = context.get("frame")
    pictures: PicturesView | None = None
    if is_phone(request) and (work := context.get("work")):
        pictures = view_pictures(request) if work.takes_files else None
        context["work"] = (work.with_wechat() if pictures else work).moved(find_phone)
    html = _templates.get_template(f"w/{template}" if is_phone(request) else template).render(
        csrf=csrf_token(request),
        base=base_of(request),
        path=request.url.path,
        pictures=pictures,
        demo=settings.demo,
        menu=read_menu(frame.held, request.url.path, may_act=frame.may_act) if frame else [],
        request_id=getattr(request.state, "request_id", ""),
        status=status,
        **context,
    )
    response = HTMLResponse(html, status)
    if pictures:
        response.headers["content-security-policy"] = pictures.policy
    give_browser_key(request, response)
    return response


def go_to(address: str) -> Response:
    """After a successful POST: the page to look at next, so that reloading repeats nothing."""
    return RedirectResponse(address, 303)

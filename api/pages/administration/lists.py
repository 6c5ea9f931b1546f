"""系统管理 · 列表: the entries of 问题类型, 业务类别 and 重要性; adding, renaming, ordering, switching off and on."""

from typing import Annotated, Literal

from fastapi import Form, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.deps import ActorDep, NowDep, SessionDep, allow
from api.pages.administration.shell import SYSTEM, draw_section, text_field
from api.pages.frame import Frame, FrameDep
from api.pages.render import go_to
from api.pages.route import page_router
from api.pages.typed_text import TypedName
from domain import lists
from domain.exceptions import FormRefused
from domain.lists import LIST_NAMES

router = page_router()
MINE = [allow(SYSTEM)]
HOME = "/system/lists"
Text = Annotated[str, Form(max_length=300)]


@router.get(HOME, dependencies=MINE)
async def go_to_first() -> Response:
    """The first list."""
    return go_to(f"{HOME}/{next(iter(LIST_NAMES))}")


@router.get(f"{HOME}/{{list_name}}", dependencies=MINE)
async def show(request: Request, session: SessionDep, frame: FrameDep, list_name: str) -> Response:
    """One list with everything that can be done to it."""
    return await _draw(request, session, frame, list_name)


@router.post(f"{HOME}/{{list_name}}", dependencies=MINE)
async def add(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    list_name: str,
    name: TypedName = "",
) -> Response:
    """A new entry at the end."""
    try:
        await lists.add_entry(session, actor, list_name, name, now)
    except FormRefused as refusal:
        await session.rollback()
        return await _draw(request, session, frame, list_name, new=name, errors=refusal.errors)
    return go_to(f"{HOME}/{list_name}?done=added")


@router.post(f"{HOME}/{{list_name}}/rename", dependencies=MINE)
async def rename(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    list_name: str,
    code: Text,
    name: TypedName = "",
) -> Response:
    """Another name."""
    try:
        await lists.rename_entry(session, actor, list_name, code, name, now)
    except FormRefused as refusal:
        await session.rollback()
        errors = {f"name-{code}": refusal.errors["name"]}
        return await _draw(request, session, frame, list_name, errors=errors, renamed=code, entered=name)
    return go_to(f"{HOME}/{list_name}?done=saved")


@router.post(f"{HOME}/{{list_name}}/move", dependencies=MINE)
async def move(
    session: SessionDep,
    actor: ActorDep,
    now: NowDep,
    list_name: str,
    code: Text,
    way: Annotated[Literal["up", "down"], Form()],
) -> Response:
    """One place up or down."""
    await lists.move_entry(session, actor, list_name, code, way, now)
    return go_to(f"{HOME}/{list_name}")


@router.post(f"{HOME}/{{list_name}}/switch", dependencies=MINE)
async def switch(
    session: SessionDep,
    actor: ActorDep,
    now: NowDep,
    list_name: str,
    code: Text,
    active: Annotated[bool, Form()],
) -> Response:
    """Offer it, or offer it no longer."""
    await lists.switch_entry(session, actor, list_name, code, active=active, now=now)
    return go_to(f"{HOME}/{list_name}?done=saved")


async def _draw(
    request: Request,
    session: AsyncSession,
    frame: Frame,
    list_name: str,
    *,
    errors: dict[str, str] | None = None,
    new: str = "",
    renamed: str = "",
    entered: str = "",
) -> Response:
    entries = await lists.list_entries(session, list_name)
    counts = await lists.count_issues(session, list_name)
    rows = [
        {
            "code": one.code,
            "name": one.name,
            "entered": entered if one.code == renamed else one.name,
            "is_open": one.code == renamed,
            "active": one.active,
            "issues": counts.get(one.code, 0),
            "key": f"name-{one.code}",
        }
        for one in entries
    ]
    return draw_section(
        request,
        "list.html",
        frame,
        SYSTEM,
        status=422 if errors else 200,
        errors=errors or {},
        list_name=list_name,
        title=LIST_NAMES[list_name],
        others=[(name, title, name == list_name) for name, title in LIST_NAMES.items()],
        entries=rows,
        field_new=text_field("name", "名称", new),
    )

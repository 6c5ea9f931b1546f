"""系统管理 · 机构: the offices as a tree; adding, renaming, moving, closing and reopening one."""

from typing import Annotated

from fastapi import Form, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.deps import ActorDep, NowDep, SessionDep, allow
from api.pages.administration.shell import SYSTEM, draw_section, select_field, text_field
from api.pages.frame import Frame, FrameDep
from api.pages.render import go_to
from api.pages.route import page_router
from api.pages.typed_text import TypedName, TypedNumber
from domain import offices
from domain.exceptions import FormRefused
from domain.models import CustomsOffice
from tasks.fields import Field

router = page_router()
MINE = [allow(SYSTEM)]
HOME = "/system/offices"
Text = Annotated[str, Form(max_length=300)]
ORDER = ("code", "name", "parent", "source")


@router.get("/system", dependencies=MINE)
async def go_to_first() -> Response:
    """The first page of 系统管理."""
    return go_to(HOME)


@router.get(HOME, dependencies=MINE)
async def list_all(request: Request, session: SessionDep, frame: FrameDep) -> Response:
    """The tree, closed offices included."""
    found = await offices.list_offices(session, only_open=False)
    tree = [{"office": office, "depth": min(depth, 5)} for office, depth in offices.walk_tree(found)]
    return draw_section(request, "offices.html", frame, SYSTEM, tree=tree)


@router.get(f"{HOME}/new", dependencies=MINE)
async def show_new(request: Request, session: SessionDep, frame: FrameDep, parent: str = "") -> Response:
    """The form for a new office."""
    entered = {"code": "", "name": "", "parent": parent, "source": ""}
    return await _draw_form(request, session, frame, entered, {}, None)


@router.post(HOME, dependencies=MINE)
async def add(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    code: TypedNumber = "",
    name: TypedName = "",
    parent: Text = "",
    source: TypedName = "",
) -> Response:
    """Add it, or show what is wrong."""
    try:
        await offices.add_office(session, actor, code=code, name=name, parent=parent, source=source, now=now)
    except FormRefused as refusal:
        await session.rollback()
        entered = {"code": code, "name": name, "parent": parent, "source": source}
        return await _draw_form(request, session, frame, entered, refusal.errors, None)
    return go_to(f"{HOME}?done=added")


@router.get(f"{HOME}/{{code}}", dependencies=MINE)
async def show(request: Request, session: SessionDep, frame: FrameDep, code: str) -> Response:
    """One office: its form, and what closing it would mean."""
    office = await offices.find_office(session, code)
    entered = {"name": office.name, "parent": office.parent or "", "source": office.source}
    return await _draw_form(request, session, frame, entered, {}, office)


@router.post(f"{HOME}/{{code}}", dependencies=MINE)
async def edit(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    code: str,
    name: TypedName = "",
    parent: Text = "",
    source: TypedName = "",
) -> Response:
    """Keep the changes, or show what is wrong."""
    try:
        await offices.edit_office(session, actor, code, name=name, parent=parent, source=source, now=now)
    except FormRefused as refusal:
        await session.rollback()
        office = await offices.find_office(session, code)
        entered = {"name": name, "parent": parent, "source": source}
        return await _draw_form(request, session, frame, entered, refusal.errors, office)
    return go_to(f"{HOME}?done=saved")


@router.post(f"{HOME}/{{code}}/close", dependencies=MINE)
async def close(session: SessionDep, actor: ActorDep, now: NowDep, code: str) -> Response:
    """No new issues from now on."""
    await offices.close_office(session, actor, code, now)
    return go_to(f"{HOME}?done=closed")


@router.post(f"{HOME}/{{code}}/reopen", dependencies=MINE)
async def reopen(session: SessionDep, actor: ActorDep, now: NowDep, code: str) -> Response:
    """It takes issues again."""
    await offices.reopen_office(session, actor, code, now)
    return go_to(f"{HOME}?done=reopened")


async def _draw_form(
    request: Request,
    session: AsyncSession,
    frame: Frame,
    entered: dict[str, str],
    errors: dict[str, str],
    office: CustomsOffice | None,
) -> Response:
    everyone = await offices.list_offices(session, only_open=False)
    tree = offices.OfficeTree({one.code: one.parent for one in everyone})
    return draw_section(
        request,
        "office.html",
        frame,
        SYSTEM,
        status=422 if errors else 200,
        office=office,
        errors={key: errors[key] for key in ORDER if key in errors},
        fields=_fields(entered, everyone, tree, office),
        use=await offices.count_use(session, office.code) if office and office.active else None,
    )


def _fields(
    entered: dict[str, str],
    everyone: list[CustomsOffice],
    tree: offices.OfficeTree,
    office: CustomsOffice | None,
) -> list[Field]:
    fields: list[Field] = []
    if office is None:
        hint = "4 位数字，添加以后不能修改。"
        fields.append(text_field("code", "关区代码", entered["code"], hint=hint, longest=4))
    fields.append(text_field("name", "单位名称", entered["name"]))
    if office is None or office.parent is not None:
        above = [
            (one.code, f"{'　' * depth}{one.code} {one.name}{'' if one.active else '（已停用）'}")
            for one, depth in offices.walk_tree(everyone)
            if office is None or not tree.is_under(one.code, office.code)
        ]
        fields.append(select_field("parent", "上级单位", above, entered["parent"]))
    hint = "代码是从哪里查到的，例如文件名称。没有核实的写“待核实”。"
    fields.append(text_field("source", "代码来源", entered["source"], hint=hint, required=False, longest=100))
    return fields

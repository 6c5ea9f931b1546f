"""系统管理 · 关员: who has an account; adding one with a first password, disabling and enabling, a new password."""

from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Form, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.deps import ActorDep, EngineDep, NowDep, SessionDep, allow
from api.pages.administration.shell import SYSTEM, draw_section, select_field, text_field
from api.pages.frame import Frame, FrameDep
from api.pages.render import go_to
from api.pages.route import page_router
from api.pages.typed_text import SearchWords, TypedName, TypedNumber
from api.pages.wording import role_names
from domain import officers
from domain.exceptions import FormRefused, RecordUnknown
from domain.officers import NewOfficer, OfficerLine
from domain.offices import list_offices, walk_tree
from tasks import administration

router = page_router()
MINE = [allow(SYSTEM)]
HOME = "/system/officers"
Text = Annotated[str, Form(max_length=300)]
ORDER = ("name", "phone", "office")


@router.get(HOME, dependencies=MINE)
async def list_all(
    request: Request,
    session: SessionDep,
    frame: FrameDep,
    q: SearchWords = "",
    office: SearchWords = "",
    after: SearchWords = "",
) -> Response:
    """Officers by name, narrowed by words and office."""
    lines = await officers.list_officers(session, words=q, office=office, after=read_cursor(after))
    return draw_section(
        request,
        "officers.html",
        frame,
        SYSTEM,
        officers=[show_line(line) for line in lines[: officers.PAGE]],
        wanted={"q": q, "office": office},
        offices=await name_offices(session),
        **page_links(HOME, lines, {"q": q, "office": office}, after),
    )


@router.get(f"{HOME}/new", dependencies=MINE)
async def show_new(request: Request, session: SessionDep, frame: FrameDep) -> Response:
    """The form for a new officer."""
    return await _draw_new(request, session, frame, {}, {})


@router.post(HOME, dependencies=MINE)
async def add(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    name: TypedName = "",
    phone: TypedNumber = "",
    office: Text = "",
) -> Response:
    """Add the account and show its first password, this once; or what is wrong."""
    try:
        new = await officers.add_officer(session, actor, name=name, phone=phone, office=office, now=now)
    except FormRefused as refusal:
        await session.rollback()
        entered = {"name": name, "phone": phone, "office": office}
        return await _draw_new(request, session, frame, entered, refusal.errors)
    return await _draw_password(request, session, frame, new, "账号已添加")


@router.get(f"{HOME}/{{officer_id}}", dependencies=MINE)
async def show(request: Request, session: SessionDep, frame: FrameDep, officer_id: UUID) -> Response:
    """One officer and what can be done."""
    line = await officers.find_officer(session, officer_id)
    entered = {"name": line.name, "office": line.office or ""}
    return await _draw_one(request, session, frame, line, entered, {})


@router.post(f"{HOME}/{{officer_id}}", dependencies=MINE)
async def edit(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    officer_id: UUID,
    name: TypedName = "",
    office: Text = "",
) -> Response:
    """Keep name and office, or show what is wrong."""
    try:
        await officers.edit_officer(session, actor, officer_id, name=name, office=office, now=now)
    except FormRefused as refusal:
        await session.rollback()
        line = await officers.find_officer(session, officer_id)
        return await _draw_one(
            request, session, frame, line, {"name": name, "office": office}, refusal.errors
        )
    return go_to(f"{HOME}/{officer_id}?done=saved")


@router.post(f"{HOME}/{{officer_id}}/disable", dependencies=MINE)
async def disable(
    session: SessionDep, engine: EngineDep, actor: ActorDep, now: NowDep, officer_id: UUID
) -> Response:
    """Out at once; what they had claimed goes back."""
    back = await administration.disable_officer(session, engine, actor, officer_id, now)
    query = {"done": "disabled", "returned": back.returned, "left": back.left}
    return go_to(f"{HOME}/{officer_id}?{urlencode(query)}")


@router.post(f"{HOME}/{{officer_id}}/enable", dependencies=MINE)
async def enable(session: SessionDep, actor: ActorDep, now: NowDep, officer_id: UUID) -> Response:
    """They may sign in again."""
    await officers.enable_officer(session, actor, officer_id, now)
    return go_to(f"{HOME}/{officer_id}?done=enabled")


@router.post(f"{HOME}/{{officer_id}}/password", dependencies=MINE)
async def reset_password(
    request: Request, session: SessionDep, actor: ActorDep, frame: FrameDep, now: NowDep, officer_id: UUID
) -> Response:
    """A new first password, shown this once."""
    new = await officers.reset_password(session, actor, officer_id, now)
    return await _draw_password(request, session, frame, new, "密码已重置")


def show_line(line: OfficerLine) -> dict[str, object]:
    """An officer as lists show them."""
    return {
        "id": line.id,
        "name": line.name,
        "phone": line.phone,
        "office_name": line.office_name or "",
        "active": line.active,
        "roles": role_names({group.split(":")[0] for group in line.groups}),
        "must_change": line.must_change_password,
    }


async def name_offices(session: AsyncSession, *, only_open: bool = False) -> list[tuple[str, str]]:
    """Codes and names of offices in the order of the tree, the depth shown by blanks."""
    found = await list_offices(session, only_open=only_open)
    return [(one.code, f"{'　' * depth}{one.code} {one.name}") for one, depth in walk_tree(found)]


def read_cursor(after: str) -> tuple[str, UUID] | None:
    """Where a page begins: behind this name and id. RecordUnknown for what is no cursor."""
    if not after:
        return None
    id_, _, name = after.partition(" ")
    try:
        return name, UUID(id_)
    except ValueError as error:
        raise RecordUnknown from error


def page_links(address: str, lines: list[OfficerLine], query: dict[str, str], after: str) -> dict[str, Any]:
    """Links to the first and the next page of a list of officers."""
    kept = {name: value for name, value in query.items() if value}
    last = lines[officers.PAGE - 1] if len(lines) > officers.PAGE else None
    cursor = {"after": f"{last.id} {last.name}"} if last else {}
    return {
        "first": f"{address}?{urlencode(kept)}" if after else None,
        "next": f"{address}?{urlencode(kept | cursor)}" if last else None,
    }


async def _draw_new(
    request: Request, session: AsyncSession, frame: Frame, entered: dict[str, str], errors: dict[str, str]
) -> Response:
    hint = "登录用的手机号码，验证码会发到这里。以后只有本人可以更换。"
    fields = [
        text_field("name", "姓名", entered.get("name", ""), longest=30),
        text_field("phone", "手机号码", entered.get("phone", ""), hint=hint),
        select_field(
            "office", "所属单位", await name_offices(session, only_open=True), entered.get("office", "")
        ),
    ]
    in_order = {key: errors[key] for key in ORDER if key in errors}
    status = 422 if errors else 200
    return draw_section(
        request, "officer_new.html", frame, SYSTEM, status=status, fields=fields, errors=in_order
    )


async def _draw_one(
    request: Request,
    session: AsyncSession,
    frame: Frame,
    line: OfficerLine,
    entered: dict[str, str],
    errors: dict[str, str],
) -> Response:
    fields = [
        text_field("name", "姓名", entered["name"], longest=30),
        select_field("office", "所属单位", await name_offices(session), entered["office"]),
    ]
    in_order = {key: errors[key] for key in ORDER if key in errors}
    return draw_section(
        request,
        "officer.html",
        frame,
        SYSTEM,
        status=422 if errors else 200,
        officer=show_line(line),
        fields=fields,
        errors=in_order,
    )


async def _draw_password(
    request: Request, session: AsyncSession, frame: Frame, new: NewOfficer, title: str
) -> Response:
    line = await officers.find_officer(session, new.officer_id)
    return draw_section(
        request,
        "officer_password.html",
        frame,
        SYSTEM,
        officer=show_line(line),
        password=new.password,
        title=title,
    )

"""安全管理 · 关员权限: which officer may act in which role at which office; giving and taking."""

from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Form, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.deps import ActorDep, EngineDep, NowDep, SessionDep, allow
from api.pages.administration.officers import name_offices, page_links, read_cursor, show_line
from api.pages.administration.shell import SECURITY, draw_section, select_field
from api.pages.frame import Frame, FrameDep
from api.pages.render import go_to
from api.pages.route import page_router
from api.pages.typed_text import SearchWords
from api.pages.wording import ROLE_NAMES
from domain import officers, roles
from domain.actor import Actor
from domain.exceptions import FormRefused, RolesApart
from domain.models.people import ADMINISTRATORS, OFFICER_ROLES
from tasks import administration

router = page_router()
MINE = [allow(SECURITY)]
HOME = "/security/roles"
Text = Annotated[str, Form(max_length=100)]


@router.get("/security", dependencies=MINE)
async def go_to_first() -> Response:
    """The first page of 安全管理."""
    return go_to(HOME)


@router.get(HOME, dependencies=MINE)
async def list_all(
    request: Request,
    session: SessionDep,
    frame: FrameDep,
    q: SearchWords = "",
    office: SearchWords = "",
    role: SearchWords = "",
    after: SearchWords = "",
) -> Response:
    """Officers with their roles, narrowed by words, office and role."""
    lines = await officers.list_officers(session, words=q, office=office, role=role, after=read_cursor(after))
    wanted = {"q": q, "office": office, "role": role}
    return draw_section(
        request,
        "roles.html",
        frame,
        SECURITY,
        officers=[show_line(line) for line in lines[: officers.PAGE]],
        wanted=wanted,
        offices=await name_offices(session),
        roles=[(code, ROLE_NAMES[code]) for code in OFFICER_ROLES],
        **page_links(HOME, lines, wanted, after),
    )


@router.get(f"{HOME}/{{officer_id}}", dependencies=MINE)
async def show(
    request: Request, session: SessionDep, actor: ActorDep, frame: FrameDep, officer_id: UUID
) -> Response:
    """One officer's roles."""
    return await _draw(request, session, actor, frame, officer_id, {}, {})


@router.post(f"{HOME}/{{officer_id}}/give", dependencies=MINE)
async def give(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    officer_id: UUID,
    role: Text = "",
    office: Text = "",
) -> Response:
    """Give a role, or show what is wrong."""
    entered = {"role": role, "office": office}
    try:
        await roles.give_role(session, actor, officer_id, role, office, now)
    except FormRefused as refusal:
        errors = refusal.errors
    except RolesApart as refusal:
        errors = {"role": refusal.message}
    else:
        return go_to(f"{HOME}/{officer_id}?done=given")
    await session.rollback()
    return await _draw(request, session, actor, frame, officer_id, entered, errors)


@router.post(f"{HOME}/{{officer_id}}/take", dependencies=MINE)
async def take(
    session: SessionDep,
    engine: EngineDep,
    actor: ActorDep,
    now: NowDep,
    officer_id: UUID,
    role: Text,
    office: Text,
) -> Response:
    """Take a role; what was claimed by it goes back."""
    back = await administration.take_role(session, engine, actor, officer_id, role, office, now)
    query = {"done": "taken", "returned": back.returned, "left": back.left}
    return go_to(f"{HOME}/{officer_id}?{urlencode(query)}")


async def _draw(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    frame: Frame,
    officer_id: UUID,
    entered: dict[str, str],
    errors: dict[str, str],
) -> Response:
    line = await officers.find_officer(session, officer_id)
    held = await roles.list_roles(session, officer_id)
    office = entered.get("office", line.office or "")
    hint = "系统管理员、安全管理员、审计管理员由三个不同的人担任，都在最上级单位。"
    fields = [
        select_field(
            "role",
            "角色",
            [(code, ROLE_NAMES[code]) for code in OFFICER_ROLES],
            entered.get("role", ""),
            hint=hint,
        ),
        select_field("office", "海关单位", await name_offices(session, only_open=True), office),
    ]
    return draw_section(
        request,
        "officer_roles.html",
        frame,
        SECURITY,
        status=422 if errors else 200,
        errors={key: errors[key] for key in ("role", "office") if key in errors},
        officer=show_line(line),
        is_me=line.person_id == actor.person_id,
        held=[
            {
                "role": one.role,
                "name": ROLE_NAMES[one.role],
                "office": one.office,
                "office_name": one.office_name,
            }
            | {"closed": not one.office_active, "is_administrator": one.role in ADMINISTRATORS}
            for one in held
        ],
        fields=fields,
    )

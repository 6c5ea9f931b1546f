"""安全管理 · 企业: suspending an enterprise, and lifting it."""

from uuid import UUID

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.deps import ActorDep, NowDep, SessionDep, allow
from api.pages.administration.shell import SECURITY, area_field, draw_section
from api.pages.frame import Frame, FrameDep
from api.pages.render import go_to
from api.pages.route import page_router
from api.pages.typed_text import SearchWords, TypedReason
from domain import suspension
from domain.exceptions import FormRefused

router = page_router()
MINE = [allow(SECURITY)]
HOME = "/security/enterprises"


@router.get(HOME, dependencies=MINE)
async def list_all(
    request: Request, session: SessionDep, frame: FrameDep, q: SearchWords = "", suspended: bool = False
) -> Response:
    """Registered enterprises, suspended ones first."""
    found = await suspension.list_enterprises(session, words=q, only_suspended=suspended)
    return draw_section(
        request,
        "enterprises.html",
        frame,
        SECURITY,
        enterprises=found,
        wanted={"q": q, "suspended": suspended},
        is_full=len(found) == suspension.PAGE,
    )


@router.get(f"{HOME}/{{enterprise_id}}", dependencies=MINE)
async def show(request: Request, session: SessionDep, frame: FrameDep, enterprise_id: UUID) -> Response:
    """One enterprise."""
    return await _draw(request, session, frame, enterprise_id, "", {})


@router.post(f"{HOME}/{{enterprise_id}}/suspend", dependencies=MINE)
async def suspend(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    enterprise_id: UUID,
    reason: TypedReason = "",
) -> Response:
    """Its people only read from now on."""
    try:
        await suspension.suspend_enterprise(session, actor, enterprise_id, reason, now)
    except FormRefused as refusal:
        await session.rollback()
        return await _draw(request, session, frame, enterprise_id, reason, refusal.errors)
    return go_to(f"{HOME}/{enterprise_id}?done=suspended")


@router.post(f"{HOME}/{{enterprise_id}}/lift", dependencies=MINE)
async def lift(session: SessionDep, actor: ActorDep, now: NowDep, enterprise_id: UUID) -> Response:
    """Its people act again."""
    await suspension.lift_suspension(session, actor, enterprise_id, now)
    return go_to(f"{HOME}/{enterprise_id}?done=lifted")


async def _draw(
    request: Request,
    session: AsyncSession,
    frame: Frame,
    enterprise_id: UUID,
    reason: str,
    errors: dict[str, str],
) -> Response:
    hint = "企业的用户会在每个页面上看到，最多 200 字。"
    return draw_section(
        request,
        "enterprise.html",
        frame,
        SECURITY,
        status=422 if errors else 200,
        errors=errors,
        enterprise=await suspension.find_enterprise(session, enterprise_id),
        field_reason=area_field("reason", "暂停原因", reason, hint=hint, longest=200),
    )

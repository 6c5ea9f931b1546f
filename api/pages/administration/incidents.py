"""系统管理 · 运行 · 故障: one incident with its details, trying it again, marking it as settled; and those settled before."""

from typing import Annotated
from uuid import UUID

from fastapi import Form, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.deps import ActorDep, NowDep, SessionDep, allow
from api.pages.administration.shell import SYSTEM, area_field, draw_section
from api.pages.frame import Frame, FrameDep
from api.pages.render import go_to
from api.pages.route import page_router
from domain.exceptions import FormRefused
from tasks import incidents
from tasks.incidents import IncidentView

router = page_router()
MINE = [allow(SYSTEM)]
HOME = "/system/running/incidents"
COMMANDS = {
    "run_due_timers": "到时自动办理",
    "complete": "办理人提交",
    "correlate": "撤回等操作",
    "reschedule": "调整时间",
    "migrate": "换用新版本的流程",
}


@router.get(HOME, dependencies=MINE)
async def list_settled(request: Request, session: SessionDep, frame: FrameDep) -> Response:
    """Those that were settled, the last first."""
    found = await incidents.list_incidents(session, is_open=False)
    return draw_section(
        request, "incidents.html", frame, SYSTEM, incidents=[show_incident(one) for one in found]
    )


@router.get(f"{HOME}/{{incident_id}}", dependencies=MINE)
async def show(request: Request, session: SessionDep, frame: FrameDep, incident_id: UUID) -> Response:
    """One incident."""
    return await _draw(request, session, frame, incident_id, "", {})


@router.post(f"{HOME}/{{incident_id}}/retry", dependencies=MINE)
async def retry(session: SessionDep, actor: ActorDep, now: NowDep, incident_id: UUID) -> Response:
    """Let the worker try again at once."""
    await incidents.retry_incident(session, actor, incident_id, now)
    return go_to(f"{HOME}/{incident_id}?done=retried")


@router.post(f"{HOME}/{{incident_id}}/settle", dependencies=MINE)
async def settle(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    incident_id: UUID,
    note: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Closed, and how."""
    try:
        await incidents.settle_incident(session, actor, incident_id, note, now)
    except FormRefused as refusal:
        await session.rollback()
        return await _draw(request, session, frame, incident_id, note, refusal.errors)
    return go_to("/system/running?done=settled")


def show_incident(one: IncidentView) -> dict[str, object]:
    """An incident in words."""
    return {
        "id": one.id,
        "title": one.number or one.subject or one.process,
        "step": one.element_name or one.element_id or "",
        "command": COMMANDS.get(one.command, one.command),
        "tries": one.tries,
        "last_at": one.last_at,
        "resolved_at": one.resolved_at,
        "resolved_by": one.resolved_by or "系统",
        "note": one.note,
    }


def _advise(one: IncidentView) -> str:
    """What can be done about it, in a sentence."""
    if one.resolved_at is not None:
        return ""
    if one.may_retry:
        return "系统会自动重试，间隔逐次加长。找到并排除原因以后，可以让它马上重试。"
    if one.task_state == "ready":
        return "办理人填写的内容已存为草稿。排除原因以后，请办理人打开这件事项再次提交。"
    if one.task_state == "completed":
        return "办理人后来已经提交成功。"
    return "排除原因以后，由办理人再次操作。"


async def _draw(
    request: Request,
    session: AsyncSession,
    frame: Frame,
    incident_id: UUID,
    note: str,
    errors: dict[str, str],
) -> Response:
    one = await incidents.find_incident(session, incident_id)
    hint = "写明原因和怎样处理的，最多 500 字。"
    return draw_section(
        request,
        "incident.html",
        frame,
        SYSTEM,
        status=422 if errors else 200,
        errors=errors,
        incident=show_incident(one),
        detail=one,
        advice=_advise(one),
        field_note=area_field("note", "处理情况", note, hint=hint, longest=500),
    )

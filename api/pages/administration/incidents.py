"""系统管理 · 运行 · 故障: one incident with its details, trying it again, marking it as settled; and those settled before."""

from uuid import UUID

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.deps import ActorDep, NowDep, SessionDep, allow
from api.pages.administration.shell import SYSTEM, area_field, draw_section
from api.pages.frame import Frame, FrameDep
from api.pages.render import go_to
from api.pages.route import page_router
from api.pages.typed_text import TypedReason
from domain.exceptions import FormRefused
from tasks import incidents
from tasks.incidents import IncidentView
from tasks.retries import retry_incident

router = page_router()
MINE = [allow(SYSTEM)]
HOME = "/system/running/incidents"
COMMANDS = {
    "run_due_timers": "到时自动办理",
    "complete": "办理人提交",
    "correlate": "撤回等操作",
    "reassign": "改由他人办理",
    "skip": "跳过一步",
    "reschedule": "调整时间",
    "migrate": "换用新版本的流程",
    "move_deadlines": "后台作业：按节假日调整期限",
    "move_late_work": "后台作业：移交离任用户的问题",
    "supersede_registrations": "后台作业：办结被取代的注册申请",
}
BY_ITSELF = {
    "run_due_timers": "系统会自动重试，间隔逐次加长，最长 6 小时。找到并排除原因以后，可以让它马上重试。",
    "move_deadlines": "这一件的期限没有改动，其他事项不受影响。每天夜里自动再办一次；排除原因以后，可以让它马上重试。",
    "supersede_registrations": "这份申请仍显示为待审核，不能再通过。每天夜里自动再办一次；排除原因以后，可以让它马上重试。",
    "move_late_work": "这一件仍在离任用户名下，其他事项不受影响。每 5 分钟自动再办一次，排除原因以后不需要再做什么。",
}
"""What the system goes on to do, for what nobody has to repeat."""


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
    await retry_incident(session, actor, incident_id, now)
    return go_to(f"{HOME}/{incident_id}?done=retried")


@router.post(f"{HOME}/{{incident_id}}/settle", dependencies=MINE)
async def settle(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    incident_id: UUID,
    note: TypedReason = "",
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
    if one.command in BY_ITSELF:
        return BY_ITSELF[one.command]
    if one.command == "complete" and one.task_state == "ready":
        who = f"办理人{one.task_holder}" if one.task_holder else "办理人"
        return (
            f"没有任何改动，{who}填写的内容已存为这一步的草稿。排除原因以后，请{who}在“待办”里打开这件事项，"
            "核对后再次提交；提交成功后这里自动标记为已处理。"
        )
    if one.task_state == "completed":
        return "办理人后来已经提交成功，稍后自动标记为已处理。"
    return "没有任何改动。排除原因以后，请当时操作的人再做一次；处理完请在下面标记。"


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

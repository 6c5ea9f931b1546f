"""系统管理 · 运行: the health of queues, failed jobs, and the incidents that wait for somebody."""

from fastapi import Request
from starlette.responses import Response

from api.deps import ActorDep, NowDep, SessionDep, WiredDep, allow
from api.pages.administration.incidents import show_incident
from api.pages.administration.shell import SYSTEM, draw_section
from api.pages.frame import FrameDep
from api.pages.render import go_to
from api.pages.route import page_router
from messages import alarms
from tasks import incidents, queues

router = page_router()
MINE = [allow(SYSTEM)]
HOME = "/system/running"
JOB_NAMES = {
    "deliver_messages": "发送消息",
    "deliver_codes": "发送验证码",
    "pull_reports": "取回执",
    "take_early_reports": "再记一次先到的回执",
    "recover_work": "收回中断的作业",
    "sweep": "清理过期内容",
    "move_deadlines": "按节假日调整期限（每晚）",
    "move_deadlines_now": "按节假日调整期限",
    "give_back_later": "退回停用人员的事项",
    "move_late_work": "移交离任用户的问题",
    "supersede_registrations": "办结被取代的注册申请",
    "seal_audit": "封存审计记录",
    "settle_past": "标记已经解决的故障",
}


@router.get(HOME, dependencies=MINE)
async def show(
    request: Request, session: SessionDep, frame: FrameDep, wired: WiredDep, now: NowDep
) -> Response:
    """Everything on one page, what needs somebody first."""
    health = await queues.read_health(session, now)
    jobs = await queues.list_failed_jobs(session)
    return draw_section(
        request,
        "running.html",
        frame,
        SYSTEM,
        incidents=[show_incident(one) for one in await incidents.list_incidents(session)],
        health=health,
        jobs=[{"job": job, "name": JOB_NAMES.get(job.name, job.name)} for job in jobs],
        card_alarms=wired.cards.alarms(now) if wired.cards else [],
        cards_closed=wired.cards is not None and not wired.cards.is_open(now),
        message_alarms=await alarms.list_open(session),
        worried=not health.workers or bool(health.timers_late),
    )


@router.post(f"{HOME}/jobs/{{job_id}}/retry", dependencies=MINE)
async def retry_job(session: SessionDep, actor: ActorDep, now: NowDep, job_id: int) -> Response:
    """Try a failed job again."""
    await queues.retry_job(session, actor, job_id, now)
    return go_to(f"{HOME}?done=retried")

"""One issue: the question, the answers and what is wanted from me; the history; withdrawing it; its files."""

from datetime import datetime
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from api.deps import ActorDep, EngineDep, NowDep, SessionDep, WiredDep, allow
from api.failures import note_attempt
from api.json.attachments import answer_file
from api.pages.beside import who_else
from api.pages.frame import FrameDep
from api.pages.issue_view import IssueView, view_issue
from api.pages.render import draw, go_to
from api.pages.route import page_router
from api.pages.wording import due_day, moment
from api.pages.work import Work, draw_work
from domain.exceptions import CannotWithdraw
from messages.notices import mark_about_read
from tasks import inbox, issues, unread
from tasks.details import OpenTask, get_issue

router = page_router()
BELOW = "evaluate_answer"  # the guide: the evaluation stands at the bottom of the issue's own page
WANTED = {
    "draft_issue": ("写完并提交这个问题", "继续填写"),
    "rework_issue": ("按退回意见修改，再次送审", "去修改"),
    "review_issue": ("审核这个问题，提交海关或退回", "去审核"),
    "answer_issue": ("办理这个问题", "去办理"),
    "supply_information": ("按海关的要求补充", "去补充"),
    "evaluate_answer": ("评价海关的答复", "去评价"),
}


@router.get("/issues/{issue_id}", dependencies=[allow()])
async def show_issue(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    engine: EngineDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    issue_id: UUID,
) -> Response:
    """The whole issue. Raises NotFound for whoever may not read it."""
    await wired.calendar.refresh(session, now)
    await unread.mark_seen(session, actor, issue_id, now)
    frame = frame.after_reading(await mark_about_read(session, actor.person_id, issue_id, now))
    issue = await view_issue(session, wired, actor, issue_id, now, history=True)
    work: Work | None = None
    below = next(
        (task for task in issue.detail.open_tasks if task.is_mine and task.element_id == BELOW), None
    )
    if below is not None and actor.may_act:
        work = await draw_work(
            session, wired, await inbox.get_task(session, engine, actor, below.id, now), now=now
        )
    return draw(
        request,
        "issue.html",
        frame=frame,
        issue=issue,
        work=work,
        wanted=[
            _want(task)
            for task in issue.detail.open_tasks
            if actor.may_act and (task.is_mine or task.may_claim)
        ],
        state_words=tell_state(issue),
        others=await who_else(session, actor, issue_id, now),
        now=now,
        may_withdraw=issue.detail.may_withdraw and actor.may_act,
        process={"done": issue.steps, "active": issue.current_steps},
    )


@router.post(
    "/issues/{issue_id}/withdraw", dependencies=[allow("enterprise_admin", "executive", "customs_affairs")]
)
async def withdraw(
    request: Request, session: SessionDep, engine: EngineDep, actor: ActorDep, now: NowDep, issue_id: UUID
) -> Response:
    """Take it back. A second click finds it withdrawn already and shows the same page."""
    note_attempt(request, "withdraw", actor, instance_id=issue_id)
    try:
        await issues.withdraw_issue(session, engine, actor, issue_id, now)
    except CannotWithdraw:
        await session.rollback()
        detail = await get_issue(session, engine, actor, issue_id)
        if (detail.issue.outcome, detail.issue.submitter_id) != ("withdrawn", actor.person_id):
            raise
    return go_to(f"/issues/{issue_id}/withdrawn")


@router.get("/issues/{issue_id}/withdrawn", dependencies=[allow()])
async def show_withdrawn(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    issue_id: UUID,
) -> Response:
    """What withdrawing means."""
    issue = await view_issue(session, wired, actor, issue_id, now)
    if issue.outcome != "withdrawn":
        return go_to(f"/issues/{issue_id}")
    done = {
        "title": "问题已撤回",
        "tone": "withdrawn",
        "next": ["海关和企业高管不再办理这个问题，办理记录仍然保留。", "需要时可以重新提出。"],
        "links": [
            {"address": "/issues", "name": "回到问题管理", "is_next": False},
            {"address": f"/issues/{issue_id}", "name": "看这个问题", "is_next": False},
        ],
    }
    return draw(request, "done.html", frame=frame, done=done, issue=issue)


@router.get("/attachments/{attachment_id}", dependencies=[allow()])
async def show_attachment(
    session: SessionDep, wired: WiredDep, actor: ActorDep, attachment_id: UUID
) -> Response:
    """A file; pictures and PDF open in the browser."""
    return await answer_file(session, wired.store, actor, attachment_id, inline=True)


def tell_state(issue: IssueView) -> str:
    """Where the issue stands and what will happen, in a sentence or two."""
    by = f"，答复期限是 {due_day(issue.due_at)}" if issue.due_at else ""
    match issue.phase:
        case "draft":
            return "这是一份草稿，只有提出问题的人看得到，还没有提交。"
        case "review" if issue.current_steps == ["修改问题"]:
            return f"{issue.executive_name}把问题退回了，等待{issue.submitter_name}修改。"
        case "review":
            return f"等待企业高管{issue.executive_name}审核，审核通过后提交{issue.office_name}。"
        case "customs" if any(task.claimed_by for task in issue.detail.open_tasks):
            return f"{issue.office_name}正在办理{by}。"
        case "customs":
            return f"已提交{issue.office_name}，等待经办关员认领{by}。"
        case "enterprise":
            return f"海关需要更多情况，等待{issue.submitter_name}补充。等待期间暂停计算办理期限。"
        case "answered":
            return f"海关已经答复，请经办人和审核高管评价。{tell_expiry(issue.expires_at)}"
        case "closed" if issue.outcome == "withdrawn":
            return f"经办人已于 {moment(issue.closed_at)} 撤回这个问题。"
        case "closed":
            return f"这个问题已于 {moment(issue.closed_at)} 清零。"
        case _:
            return f"当前状态：{issue.status or '草稿'}。"


def tell_expiry(at: datetime | None) -> str:
    """Until when somebody may evaluate, and what then; nothing where the diagram sets no end."""
    return f"{due_day(at)}前没有评价的，按“未评价”办结。" if at else ""


def _want(task: OpenTask) -> dict[str, str | None]:
    name, button = WANTED.get(task.element_id, (task.name, "去办理"))
    if not task.is_mine:
        return {
            "name": f"认领并{name}",
            "address": None,
            "button": None,
            "claim_address": f"/tasks/{task.id}/claim",
        }
    address = "#do" if task.element_id == BELOW else f"/tasks/{task.id}"
    return {"name": name, "address": address, "button": button, "claim_address": None}

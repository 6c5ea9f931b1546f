"""待办: what is mine, what I may claim, what I have done; claiming one or many."""

from dataclasses import asdict
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Form, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.deps import ActorDep, EngineDep, NowDep, SessionDep, WiredDep, allow
from api.pages.due import tell_due
from api.pages.frame import Frame, FrameDep
from api.pages.render import draw, go_to
from api.pages.route import page_router
from domain.actor import Actor
from domain.answer_templates import USERS
from domain.working_days import WorkingCalendar
from engine.instances import Engine
from tasks import commands, inbox, unread
from tasks.inbox import TaskLine, View
from tasks.standing import is_below

router = page_router()
NAMES: dict[View, str] = {"mine": "我的待办", "claimable": "待认领", "done": "已办结"}
EMPTY: dict[View, dict[str, str]] = {
    "mine": {"title": "没有等您办理的事项", "words": "轮到您办理时，这里会列出来，也会发短信告诉您。"},
    "claimable": {"title": "没有待认领的事项", "words": "新提交到本单位的问题会出现在这里，谁认领由谁办理。"},
    "done": {"title": "您还没有办结的事项", "words": "您办过的每一步都会留在这里。"},
}


@router.get("/tasks", dependencies=[allow()])
async def list_tasks(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    view: View | None = None,
    after: str | None = None,
    claimed: int | None = None,
    missed: int = 0,
) -> Response:
    """One view; without a choice the one in which something waits."""
    await wired.calendar.refresh(session, now)
    shown = view or ("claimable" if not frame.mine and frame.claimable else "mine")
    page = await inbox.list_tasks(session, actor, shown, after)
    marks = await unread.find_unread(session, actor, {line.issue.id for line in page.items if line.issue})
    return draw(
        request,
        "tasks.html",
        frame=frame,
        view=shown,
        tab_items=_tabs(frame, shown),
        caption=NAMES[shown],
        has_templates=bool(actor.offices_as(*USERS)),
        tasks=[
            {
                **_show(line, actor, wired.calendar, now),
                "address": _read_address(line)
                if shown == "done"
                else await address_of(session, wired.engine, line),
                "unread": marks.get(line.instance_id),
            }
            for line in page.items
        ],
        first=f"/tasks?view={shown}" if after else None,
        next=f"/tasks?{urlencode({'view': shown, 'after': page.next})}" if page.next else None,
        notice=_tell_claimed(claimed, missed),
        empty=_empty(shown, frame),
    )


@router.post("/tasks/claim", dependencies=[allow()])
async def claim_many(
    session: SessionDep,
    engine: EngineDep,
    actor: ActorDep,
    now: NowDep,
    task: Annotated[list[UUID] | None, Form()] = None,
) -> Response:
    """Claim the ticked ones; those that somebody else was faster with are counted."""
    if not task:
        return go_to("/tasks?view=claimable&claimed=0")
    outcome = await commands.claim_many(session, engine, actor, task, now)
    query = {
        "view": "mine" if outcome.claimed else "claimable",
        "claimed": len(outcome.claimed),
        "missed": len(outcome.refused),
    }
    return go_to(f"/tasks?{urlencode(query)}")


async def address_of(session: AsyncSession, engine: Engine, line: TaskLine) -> str:
    """Where a task is done: on its own page, or (where the diagram says so) below the issue it is about."""
    if line.issue:
        definition = await engine.catalogue.load(session, line.definition_id)
        if is_below(definition, line.element_id):
            return f"/issues/{line.issue.id}#do"
    return f"/tasks/{line.id}"


def _tabs(frame: Frame, shown: View) -> list[dict[str, object]]:
    counts: dict[View, int | None] = {"mine": frame.mine, "claimable": frame.claimable, "done": None}
    views: list[View] = (
        ["mine", "claimable", "done"] if frame.is_officer or frame.claimable else ["mine", "done"]
    )
    return [
        {"name": NAMES[one], "address": f"/tasks?view={one}", "count": counts[one], "current": one == shown}
        for one in views
    ]


def _show(line: TaskLine, actor: Actor, calendar: WorkingCalendar, now: NowDep) -> dict[str, object]:
    issue, registration = line.issue, line.registration
    about = issue or registration
    parts = [about.number, about.enterprise_name if actor.officer_id else about.office_name] if about else []
    if registration:
        parts = [registration.number, f"向{registration.office_name}注册"]
    if about and about.round:
        parts.append(f"第 {about.round + 1} {'轮办理' if issue else '次提交'}")
    return {
        "id": line.id,
        "name": line.name,
        "title": (issue.title or "（尚未填写标题）") if issue else line.subject or line.name,
        "sub": " · ".join(parts),
        "about": about and {"importance": None, **asdict(about), "outcome": None},
        "due": tell_due(line.due_at, now, calendar),
        "completed_at": line.completed_at,
    }


def _read_address(line: TaskLine) -> str:
    """Where what a task was about is read, once it is done."""
    if line.registration:
        return f"/registrations/{line.registration.id}"
    return f"/issues/{line.issue.id}" if line.issue else f"/tasks/{line.id}"


def _tell_claimed(claimed: int | None, missed: int) -> dict[str, str] | None:
    if claimed is None:
        return None
    if not claimed and not missed:
        return {"level": "warn", "words": "请先勾选要认领的事项。"}
    words = f"已认领 {claimed} 件。" if claimed else ""
    if missed:
        words += (
            f"另有 {missed} 件已被他人认领或已有变化。"
            if claimed
            else f"没有认领成功：{missed} 件已被他人认领或已有变化。"
        )
    return {"level": "go" if claimed else "warn", "words": words}


def _empty(shown: View, frame: Frame) -> dict[str, str]:
    empty = {**EMPTY[shown], "address": "", "button": ""}
    if shown == "mine" and frame.claimable:
        return empty | {
            "words": f"本单位还有 {frame.claimable} 件待认领。",
            "address": "/tasks?view=claimable",
            "button": "去认领",
        }
    if shown == "mine" and frame.may_raise:
        return empty | {"address": "/issues/new", "button": "新建问题"}
    return empty

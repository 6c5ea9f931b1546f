"""One task: read it, claim it, fill it in, send it; give it back or hand it over; and the page that says what happens next."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import Form, Request
from starlette.responses import Response

from api.answers import Json
from api.deps import ActorDep, EngineDep, NowDep, SessionDep, WiredDep, allow
from api.failures import note_attempt
from api.pages import answer_templates
from api.pages.beside import who_else
from api.pages.done import draw_done
from api.pages.frame import FrameDep, frame_of
from api.pages.issue_view import IssueView, view_issue
from api.pages.registration_view import RegistrationView, view_registration
from api.pages.render import draw, go_to
from api.pages.route import page_router
from api.pages.script_answers import SavedDraft
from api.pages.step_words import Speaker
from api.pages.task_list import address_of
from api.pages.wording import moment, short_moment
from api.pages.work import (
    Work,
    draw_work,
    drop_unreachable,
    keep_uploads,
    read_answers,
    shape,
    type_answers,
    ways_out,
)
from api.wired import Wired
from domain.actor import Actor
from domain.exceptions import (
    AlreadyApplied,
    AttachmentRefused,
    ChooseExecutive,
    EnterpriseRegistered,
    NoExecutive,
    OfficeClosed,
    SameOffice,
)
from domain.presence import Looker
from engine.exceptions import StaleVersion, TaskAlreadyClaimed
from errors import Refusal
from messages.notices import mark_about_read
from tasks import commands, completion, inbox, unread
from tasks.exceptions import AnswersRefused, KeyReused
from tasks.fields import fields
from tasks.inbox import TaskView
from tasks.task_forms import keeps_record

router = page_router()
FIELD_OF: dict[type[Refusal], str] = {
    ChooseExecutive: "executive",
    NoExecutive: "no_executive",
    OfficeClosed: "office",
    SameOffice: "office",
    EnterpriseRegistered: "uscc",
    AlreadyApplied: "uscc",
}
"""Refusals of customs' own rules that are about one field of a form."""
CORRECTABLE = (
    AnswersRefused,
    ChooseExecutive,
    NoExecutive,
    OfficeClosed,
    SameOffice,
    EnterpriseRegistered,
    AlreadyApplied,
    AttachmentRefused,
    KeyReused,
)


@dataclass(frozen=True)
class Filled:
    """What a form is drawn with besides its task: what was refused, why, and where that can be put right."""

    entered: Mapping[str, Any] | None = None
    errors: Mapping[str, str] = field(default_factory=dict[str, str])
    lead: str | None = None
    ways: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])


@router.get("/tasks/{task_id}", dependencies=[allow()])
async def show_task(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    engine: EngineDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    task_id: UUID,
) -> Response:
    """The task with its form, or with what may be done instead."""
    view = await inbox.get_task(session, engine, actor, task_id, now)
    filled = Filled() if view.is_mine and actor.may_act else None
    return await _draw(request, session, wired, actor, view, filled, now)


@router.post("/tasks/{task_id}", dependencies=[allow()])
async def send_task(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    engine: EngineDep,
    actor: ActorDep,
    now: NowDep,
    task_id: UUID,
    act: Annotated[str, Form()] = "send",
    version: Annotated[int | None, Form()] = None,
    idempotency_key: Annotated[str | None, Form(max_length=200)] = None,
    template: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Save what was filled in (with a template put in, where the browser cannot), or send it.

    What is refused comes back with every mistake and everything that was typed.
    """
    form = await request.form()
    answers = read_answers(form)
    try:
        await keep_uploads(session, wired, actor, form, answers, now)
        if act in ("save", "template"):
            view = await inbox.get_task(session, engine, actor, task_id, now)
            answers = type_answers(view.form, view.context, answers)
            if act == "template":
                answers = await answer_templates.put_in(session, actor, answers, template)
            await commands.save_draft(session, engine, actor, task_id, answers, now)
            return go_to(f"/tasks/{task_id}{'#f-answer' if act == 'template' else ''}")
        note_attempt(request, "complete", actor, task_id=task_id, answers=answers)
        await completion.complete(
            session,
            engine,
            actor,
            task_id,
            answers,
            now=now,
            version=version,
            idempotency_key=idempotency_key,
            max_files=wired.settings.attachments_per_issue,
        )
    except (*CORRECTABLE, StaleVersion) as refusal:
        await session.rollback()
        return await _draw_again(request, session, wired, actor, task_id, answers, refusal, now)
    return go_to(f"/tasks/{task_id}/done")


@router.post("/tasks/{task_id}/draft", response_model=SavedDraft, dependencies=[allow()])
async def save_draft(
    request: Request, session: SessionDep, engine: EngineDep, actor: ActorDep, now: NowDep, task_id: UUID
) -> Response:
    """What the page saves by itself: when it was saved, and which fields the answers so far call for."""
    view = await inbox.get_task(session, engine, actor, task_id, now)
    answers = type_answers(view.form, view.context, read_answers(await request.form()))
    saved_at = await commands.save_draft(session, engine, actor, task_id, answers, now)
    shown = drop_unreachable(fields(view.form, view.context, answers))
    saved = f"草稿已于 {short_moment(saved_at, now)} 自动保存"
    return Json(SavedDraft(saved=saved, fields=shape(shown)))


@router.post("/tasks/{task_id}/claim", dependencies=[allow()])
async def claim(
    session: SessionDep, engine: EngineDep, actor: ActorDep, now: NowDep, task_id: UUID
) -> Response:
    """Take the task and go on to do it."""
    try:
        await commands.claim(session, engine, actor, task_id, now)
    except TaskAlreadyClaimed as refusal:
        if refusal.details.get("claimed_by") != actor.person_id:  # a second click is no mistake
            raise
    return go_to(f"/tasks/{task_id}")


@router.post("/tasks/{task_id}/release", dependencies=[allow()])
async def release(
    session: SessionDep, engine: EngineDep, actor: ActorDep, now: NowDep, task_id: UUID
) -> Response:
    """Put it back."""
    await commands.release(session, engine, actor, task_id, now)
    return go_to("/tasks?view=claimable")


@router.post("/tasks/{task_id}/hand-over", dependencies=[allow()])
async def hand_over(
    session: SessionDep,
    engine: EngineDep,
    actor: ActorDep,
    now: NowDep,
    task_id: UUID,
    to: Annotated[UUID, Form()],
) -> Response:
    """Give it to a colleague."""
    await commands.hand_over(session, engine, actor, task_id, to, now)
    return go_to("/tasks?view=mine")


@router.get("/tasks/{task_id}/done", dependencies=[allow()])
async def show_done(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    engine: EngineDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    task_id: UUID,
) -> Response:
    """What was done, what happens next and when."""
    view = await inbox.get_task(session, engine, actor, task_id, now)
    if view.state != "completed":
        return go_to(f"/tasks/{task_id}")
    next_task = await _next_task(session, wired, actor, task_id)
    return await draw_done(request, session, wired, actor, frame, view, next_task, now)


def explain(refusal: Refusal, view: TaskView) -> tuple[dict[str, str], str | None]:
    """The mistakes by field, and a sentence above them where there is more to say."""
    if isinstance(refusal, AnswersRefused) and refusal.errors:
        return refusal.errors, None
    if isinstance(refusal, StaleVersion):
        return {"version": refusal.message}, "这项任务刚刚有了变化，请核对后再次提交"
    key = FIELD_OF.get(type(refusal), "form")
    return {key: refusal.message}, None


async def _draw_again(
    request: Request,
    session: SessionDep,
    wired: Wired,
    actor: Actor,
    task_id: UUID,
    answers: dict[str, Any],
    refusal: Refusal,
    now: NowDep,
) -> Response:
    view = await inbox.get_task(session, wired.engine, actor, task_id, now)
    if not view.is_mine:
        raise refusal
    errors, lead = explain(refusal, view)
    filled = Filled(entered=answers, errors=errors, lead=lead, ways=ways_out(actor))
    return await _draw(request, session, wired, actor, view, filled, now, status=422)


async def _draw(
    request: Request,
    session: SessionDep,
    wired: Wired,
    actor: Actor,
    view: TaskView,
    filled: Filled | None,
    now: NowDep,
    *,
    status: int = 200,
) -> Response:
    await wired.calendar.refresh(session, now)
    if line := view.line.issue or view.line.registration:
        await mark_about_read(session, actor.person_id, line.id, now)
    frame = await frame_of(session, actor)
    issue: IssueView | None = None
    others: list[Looker] | None = None
    if view.line.issue:
        await unread.mark_seen(session, actor, view.line.issue.id, now)
        issue = await view_issue(session, wired, actor, view.line.issue.id, now)
        others = await who_else(session, actor, view.line.issue.id, now)
    registration: RegistrationView | None = None
    if view.line.registration:
        registration = await view_registration(session, wired, actor, view.line.registration.id, now)
    notes = issue.notes_for(view.line.element_id) if issue else registration.notes if registration else []
    colleagues = []
    if view.may_release:
        colleagues = await commands.list_colleagues(session, wired.engine, actor, view.line.id)
    work: Work | None = None
    if filled is not None:
        about = issue or registration
        speaker = about.speaker if about else Speaker(wired.engine.evaluator, {}, now)
        work = await draw_work(
            session,
            wired,
            view,
            entered=filled.entered,
            errors=filled.errors,
            lead=filled.lead,
            speaker=speaker,
        )
        work = await answer_templates.offer(session, actor, replace(work, ways=filled.ways))
    edits_record = work is not None and keeps_record(view.definition, view.line.element_id)
    return draw(
        request,
        "registration_task.html" if registration else "task.html",
        status=status,
        frame=frame,
        task={
            "id": view.line.id,
            "name": view.line.name,
            "may_claim": view.may_claim and actor.may_act,
            "may_release": view.may_release,
            "notes": notes,
            "other": _tell_other(view),
        },
        issue=issue,
        registration=registration,
        corrects=edits_record,
        work=work,
        back={"address": "/tasks", "name": "待办"},
        beside=registration is not None or (issue is not None and not edits_record),
        colleagues=colleagues,
        others=others,
        now=now,
        next_task=await _next_task(session, wired, actor, view.line.id),
    )


def _tell_other(view: TaskView) -> dict[str, str]:
    """Why there is no form."""
    if view.state == "completed":
        when = f"，办结时间 {moment(view.line.completed_at)}" if view.line.completed_at else ""
        return {"title": "这一步已经办结", "words": f"不需要再办理{when}。"}
    if view.state == "cancelled":
        return {"title": "这一步已经取消", "words": "流程已经往下走，不需要再办理。"}
    if view.is_mine or view.may_claim:
        words = "已经保存的草稿保留着，恢复使用以后可以继续办理。"
        return {"title": "暂停使用期间不能办理", "words": words}
    when = f"，认领时间 {moment(view.line.claimed_at)}" if view.line.claimed_at else ""
    return {"title": "已由他人认领", "words": f"现在的办理人是 {view.claimed_by_name or '他人'}{when}。"}


async def _next_task(session: SessionDep, wired: Wired, actor: Actor, task_id: UUID) -> str | None:
    """The most urgent other task: mine, or one to claim."""
    for view in ("mine", "claimable"):
        page = await inbox.list_tasks(session, actor, view, limit=2)
        for line in page.items:
            if line.id != task_id:
                return await address_of(session, wired.engine, line)
    return None

"""A new question: the form before there is an issue, the draft that comes into being while it is filled in, and sending it."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Form, Request
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col
from starlette.responses import Response

from api.answers import Json
from api.deps import ActorDep, NowDep, SessionDep, WiredDep, allow
from api.failures import note_attempt
from api.pages.frame import frame_of
from api.pages.render import draw, go_to
from api.pages.route import page_router
from api.pages.script_answers import SavedNew
from api.pages.step_words import Speaker, words_of_issue
from api.pages.task import CORRECTABLE, FIELD_OF
from api.pages.wording import short_moment
from api.pages.work import (
    Work,
    drop_unreachable,
    find_files,
    keep_uploads,
    read_answers,
    shape,
    type_answers,
    upload_of,
    ways_out,
)
from api.phone import stay
from api.wired import Wired
from db.ids import uuid7
from domain.actor import Actor
from domain.exceptions import EnterpriseNotApproved
from domain.issues import require_approved
from engine.models import UserTask
from errors import Refusal
from tasks import commands, completion, forms, issues, statements
from tasks.exceptions import AnswersRefused
from tasks.fields import Field, fields
from tasks.issues import FirstTask

router = page_router()
STAFF = ("enterprise_admin", "executive", "customs_affairs")
ROUTE = "raise_issue"


@router.get("/issues/new", dependencies=[allow(*STAFF)])
async def show_form(
    request: Request, session: SessionDep, wired: WiredDep, actor: ActorDep, now: NowDep
) -> Response:
    """The empty form; nothing exists yet."""
    try:
        require_approved(actor)
    except EnterpriseNotApproved as refusal:
        frame = await frame_of(session, actor)
        return draw(request, "issue_new.html", frame=frame, lead="", refused=refusal.message, work=None)
    return await _draw(request, session, wired, actor, {}, {}, str(uuid7()), now)


@router.post("/issues/new", dependencies=[allow(*STAFF)])
async def send_form(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    actor: ActorDep,
    now: NowDep,
    idempotency_key: Annotated[str, Form(min_length=1, max_length=200)],
    act: Annotated[str, Form()] = "send",
) -> Response:
    """Keep it as a draft, or send it at once. The same key twice makes one issue."""
    form = await request.form()
    answers = read_answers(form)
    try:
        await keep_uploads(session, wired, actor, form, answers, now)
        if act == "send":
            await _check_all(session, wired, actor, answers, now)
        task_id = await _draft(session, wired, actor, answers, idempotency_key, now)
        if act == "save":
            await _save(session, wired, actor, task_id, answers, now)
            return go_to(f"/tasks/{task_id}")
        note_attempt(request, "complete", actor, task_id=task_id, answers=answers)
        await completion.complete(
            session,
            wired.engine,
            actor,
            task_id,
            answers,
            now=now,
            idempotency_key=idempotency_key,
            max_files=wired.settings.attachments_per_issue,
        )
    except CORRECTABLE as refusal:
        await session.rollback()
        return await _draw(request, session, wired, actor, answers, explain(refusal), idempotency_key, now)
    return go_to(f"/tasks/{task_id}/done")


@router.post("/issues/new/draft", response_model=SavedNew, dependencies=[allow(*STAFF)])
async def save_draft(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    actor: ActorDep,
    now: NowDep,
    idempotency_key: Annotated[str, Form(min_length=1, max_length=200)],
) -> Response:
    """What the page saves by itself. With an office and a title there is enough for a draft; from then on it has its own page."""
    answers = read_answers(await request.form())
    shown = _fields(await _open(session, wired, actor, answers, now), answers)
    try:
        task_id = await _draft(session, wired, actor, answers, idempotency_key, now)
        await _save(session, wired, actor, task_id, answers, now)
    except AnswersRefused:
        await session.rollback()
        return Json(SavedNew(saved=None, fields=shape(shown), address=None, draft_address=None))
    saved = f"草稿已于 {short_moment(now, now)} 自动保存"
    address = stay(request, f"/tasks/{task_id}")
    return Json(SavedNew(saved=saved, fields=shape(shown), address=address, draft_address=f"{address}/draft"))


def explain(refusal: Refusal) -> dict[str, str]:
    """The mistakes by field; those about no field stand by themselves."""
    if isinstance(refusal, AnswersRefused) and refusal.errors:
        return refusal.errors
    return {FIELD_OF.get(type(refusal), "form"): refusal.message}


async def _draft(
    session: AsyncSession, wired: Wired, actor: Actor, answers: Mapping[str, Any], key: str, now: NowDep
) -> UUID:
    """The task of the draft this form stands for. Two submits at once wait for each other."""
    which = {"person_id": actor.person_id, "route": ROUTE, "key": key}
    earlier = (await session.execute(statements.FIND_ANSWER, which)).one_or_none()
    if earlier is not None:
        return UUID(earlier.response["task"])
    issue = await issues.raise_issue(
        session,
        wired.engine,
        actor,
        answers,
        now,
        max_files=wired.settings.attachments_per_issue,
        lenient=True,
    )
    task_id = await session.scalar(
        select(col(UserTask.id)).where(col(UserTask.instance_id) == issue.id, col(UserTask.state) == "ready")
    )
    assert task_id is not None, "a new issue begins with a task of its submitter"
    response = orjson.dumps({"issue": str(issue.id), "task": str(task_id)}).decode()
    kept = await session.execute(
        statements.KEEP_ANSWER, which | {"body_hash": "", "response": response, "now": now}
    )
    if kept.first() is None:  # the other one was first: take ours back and go on with its draft
        await session.rollback()
        return await _draft(session, wired, actor, answers, key, now)
    return task_id


async def _save(
    session: AsyncSession, wired: Wired, actor: Actor, task_id: UUID, answers: Mapping[str, Any], now: NowDep
) -> None:
    first = await _open(session, wired, actor, answers, now)
    typed = type_answers(first.form, first.context, answers)
    await commands.save_draft(session, wired.engine, actor, task_id, typed, now)


async def _check_all(
    session: AsyncSession, wired: Wired, actor: Actor, answers: Mapping[str, Any], now: NowDep
) -> None:
    """Every mistake at once, before there is a draft. Raises AnswersRefused."""
    first = await _open(session, wired, actor, answers, now)
    forms.check(first.form, answers, first.context)


def _fields(first: FirstTask, entered: Mapping[str, Any]) -> list[Field]:
    return drop_unreachable(
        fields(first.form, first.context, type_answers(first.form, first.context, entered))
    )


async def _open(
    session: AsyncSession, wired: Wired, actor: Actor, entered: Mapping[str, Any], now: NowDep
) -> FirstTask:
    most = wired.settings.attachments_per_issue
    return await issues.open_first_task(session, wired.engine, actor, entered, now, max_files=most)


async def _draw(
    request: Request,
    session: AsyncSession,
    wired: Wired,
    actor: Actor,
    entered: Mapping[str, Any],
    errors: dict[str, str],
    key: str,
    now: NowDep,
) -> Response:
    first = await _open(session, wired, actor, entered, now)
    shown = _fields(first, entered)
    element = first.definition.elements.get(first.element_id)
    words = words_of_issue(
        first.issue,
        actor,
        {actor.person_id: actor.name},
        office="",
        enterprise=first.subject.enterprise_name,
    )
    speaker = Speaker(wired.engine.evaluator, words, now)
    work = Work(
        name="新建问题",
        address="/issues/new",
        draft_address="/issues/new/draft",
        fields=shown,
        button=speaker.button(element),
        key=key,
        errors=errors,
        ways=ways_out(actor),
        files=await find_files(session, shown),
        upload=upload_of(wired),
    )
    return draw(
        request,
        "issue_new.html",
        status=422 if errors else 200,
        frame=await frame_of(session, actor),
        lead=f"{speaker.say(element, 'lead')}选好受理海关、写好标题以后，内容会自动保存为草稿。",
        refused="",
        work=work,
    )

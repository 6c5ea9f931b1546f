"""Tasks: the lists, one task with its form, and everything that is done with it."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Header, Query, Request
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col
from starlette.responses import Response

from api.answers import Json
from api.deps import ActorDep, EngineDep, NowDep, SessionDep, allow
from api.failures import note_attempt
from api.json.ids import parse_id
from api.json.parameters import After, Limit, TaskId
from api.json.route import json_router, problems
from api.json.schemas.lists import IdName
from api.json.schemas.tasks import (
    Colleagues,
    CompleteBody,
    Completed,
    DraftBody,
    DraftSaved,
    HandOverBody,
    TaskDetail,
    TaskHolder,
    TaskList,
    View,
)
from api.json.show.tasks import show_completed, show_task, show_tasks
from api.wired import Wired
from engine.models import UserTask
from tasks import commands, inbox
from tasks.completion import complete

router = json_router("任务")

COMPLETE_ROUTE = "POST /tasks/complete"
Wanted = Annotated[View, Query(description="在我名下的、我可以认领的，或我办完的")]
IdempotencyKey = Annotated[
    str | None, Header(max_length=200, description="同一次提交的标识：重复提交得到第一次的结果，7 天内有效")
]


# Routes are tried one after the other: the busiest first.
@router.post("/tasks/{task_id}/complete", response_model=Completed, summary="提交", dependencies=[allow()])
async def complete_task(
    task_id: TaskId,
    body: CompleteBody,
    request: Request,
    actor: ActorDep,
    session: SessionDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """All of it or nothing; sent again with the same Idempotency-Key it is answered as the first time."""
    id_ = parse_id(task_id)
    wired: Wired = request.app.state.wired  # each dependency costs the busiest route time
    note_attempt(request, "complete", actor, task_id=id_, answers=body.answers)
    result = await complete(
        session,
        wired.engine,
        actor,
        id_,
        body.answers,
        now=wired.read_clock(),
        version=body.version,
        idempotency_key=idempotency_key,
        route=COMPLETE_ROUTE,
        max_files=wired.settings.attachments_per_issue,
    )
    headers: dict[str, Any] = {"Idempotent-Replayed": "true"} if result.repeated else {}
    return Json(show_completed(result), headers=headers)


@router.get("/tasks", response_model=TaskList, summary="任务列表", dependencies=[allow()])
async def list_tasks(
    actor: ActorDep, session: SessionDep, view: Wanted = "mine", after: After = None, limit: Limit = 20
) -> Response:
    """Mine, what I may claim (the most urgent first), or what I have done (the latest first)."""
    page = await inbox.list_tasks(session, actor, view, after, limit)
    return Json(show_tasks(page))


@router.get(
    "/tasks/{task_id}",
    response_model=TaskDetail,
    responses=problems(409),
    summary="任务与表单",
    dependencies=[allow()],
)
async def show_one(
    task_id: TaskId, actor: ActorDep, session: SessionDep, engine: EngineDep, now: NowDep
) -> Response:
    """One task with its form, the values its fields start with, and what I saved as a draft."""
    return Json(show_task(await inbox.get_task(session, engine, actor, parse_id(task_id), now)))


@router.put("/tasks/{task_id}/draft", response_model=DraftSaved, summary="保存草稿", dependencies=[allow()])
async def save_draft(
    task_id: TaskId, body: DraftBody, actor: ActorDep, session: SessionDep, engine: EngineDep, now: NowDep
) -> Response:
    """Kept as it is, unchecked; the version does not grow."""
    saved_at = await commands.save_draft(session, engine, actor, parse_id(task_id), body.answers, now)
    return Json(DraftSaved(saved_at=saved_at))


@router.post("/tasks/{task_id}/claim", response_model=TaskDetail, summary="认领", dependencies=[allow()])
async def claim(
    task_id: TaskId, actor: ActorDep, session: SessionDep, engine: EngineDep, now: NowDep
) -> Response:
    """Mine from now on; 409 says who was first."""
    id_ = parse_id(task_id)
    await commands.claim(session, engine, actor, id_, now)
    return Json(show_task(await inbox.get_task(session, engine, actor, id_, now)))


@router.post(
    "/tasks/{task_id}/release", response_model=TaskHolder, summary="退回待认领", dependencies=[allow()]
)
async def release(
    task_id: TaskId, actor: ActorDep, session: SessionDep, engine: EngineDep, now: NowDep
) -> Response:
    """Back to its group; refused for a task that is only mine to do."""
    id_ = parse_id(task_id)
    await commands.release(session, engine, actor, id_, now)
    return Json(await _show_holder(session, id_))


@router.get(
    "/tasks/{task_id}/colleagues",
    response_model=Colleagues,
    responses=problems(409),
    summary="可以移交给谁",
    dependencies=[allow()],
)
async def list_colleagues(
    task_id: TaskId, actor: ActorDep, session: SessionDep, engine: EngineDep
) -> Response:
    """Everyone active in the task's groups but me."""
    found = await commands.list_colleagues(session, engine, actor, parse_id(task_id))
    return Json(Colleagues(items=[IdName(id=one.id, name=one.name) for one in found]))


@router.post("/tasks/{task_id}/hand-over", response_model=TaskHolder, summary="移交", dependencies=[allow()])
async def hand_over(
    task_id: TaskId,
    body: HandOverBody,
    actor: ActorDep,
    session: SessionDep,
    engine: EngineDep,
    now: NowDep,
) -> Response:
    """Somebody else's of the same group from now on."""
    id_ = parse_id(task_id)
    await commands.hand_over(session, engine, actor, id_, parse_id(body.to), now)
    return Json(await _show_holder(session, id_))


async def _show_holder(session: AsyncSession, task_id: UUID) -> TaskHolder:
    """Who has it now; whoever gave it away may have no right to read the rest of it."""
    columns = (col(UserTask.id), col(UserTask.claimed_by), col(UserTask.version))
    row = (await session.execute(select(*columns).where(col(UserTask.id) == task_id))).one()
    return TaskHolder(id=row.id, claimed_by=row.claimed_by, version=row.version)

"""The hand-written twin of "answer an issue": the same session, authorisation, lock, form check, rows, messages and jobs as the
product, but no engine: what follows an answer is written here in Python, as a programmer without BPMN would. It writes
the same rows through the same statement, so what it saves is the engine alone.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from fastapi import FastAPI, Header
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.answers import Json
from api.deps import ActorDep, EngineDep, NowDep, SessionDep, allow
from api.json.route import json_router
from api.json.schemas.tasks import CompleteBody
from api.json.show.tasks import show_completed
from db.ids import uuid7
from domain.actor import Actor
from domain.issues import list_evaluators
from domain.models import IssueAnswer
from engine import statements
from engine.instances import Engine
from engine.steps import Locked, TaskRow
from tasks import completion, forms
from tasks.commands import lock_known, require_mine
from tasks.fields import lists_of
from tasks.notices import KEY, Notice, read_texts, send_notices
from tasks.subjects import Subject, command, flush, open_subject
from tasks.task_forms import form_of
from tasks.views import form_context

PATH = "/bench/twin/tasks"
TIME_TO_EVALUATE = timedelta(days=15)


def add_twin(app: FastAPI) -> None:
    """Serve the twin beside the product, behind the same layers."""
    router = json_router("twin", prefix="")

    @router.post(f"{PATH}/{{task_id}}/complete", dependencies=[allow()])
    async def answer_issue(
        task_id: UUID,
        body: CompleteBody,
        actor: ActorDep,
        session: SessionDep,
        engine: EngineDep,
        now: NowDep,
        idempotency_key: str = Header(),
    ) -> Response:
        result = await answer(session, engine, actor, task_id, body.answers, idempotency_key, now)
        return Json(show_completed(result))

    app.include_router(router)


async def answer(
    session: AsyncSession,
    engine: Engine,
    actor: Actor,
    task_id: UUID,
    answers: dict[str, Any],
    key: str,
    now: datetime,
) -> completion.CompleteResult:
    body_hash = completion.hash_body(task_id, answers)
    async with command(session):
        locked, task = await lock_known(session, engine, actor, task_id)
        require_mine(actor, task)
        definition = await engine.catalogue.load(session, task.definition_id)
        form = form_of(definition, "answer_issue")
        subject = await open_subject(
            session, locked.instance.id, lists=lists_of(form), file_ids=forms.file_ids(form, answers)
        )
        context = form_context(engine, actor, subject, now, task=(definition, "answer_issue"))
        checked = forms.check(form, answers, context)
        issue = subject.require_issue()
        issue.answered_at, issue.handler_id = now, actor.person_id
        issue.status, issue.phase = "已完成", "answered"
        subject.rows.append(
            IssueAnswer(
                issue_id=issue.id,
                round=issue.round,
                office=issue.office,
                text=checked["answer"],
                answered_by=actor.person_id,
                answered_at=now,
            )
        )
        await session.execute(statements.SAVE_STEP, _rows(locked, task, subject, checked, actor, now))
        await flush(session, subject)
        people = tuple(str(person) for person in list_evaluators(issue))
        notices = {KEY: [Notice("answered", people, "notify_answered")]}
        await send_notices(
            session, issue.id, "issue", notices, read_texts(definition.text("texts.yaml")), now
        )
        result = completion.CompleteResult(
            {"id": str(issue.id), "status": issue.status, "phase": issue.phase}, []
        )
        await completion._keep(session, actor, PATH, key, body_hash, result, now)  # noqa: SLF001  # the same statement
        return result


def _rows(
    locked: Locked, task: TaskRow, subject: Subject, answers: dict[str, Any], actor: Actor, now: datetime
) -> dict[str, Any]:
    """What the engine would have written, worked out by hand."""
    evaluations = [
        {
            "id": str(uuid7()),
            "element_id": "evaluate_answer",
            "name": "评价办理结果",
            "candidate_groups": [],
            "assignee": str(person),
            "claimed_by": str(person),
            "claimed_at": now.isoformat(),
        }
        for person in list_evaluators(subject.require_issue())
    ]
    events = [
        {
            "kind": "task_completed",
            "element_id": "answer_issue",
            "element_name": "答复",
            "task_id": str(task.id),
        },
        {"kind": "service_done", "element_id": "notify_answered", "element_name": "通知已答复"},
        *(
            {
                "kind": "task_created",
                "element_id": "evaluate_answer",
                "element_name": evaluation["name"],
                "task_id": evaluation["id"],
            }
            for evaluation in evaluations
        ),
    ]
    return {
        "instance_id": locked.instance.id,
        "definition_id": locked.instance.definition_id,
        "version": locked.instance.version,
        "state": locked.instance.state,
        "state_name": "active",
        "status": "已完成",
        "phase": "answered",
        "active_elements": ["evaluate_answer"],
        "next_due": now + TIME_TO_EVALUATE,
        "ended_at": None,
        "now": now,
        "actor": actor.person_id,
        "changes": orjson.dumps(
            [{"id": task.id, "state": "completed", "keep_due": True, "answers": answers}]
        ).decode(),
        "new_tasks": orjson.dumps(evaluations).decode(),
        "events": orjson.dumps(events).decode(),
    }

"""What is kept when a command broke by our fault: its transaction is gone, so an incident and the answers that were typed
are written in one of their own.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog
from fastapi import Request
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from api.logs import describe_error
from api.wired import Wired
from domain.actor import Actor
from engine.exceptions import EngineFailure
from errors import Refusal
from tasks.completion import keep_as_draft

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Attempt:
    """A command that a route is about to give, in case it breaks."""

    command: str
    actor: Actor
    task_id: UUID | None = None
    instance_id: UUID | None = None
    answers: dict[str, Any] | None = None


def note_attempt(
    request: Request,
    command: str,
    actor: Actor,
    *,
    task_id: UUID | None = None,
    instance_id: UUID | None = None,
    answers: dict[str, Any] | None = None,
) -> None:
    """Say what is about to be tried; every route that drives a process does, before it does."""
    request.state.attempt = Attempt(command, actor, task_id, instance_id, answers)


async def keep_failure(request: Request, error: EngineFailure) -> bool:
    """Record the incident and keep the answers as the task's draft; whether they were kept."""
    attempt: Attempt | None = getattr(request.state, "attempt", None)
    if attempt is None:
        return False
    wired: Wired = request.app.state.wired
    try:
        await _record_incident(wired, attempt, error)
        return await _keep_answers(wired, attempt)
    except SQLAlchemyError as second:  # the first failure must still be told
        log.error("incident.not_recorded", exc_info=second)
        return False


async def _record_incident(wired: Wired, attempt: Attempt, error: EngineFailure) -> None:
    async with wired.sessions() as session:
        instance_id = attempt.instance_id or await session.scalar(
            text("SELECT instance_id FROM user_task WHERE id = :id"), {"id": attempt.task_id}
        )
        if instance_id is None:
            return
        await wired.engine.record_incident(
            session,
            instance_id=instance_id,
            element_id=error.element_id,
            task_id=attempt.task_id,
            command=attempt.command,
            error=f"{error}（{describe_error(error)}）",
            now=datetime.now(UTC),
        )
        await session.commit()


async def _keep_answers(wired: Wired, attempt: Attempt) -> bool:
    if attempt.task_id is None or not attempt.answers:
        return False
    async with wired.sessions() as session:
        try:
            await keep_as_draft(session, attempt.actor, attempt.task_id, attempt.answers, datetime.now(UTC))
        except Refusal:  # too large to be kept
            return False
        await session.commit()
    return True

"""What is kept when a command broke by our fault: its transaction is gone, so an incident and the answers that were typed
are written in one of their own.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog
from fastapi import Request
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
    task_id: UUID | None
    instance_id: UUID | None
    answers: dict[str, Any] | None


def note_attempt(
    request: Request,
    command: str,
    actor: Actor,
    *,
    task_id: UUID | None = None,
    instance_id: UUID | None = None,
    answers: dict[str, Any] | None = None,
) -> None:
    """Say what is about to be tried, before it is: if a submit breaks, its answers become the task's draft."""
    request.state.attempt = Attempt(command, actor, task_id, instance_id, answers)


async def keep_failure(request: Request, error: EngineFailure) -> bool:
    """Record the incident and keep the answers as the task's draft; whether they were kept."""
    wired: Wired = request.app.state.wired
    attempt: Attempt | None = getattr(request.state, "attempt", None)
    try:
        await _record_incident(wired, error, attempt)
        return await _keep_answers(wired, attempt)
    except SQLAlchemyError as second:  # the first failure must still be told
        log.exception("incident.not_recorded", exc_info=second)
        return False


async def _record_incident(wired: Wired, error: EngineFailure, attempt: Attempt | None) -> None:
    instance_id = error.instance_id or (attempt and attempt.instance_id)
    if instance_id is None:
        return  # the instance was to be started: nothing of it exists
    async with wired.sessions() as session:
        await wired.engine.record_incident(
            session,
            instance_id=instance_id,
            element_id=error.element_id,
            task_id=error.task_id,
            command=error.command or (attempt.command if attempt else "?"),
            error=f"{error}（{describe_error(error)}）",
            now=datetime.now(UTC),
        )
        await session.commit()


async def _keep_answers(wired: Wired, attempt: Attempt | None) -> bool:
    if attempt is None or attempt.task_id is None or not attempt.answers:
        return False
    async with wired.sessions() as session:
        try:
            kept = await keep_as_draft(
                session, attempt.actor, attempt.task_id, attempt.answers, datetime.now(UTC)
            )
        except Refusal:  # too large to be kept
            return False
        await session.commit()
    return kept

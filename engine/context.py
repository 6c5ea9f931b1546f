"""What an operator is given: the transaction it may write in, who acts, the answers, and a way to move deadlines."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from engine.specs import ParsedDefinition

Operator = Callable[..., Awaitable[Any]]
"""`async def operator(context: StepContext, /, **params)`; what it returns goes to the task's result variable."""


@dataclass(frozen=True)
class StepContext:
    """One call of one operator. It may write through `session` and raise a Refusal; it never commits and never sends.

    `answers` are the whole checked answers of the user task being completed, empty for timers and messages;
    `variables` only what the diagram's expressions read. `shared` lives as long as the command and is returned in
    its Step.
    """

    session: AsyncSession
    now: datetime
    instance_id: UUID
    element_id: str
    actor: UUID | None
    task_id: UUID | None
    answers: Mapping[str, Any]
    variables: Mapping[str, Any]
    definition: ParsedDefinition
    shared: dict[str, Any]
    deadlines: dict[str, datetime | None]

    def reschedule(self, element_id: str, due_at: datetime | None) -> None:
        """Move the timer of this element once the steps of this command are quiet; None: it never fires."""
        self.deadlines[element_id] = due_at

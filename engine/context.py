"""What an operator is given: the transaction it may write in, who acts, the answers, and a way to move deadlines."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

Operator = Callable[..., Awaitable[Any]]
"""`async def operator(context: StepContext, /, **params)`; what it returns goes to the task's result variable."""


@dataclass
class StepContext:
    """One call of one operator. It may write through `session` and raise a Refusal; it never commits and never sends.

    `answers` are the whole checked answers of the user task being completed, empty for timers and messages without
    a payload. `shared` lives as long as the command and is returned in its Step. `payload` is the message's.
    """

    session: AsyncSession
    now: datetime
    instance_id: UUID
    element_id: str
    actor: UUID | None
    task_id: UUID | None
    answers: Mapping[str, Any]
    variables: Mapping[str, Any]
    shared: dict[str, Any]
    deadlines: dict[str, datetime | None] = field(default_factory=dict)

    def reschedule(self, element_id: str, due_at: datetime | None) -> None:
        """Move the timer of this element once the steps of this command are quiet; None: it never fires."""
        self.deadlines[element_id] = due_at

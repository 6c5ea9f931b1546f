"""One command on one instance, from the loaded execution to the one statement that saves it: runs the operators between
the engine's rounds, and works out which tasks came, went and moved, and what to say about it in the history."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from db.direct import execute
from engine import statements
from engine.context import Operator, StepContext
from engine.elements import Element
from engine.exceptions import EngineFailure, ExpressionFailed, NotWaiting, OperatorFailed
from engine.execution import Execution, ReadyTask
from engine.grammar import parse_expression
from engine.nodes import Call, Node, children
from engine.runtime import TraceEntry
from engine.specs import ParsedDefinition
from errors import Refusal


class InstanceRow(NamedTuple):
    """A row of process_instance as it was when it was locked."""

    id: UUID
    definition_id: UUID
    subject: str
    state: bytes
    state_name: str
    status: str | None
    phase: str | None
    active_elements: list[str]
    next_due: datetime | None
    version: int
    started_at: datetime
    started_by: UUID | None
    ended_at: datetime | None


class TaskRow(NamedTuple):
    """A row of user_task as it was when it was locked, without its answers and its draft."""

    id: UUID
    definition_id: UUID
    element_id: str
    name: str
    state: str
    version: int
    candidate_groups: list[str]
    assignee: UUID | None
    claimed_by: UUID | None
    claimed_at: datetime | None
    claimed_first_at: datetime | None
    due_at: datetime | None
    created_at: datetime
    completed_at: datetime | None
    completed_by: UUID | None


@dataclass(frozen=True)
class Locked:
    """An instance, and a task of it if one was asked for, that nobody else can change until the transaction ends.

    Good for one command; lock again for the next.
    """

    instance: InstanceRow
    task: TaskRow | None = None


@dataclass(frozen=True)
class CreatedTask:
    """A user task that this command created, as its row says."""

    id: UUID
    instance_id: UUID
    definition_id: UUID
    element_id: str
    name: str
    candidate_groups: list[str]
    assignee: UUID | None
    claimed_by: UUID | None
    due_at: datetime | None
    created_at: datetime
    state: str = "ready"
    version: int = 1


@dataclass
class Step:
    """What one command did to an instance. `status` and `phase` are those after it, changed or not."""

    instance_id: UUID
    definition_id: UUID
    definition: ParsedDefinition
    status: str | None
    phase: str | None
    active_elements: list[str]
    ended: bool
    next_due: datetime | None
    completed_task: UUID | None = None
    created: list[CreatedTask] = field(default_factory=list)
    cancelled: list[UUID] = field(default_factory=list)
    fired: list[str] = field(default_factory=list)
    shared: dict[str, Any] = field(default_factory=dict)


@dataclass
class Command:
    """A command under way: who does it, when, with which answers, in whose transaction."""

    session: AsyncSession
    operators: Mapping[str, Operator]
    execution: Execution
    instance_id: UUID
    definition_id: UUID
    actor: UUID | None
    now: datetime
    task_id: UUID | None = None
    answers: Mapping[str, Any] = field(default_factory=dict)
    is_timer: bool = False

    def __post_init__(self) -> None:
        self.shared: dict[str, Any] = {}
        self.deadlines: dict[str, datetime | None] = {}
        self.fired: list[str] = []
        self.events: list[dict[str, Any]] = []
        self.before = {task.id: task.element_id for task in self.execution.ready_tasks()}

    async def run_until_quiet(self) -> None:
        """Advance, calling the operators that are due, until only people, timers and messages are waited for; then
        move the timers that operators asked to move."""
        while calls := self.execution.advance():
            for call in calls:
                self.execution.resolve(call.id, await self.call(call.operator, call.element_id, call.params))
                break  # what follows may cancel the other calls: ask again
        for element_id, due_at in self.deadlines.items():
            with suppress(NotWaiting):  # a timer that has fired or gone needs no moving
                self.reschedule(element_id, due_at)
        self.deadlines.clear()

    async def call(self, name: str, element_id: str, params: Mapping[str, Any]) -> Any:
        """What the operator returns. A Refusal passes if somebody is there to be told, every other error becomes
        OperatorFailed."""
        operator = self.operators.get(name)
        if operator is None:
            raise OperatorFailed(f"没有登记操作“{name}”", element_id)
        context = StepContext(
            session=self.session,
            now=self.now,
            instance_id=self.instance_id,
            element_id=element_id,
            actor=self.actor,
            task_id=self.task_id,
            answers=self.answers,
            variables=MappingProxyType(self.execution.variables),
            definition=self.execution.definition,
            shared=self.shared,
            deadlines=self.deadlines,
        )
        try:
            return await operator(context, **params)
        except EngineFailure:
            raise
        except Exception as error:
            if isinstance(error, Refusal) and not self.is_timer:
                raise
            raise OperatorFailed(f"操作“{name}”失败：{type(error).__name__}: {error}", element_id) from error

    def write(self, variable: str, value: Any) -> None:
        """Replace a variable of the instance; what no expression reads is not kept. Then run: a condition may have become
        true."""
        self.execution.write(variable, value)

    def reschedule(self, element_id: str, due_at: datetime | None, *, anew: bool = False) -> None:
        """Move a timer and say so in the history. Raises NotWaiting."""
        self.execution.reschedule(element_id, due_at, anew=anew)
        self.tell("rescheduled", element_id, details={"due_at": due_at})

    def tell(
        self, kind: str, element_id: str | None = None, *, task_id: UUID | None = None, details: Any = None
    ) -> None:
        """One more line of history."""
        element = self.execution.definition.elements.get(element_id or "")
        self.events.append(
            {
                "kind": kind,
                "element_id": element_id,
                "element_name": element.name if element else None,
                "task_id": task_id,
                "details": details,
            }
        )

    async def start(self, subject: str) -> Step:
        """Write a new instance."""
        self.tell("started")
        return await self._write(statements.START_INSTANCE, {"subject": subject}, None)

    async def save(self, locked: InstanceRow, *, move_tasks: bool = False) -> Step:
        """Write what has become of the instance. `move_tasks`: open tasks go to the execution's definition, too."""
        return await self._write(
            statements.SAVE_STEP, {"version": locked.version}, locked, move_tasks=move_tasks
        )

    async def _write(
        self, statement: Any, parameters: dict[str, Any], old: InstanceRow | None, *, move_tasks: bool = False
    ) -> Step:
        ready = self.execution.ready_tasks()
        created = [self._created(task) for task in ready if task.id not in self.before]
        remaining = [task for task in ready if task.id in self.before]
        left = self.before.keys() - {task.id for task in ready}
        step = Step(
            instance_id=self.instance_id,
            definition_id=self.definition_id,
            definition=self.execution.definition,
            status=old.status if old else None,
            phase=old.phase if old else None,
            active_elements=self.execution.active_elements(),
            ended=self.execution.is_ended,
            next_due=None,
            completed_task=self.task_id,
            created=created,
            cancelled=[task_id for task_id in left if task_id != self.task_id],
            fired=self.fired,
            shared=self.shared,
        )
        claimed = await claimed_among(self.session, self.execution.definition, remaining) | {
            task.id for task in created if task.claimed_by
        }
        self.execution.follow_claims(claimed)
        step.next_due = self.execution.next_due()
        status, phase = self.execution.status(claimed)
        step.status, step.phase = status or step.status, phase or step.phase
        self._tell_trace(step)
        if old is not None:
            parameters["changes"] = _json(self._changes(step, remaining, move_tasks))
        await self._execute(statement, parameters, step)
        return step

    async def _execute(self, statement: Any, parameters: dict[str, Any], step: Step) -> None:
        parameters |= {
            "instance_id": self.instance_id,
            "definition_id": self.definition_id,
            "state": self.execution.dump(),
            "state_name": "ended" if step.ended else "active",
            "status": step.status,
            "phase": step.phase,
            "active_elements": step.active_elements,
            "next_due": step.next_due,
            "ended_at": self.now if step.ended else None,
            "now": self.now,
            "actor": self.actor,
            "new_tasks": _json([_task_values(task) for task in step.created]),
            "events": _json(self.events),
        }
        await write_once(self.session, statement, parameters)

    def _created(self, task: ReadyTask) -> CreatedTask:
        assignee = _person(task, "assignee", task.assignee)
        return CreatedTask(
            id=task.id,
            instance_id=self.instance_id,
            definition_id=self.definition_id,
            element_id=task.element_id,
            name=task.name,
            candidate_groups=list(dict.fromkeys(task.candidate_groups)),
            assignee=assignee,
            claimed_by=assignee or _person(task, "claimFor", task.claim_for),
            due_at=task.due_at,
            created_at=self.now,
        )

    def _changes(self, step: Step, remaining: Sequence[ReadyTask], move_tasks: bool) -> list[dict[str, Any]]:
        changes: list[dict[str, Any]] = []
        if self.task_id is not None:
            changes.append(
                {"id": self.task_id, "state": "completed", "keep_due": True, "answers": self.answers}
            )
        changes += [{"id": task_id, "state": "cancelled", "keep_due": True} for task_id in step.cancelled]
        for task in remaining:
            if _follows_variables(task.element.properties.get("dueDate", "")):
                changes.append({"id": task.id, "state": "ready", "keep_due": False, "due_at": task.due_at})
            elif move_tasks:
                changes.append({"id": task.id, "state": "ready", "keep_due": True})
        return changes

    def _tell_trace(self, step: Step) -> None:
        created: dict[UUID | int, CreatedTask] = {task.id: task for task in step.created}
        cancelled: set[UUID | int] = set(step.cancelled)
        for entry in self.execution.trace:
            self._tell_entry(entry, created, cancelled)
        for task_id in cancelled:  # those that went without the library telling
            self.tell("task_cancelled", self.before[task_id], task_id=task_id)
        if step.ended:
            outcome = self.execution.outcome
            self.tell("ended", outcome.element_id if outcome else None)

    def _tell_entry(
        self, entry: TraceEntry, created: dict[UUID | int, CreatedTask], cancelled: set[UUID | int]
    ) -> None:
        kind, element_id, task_id = entry
        if kind in ("timer_fired", "message_caught", "event_caught"):
            self.tell(kind, element_id)
        elif kind == "completed" and task_id == self.task_id:
            self.tell("task_completed", element_id, task_id=task_id)
        elif kind == "completed" and self.execution.definition.elements[element_id].operator:
            self.tell("service_done", element_id)
        elif kind == "entered" and (task := created.pop(task_id, None)):
            details = {"claimed_by": task.claimed_by} if task.claimed_by else None
            self.tell("task_created", element_id, task_id=task_id, details=details)
        elif kind == "cancelled" and task_id in cancelled:
            cancelled.discard(task_id)
            self.tell("task_cancelled", element_id, task_id=task_id)


async def claimed_among(
    session: AsyncSession, definition: ParsedDefinition, tasks: Sequence[ReadyTask]
) -> set[UUID]:
    """Which of these open tasks are claimed. Asks the database only about those for which it matters."""
    asked = [task.id for task in tasks if depends_on_claim(definition, task.element)]
    if not asked:
        return set()
    return set((await session.execute(statements.CLAIMED_AMONG, {"task_ids": asked})).scalars())


def depends_on_claim(definition: ParsedDefinition, element: Element) -> bool:
    """Whether the instance's status or a timer is another one while this task is claimed."""
    return "statusClaimed" in element.properties or element.id in definition.timed_while_unclaimed


async def write_once(session: AsyncSession, statement: Any, parameters: Mapping[str, Any]) -> None:
    """Execute a statement that ends in writing the instance. The lock makes a miss impossible, unless the caller used
    a Locked twice: then nothing may be kept."""
    result = await execute(session, statement, parameters)
    if result.rowcount != 1:
        raise RuntimeError("the instance has changed since it was locked: lock it again for every command")


def _task_values(task: CreatedTask) -> dict[str, Any]:
    return {
        "id": task.id,
        "element_id": task.element_id,
        "name": task.name,
        "candidate_groups": task.candidate_groups,
        "assignee": task.assignee,
        "claimed_by": task.claimed_by,
        "claimed_at": task.created_at if task.claimed_by else None,
        "due_at": task.due_at,
    }


def _person(task: ReadyTask, what: str, value: str | None) -> UUID | None:
    if value is None:
        return None
    try:
        return UUID(value)
    except ValueError as error:
        raise ExpressionFailed(f"{what} 得到的“{value}”不是人员编号", task.element_id) from error


@lru_cache(maxsize=1024)
def _follows_variables(expression: str) -> bool:
    """Whether a due date is to be worked out again after each step: one that is read from variables follows them, one
    that a function counted from the moment of entry stays."""
    return bool(expression) and not _calls(parse_expression(expression))


def _calls(node: Node) -> bool:
    return isinstance(node, Call) or any(_calls(child) for child in children(node))


def _json(rows: list[dict[str, Any]]) -> str:
    return orjson.dumps(rows).decode()

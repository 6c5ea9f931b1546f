"""The engine's commands: start, claim, release, hand over, complete, correlate, reschedule, timers, migrate. Each runs in the
caller's transaction, begins with a lock on the instance, and writes all it has to write in one statement. Who may give a
command is the caller's business, except what a task itself says: who has claimed it, and its version."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from db.direct import execute
from db.ids import uuid7
from engine import statements
from engine.catalogue import Catalogue, FindUnmet
from engine.context import Operator
from engine.exceptions import (
    EngineFailure,
    MigrationRefused,
    NotWaiting,
    NotYours,
    StaleVersion,
    TaskAlreadyClaimed,
    TaskGone,
    UnknownProcess,
)
from engine.execution import Execution
from engine.expressions import Evaluator, Function
from engine.migration import carry_over, misplaced_elements
from engine.steps import (
    Command,
    InstanceRow,
    Locked,
    Step,
    TaskRow,
    claimed_among,
    depends_on_claim,
    write_once,
)

_INSTANCE_COLUMNS = len(InstanceRow._fields)


class Engine:
    """Built once; holds no state of instances, only the catalogue of parsed definitions.

    `given` says which variables each process is given at its start, by its key: what its diagram declares.
    """

    def __init__(
        self,
        functions: Mapping[str, Function],
        operators: Mapping[str, Operator],
        given: Mapping[str, Collection[str]] | None = None,
        find_unmet: FindUnmet | None = None,
    ) -> None:
        self.evaluator = Evaluator(functions)
        self.operators = operators
        self.given = given or {}
        self.catalogue = Catalogue(self.evaluator.functions, operators, given, find_unmet)

    async def start(
        self,
        session: AsyncSession,
        key: str,
        *,
        instance_id: UUID,
        variables: Mapping[str, Any],
        subject: str,
        actor: UUID | None,
        now: datetime,
    ) -> Step:
        """A new instance of the newest version, advanced to where it first waits. UnknownProcess if none is deployed."""
        if key in self.given and set(self.given[key]) != set(variables):
            raise ValueError(
                f"{key} is declared to be given {sorted(self.given[key])}, not {sorted(variables)}"
            )
        newest = await self.catalogue.newest(session, key)
        definition = await self.catalogue.load(session, newest.id)
        with _failing("start", None):  # what was never written can have no incident
            execution = Execution.new(definition, variables, self.evaluator, now)
            command = Command(session, self.operators, execution, instance_id, newest.id, actor, now)
            await command.run_until_quiet()
            return await command.start(subject)

    async def lock(self, session: AsyncSession, task_id: UUID) -> Locked:
        """A task and its instance, kept from everybody else until the transaction ends. TaskGone if there is none."""
        row = (await execute(session, statements.LOCK_TASK, {"task_id": task_id})).one_or_none()
        if row is None:
            raise TaskGone
        return Locked(InstanceRow(*row[:_INSTANCE_COLUMNS]), TaskRow(*row[_INSTANCE_COLUMNS:]))

    async def lock_instance(self, session: AsyncSession, instance_id: UUID) -> Locked:
        """An instance, kept likewise. UnknownProcess if there is none."""
        row = (await session.execute(statements.LOCK_INSTANCE, {"instance_id": instance_id})).one_or_none()
        if row is None:
            raise UnknownProcess(instance_id=str(instance_id))
        return Locked(InstanceRow(*row))

    async def claim(self, session: AsyncSession, locked: Locked, *, actor: UUID, now: datetime) -> Step:
        """Take an open task that nobody has. TaskGone, TaskAlreadyClaimed. The caller has checked the groups."""
        task = _open_task(locked)
        if task.claimed_by is not None:
            raise TaskAlreadyClaimed(claimed_by=task.claimed_by, claimed_at=task.claimed_at)
        return await self._move(session, locked, task, "task_claimed", to=actor, actor=actor, now=now)

    async def release(
        self,
        session: AsyncSession,
        locked: Locked,
        *,
        actor: UUID | None,
        now: datetime,
        supervising: bool = False,
    ) -> Step:
        """Give one's task back to its groups. TaskGone; NotYours, also when it was assigned or has no groups.

        `supervising`: the caller has checked that somebody else's task is to go back; `actor` is who sees to it.
        """
        task = _open_task(locked)
        if not supervising:
            _require_claimed_by(task, actor)
        if task.assignee is not None or not task.candidate_groups:
            raise NotYours(
                "这项任务指定由您办理，不能退回。", claimed_by=task.claimed_by, claimed_at=task.claimed_at
            )
        return await self._move(session, locked, task, "task_released", to=None, actor=actor, now=now)

    async def hand_over(
        self,
        session: AsyncSession,
        locked: Locked,
        *,
        to: UUID,
        actor: UUID | None,
        now: datetime,
        supervising: bool = False,
    ) -> Step:
        """Give one's task to another person; an assigned task is then assigned to them. TaskGone, NotYours.

        `supervising`: the caller has checked that the actor (None: a job) may move other people's tasks, and unclaimed ones.
        """
        task = _open_task(locked)
        if not supervising:
            _require_claimed_by(task, actor)
        return await self._move(session, locked, task, "task_handed_over", to=to, actor=actor, now=now)

    async def complete(
        self,
        session: AsyncSession,
        locked: Locked,
        answers: Mapping[str, Any],
        *,
        actor: UUID,
        version: int | None,
        now: datetime,
    ) -> Step:
        """Accept the checked answers and go on to where the instance waits again.

        TaskGone, NotYours, StaleVersion (version None: any), and whatever an operator refuses. OperatorFailed,
        ExpressionFailed and TooManySteps leave the transaction to be rolled back.
        """
        task = _open_task(locked)
        _require_claimed_by(task, actor)
        if version is not None and version != task.version:
            raise StaleVersion(version=task.version)
        with _failing("complete", locked.instance.id, task.id):
            command = await self._load(session, locked.instance, actor, now, task.id, answers)
            if task.id not in command.before:
                raise EngineFailure("the task is open but the instance does not wait for it", task.element_id)
            element = command.execution.definition.elements[task.element_id]
            result = await command.call(element.on_complete, element.id, {}) if element.on_complete else None
            command.execution.complete(task.id, answers, result)
            await command.run_until_quiet()
            return await command.save(locked.instance)

    async def skip(
        self,
        session: AsyncSession,
        locked: Locked,
        result: Any,
        *,
        actor: UUID | None,
        now: datetime,
    ) -> Step:
        """Go on as if the task were done, with this as the result of its `onComplete`; it counts as cancelled. TaskGone.

        For a task that has lost its sense, like a second vote of the same person.
        """
        task = _open_task(locked)
        with _failing("skip", locked.instance.id, task.id):
            command = await self._load(session, locked.instance, actor, now)
            command.execution.complete(task.id, {}, result)
            await command.run_until_quiet()
            return await command.save(locked.instance)

    async def reassign(
        self,
        session: AsyncSession,
        locked: Locked,
        variables: Mapping[str, Any],
        *,
        told: Iterable[Mapping[str, Any]],
        actor: UUID | None,
        now: datetime,
    ) -> Step:
        """Parts in the instance have passed to other people: write the variables that name them, and tell the history
        each of `told` (`part`, `from`, `to`). Tasks that are open already stay whose they are. NotWaiting once ended."""
        with _failing("reassign", locked.instance.id):
            if locked.instance.state_name != "active":
                raise NotWaiting(at=locked.instance.ended_at)
            command = await self._load(session, locked.instance, actor, now)
            for name, value in variables.items():
                command.write(name, value)
            for details in told:
                command.tell("reassigned", details=dict(details))
            await command.run_until_quiet()
            return await command.save(locked.instance)

    async def correlate(
        self,
        session: AsyncSession,
        locked: Locked,
        message: str,
        *,
        payload: Mapping[str, Any] | None = None,
        actor: UUID | None,
        now: datetime,
    ) -> Step:
        """Deliver a message to what waits for it. NotWaiting if nothing does."""
        with _failing("correlate", locked.instance.id):
            if locked.instance.state_name != "active":
                raise NotWaiting(message=None, expected=message, at=locked.instance.ended_at)
            command = await self._load(session, locked.instance, actor, now)
            command.execution.correlate(message, payload)
            await command.run_until_quiet()
            return await command.save(locked.instance)

    async def reschedule(
        self,
        session: AsyncSession,
        locked: Locked,
        element_id: str,
        due_at: datetime | None,
        *,
        actor: UUID | None,
        now: datetime,
        variables: Mapping[str, Any] | None = None,
        anew: bool = False,
    ) -> Step:
        """Move the armed timer of an element; None: it never fires. NotWaiting if none is armed there.

        `variables` are written as well, so that due dates read from them follow. `anew`: a timer that has fired beside an
        activity that still goes on is armed once more.
        """
        with _failing("reschedule", locked.instance.id):
            command = await self._load(session, locked.instance, actor, now)
            command.reschedule(element_id, due_at, anew=anew)
            for name, value in (variables or {}).items():
                command.write(name, value)
            await command.run_until_quiet()
            return await command.save(locked.instance)

    async def run_due_timers(self, session: AsyncSession, now: datetime) -> Step | None:
        """Fire all timers that are due of one instance that nobody else is at; None if there is none.

        Whatever goes wrong comes out as an EngineFailure that names the instance: it must be recorded as an incident, or
        the same timer would be tried again at once, for ever.
        """
        row = (await session.execute(statements.LOCK_DUE_INSTANCE, {"now": now})).one_or_none()
        if row is None:
            return None
        instance = InstanceRow(*row)
        with _failing("run_due_timers", instance.id):
            try:
                return await self._fire(session, instance, now)
            except EngineFailure:
                raise
            except Exception as error:  # recorded as an incident by the edge
                raise EngineFailure(f"{type(error).__name__}: {error}") from error

    async def migrate(
        self, session: AsyncSession, locked: Locked, definition_id: UUID, *, actor: UUID | None, now: datetime
    ) -> Step:
        """Go on by another version of the same process. Timers keep their moments, open tasks their claims.

        MigrationRefused if an element where a token is has no counterpart of its kind there; UnknownProcess.
        """
        instance = locked.instance
        old = await self.catalogue.load(session, instance.definition_id)
        new = await self.catalogue.load(session, definition_id)
        if old.key != new.key:
            raise MigrationRefused("不能迁移到另一个流程。", elements=[])
        if instance.state_name != "active":
            raise MigrationRefused("流程已经结束，不能迁移。", elements=[])
        with _failing("migrate", instance.id):
            before = Execution.load(old, instance.state, self.evaluator, now)
            if misplaced := misplaced_elements(before, new):
                raise MigrationRefused(elements=misplaced)
            execution = carry_over(before, new, self.evaluator, now)
            command = Command(session, self.operators, execution, instance.id, definition_id, actor, now)
            command.tell("migrated", details={"from": instance.definition_id, "to": definition_id})
            await command.run_until_quiet()
            return await command.save(instance, move_tasks=True)

    async def record_incident(
        self,
        session: AsyncSession,
        *,
        instance_id: UUID,
        element_id: str | None,
        task_id: UUID | None,
        command: str,
        error: str,
        now: datetime,
    ) -> None:
        """Note a failure, in a transaction of its own; one that is open already is counted. A due timer of the instance
        waits a minute before it is tried again, then twice as long each time, six hours at most."""
        parameters = {
            "incident_id": uuid7(),
            "instance_id": instance_id,
            "element_id": element_id,
            "task_id": task_id,
            "command": command,
            "error": error,
            "now": now,
        }
        await session.execute(statements.RECORD_INCIDENT, parameters)

    async def _load(
        self,
        session: AsyncSession,
        instance: InstanceRow,
        actor: UUID | None,
        now: datetime,
        task_id: UUID | None = None,
        answers: Mapping[str, Any] | None = None,
    ) -> Command:
        definition = await self.catalogue.load(session, instance.definition_id)
        execution = Execution.load(definition, instance.state, self.evaluator, now)
        return Command(
            session,
            self.operators,
            execution,
            instance.id,
            instance.definition_id,
            actor,
            now,
            task_id,
            answers or {},
        )

    async def _fire(self, session: AsyncSession, instance: InstanceRow, now: datetime) -> Step:
        command = await self._load(session, instance, None, now)
        command.is_timer = True
        while fired := command.execution.fire_due_timers():
            command.fired += fired
            await command.run_until_quiet()
        return await command.save(instance)

    async def _move(
        self,
        session: AsyncSession,
        locked: Locked,
        task: TaskRow,
        kind: str,
        *,
        to: UUID | None,
        actor: UUID | None,
        now: datetime,
    ) -> Step:
        instance = locked.instance
        definition = await self.catalogue.load(session, instance.definition_id)
        after = _Afterwards(instance.status, None, instance.next_due)
        if (to is None) is not (task.claimed_by is None):
            after = await self._after_move(session, instance, task, is_claimed=to is not None, now=now)
        is_first_claim = task.claimed_first_at is None
        parameters = {
            "instance_id": instance.id,
            "version": instance.version,
            "task_id": task.id,
            "claimed_by": to,
            "claimed_at": now if to else None,
            "assignee": to if task.assignee else None,
            "open": to is None,
            "kind": kind,
            "element_id": task.element_id,
            "element_name": task.name,
            "actor": actor,
            "now": now,
            "waited_s": (now - task.created_at).total_seconds() if is_first_claim else None,
            "details": orjson.dumps({"from": task.claimed_by, "to": to}).decode()
            if to is None or to != actor
            else None,
            "status": after.status,
            "state": after.state,
            "next_due": after.next_due,
        }
        await write_once(session, statements.MOVE_TASK, parameters)
        return Step(
            instance_id=instance.id,
            definition_id=instance.definition_id,
            definition=definition,
            status=after.status,
            phase=instance.phase,
            active_elements=instance.active_elements,
            ended=False,
            next_due=after.next_due,
        )

    async def _after_move(
        self, session: AsyncSession, instance: InstanceRow, task: TaskRow, *, is_claimed: bool, now: datetime
    ) -> _Afterwards:
        definition = await self.catalogue.load(session, instance.definition_id)
        unchanged = _Afterwards(instance.status, None, instance.next_due)
        if not depends_on_claim(definition, definition.elements[task.element_id]):
            return unchanged
        execution = Execution.load(definition, instance.state, self.evaluator, now)
        others = [each for each in execution.ready_tasks() if each.id != task.id]
        claimed = await claimed_among(session, definition, others) | ({task.id} if is_claimed else set())
        status = execution.status(claimed)[0] or instance.status
        if not execution.follow_claims(claimed):
            return unchanged._replace(status=status)
        return _Afterwards(status, execution.dump(), execution.next_due())


class _Afterwards(NamedTuple):
    """What a claim, a release or a hand-over makes of the instance; `state` None: its timers are what they were."""

    status: str | None
    state: bytes | None
    next_due: datetime | None


def _open_task(locked: Locked) -> TaskRow:
    task = locked.task
    if task is None:
        raise ValueError("this command needs a locked task, not only an instance")
    if task.state != "ready":
        raise TaskGone(by_person=task.completed_by, at=task.completed_at, state=task.state)
    return task


def _require_claimed_by(task: TaskRow, actor: UUID | None) -> None:
    if task.claimed_by != actor:
        raise NotYours(claimed_by=task.claimed_by, claimed_at=task.claimed_at)


@contextmanager
def _failing(command: str, instance_id: UUID | None, task_id: UUID | None = None) -> Iterator[None]:
    """A failure inside learns which command it is."""
    try:
        yield
    except EngineFailure as failure:
        failure.command, failure.instance_id, failure.task_id = command, instance_id, task_id
        raise

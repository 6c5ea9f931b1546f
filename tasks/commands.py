"""What people do with tasks: claim, return, hand over, save a draft. Completing has a file of its own (`completion`).

Every command locks the instance first. A refusal that names a person gets their name added: who has the task, who was
first. Who may not even know of a task is told that there is none.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from cleaning import drop_turning
from domain.actor import Actor
from domain.people import find_names
from domain.roles import hold_groups
from engine.exceptions import NotYours, TaskGone
from engine.instances import Engine
from engine.steps import Locked, Step, TaskRow
from errors import Refusal
from tasks import statements
from tasks.exceptions import AnswersRefused, NotAllowed, NotFound
from tasks.inbox import refuse_stranger, scope
from tasks.subjects import command, copy_status

MOST_AT_ONCE = 50
LARGEST_DRAFT = 200_000  # bytes of JSON
PEOPLE_IN_DETAILS = ("claimed_by", "by_person")


@dataclass(frozen=True)
class Colleague:
    """Somebody who may take a task over."""

    id: UUID
    name: str


@dataclass(frozen=True)
class BulkClaim:
    """What became of each task of a bulk claim: its own, or the sentence that says why not."""

    claimed: Sequence[UUID]
    refused: Mapping[UUID, str]


async def claim(
    session: AsyncSession, engine: Engine, actor: Actor, task_id: UUID, now: datetime
) -> Step | None:
    """Take a task of one of my groups. TaskAlreadyClaimed says who has it since when.

    A task that is mine already stays mine, and nothing is done (None): a program that got no answer asks again.
    """
    return await _claim(session, engine, await _hold(session, actor), task_id, now)


async def _claim(
    session: AsyncSession, engine: Engine, actor: Actor, task_id: UUID, now: datetime
) -> Step | None:
    async with named(session, actor), command(session):
        locked, task = await lock_known(session, engine, actor, task_id)
        if task.claimed_by == actor.person_id and task.state == "ready":
            return None
        if task.state == "ready" and not _in_group(actor, task):
            raise NotYours(claimed_by=task.claimed_by, claimed_at=task.claimed_at)
        step = await engine.claim(session, locked, actor=actor.person_id, now=now)
        await copy_status(session, step, claimed_at=now, moved=(task.element_id, actor.person_id))
        return step


async def claim_many(
    session: AsyncSession, engine: Engine, actor: Actor, task_ids: Collection[UUID], now: datetime
) -> BulkClaim:
    """Claim these tasks, each on its own: one that is gone or taken does not spoil the others."""
    if len(task_ids) > MOST_AT_ONCE:
        raise NotAllowed(f"一次最多认领 {MOST_AT_ONCE} 项任务。")
    actor = await _hold(session, actor)
    claimed: list[UUID] = []
    refused: dict[UUID, str] = {}
    # One order for everyone who locks several instances, by their ids: they cannot wait for each other.
    parameters = {"task_ids": list(set(task_ids))}
    known = list((await session.execute(statements.BY_INSTANCE, parameters)).scalars())
    for task_id in [*known, *sorted(set(task_ids) - set(known))]:
        try:
            async with session.begin_nested():
                await _claim(session, engine, actor, task_id, now)
            claimed.append(task_id)
        except Refusal as refusal:
            refused[task_id] = refusal.message
    return BulkClaim(claimed, refused)


async def release(session: AsyncSession, engine: Engine, actor: Actor, task_id: UUID, now: datetime) -> Step:
    """Put a task back into its groups; not one that was assigned to me alone."""
    async with named(session, actor), command(session):
        locked, task = await lock_known(session, engine, actor, task_id)
        require_mine(actor, task)
        if task.assignee is not None or not task.candidate_groups:
            raise NotAllowed("这项任务只由您一人办理，不能退回。")
        step = await engine.release(session, locked, actor=actor.person_id, now=now)
        await copy_status(session, step, moved=(task.element_id, None))
        return step


async def hand_over(
    session: AsyncSession, engine: Engine, actor: Actor, task_id: UUID, to: UUID, now: datetime
) -> Step:
    """Give my task to somebody else in its groups (an active handler of the same office)."""
    async with named(session, actor), command(session):
        await hold_groups(session, to)
        locked, task = await lock_known(session, engine, actor, task_id)
        require_mine(actor, task)
        if to == actor.person_id:
            raise NotAllowed("这项任务已经在您名下，不需要移交。")
        if to not in {colleague.id for colleague in await _find_colleagues(session, task_id)}:
            raise NotAllowed("只能移交给同一海关单位在岗的经办关员。")
        step = await engine.hand_over(session, locked, to=to, actor=actor.person_id, now=now)
        await copy_status(session, step, moved=(task.element_id, to))
        return step


async def list_colleagues(
    session: AsyncSession, engine: Engine, actor: Actor, task_id: UUID
) -> list[Colleague]:
    """Who my task may be handed over to."""
    async with named(session, actor):
        require_mine(actor, (await lock_known(session, engine, actor, task_id))[1])
        return [one for one in await _find_colleagues(session, task_id) if one.id != actor.person_id]


async def save_draft(
    session: AsyncSession,
    engine: Engine,
    actor: Actor,
    task_id: UUID,
    answers: Mapping[str, Any],
    now: datetime,
) -> datetime:
    """Keep what has been typed so far, unchecked, as it is; when it was saved. One statement while all is well."""
    parameters = {**scope(actor), "task_id": task_id, "draft": encode_draft(answers), "now": now}
    if (await session.execute(statements.SAVE_DRAFT, parameters)).first() is None:
        async with named(session, actor):
            _, task = await lock_known(session, engine, actor, task_id)
            require_mine(actor, task)
            raise NotFound
    return now


def encode_draft(answers: Mapping[str, Any]) -> str:
    """Answers as the JSON of a draft; AnswersRefused where PostgreSQL could not keep it."""
    try:
        encoded = orjson.dumps(_tidy(dict(answers)), option=orjson.OPT_NON_STR_KEYS)
    except (TypeError, ValueError) as error:
        raise AnswersRefused({}, "草稿里有不能保存的内容。") from error
    if len(encoded) > LARGEST_DRAFT:
        raise AnswersRefused({}, "草稿过长，无法保存。")
    return encoded.decode()


def _tidy(value: Any) -> Any:
    """Not cleaned before it is sent, but nothing is kept that disguises what is read, nor the one character PostgreSQL cannot."""
    if isinstance(value, str):
        return drop_turning(value).replace("\0", "")
    if isinstance(value, Mapping):
        return {_tidy(key): _tidy(item) for key, item in value.items()}
    return [_tidy(item) for item in value] if isinstance(value, list | tuple) else value


async def lock_known(
    session: AsyncSession, engine: Engine, actor: Actor, task_id: UUID
) -> tuple[Locked, TaskRow]:
    """Lock the task's instance; NotFound (or, for readers of the issue, NotYours) for who has nothing to do with it."""
    try:
        locked = await engine.lock(session, task_id)
    except TaskGone as error:
        raise NotFound from error
    task = locked.task
    if task is None:
        raise NotFound
    if actor.person_id not in (task.claimed_by, task.completed_by) and not _in_group(actor, task):
        await refuse_stranger(session, actor, locked.instance.id, task.claimed_by)
    return locked, task


def require_mine(actor: Actor, task: TaskRow) -> None:
    """TaskGone (who, when) or NotYours (who has it, since when) unless I may work on it now."""
    if task.state != "ready":
        raise TaskGone(by_person=task.completed_by, at=task.completed_at, state=task.state)
    if task.claimed_by != actor.person_id:
        raise NotYours(claimed_by=task.claimed_by, claimed_at=task.claimed_at)


@asynccontextmanager
async def named(session: AsyncSession, actor: Actor) -> AsyncIterator[None]:
    """Add the names of people to refusals that tell who: `claimed_by_name`, `by_person_name`; of colleagues as this actor's
    enterprise calls them."""
    try:
        yield
    except Refusal as refusal:
        people = {key: refusal.details[key] for key in PEOPLE_IN_DETAILS if refusal.details.get(key)}
        if people:
            ids = [UUID(str(id_)) for id_ in people.values()]
            names = await find_names(session, ids, enterprise_id=actor.enterprise_id)
            for key, id_ in people.items():
                refusal.details[f"{key}_name"] = names.get(UUID(str(id_)))
        raise


async def _hold(session: AsyncSession, actor: Actor) -> Actor:
    """An officer with the roles they have now, kept until the transaction ends: before their instances are locked."""
    if actor.officer_id is None:
        return actor
    return replace(actor, groups=await hold_groups(session, actor.person_id))


def _in_group(actor: Actor, task: TaskRow) -> bool:
    return not set(actor.groups).isdisjoint(task.candidate_groups)


async def _find_colleagues(session: AsyncSession, task_id: UUID) -> list[Colleague]:
    rows = await session.execute(statements.COLLEAGUES, {"task_id": task_id})
    return [Colleague(row.id, row.name) for row in rows]

"""Completing a task: the answers checked, the process moved on, its record and the messages written, the answer kept under
the caller's idempotency key; all in the caller's transaction, or nothing.

On the happy path the key is not looked up: the lock on the instance lets one submit through, a repeated one finds the
task done and only then asks for the answer that was given. The same key for something else collides when it is written.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from db.direct import execute
from domain.actor import Actor
from domain.models import IssueRecord
from engine.instances import Engine
from engine.steps import Locked, Step, TaskRow
from tasks import forms, statements
from tasks.commands import encode_draft, lock_known, named, require_mine
from tasks.exceptions import AnswersRefused, KeyReused, NotFound
from tasks.fields import lists_of
from tasks.kept_answers import keep_answers
from tasks.kinds import KINDS
from tasks.notices import read_texts, send_notices
from tasks.subjects import Subject, command, open_subject, save
from tasks.task_forms import form_of
from tasks.views import form_context

LONGEST_KEY = 200
STATE = ("id", "status", "phase")
DEFAULT_ROUTE = "complete_task"


@dataclass(frozen=True)
class CompleteResult:
    """What a submit is answered with: the new state of the issue or the registration (None for what it is not about), and
    the tasks that are now mine. Only a submit about a registration says anything of one."""

    issue: Mapping[str, Any] | None
    next: list[Mapping[str, Any]]
    registration: Mapping[str, Any] | None = None
    repeated: bool = False

    def as_json(self) -> dict[str, Any]:
        """As the API sends it, and as it is kept for a repeated submit."""
        told = {"issue": self.issue, "next": self.next}
        return told | ({"registration": self.registration} if self.registration else {})


async def complete(
    session: AsyncSession,
    engine: Engine,
    actor: Actor,
    task_id: UUID,
    answers: Mapping[str, Any],
    *,
    now: datetime,
    version: int | None = None,
    idempotency_key: str | None = None,
    route: str = DEFAULT_ROUTE,
    max_files: int = 10,
) -> CompleteResult:
    """Submit my task. Raises AnswersRefused (every mistake), TaskGone, NotYours, StaleVersion, KeyReused, NotFound.

    With the same key and body a second submit gets the first one's answer, `repeated`.
    """
    body_hash = hash_body(task_id, answers)
    _require_key(idempotency_key)
    async with named(session, actor), command(session):
        locked, task = await lock_known(session, engine, actor, task_id)
        if task.state != "ready" and idempotency_key:
            earlier = await _find_earlier(session, actor, route, idempotency_key, body_hash)
            if earlier is not None:
                return earlier
        require_mine(actor, task)
        result = await _complete(session, engine, actor, locked, task, answers, version, now, max_files)
        if idempotency_key:
            await _keep(session, actor, route, idempotency_key, body_hash, result, now)
        return result


async def _complete(
    session: AsyncSession,
    engine: Engine,
    actor: Actor,
    locked: Locked,
    task: TaskRow,
    answers: Mapping[str, Any],
    version: int | None,
    now: datetime,
    max_files: int,
) -> CompleteResult:
    definition = await engine.catalogue.load(session, task.definition_id)
    form = form_of(definition, task.element_id)
    subject = await open_subject(
        session,
        locked.instance.id,
        definition.key,
        lists=lists_of(form),
        file_ids=forms.file_ids(form, answers) if isinstance(answers, Mapping) else (),
        enterprise_id=actor.enterprise_id,
    )
    _require_same_enterprise(actor, subject)
    of_task = definition, task.element_id
    context = form_context(engine, actor, subject, now, task=of_task, max_files=max_files)
    checked = forms.check(form, answers, context)
    subject.task_id = task.id
    subject.used_files = [
        id_ for id_ in forms.file_ids(form, checked) if subject.files[id_].instance_id is None
    ]
    step = await engine.complete(session, locked, checked, actor=actor.person_id, version=version, now=now)
    keep_answers(subject, *of_task, checked, actor_id=actor.person_id, task_id=task.id, now=now)
    await finish(session, step, now)
    return _result(actor, step, subject)


async def finish(session: AsyncSession, step: Step, now: datetime) -> None:
    """What every step ends with: its status on the record, the record's changes, and its messages."""
    await save(session, step)
    texts = read_texts(step.definition.text("texts.yaml"))
    await send_notices(session, step.instance_id, step.definition.key, step.shared, texts, now)


async def keep_as_draft(
    session: AsyncSession, actor: Actor, task_id: UUID, answers: Mapping[str, Any], now: datetime
) -> bool:
    """After a failure of ours: the answers become the task's draft, so that nothing typed is lost. Its own transaction.

    False when there is no such task of theirs (any more).
    """
    parameters = {
        "task_id": task_id,
        "person_id": actor.person_id,
        "draft": encode_draft(answers),
        "now": now,
    }
    return (await session.execute(statements.KEEP_DRAFT, parameters)).first() is not None


def hash_body(task_id: UUID, answers: Mapping[str, Any]) -> str:
    """The same for the same answers to the same task, in whatever order they come."""
    try:
        body = orjson.dumps([task_id, answers], option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    except (TypeError, ValueError) as error:
        raise AnswersRefused({}, "提交的内容无法识别。") from error
    return sha256(body).hexdigest()


def _require_key(key: str | None) -> None:
    if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isprintable()):
        raise KeyReused(f"幂等键须是 1 到 {LONGEST_KEY} 个可见字符。")


def _require_same_enterprise(actor: Actor, subject: Subject) -> None:
    """Whoever serves several enterprises does a task only while acting for its enterprise."""
    record = subject.record
    if record is not None and actor.enterprise_id is not None and record.enterprise_id != actor.enterprise_id:
        raise NotFound


async def _find_earlier(
    session: AsyncSession, actor: Actor, route: str, key: str, body_hash: str
) -> CompleteResult | None:
    parameters = {"person_id": actor.person_id, "route": route, "key": key}
    row = (await session.execute(statements.FIND_ANSWER, parameters)).one_or_none()
    if row is None:
        return None
    if row.body_hash != body_hash:
        raise KeyReused
    kept = row.response
    return CompleteResult(kept["issue"], kept["next"], kept.get("registration"), repeated=True)


async def _keep(
    session: AsyncSession,
    actor: Actor,
    route: str,
    key: str,
    body_hash: str,
    result: CompleteResult,
    now: datetime,
) -> None:
    parameters = {
        "person_id": actor.person_id,
        "route": route,
        "key": key,
        "body_hash": body_hash,
        "response": orjson.dumps(result.as_json()).decode(),
        "now": now,
    }
    if not (await execute(session, statements.KEEP_ANSWER, parameters)).rows:
        raise KeyReused


def _tell(subject: Subject) -> dict[str, Any] | None:
    record = subject.record
    if record is None:
        return None
    title = record.title if isinstance(record, IssueRecord) else subject.enterprise_name
    return {
        "id": str(record.id),
        "number": record.number,
        "title": title,
        "status": record.status,
        "phase": record.phase,
    }


def _state(told: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return {key: told[key] for key in STATE} if told else None


def _result(actor: Actor, step: Step, subject: Subject) -> CompleteResult:
    about = {name: _tell(subject) if subject.kind.name == name else None for name in KINDS}
    mine = [task for task in step.created if task.claimed_by == actor.person_id]
    return CompleteResult(
        issue=_state(about["issue"]),
        registration=_state(about["registration"]),
        next=[
            {
                "id": str(task.id),
                "element_id": task.element_id,
                "name": task.name,
                **about,
                "due_at": task.due_at.isoformat() if task.due_at else None,
                "claimed_by": str(task.claimed_by),
                "version": task.version,
            }
            for task in mine
        ],
    )

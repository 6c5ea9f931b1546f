"""The history of an issue or a registration to read: who did what when, how long it had waited, and what was answered, for any
user task by the labels of its form. Nothing here knows one task from another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from domain.people import find_names
from engine.instances import Engine
from tasks import forms, statements
from tasks.fields import Option
from tasks.subjects import load_lists
from tasks.task_forms import form_of

WORDS = {
    "task_created": "等待“{name}”",
    "task_claimed": "认领“{name}”",
    "task_released": "退回“{name}”，等待他人认领",
    "task_taken_back": "{from}不再办理“{name}”，等待他人认领",
    "task_handed_over": "把“{name}”移交给{to}",
    "task_completed": "完成“{name}”",
    "task_cancelled": "“{name}”已取消",
    "service_done": "{name}",
    "timer_fired": "到时：{name}",
    "message_caught": "{name}",
    "event_caught": "{name}",
    "rescheduled": "调整“{name}”的时间",
    "reassigned": "把{part}改为{to}",
    "migrated": "换用新版本的流程",
    "ended": "结束：{name}",
}
PARTS = {"submitter": "经办人", "executive": "审核高管", "applicant": "申请人"}
STARTED = {"registration": "提交注册申请"}
QUIET = frozenset({"task_created", "service_done", "rescheduled"})


@dataclass(frozen=True)
class Answer:
    """One answered field: `text` is what to show; for files `value` holds their ids."""

    key: str
    label: str
    kind: str
    value: Any
    text: str


@dataclass(frozen=True)
class Entry:
    """One line. `waited_s` is how long the thing had been open; `is_quiet`: of interest only to who wants everything."""

    id: int
    at: datetime
    kind: str
    text: str
    element_id: str | None
    element_name: str | None
    task_id: UUID | None
    actor_id: UUID | None
    actor_name: str | None
    waited_s: float | None
    is_quiet: bool
    answers: Sequence[Answer] = field(default=())


@dataclass(frozen=True)
class DoneTask:
    """One completed user task with its answers, whatever task the diagram made it; `on_complete` is the operator that took
    them."""

    task_id: UUID
    element_id: str
    name: str
    completed_at: datetime
    completed_by: UUID | None
    completed_by_name: str | None
    answers: Sequence[Answer]
    is_generic: bool
    on_complete: str | None = None


async def read_timeline(
    session: AsyncSession, engine: Engine, instance_id: UUID, process: str = "issue"
) -> list[Entry]:
    """Everything that happened, oldest first. The caller has made sure that it may be read."""
    rows = (await session.execute(statements.TIMELINE, {"instance_id": instance_id})).all()
    lists = await load_lists(session, instance_id) if any(row.answers for row in rows) else {}
    names = await find_names(session, _people(rows), about=instance_id)
    words = {**WORDS, "started": STARTED.get(process, "提出问题")}
    return [await _entry(session, engine, row, words, names, lists) for row in rows]


async def list_done_tasks(session: AsyncSession, engine: Engine, instance_id: UUID) -> list[DoneTask]:
    """Every completed user task with its answers. `is_generic`: no operator has written them anywhere else."""
    rows = (await session.execute(statements.DONE_OF_INSTANCE, {"instance_id": instance_id})).all()
    lists = await load_lists(session, instance_id) if rows else {}
    people = {row.completed_by for row in rows if row.completed_by}
    names = await find_names(session, people, about=instance_id)
    done: list[DoneTask] = []
    for row in rows:
        definition = await engine.catalogue.load(session, row.definition_id)
        element = definition.elements.get(row.element_id)
        done.append(
            DoneTask(
                task_id=row.id,
                element_id=row.element_id,
                name=row.name,
                completed_at=row.completed_at,
                completed_by=row.completed_by,
                completed_by_name=names.get(row.completed_by),
                answers=_describe(form_of(definition, row.element_id), row.answers, lists),
                is_generic=element is None or element.on_complete is None,
                on_complete=element.on_complete if element else None,
            )
        )
    return done


async def _entry(
    session: AsyncSession,
    engine: Engine,
    row: Row[Any],
    sentences: Mapping[str, str],
    names: Mapping[UUID, str],
    lists: Mapping[str, Sequence[Option]],
) -> Entry:
    answers: Sequence[Answer] = ()
    if row.answers:
        definition = await engine.catalogue.load(session, row.definition_id)
        answers = _describe(form_of(definition, row.element_id), row.answers, lists)
    details = row.details or {}
    words = {
        "name": row.element_name or row.element_id or "",
        "from": _name_in(details, "from", names),
        "to": _name_in(details, "to", names),
        "part": PARTS.get(details.get("part", ""), "办理人"),
    }
    was_taken = row.kind == "task_released" and _as_id(details.get("from")) not in (None, row.actor_id)
    return Entry(
        id=row.id,
        at=row.at,
        kind=row.kind,
        text=sentences.get("task_taken_back" if was_taken else row.kind, "{name}").format(**words),
        element_id=row.element_id,
        element_name=row.element_name,
        task_id=row.task_id,
        actor_id=row.actor_id,
        actor_name=names.get(row.actor_id),
        waited_s=row.waited_s,
        is_quiet=row.kind in QUIET,
        answers=answers,
    )


def _name_in(details: Mapping[str, Any], part: str, names: Mapping[UUID, str]) -> str:
    id_ = _as_id(details.get(part))
    return names.get(id_, "他人") if id_ else "他人"


def _describe(
    form: Mapping[str, Any], answers: Mapping[str, Any] | None, lists: Mapping[str, Sequence[Option]]
) -> list[Answer]:
    return [Answer(**line) for line in forms.describe(form, answers or {}, lists)]


def _people(rows: Sequence[Row[Any]]) -> set[UUID]:
    found = {row.actor_id for row in rows if row.actor_id}
    named = (row.details.get(part) for row in rows if row.details for part in ("from", "to"))
    return found | {id_ for value in named if (id_ := _as_id(value))}


def _as_id(value: Any) -> UUID | None:
    try:
        return UUID(str(value)) if value else None
    except ValueError:
        return None

"""The issue or the registration that a command is about: read once, changed in memory by operators, written once at the end.

An operator is handed only what the engine knows; the record it changes lies beside the session's transaction, under the
instance's id, from the first look until `finish` writes it. Everything about a record (its columns, answers,
evaluations, changes, used files) goes to the database as one statement. Instances of processes that are about nothing are
served too: then there is nothing to copy the status to. What differs from one kind to the other is `tasks.kinds`'.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from db.direct import execute
from domain.models import Enterprise, IssueRecord, Registration
from engine.steps import Step
from tasks import statements
from tasks.fields import FileFact, Option
from tasks.kinds import ISSUE, REGISTRATION, Beside, Kind, Record, kind_of

KEY = "subjects of this command"
ANSWERS = "record_answer"  # the operator of the task whose holder is the issue's handler


@dataclass
class Subject:
    """One instance's issue or registration as it stands in this command; `record` is None where the process has none.

    `record` belongs to no session: assign to its columns, and `finish` writes what differs from `before`. The
    `enterprise` of a registration does: what is assigned to it is written with the session.
    """

    instance_id: UUID
    kind: Kind
    record: Record | None
    before: dict[str, Any]
    enterprise: Enterprise | None = None
    office_name: str = ""
    enterprise_name: str = ""
    lists: dict[str, list[Option]] = field(default_factory=dict)
    files: dict[UUID, FileFact] = field(default_factory=dict)
    rows: list[Beside] = field(default_factory=list)
    used_files: list[UUID] = field(default_factory=list)
    task_id: UUID | None = None
    is_new: bool = False

    @property
    def issue(self) -> IssueRecord | None:
        """The issue, where it is about one."""
        return self.record if isinstance(self.record, IssueRecord) else None

    @property
    def registration(self) -> Registration | None:
        """The registration, where it is about one."""
        return self.record if isinstance(self.record, Registration) else None

    def require_issue(self) -> IssueRecord:
        """The issue; ValueError where a diagram uses an operator of issues in a process without one."""
        if not isinstance(self.record, IssueRecord):
            raise ValueError(f"instance {self.instance_id} has no issue")
        return self.record

    def require_registration(self) -> tuple[Registration, Enterprise]:
        """The registration and its enterprise; ValueError likewise."""
        if not isinstance(self.record, Registration) or self.enterprise is None:
            raise ValueError(f"instance {self.instance_id} has no registration")
        return self.record, self.enterprise

    def changed(self) -> dict[str, Any]:
        """The columns that differ from what was read."""
        if self.record is None:
            return {}
        now = {name: getattr(self.record, name) for name in self.kind.columns if name != "id"}
        return (
            now if self.is_new else {name: value for name, value in now.items() if value != self.before[name]}
        )


@asynccontextmanager
async def command(session: AsyncSession) -> AsyncIterator[None]:
    """One command's span: nothing read in it outlives it, whether it succeeds or not."""
    session.info[KEY] = {}
    try:
        yield
    finally:
        session.info.pop(KEY, None)


async def open_subject(
    session: AsyncSession,
    instance_id: UUID,
    process: str = ISSUE.name,
    *,
    lists: Collection[str] = (),
    file_ids: Sequence[UUID] = (),
    enterprise_id: UUID | None = None,
) -> Subject:
    """The subject of this command, read unless it has been already, with the lists and files a form needs.

    `process` is the key of the instance's definition: it says what to look for.
    """
    opened: dict[UUID, Subject] = session.info.setdefault(KEY, {})
    if found := opened.get(instance_id):
        return found
    parameters = {
        "instance_id": instance_id,
        "want_lists": bool({"kinds", "categories", "importances"} & set(lists)),
        "want_offices": "offices" in lists,
        "file_ids": list(file_ids),
        "enterprise_id": enterprise_id,
    }
    kind = kind_of(process)
    row = (await execute(session, kind.load, parameters)).rows[0]
    subject = opened[instance_id] = _read_subject(instance_id, kind, row._asdict())
    if subject.registration is not None:
        subject.enterprise = await session.get(
            Enterprise, subject.registration.enterprise_id, populate_existing=True
        )
    return subject


def open_new_subject(
    session: AsyncSession, record: Record, loaded: Subject, *, enterprise: Enterprise | None = None
) -> Subject:
    """A new record, written by `save`, with the lists and files that were read for it; its instance need not exist yet."""
    kind = REGISTRATION if isinstance(record, Registration) else ISSUE
    subject = replace(
        loaded, instance_id=record.id, kind=kind, record=record, enterprise=enterprise, is_new=True
    )
    session.info[KEY][record.id] = subject
    return subject


async def load_lists(session: AsyncSession, instance_id: UUID) -> dict[str, list[Option]]:
    """Every list that options come from, for this instance, to name what was chosen."""
    parameters = {
        "instance_id": instance_id,
        "want_lists": True,
        "want_offices": True,
        "file_ids": [],
        "enterprise_id": None,
    }
    row = (await execute(session, statements.LOAD_SUBJECT, parameters)).rows[0]
    return _read_lists(row._asdict())


async def save(session: AsyncSession, step: Step) -> None:
    """Copy the step's status and phase to the record and write everything that changed; for all commands but claims."""
    subject: Subject | None = session.info.get(KEY, {}).get(step.instance_id)
    if subject is None:
        await copy_status(session, step)
        return
    if subject.record is not None:
        subject.record.status, subject.record.phase = step.status, step.phase
    await flush(session, subject)


async def flush(session: AsyncSession, subject: Subject) -> None:
    """Write what this command changed about its record: one statement, or none."""
    kind = subject.kind
    columns = subject.changed()
    tables: dict[str, list[dict[str, Any]]] = {}
    for row in subject.rows:
        tables.setdefault(kind.beside[type(row)], []).append(row.model_dump())
    if not (columns or tables or subject.used_files):
        return
    statement = statements.save_record(
        kind.name, tuple(columns), tuple(tables), bool(subject.used_files), subject.is_new
    )
    written = {name: columns[name] for name in statements.JSON_COLUMNS if name in columns}
    parameters = columns | {name: orjson.dumps(value).decode() for name, value in (tables | written).items()}
    if subject.used_files:
        parameters |= {"file_ids": subject.used_files, "task_id": subject.task_id}
    await execute(session, statement, parameters | {"id": subject.instance_id})


async def copy_status(
    session: AsyncSession,
    step: Step,
    *,
    claimed_at: datetime | None = None,
    moved: tuple[str, UUID | None] | None = None,
) -> None:
    """Only the status and phase; with `claimed_at` an issue at customs keeps the moment of its first claim. `moved` is the
    element of a task and who has it from now on: the issue's handler, where it is the task that answers it."""
    element = step.definition.elements.get(moved[0]) if moved else None
    parameters = {
        "instance_id": step.instance_id,
        "status": step.status,
        "phase": step.phase,
        "claimed_at": claimed_at,
        "moves_handler": element is not None and element.on_complete == ANSWERS,
        "handler": moved[1] if moved else None,
    }
    await session.execute(kind_of(step.definition.key).copy_status, parameters)


def _read_subject(instance_id: UUID, kind: Kind, row: Mapping[str, Any]) -> Subject:
    before = {name: row[name] for name in kind.columns} if row["has_record"] else {}
    return Subject(
        instance_id,
        kind,
        kind.make(**before) if before else None,
        before,
        office_name=row["office_name"] or "",
        enterprise_name=row["enterprise_name"] or "",
        lists=_read_lists(row),
        files={
            UUID(id_): FileFact(UUID(id_), name, UUID(owner), UUID(instance) if instance else None)
            for id_, name, owner, instance in row["files"] or ()
        },
    )


_LIST_KEYS = {"kind": "kinds", "category": "categories", "importance": "importances"}


def _read_lists(row: Mapping[str, Any]) -> dict[str, list[Option]]:
    lists: dict[str, list[Option]] = {}
    for list_name, code, name in row["list_entries"] or ():
        if key := _LIST_KEYS.get(list_name):
            lists.setdefault(key, []).append(Option(code, name))
    for key, column in (("offices", "open_offices"), ("executives", "executives")):
        if row[column] is not None:
            lists[key] = [Option(code, name) for code, name in row[column]]
    return lists

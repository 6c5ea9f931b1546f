"""The issue that a command is about: read once, changed in memory by operators, written once at the end.

An operator is handed only what the engine knows; the issue it changes lies beside the session's transaction, under the
instance's id, from the first look until `finish` writes it. Everything about an issue (its columns, answers,
evaluations, changes, used files) goes to the database as one statement. Instances of processes that have no issue are
served too: then there is nothing to copy the status to.
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
from domain.models import Evaluation, Issue, IssueAnswer, IssueChange, IssueOffice, IssueRecord
from engine.steps import Step
from tasks import statements
from tasks.fields import FileFact, Option

COLUMNS = tuple(column.name for column in Issue.__table__.columns)  # type: ignore[attr-defined]  # SQLModel's typing
BESIDE = {
    IssueOffice: "issue_office",
    IssueChange: "issue_change",
    IssueAnswer: "issue_answer",
    Evaluation: "evaluation",
}
KEY = "issues of this command"


@dataclass
class Subject:
    """One instance's issue as it stands in this command; `issue` is None where the process has none.

    `issue` belongs to no session: assign to its columns, and `finish` writes what differs from `before`.
    """

    instance_id: UUID
    issue: IssueRecord | None
    before: dict[str, Any]
    office_name: str = ""
    enterprise_name: str = ""
    lists: dict[str, list[Option]] = field(default_factory=dict)
    files: dict[UUID, FileFact] = field(default_factory=dict)
    rows: list[IssueOffice | IssueChange | IssueAnswer | Evaluation] = field(default_factory=list)
    used_files: list[UUID] = field(default_factory=list)
    task_id: UUID | None = None
    is_new: bool = False

    def require_issue(self) -> IssueRecord:
        """The issue; ValueError where a diagram uses an operator of issues in a process without one."""
        if self.issue is None:
            raise ValueError(f"instance {self.instance_id} has no issue")
        return self.issue

    def changed(self) -> dict[str, Any]:
        """The columns that differ from what was read."""
        if self.issue is None:
            return {}
        now = {name: getattr(self.issue, name) for name in COLUMNS if name != "id"}
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
    *,
    lists: Collection[str] = (),
    file_ids: Sequence[UUID] = (),
    enterprise_id: UUID | None = None,
) -> Subject:
    """The subject of this command, read unless it has been already, with the lists and files a form needs."""
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
    row = (await execute(session, statements.LOAD_SUBJECT, parameters)).rows[0]
    subject = opened[instance_id] = _read_subject(instance_id, row._asdict())
    return subject


def open_new_subject(session: AsyncSession, issue: IssueRecord, loaded: Subject) -> Subject:
    """A new issue, written by `save`, with the lists and files that were read for it; its instance need not exist yet."""
    subject = replace(loaded, instance_id=issue.id, issue=issue, is_new=True)
    session.info[KEY][issue.id] = subject
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
    """Copy the step's status and phase to the issue and write everything that changed; for all commands but claims."""
    subject: Subject | None = session.info.get(KEY, {}).get(step.instance_id)
    if subject is None:
        await copy_status(session, step)
        return
    if subject.issue is not None:
        subject.issue.status, subject.issue.phase = step.status, step.phase
    await flush(session, subject)


async def flush(session: AsyncSession, subject: Subject) -> None:
    """Write what this command changed about an issue: one statement, or none."""
    columns = subject.changed()
    tables: dict[str, list[dict[str, Any]]] = {}
    for row in subject.rows:
        tables.setdefault(BESIDE[type(row)], []).append(row.model_dump())
    if not (columns or tables or subject.used_files):
        return
    statement = statements.save_issue(tuple(columns), tuple(tables), bool(subject.used_files), subject.is_new)
    parameters = columns | {name: orjson.dumps(rows).decode() for name, rows in tables.items()}
    if subject.used_files:
        parameters |= {"file_ids": subject.used_files, "task_id": subject.task_id}
    await execute(session, statement, parameters | {"id": subject.instance_id})


async def copy_status(session: AsyncSession, step: Step, *, claimed_at: datetime | None = None) -> None:
    """Only the status and phase; with `claimed_at` an issue at customs keeps the moment of its first claim."""
    parameters = {
        "instance_id": step.instance_id,
        "status": step.status,
        "phase": step.phase,
        "claimed_at": claimed_at,
    }
    await session.execute(statements.COPY_STATUS, parameters)


def _read_subject(instance_id: UUID, row: Mapping[str, Any]) -> Subject:
    before = {name: row[name] for name in COLUMNS} if row["has_issue"] else {}
    return Subject(
        instance_id,
        IssueRecord.model_construct(**before) if before else None,
        before,
        office_name=row["office_name"] or "",
        enterprise_name=row["enterprise_name"] or "",
        lists=_read_lists(row),
        files={
            UUID(id_): FileFact(UUID(id_), name, UUID(uploader), UUID(instance) if instance else None)
            for id_, name, uploader, instance in row["files"] or ()
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

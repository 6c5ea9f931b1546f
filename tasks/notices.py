"""Messages that a command causes: described by the operator `notify`, written all together when its steps are done.

Whom a diagram may name: a person's id, a group (`role:office`, `role:enterprise id`), `current_handler` (who has the
open task of customs; its candidates while nobody has it), `current_claimer` (who has it, and nobody else),
`current_assignees` (in whose own name a task is open), `supervisors` (of the record's office and those above it), or a
list of these. The words come from the definition's `texts.yaml`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.people import split_groups
from domain.working_days import WorkingCalendar, next_office_moment
from engine.context import Operator, StepContext
from engine.findings import Finding
from messages.exceptions import TextBroken
from messages.outbox import NewMessage, enqueue
from messages.texts import Text, find_mistakes, load_texts, render
from tasks import statements
from tasks.kinds import kind_of
from tasks.subjects import Subject, open_subject

SUPERVISORS, CURRENT_HANDLER, CURRENT_ASSIGNEES = "supervisors", "current_handler", "current_assignees"
CURRENT_CLAIMER = "current_claimer"
KEY = "notices"
TEXTS = "texts.yaml"


@dataclass(frozen=True)
class Notice:
    """One message to write: which text, and to whom (ids, groups, SUPERVISORS); which of the ids are of officers who have the
    task, and when offices are open again, if they are not now."""

    template: str
    to: tuple[str, ...]
    element_id: str
    officers: frozenset[str] = frozenset()
    office_opens_at: datetime | None = None


def build_notify(calendar: WorkingCalendar) -> Operator:
    """The operator `notify`; what officers get in office hours only waits for those of this calendar."""

    async def notify(
        context: StepContext, /, template: str, to: str | Sequence[str] | None, only_unclaimed: bool = False
    ) -> None:
        opens_at = next_office_moment(context.now, calendar)
        await _notify(context, template, to, only_unclaimed, opens_at if opens_at > context.now else None)

    return notify


async def _notify(
    context: StepContext,
    template: str,
    to: str | Sequence[str] | None,
    only_unclaimed: bool,
    office_opens_at: datetime | None,
) -> None:
    """Tell these people with this text, once the command is done. `only_unclaimed`: only while nobody has the task."""
    officers: set[str] = set()
    names = [to] if isinstance(to, str) else list(to or ())
    if only_unclaimed or not {CURRENT_HANDLER, CURRENT_CLAIMER, CURRENT_ASSIGNEES}.isdisjoint(names):
        parameters = {"instance_id": context.instance_id}
        tasks = (await context.session.execute(statements.OPEN_TASKS_OF_INSTANCE, parameters)).all()
        customs = [task for task in tasks if task.candidate_groups]
        if only_unclaimed and all(task.claimed_by is not None for task in customs):
            return
        if CURRENT_HANDLER in names:
            names.remove(CURRENT_HANDLER)
            for task in customs:
                names += [str(task.claimed_by)] if task.claimed_by else task.candidate_groups
                officers |= {str(task.claimed_by)}
        if CURRENT_CLAIMER in names:
            names.remove(CURRENT_CLAIMER)
            claimers = [str(task.claimed_by) for task in customs if task.claimed_by]
            names += claimers
            officers.update(claimers)
        if CURRENT_ASSIGNEES in names:
            names.remove(CURRENT_ASSIGNEES)
            names += [str(task.claimed_by) for task in tasks if task.claimed_by and not task.candidate_groups]
    notices: list[Notice] = context.shared.setdefault(KEY, [])
    notices.append(
        Notice(
            template,
            tuple(dict.fromkeys(names)),
            context.element_id,
            frozenset(officers),
            office_opens_at,
        )
    )


async def send_notices(
    session: AsyncSession,
    instance_id: UUID,
    process: str,
    shared: Mapping[str, Any],
    texts: Mapping[str, Text],
    now: datetime,
) -> None:
    """Write the messages of a command, each person once a text: one look-up for groups, one insert, one job."""
    notices: list[Notice] = shared.get(KEY, [])
    if not notices:
        return
    subject = await open_subject(session, instance_id, process)
    people = await _find_people(session, notices, subject)
    params = _params(subject)
    found: dict[tuple[str, UUID], NewMessage] = {}
    for notice in notices:
        message = render(texts, notice.template, params)
        waiting = notice.office_opens_at if message.in_office_hours else None
        for name, person_id in ((each, one) for each in notice.to for one in people.get(each, ())):
            found[notice.template, person_id] = NewMessage(
                template=notice.template,
                text=message,
                person_id=person_id,
                params=params,
                process=process,
                instance_id=instance_id,
                element_id=notice.element_id,
                created_at=now,
                office_opens_at=waiting if _is_officer(name, notice) else None,
            )
    await enqueue(session, list(found.values()))


@lru_cache(maxsize=100)
def read_texts(source: str | None) -> Mapping[str, Text]:
    """The texts of a definition, from its `texts.yaml`; empty where it has none."""
    return load_texts(source) if source else {}


def find_text_mistakes(files: Mapping[str, str]) -> list[Finding]:
    """What is wrong with the texts of a process's files: a placeholder that nobody fills. Missing texts the engine finds."""
    findings: list[Finding] = []
    for file, source in files.items():
        if file.rsplit("/", 1)[-1] != TEXTS:
            continue
        try:
            mistakes = find_mistakes(load_texts(source), kind_of(file.split("/", 1)[0]).placeholders)
        except TextBroken as broken:
            mistakes = [("", str(broken))]
        findings += (Finding(file, template, "bad-placeholder", sentence) for template, sentence in mistakes)
    return findings


def _is_officer(name: str, notice: Notice) -> bool:
    """Whether who is named so is told as an officer: by a role at an office, as a supervisor, or because they have the task."""
    return name == SUPERVISORS or name in notice.officers or (":" in name and bool(split_groups([name])[0]))


async def _find_people(
    session: AsyncSession, notices: Sequence[Notice], subject: Subject
) -> dict[str, list[UUID]]:
    people: dict[str, list[UUID]] = {}
    groups: list[str] = []
    for name in dict.fromkeys(name for notice in notices for name in notice.to):
        if ":" in name:
            groups.append(name)
        elif name != SUPERVISORS:
            people[name] = [UUID(name)]
    supervised = any(SUPERVISORS in notice.to for notice in notices)
    if groups or supervised:
        officers, members = split_groups(groups)
        rows = await session.execute(
            statements.FIND_RECIPIENTS,
            {
                "supervised": subject.record.office if supervised and subject.record else None,
                "office_groups": [f"{role}:{office}" for role, office in officers],
                "member_groups": [f"{role}:{enterprise_id}" for role, enterprise_id in members],
            },
        )
        for group_name, person_id in rows:
            people.setdefault(group_name, []).append(person_id)
            if supervised and group_name.startswith("supervisor:"):
                people.setdefault(SUPERVISORS, []).append(person_id)
    return people


def _params(subject: Subject) -> dict[str, str]:
    if subject.record is None:
        return {}
    values = subject.kind.params(subject.record, subject.office_name, subject.enterprise_name)
    return dict(zip(subject.kind.placeholders, values, strict=True))

"""One registration with everything that may be read about it: what was typed, the licence, what the applicant changed from round
to round, what reviews said, and its history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.access import registration_readable_by
from domain.actor import Actor
from domain.models import (
    Attachment,
    CustomsOffice,
    Enterprise,
    Person,
    Registration,
    RegistrationChange,
)
from domain.people import find_names
from engine.instances import Engine
from tasks import statements
from tasks.details import Change, OpenTask, Picture, draw_picture, name_field, show_open_task
from tasks.exceptions import NotFound
from tasks.inbox import may_read_registration
from tasks.kept_answers import RECORD, Kept, describe_kept, list_kept
from tasks.registrations import PROCESS
from tasks.standing import Standing, find_standing
from tasks.timeline import DoneTask, Entry, list_done_tasks, read_timeline

FIELD_NAMES = {
    "name": "企业名称",
    "uscc": "统一社会信用代码",
    "customs_code": "海关注册编码",
    "address": "注册地址",
    "legal_person": "法定代表人",
    "contact": "联系人",
    "office": "注册地海关",
    "licence": "营业执照",
}


@dataclass(frozen=True)
class RoundChange:
    """A change with the round it was sent with; a licence names its two files instead of words."""

    change: Change
    round: int
    before_file: Attachment | None = None
    after_file: Attachment | None = None


@dataclass(frozen=True)
class RegistrationDetail:
    """One registration. `people` names the ids in it; `applicant_phone` is how customs reaches the applicant; `fields` is what
    its form asks besides the columns, `files` are all files of it."""

    registration: Registration
    enterprise: Enterprise
    office_name: str
    applicant_phone: str
    people: Mapping[UUID, str]
    licence: Attachment | None
    changes: Sequence[RoundChange]
    open_tasks: Sequence[OpenTask]
    done_tasks: Sequence[DoneTask]
    standing: Standing
    fields: Mapping[str, Kept]
    files: Mapping[UUID, Attachment]

    @property
    def last_changes(self) -> Sequence[RoundChange]:
        """What changed since the last round."""
        return [one for one in self.changes if one.round == self.registration.round]


async def get_registration(
    session: AsyncSession, engine: Engine, actor: Actor, registration_id: UUID
) -> RegistrationDetail:
    """One registration I may read; NotFound for all others."""
    row = (
        await session.execute(
            select(Registration, Enterprise, col(CustomsOffice.name), col(Person.phone))
            .join(Enterprise, col(Enterprise.id) == col(Registration.enterprise_id))
            .join(CustomsOffice, col(CustomsOffice.code) == col(Registration.office))
            .join(Person, col(Person.id) == col(Registration.applicant_id))
            .where(col(Registration.id) == registration_id, registration_readable_by(actor))
            .execution_options(populate_existing=True)
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    registration, enterprise, office_name, phone = row
    found = await session.scalars(select(Attachment).where(col(Attachment.instance_id) == registration_id))
    files = {file.id: file for file in found}
    tasks = (await session.execute(statements.OPEN_OF_INSTANCE, {"instance_id": registration_id})).all()
    changes = (
        await session.scalars(
            select(RegistrationChange)
            .where(col(RegistrationChange.registration_id) == registration_id)
            .order_by(col(RegistrationChange.id))
        )
    ).all()
    people = await find_names(session, _people(registration, changes, tasks), about=registration_id)
    offices = dict((await session.execute(select(col(CustomsOffice.code), col(CustomsOffice.name)))).all())
    return RegistrationDetail(
        registration=registration,
        enterprise=enterprise,
        office_name=office_name,
        applicant_phone=phone,
        people=people,
        licence=files.get(registration.licence) if registration.licence else None,
        changes=[_change(change, people, offices, files) for change in changes],
        open_tasks=[show_open_task(task, actor, people) for task in tasks],
        done_tasks=await list_done_tasks(session, engine, registration_id),
        standing=await find_standing(session, engine, registration_id),
        fields=list_kept(registration, RECORD),
        files=files,
    )


async def registration_timeline(
    session: AsyncSession, engine: Engine, actor: Actor, registration_id: UUID
) -> list[Entry]:
    """The history of a registration I may read; NotFound for all others."""
    await _require_readable(session, actor, registration_id)
    return await read_timeline(session, engine, registration_id, PROCESS)


async def registration_picture(
    session: AsyncSession, engine: Engine, actor: Actor, registration_id: UUID
) -> Picture:
    """The diagram of a registration I may read; NotFound for all others."""
    await _require_readable(session, actor, registration_id)
    return await draw_picture(session, engine, registration_id)


async def _require_readable(session: AsyncSession, actor: Actor, registration_id: UUID) -> None:
    if not await may_read_registration(session, actor, registration_id):
        raise NotFound


def _people(
    registration: Registration, changes: Sequence[RegistrationChange], tasks: Sequence[Any]
) -> set[UUID]:
    found: set[UUID | None] = {
        registration.applicant_id,
        registration.reviewer_id,
        registration.check_digit_overridden_by,
    }
    found |= {change.actor_id for change in changes} | {task.claimed_by for task in tasks}
    return {person for person in found if person}


def _change(
    change: RegistrationChange,
    people: Mapping[UUID, str],
    offices: Mapping[str, str],
    files: Mapping[UUID, Attachment],
) -> RoundChange:
    def file(value: Any) -> Attachment | None:
        return files.get(UUID(value)) if change.field == "licence" and value else None

    def show(value: Any) -> str:
        if isinstance(value, Mapping):
            return describe_kept(value)
        if change.field == "office":
            return offices.get(value, value or "")
        found = file(value)
        return found.name if found else str(value or "")

    shown = Change(
        field=change.field,
        label=name_field(change.field, FIELD_NAMES, change.before, change.after),
        before=show(change.before),
        after=show(change.after),
        actor_id=change.actor_id,
        actor_name=people.get(change.actor_id, ""),
        at=change.at,
    )
    return RoundChange(shown, change.round, file(change.before), file(change.after))

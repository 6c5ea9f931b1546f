"""Registrations as people meet them: apply for one, see one's own, find and read those of one's offices. What happens in between
are tasks."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, func, literal, or_, select, text, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cleaning import clean_code
from db.ids import uuid7
from domain.access import registration_readable_by
from domain.actor import Actor, member_groups
from domain.audit import record
from domain.models import CustomsOffice, Enterprise, Membership, Registration, SignInChallenge
from domain.registrations import facts, find_or_add_person, make_admin, next_registration_number
from engine.instances import Engine
from engine.models import UserTask
from engine.specs import ParsedDefinition
from tasks import forms
from tasks.completion import finish
from tasks.fields import REGISTRATION_FIELDS, FormContext, Schema, lists_of
from tasks.kept_answers import keep_answers
from tasks.kinds import REGISTRATION
from tasks.needs import find_first_form
from tasks.pages import COUNTED, INFINITY, MOST, Page, make_cursor, read_cursor
from tasks.registration_operators import set_fields
from tasks.subjects import Subject, command, open_new_subject, open_subject
from tasks.task_forms import form_of

PROCESS = REGISTRATION.name
PHASES = ("customs", "enterprise", "closed")

Route = Literal["card", "web", "wechat"]


@dataclass(frozen=True)
class Typing:
    """The form that a new registration begins with, for one challenge: whose it is in the diagram, its schema, and what it is
    drawn and checked with."""

    definition: ParsedDefinition
    element_id: str
    form: Schema
    context: FormContext


@dataclass(frozen=True)
class RegistrationFilter:
    """What a list is narrowed to; None and "" narrow nothing. `q` is part of a name, uscc or number."""

    phase: str | None = None
    status: str | None = None
    office: str | None = None
    q: str | None = None


@dataclass(frozen=True)
class RegistrationLine:
    """One registration in a list; `my_task_id` is the task of it that lies with me."""

    id: UUID
    number: str
    status: str | None
    phase: str | None
    outcome: str | None
    route: str
    round: int
    office: str
    office_name: str
    enterprise_name: str
    uscc: str
    submitted_at: datetime | None
    due_at: datetime | None
    overdue_at: datetime | None
    decided_at: datetime | None
    my_task_id: UUID | None


async def open_form(
    session: AsyncSession,
    engine: Engine,
    challenge_id: UUID,
    answers: Mapping[str, Any],
    now: datetime,
) -> Typing:
    """The form that a registration begins with: the one its corrections use. Files are the challenge's own."""
    async with command(session):
        typing, _ = await _open_form(session, engine, uuid7(), challenge_id, answers, now)
    return typing


async def register(
    session: AsyncSession,
    engine: Engine,
    challenge: SignInChallenge,
    fields: Mapping[str, Any],
    now: datetime,
    *,
    route: Route = "web",
    ip: str | None = None,
) -> Registration:
    """A new registration by the person with the challenge's phone, which the caller has proved; one challenge makes one.

    Raises AnswersRefused, OfficeClosed, EnterpriseRegistered, AlreadyApplied, PhoneDisabled.
    """
    id_ = uuid7()
    async with command(session):
        typing, loaded = await _open_form(session, engine, id_, challenge.id, fields, now)
        checked = forms.check(typing.form, fields, typing.context)
        begun = typing.definition, typing.element_id
        registration, _ = await begin(
            session, engine, loaded, challenge, checked, now, route=route, ip=ip, form=begun
        )
    return registration


async def begin(
    session: AsyncSession,
    engine: Engine,
    loaded: Subject,
    challenge: SignInChallenge,
    checked: Mapping[str, Any],
    now: datetime,
    *,
    route: Route,
    ip: str | None,
    form: tuple[ParsedDefinition, str] | None = None,
) -> tuple[Registration, Actor]:
    """The registration with these checked fields and its first steps, within a `command`; and the applicant.

    `loaded` is what was read under the registration's id to be, `form` the task whose form asked for the fields (a card asks
    for nothing). Raises as `register` does.
    """
    id_ = loaded.instance_id
    person_id = await find_or_add_person(session, challenge.phone, checked["contact"], now)
    enterprise = Enterprise(name=checked["name"], uscc="", created_at=now)
    session.add(enterprise)
    await session.flush()
    membership = make_admin(enterprise, person_id, checked["contact"], now)
    session.add(membership)
    registration = Registration(
        id=id_,
        number=await next_registration_number(session, checked["office"], now),
        enterprise_id=enterprise.id,
        applicant_id=person_id,
        challenge_id=challenge.id,
        route=route,
        office="",
        created_at=now,
    )
    subject = open_new_subject(session, registration, loaded, enterprise=enterprise)
    await set_fields(session, subject, checked, actor_id=person_id, task_id=None, now=now)
    if form is not None:
        keep_answers(subject, *form, checked, actor_id=person_id, task_id=None, now=now)
        subject.used_files = forms.file_ids(form_of(*form), checked)
    step = await engine.start(
        session,
        PROCESS,
        instance_id=id_,
        variables={"registration": facts(registration)},
        subject=enterprise.name,
        actor=person_id,
        now=now,
    )
    await finish(session, step, now)
    applicant = _as_actor(membership, challenge.phone, enterprise, ip)
    after = {key: checked[key] for key in REGISTRATION_FIELDS if key in checked and key != "licence"}
    after |= {"number": registration.number, "route": route, "person_id": person_id}
    await record(
        session,
        "apply_registration",
        actor=applicant,
        about="registration",
        about_id=id_,
        after=after,
        now=now,
    )
    return registration, applicant


async def list_registrations(
    session: AsyncSession,
    actor: Actor,
    wanted: RegistrationFilter | None = None,
    *,
    after: str | None = None,
    limit: int = 20,
) -> Page[RegistrationLine]:
    """One page of the registrations I may read, the newest first."""
    limit = max(1, min(limit, MOST))
    statement = _lines(actor).where(registration_readable_by(actor), _narrow(wanted))
    if after:
        statement = statement.where(col(Registration.id) < read_cursor(after)[1])
    rows = (await session.execute(statement.order_by(col(Registration.id).desc()).limit(limit + 1))).all()
    lines = [RegistrationLine(**_named(row)) for row in rows[:limit]]
    return Page(lines, make_cursor(INFINITY, lines[-1].id) if len(rows) > limit else None)


async def count_registrations(
    session: AsyncSession, actor: Actor, wanted: RegistrationFilter | None = None
) -> dict[str, int]:
    """How many registrations I may read in each phase, counted up to 100: show more than 99 as 99+."""
    narrowed = registration_readable_by(actor), _narrow(wanted)
    counts = [
        select(func.count())
        .select_from(
            select(literal(1))
            .select_from(Registration)
            .join(Enterprise, col(Enterprise.id) == col(Registration.enterprise_id))
            .where(*narrowed, col(Registration.phase) == phase)
            .limit(COUNTED)
            .subquery()
        )
        .scalar_subquery()
        .label(phase)
        for phase in PHASES
    ]
    return _named((await session.execute(select(*counts))).one())


async def find_mine(session: AsyncSession, actor: Actor) -> Registration | None:
    """The registration of the enterprise I act for; None for one that was never applied for here."""
    if actor.enterprise_id is None:
        return None
    return await session.scalar(
        select(Registration).where(col(Registration.enterprise_id) == actor.enterprise_id)
    )


def _as_actor(membership: Membership, phone: str, enterprise: Enterprise, ip: str | None) -> Actor:
    return Actor(
        person_id=membership.person_id,
        name=membership.display_name,
        phone=phone,
        session_id=None,
        membership_id=membership.id,
        enterprise_id=enterprise.id,
        enterprise_status=enterprise.status,
        officer_id=None,
        roles=frozenset(membership.roles),
        groups=member_groups(membership.roles, enterprise.id),
        offices=(),
        enterprise_name=enterprise.name,
        ip=ip,
    )


async def name_office(session: AsyncSession, code: str) -> str:
    """An office's name; its code where there is none any more."""
    name = await session.scalar(select(col(CustomsOffice.name)).where(col(CustomsOffice.code) == code))
    return name or code


async def _open_form(
    session: AsyncSession,
    engine: Engine,
    id_: UUID,
    challenge_id: UUID,
    answers: Mapping[str, Any],
    now: datetime,
) -> tuple[Typing, Subject]:
    newest = await engine.catalogue.newest(session, PROCESS)
    definition = await engine.catalogue.load(session, newest.id)
    element_id = find_first_form(definition)
    form = form_of(definition, element_id)
    subject = await open_subject(
        session,
        id_,
        PROCESS,
        lists=lists_of(form),
        file_ids=forms.file_ids(form, answers) if isinstance(answers, Mapping) else (),
    )
    context = FormContext(
        lists=subject.lists,
        files=subject.files,
        actor_id=challenge_id,
        evaluator=engine.evaluator,
        now=now,
    )
    return Typing(definition, element_id, form, context), subject


def _lines(actor: Actor) -> Select[*tuple[Any, ...]]:
    mine = (
        select(col(UserTask.id))
        .where(
            col(UserTask.instance_id) == col(Registration.id),
            col(UserTask.state) == "ready",
            col(UserTask.claimed_by) == actor.person_id,
        )
        .limit(1)
        .scalar_subquery()
    )
    shown = [name for name in RegistrationLine.__annotations__ if name in Registration.model_fields]
    return (
        select(
            *(getattr(Registration, name) for name in shown),
            col(CustomsOffice.name).label("office_name"),
            col(Enterprise.name).label("enterprise_name"),
            col(Enterprise.uscc),
            mine.label("my_task_id"),
        )
        .join(CustomsOffice, col(CustomsOffice.code) == col(Registration.office))
        .join(Enterprise, col(Enterprise.id) == col(Registration.enterprise_id))
    )


def _narrow(wanted: RegistrationFilter | None) -> ColumnElement[bool]:
    if wanted is None:
        return true()
    rules = [
        col(getattr(Registration, name)) == value
        for name in ("phase", "status", "office")
        if (value := getattr(wanted, name))
    ]
    if wanted.q and (words := wanted.q.strip()):
        rules.append(
            or_(
                col(Enterprise.name).contains(words, autoescape=True),
                col(Enterprise.uscc).startswith(clean_code(words), autoescape=True),
                col(Registration.number).startswith(words.upper(), autoescape=True),
                _answered(words),
            )
        )
    return and_(true(), *rules)


def _answered(words: str) -> ColumnElement[bool]:
    """Whether something that the form asked besides the columns was answered with these words."""
    kept = func.jsonb_each(col(Registration.answers)).table_valued("key", "value")
    said = kept.c.value.op("->>")("text").icontains(words, autoescape=True)
    return and_(
        col(Registration.answers) != text("'{}'::jsonb"),
        select(literal(1)).select_from(kept).where(said).exists(),
    )


def _named(row: Row[*tuple[Any, ...]]) -> dict[str, Any]:
    return dict(zip(row._fields, row, strict=True))

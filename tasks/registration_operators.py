"""What the diagram of registrations may do: a table of names and functions, as for issues (`tasks.operators`). The decision
itself is the diagram's; here it is only written down."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cleaning import clean_code
from domain import deadlines
from domain.models import Membership, Registration, RegistrationChange
from domain.offices import require_open_office
from domain.registrations import (
    ENTERPRISE_FIELDS,
    facts,
    require_new_application,
    require_unregistered,
    take_uscc,
)
from domain.uscc import check_digit_fails
from domain.working_days import WorkingCalendar
from engine.context import Operator, StepContext
from tasks.fields import REGISTRATION_FIELDS
from tasks.subjects import Subject, open_subject
from tasks.superseding import supersede_others

CODES = frozenset({"uscc", "customs_code"})


def build_registration_operators(calendar: WorkingCalendar) -> dict[str, Operator]:
    """Every operator by the name diagrams use; deadlines are counted in this calendar."""

    async def send_to_registrar(context: StepContext, /, days: float) -> dict[str, Any]:
        return await _send_to_registrar(context, calendar, days)

    return {
        "save_registration": save_registration,
        "send_to_registrar": send_to_registrar,
        "record_review": record_review,
        "return_registration": return_registration,
        "approve_registration": approve_registration,
        "refuse_registration": refuse_registration,
        "supersede_registration": supersede_registration,
    }


async def save_registration(context: StepContext, /) -> dict[str, Any]:
    """What the applicant corrected, before and after; another round begins. Raises EnterpriseRegistered."""
    subject = await _open(context)
    registration, _ = subject.require_registration()
    registration.round += 1
    if context.actor is not None:
        await set_fields(
            context.session,
            subject,
            context.answers,
            actor_id=context.actor,
            task_id=context.task_id,
            now=context.now,
        )
    return facts(registration)


async def set_fields(
    session: AsyncSession,
    subject: Subject,
    fields: Mapping[str, Any],
    *,
    actor_id: UUID,
    task_id: UUID | None,
    now: datetime,
) -> None:
    """Write the registration's fields among these answers; what changes after the first time is kept. Raises OfficeClosed,
    EnterpriseRegistered, AlreadyApplied."""
    registration, enterprise = subject.require_registration()
    for key in REGISTRATION_FIELDS:
        if key not in fields:
            continue
        holder = enterprise if key in ENTERPRISE_FIELDS else registration
        before, after = getattr(holder, key), _as_column(key, fields[key])
        if after == before:
            continue
        if key == "office":
            subject.office_name = (await require_open_office(session, after)).name
        if key == "uscc":
            await require_unregistered(session, after)
            if (
                registration.route != "card"
            ):  # a card takes the uscc: what waits for a review ends as superseded
                await require_new_application(session, registration.applicant_id, after)
            registration.check_digit_failed = check_digit_fails(after)
            registration.check_digit_overridden_by = None
        setattr(holder, key, after)
        if not subject.is_new:
            subject.rows.append(
                RegistrationChange(
                    registration_id=registration.id,
                    task_id=task_id,
                    actor_id=actor_id,
                    at=now,
                    round=registration.round,
                    field=key,
                    before=_as_json(before),
                    after=_as_json(after),
                )
            )
            if key == "contact":
                await _rename_applicant(session, registration, after)
    subject.enterprise_name = enterprise.name


async def _send_to_registrar(context: StepContext, calendar: WorkingCalendar, days: float) -> dict[str, Any]:
    """The clock starts, anew in each round: it did not run while the applicant corrected."""
    registration, enterprise = (await _open(context)).require_registration()
    registration.submitted_at = context.now
    registration.reason = ""
    enterprise.status = "pending"
    return deadlines.set_deadline(registration, int(days), calendar, context.now).as_variables()


async def record_review(context: StepContext, /) -> dict[str, Any]:
    """Who reviewed it, what was said, and who answers for a check digit that is wrong."""
    registration, _ = (await _open(context)).require_registration()
    registration.reviewer_id = context.actor
    registration.reason = context.answers.get("reason") or ""
    if context.answers.get("override_check_digit") and registration.check_digit_failed:
        registration.check_digit_overridden_by = context.actor
    return facts(registration)


async def return_registration(context: StepContext, /) -> dict[str, Any]:
    """Back to the applicant, whose deadline it is not: customs' clock is gone until it is sent again."""
    registration, enterprise = (await _open(context)).require_registration()
    enterprise.status = "returned"
    deadlines.drop_deadline(registration)
    return facts(registration)


async def approve_registration(context: StepContext, /) -> dict[str, Any]:
    """Take the uscc. The first wins: `uscc_taken` says when it was another one; else the others are told to end."""
    registration, enterprise = (await _open(context)).require_registration()
    won = await take_uscc(context.session, enterprise.id)
    await context.session.refresh(enterprise)
    if not won:
        return facts(registration, uscc_taken=True)
    registration.outcome, registration.decided_at = "approved", context.now
    await supersede_others(context.session, enterprise.uscc)
    return facts(registration)


async def refuse_registration(context: StepContext, /) -> dict[str, Any]:
    """The end, with the reason that the review gave."""
    return await _end(context, "refused")


async def supersede_registration(context: StepContext, /) -> dict[str, Any]:
    """The end: the enterprise has been registered by another application."""
    return await _end(context, "superseded")


async def _end(context: StepContext, outcome: str) -> dict[str, Any]:
    registration, enterprise = (await _open(context)).require_registration()
    enterprise.status = registration.outcome = outcome
    registration.decided_at = context.now
    return facts(registration)


async def _open(context: StepContext) -> Subject:
    return await open_subject(context.session, context.instance_id, context.definition.key)


async def _rename_applicant(session: AsyncSession, registration: Registration, name: str) -> None:
    await session.execute(
        update(Membership)
        .where(
            col(Membership.person_id) == registration.applicant_id,
            col(Membership.enterprise_id) == registration.enterprise_id,
        )
        .values(display_name=name)
    )


def _as_column(key: str, value: Any) -> Any:
    if key == "licence":
        return UUID(value[0]) if value else None
    return clean_code(value or "") if key in CODES else (value or "")


def _as_json(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value

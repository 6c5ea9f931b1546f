"""Registrations."""

from api.json.schemas.registrations import (
    RegisteredEnterprise,
    RegistrationChangeOut,
    RegistrationCreated,
    RegistrationDetail,
    RegistrationLine,
    RegistrationList,
)
from api.json.show.parts import show_done_task, show_file, show_kept, show_open_task, show_person
from domain.models import Enterprise, Registration
from tasks import registration_details, registrations
from tasks.pages import Page


def show_created(registration: Registration) -> RegistrationCreated:
    """A new registration."""
    return RegistrationCreated(
        id=registration.id,
        number=registration.number,
        status=registration.status,
        phase=registration.phase,
    )


def show_registrations(page: Page[registrations.RegistrationLine]) -> RegistrationList:
    """One page of a list."""
    return RegistrationList(items=[_show_line(one) for one in page.items], next=page.next)


def _show_line(one: registrations.RegistrationLine) -> RegistrationLine:
    return RegistrationLine(
        id=one.id,
        number=one.number,
        status=one.status,
        phase=one.phase,
        outcome=one.outcome,
        route=one.route,
        round=one.round,
        office=one.office,
        office_name=one.office_name,
        enterprise_name=one.enterprise_name,
        uscc=one.uscc,
        submitted_at=one.submitted_at,
        due_at=one.due_at,
        overdue_at=one.overdue_at,
        decided_at=one.decided_at,
        my_task_id=one.my_task_id,
    )


def show_registration(detail: registration_details.RegistrationDetail) -> RegistrationDetail:
    """Everything about one registration; people as id and name, files as their metadata."""
    registration = detail.registration
    return RegistrationDetail(
        id=registration.id,
        number=registration.number,
        status=registration.status,
        phase=registration.phase,
        outcome=registration.outcome,
        route=registration.route,
        office=registration.office,
        office_name=detail.office_name,
        contact=registration.contact,
        round=registration.round,
        reason=registration.reason,
        check_digit_failed=registration.check_digit_failed,
        check_digit_overridden_by=show_person(registration.check_digit_overridden_by, detail.people),
        created_at=registration.created_at,
        submitted_at=registration.submitted_at,
        due_at=registration.due_at,
        overdue_at=registration.overdue_at,
        decided_at=registration.decided_at,
        enterprise=_show_enterprise(detail.enterprise),
        applicant=show_person(registration.applicant_id, detail.people),
        reviewer=show_person(registration.reviewer_id, detail.people),
        licence=show_file(detail.licence) if detail.licence else None,
        fields=show_kept(detail.fields),
        changes=[_show_change(one) for one in detail.changes],
        tasks=[show_open_task(one) for one in detail.open_tasks],
        done_tasks=[show_done_task(one) for one in detail.done_tasks],
    )


def _show_enterprise(enterprise: Enterprise) -> RegisteredEnterprise:
    return RegisteredEnterprise(
        id=enterprise.id,
        name=enterprise.name,
        uscc=enterprise.uscc,
        customs_code=enterprise.customs_code,
        address=enterprise.address,
        legal_person=enterprise.legal_person,
        status=enterprise.status,
    )


def _show_change(one: registration_details.RoundChange) -> RegistrationChangeOut:
    change = one.change
    return RegistrationChangeOut(
        field=change.field,
        label=change.label,
        before=change.before,
        after=change.after,
        actor_id=change.actor_id,
        actor_name=change.actor_name,
        at=change.at,
        round=one.round,
        before_file=show_file(one.before_file) if one.before_file else None,
        after_file=show_file(one.after_file) if one.after_file else None,
    )

"""What customs knows of a registration apart from its process: its number, who applies, whether the enterprise is registered
already, and taking the uscc. Operators (`tasks.registration_operators`) decide when."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.ids import uuid7
from domain.exceptions import AlreadyApplied, EnterpriseRegistered, PhoneDisabled
from domain.models import Enterprise, Membership, Person, Registration
from domain.working_days import BEIJING

REGISTERED = ("approved", "suspended")
OPEN = ("pending", "returned")
ENTERPRISE_FIELDS = ("name", "uscc", "customs_code", "address", "legal_person")
"""What is typed of the enterprise itself; the rest of a registration is about the application."""
TAKEN = "enterprise_registered"  # the index that lets one row a uscc be registered
NEXT_SERIAL = text("SELECT nextval('registration_number_seq')")


async def next_registration_number(session: AsyncSession, office: str, now: datetime) -> str:
    """`ZC<关区代码><yyyy><6 digits>`, the year in Beijing; never given twice, gaps are allowed."""
    serial = await session.scalar(NEXT_SERIAL)
    return f"ZC{office}{now.astimezone(BEIJING).year}{serial:06d}"


def facts(registration: Registration, *, uscc_taken: bool = False) -> dict[str, Any]:
    """The process variable `registration`: only what expressions read, ids as strings."""
    return {
        "id": str(registration.id),
        "route": registration.route,
        "office": registration.office,
        "applicant": str(registration.applicant_id),
        "round": registration.round,
        "check_digit_failed": registration.check_digit_failed,
        "uscc_taken": uscc_taken,
    }


async def require_unregistered(session: AsyncSession, uscc: str) -> None:
    """EnterpriseRegistered when an enterprise with this uscc is: nothing is shown of it."""
    found = await session.scalar(
        select(col(Enterprise.id)).where(col(Enterprise.uscc) == uscc, col(Enterprise.status).in_(REGISTERED))
    )
    if found is not None:
        raise EnterpriseRegistered


async def require_new_application(session: AsyncSession, person_id: UUID, uscc: str) -> None:
    """AlreadyApplied when this person has an application for this uscc under way."""
    earlier = await session.scalar(
        select(col(Registration.number))
        .join(Enterprise, col(Enterprise.id) == col(Registration.enterprise_id))
        .where(
            col(Registration.applicant_id) == person_id,
            col(Enterprise.uscc) == uscc,
            col(Enterprise.status).in_(OPEN),
        )
        .limit(1)
    )
    if earlier is not None:
        raise AlreadyApplied(f"您已为这家企业提交过注册申请（编号 {earlier}），请登录查看办理情况。")


async def find_or_add_person(session: AsyncSession, phone: str, name: str, now: datetime) -> UUID:
    """The person with this phone (`+86…`), a new one if nobody has it. Two at once get the same. Raises PhoneDisabled."""
    await session.execute(
        insert(Person)
        .values(id=uuid7(), name=name, phone=phone, active=True, created_at=now)
        .on_conflict_do_nothing()
    )
    row = (
        await session.execute(select(col(Person.id), col(Person.active)).where(col(Person.phone) == phone))
    ).one()
    if not row.active:
        raise PhoneDisabled
    return row.id


def make_admin(enterprise: Enterprise, person_id: UUID, name: str, now: datetime) -> Membership:
    """The applicant as the enterprise's admin, from the first moment on."""
    return Membership(
        id=uuid7(),
        person_id=person_id,
        enterprise_id=enterprise.id,
        display_name=name,
        position="",
        roles=["enterprise_admin"],
        created_at=now,
    )


async def take_uscc(session: AsyncSession, enterprise_id: UUID) -> bool:
    """Register this enterprise, unless another one has its uscc; whether it is registered now.

    Of two at the same moment the second waits for the first one's transaction at the unique index. A row of it in the
    session must be refreshed.
    """
    try:
        async with session.begin_nested():
            await session.execute(
                update(Enterprise)
                .where(col(Enterprise.id) == enterprise_id)
                .values(status="approved")
                .execution_options(synchronize_session=False)
            )
    except IntegrityError as error:
        diagnosis = getattr(error.orig, "diag", None)
        if getattr(diagnosis, "constraint_name", None) != TAKEN:
            raise
        return False
    return True


async def find_superseded(session: AsyncSession, uscc: str | None = None) -> list[UUID]:
    """The registrations still open whose uscc (this one, or any) somebody else has been registered with."""
    other = Enterprise.__table__.alias("other")  # type: ignore[attr-defined]  # SQLModel's typing
    statement = (
        select(col(Registration.id))
        .join(Enterprise, col(Enterprise.id) == col(Registration.enterprise_id))
        .join(other, other.c.uscc == col(Enterprise.uscc))
        .where(
            col(Enterprise.status).in_(OPEN),
            other.c.status.in_(REGISTERED),
            col(Registration.outcome).is_(None),
        )
        .order_by(col(Registration.id))
    )
    if uscc is not None:
        statement = statement.where(col(Enterprise.uscc) == uscc)
    return list(await session.scalars(statement))

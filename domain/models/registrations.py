"""A registration and what belongs to it. It shares its id with its process instance; the enterprise it is for is a row of its
own from the first moment, pending until the registration ends."""

# SQLModel declares __tablename__ as something else than the str it takes
# pyright: reportAssignmentType=false

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from db.ids import uuid7


def _when(nullable: bool = True) -> Any:
    return Column(DateTime(timezone=True), nullable=nullable)


class Registration(SQLModel, table=True):
    """注册申请. `round` counts how often it was sent again; `outcome` is approved, refused or superseded.

    `challenge_id` is the one-time code it was sent with: one code makes one registration. `reason` is what the last review
    said, `check_digit_overridden_by` who answered for a uscc whose check digit is wrong. The deadline is kept as an issue's.
    """

    __tablename__ = "registration"
    __table_args__ = (
        CheckConstraint("route in ('card', 'web', 'wechat')", name="registration_route"),
        Index("registration_office", "office", "phase", text("id desc")),
        Index("registration_applicant", "applicant_id", text("id desc")),
    )

    id: UUID = Field(
        sa_column=Column(
            ForeignKey("process_instance.id", deferrable=True, initially="DEFERRED"), primary_key=True
        )
    )
    number: str = Field(unique=True)
    enterprise_id: UUID = Field(sa_column=Column(ForeignKey("enterprise.id"), nullable=False, unique=True))
    applicant_id: UUID = Field(sa_column=Column(ForeignKey("person.id"), nullable=False))
    challenge_id: UUID | None = Field(default=None, unique=True)
    route: str
    office: str = Field(sa_column=Column(ForeignKey("customs_office.code"), nullable=False))
    contact: str = ""
    licence: UUID | None = Field(default=None, sa_column=Column(ForeignKey("attachment.id")))
    check_digit_failed: bool = False
    check_digit_overridden_by: UUID | None = Field(default=None, sa_column=Column(ForeignKey("person.id")))
    round: int = 0
    reviewer_id: UUID | None = Field(default=None, sa_column=Column(ForeignKey("person.id")))
    reason: str = ""
    status: str | None = None
    phase: str | None = None
    outcome: str | None = None
    created_at: datetime = Field(sa_column=_when(nullable=False))
    submitted_at: datetime | None = Field(default=None, sa_column=_when())
    deadline_from: datetime | None = Field(default=None, sa_column=_when())
    days_given: int | None = None
    due_at: datetime | None = Field(default=None, sa_column=_when())
    remind_at: datetime | None = Field(default=None, sa_column=_when())
    overdue_at: datetime | None = Field(default=None, sa_column=_when())
    decided_at: datetime | None = Field(default=None, sa_column=_when())
    answers: dict[str, Any] = Field(
        default_factory=dict, sa_column=Column(JSONB, nullable=False, server_default=text("'{}'"))
    )


class RegistrationChange(SQLModel, table=True):
    """One field that the applicant changed between two rounds (`round` is the one it was sent with): before and after."""

    __tablename__ = "registration_change"
    __table_args__ = (Index("registration_change_registration", "registration_id", "id"),)

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    registration_id: UUID = Field(sa_column=Column(ForeignKey("registration.id"), nullable=False))
    task_id: UUID | None = None
    actor_id: UUID = Field(sa_column=Column(ForeignKey("person.id"), nullable=False))
    at: datetime = Field(sa_column=_when(nullable=False))
    round: int
    field: str
    before: Any = Field(sa_column=Column(JSONB(none_as_null=True)))
    after: Any = Field(sa_column=Column(JSONB(none_as_null=True)))


class RegistrationDraft(SQLModel, table=True):
    """What somebody without an account has typed so far. It exists once the code was right, for the browser that asked for
    the code, and goes with the registration it becomes, or a day later."""

    __tablename__ = "registration_draft"

    challenge_id: UUID = Field(
        sa_column=Column(ForeignKey("sign_in_challenge.id", ondelete="CASCADE"), primary_key=True)
    )
    answers: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))
    opened_at: datetime = Field(sa_column=_when(nullable=False))
    saved_at: datetime = Field(sa_column=_when(nullable=False))

"""Requests of people who lost their number: somebody at customs checks who they are and changes it."""

# SQLModel declares __tablename__ as something else than the str it takes
# pyright: reportAssignmentType=false

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Index, text
from sqlmodel import Field, SQLModel

from db.ids import uuid7


class PhoneRequest(SQLModel, table=True):
    """换手机号申请: what was said without signing in. `office` is None for officers, whose system admin decides."""

    __tablename__ = "phone_request"
    __table_args__ = (
        CheckConstraint("decision in ('changed', 'refused', 'replaced')", name="phone_request_decision"),
        Index("phone_request_open", "new_phone", unique=True, postgresql_where=text("decided_at IS NULL")),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    name: str
    old_phone: str
    new_phone: str
    place: str
    office: str | None = Field(default=None, sa_column=Column(ForeignKey("customs_office.code")))
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    decision: str | None = None
    reason: str = ""
    decided_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    decided_by: UUID | None = Field(default=None, sa_column=Column(ForeignKey("person.id")))

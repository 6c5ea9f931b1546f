"""The audit log: records, the personal values of records, the batches that seal them, and the head of the chain.

Triggers refuse every change but two: sealing sets `sealed_in` once, erasing empties a personal value once.
"""

# SQLModel declares __tablename__ as something else than the str it takes
# pyright: reportAssignmentType=false

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from db.ids import uuid7


class AuditRecord(SQLModel, table=True):
    """Who did what on what, from where; `before` and `after` without personal values.

    `personal` names each value that lies apart by its path (`after/phone`) and holds its salted digest.
    """

    __tablename__ = "audit_record"
    __table_args__ = (
        Index("audit_record_unsealed", "sealed_in", "id"),
        Index("audit_record_at", text("at desc"), text("id desc")),
        Index("audit_record_actor", "actor_id", text("at desc"), text("id desc")),
        Index("audit_record_action", "action", text("at desc"), text("id desc")),
        Index("audit_record_about", "about", "about_id", text("at desc"), text("id desc")),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    action: str
    actor_id: UUID | None = None
    membership_id: UUID | None = None
    officer_id: UUID | None = None
    session_id: UUID | None = None
    about: str
    about_id: str | None = None
    before: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    after: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    personal: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    sealed_in: int | None = Field(default=None, sa_column=Column(BigInteger))


class AuditPersonal(SQLModel, table=True):
    """One personal value of a record, with its salt; both are NULL once it has been erased."""

    __tablename__ = "audit_personal"
    __table_args__ = (
        CheckConstraint("(value IS NULL) = (erased_at IS NOT NULL)", name="audit_personal_erased"),
        Index("audit_personal_person", "person_id"),
        Index("audit_personal_value", text("md5(value)"), postgresql_where=text("value is not null")),
    )

    record_id: UUID = Field(sa_column=Column(ForeignKey("audit_record.id"), primary_key=True))
    path: str = Field(primary_key=True)
    person_id: UUID | None = None
    salt: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    value: str | None = Field(default=None, sa_column=Column(Text))
    erased_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))


class AuditBatch(SQLModel, table=True):
    """Rows sealed together: the digest of each in their order, and the digest that chains them to all batches before.

    `counts` says how many of the leaves belong to each table.
    """

    __tablename__ = "audit_batch"

    number: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    sealed_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    counts: dict[str, int] = Field(sa_column=Column(JSONB, nullable=False))
    leaves: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class AuditHead(SQLModel, table=True):
    """The one row that says where the chain ends, signed with the server's secret: the end cannot be cut off unseen."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("one", name="audit_head_one"),)

    one: bool = Field(default=True, primary_key=True)
    number: int = Field(sa_column=Column(BigInteger, nullable=False))
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    signature: bytes = Field(sa_column=Column(LargeBinary, nullable=False))

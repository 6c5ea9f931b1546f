"""The message table: one message to one person, written in the transaction of the step that causes it."""

# SQLModel declares __tablename__ as something else than the str it takes
# pyright: reportAssignmentType=false

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from db.ids import uuid7


class Message(SQLModel, table=True):
    """One message to one person or, for a code before sign-in, to one phone.

    `secret` holds what may not lie about in clear (a one-time code, encrypted) and is erased when sent or expired.
    """

    __tablename__ = "message"
    __table_args__ = (
        CheckConstraint("state in ('queued', 'sending', 'sent', 'failed', 'expired')", name="message_state"),
        Index("message_person", "person_id", text("id desc")),
        Index("message_unsent", "state", postgresql_where=text("state in ('queued', 'sending')")),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    person_id: UUID | None = Field(default=None, sa_column=Column(ForeignKey("person.id")))
    to_phone: str | None = None
    template: str
    params: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))
    text: str = ""
    secret: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    channel: str | None = None
    state: str = "queued"
    tries: int = 0
    error: str | None = None
    instance_id: UUID | None = None
    element_id: str | None = None
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    claimed_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    sent_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    expires_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))


class DemoInbox(SQLModel, table=True):
    """What the demo channel delivered: the phones of the demo's people. Exists in every database, filled in demo only."""

    __tablename__ = "demo_inbox"

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    message_id: UUID = Field(unique=True)
    channel: str
    to: str
    template: str
    text: str
    code: str | None = None
    at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))

"""The tables of messages: one message to one person, written in the transaction of the step that causes it; every try to send it;
what an operator must act on; and what each person chose."""

# SQLModel declares __tablename__ as something else than the str it takes
# pyright: reportAssignmentType=false

from datetime import datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Time,
    false,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

from db.ids import uuid7

STATES = ("queued", "sending", "asking", "sent", "kept", "failed", "uncertain", "expired")
OUTCOMES = ("accepted", "later", "refused", "operator", "uncertain", "skipped")
ANSWERS = ("found", "not_known", "cannot_tell", "repeated")
WAITS_FOR = ("night", "quiet", "office")
WAITING = "state in ('queued', 'sending', 'asking')"
THIS_TRANSACTION = text("(pg_current_xact_id()::text::bigint)")


def _one_of(column: str, words: tuple[str, ...]) -> str:
    return f"{column} in ({', '.join(repr(word) for word in words)})"


def _moment(*, nullable: bool = True) -> Any:
    return Column(DateTime(timezone=True), nullable=nullable)


class Message(SQLModel, table=True):
    """One message to one person or, before there is one, to one phone or mail address. A person's is their in-app notice as well.

    `channels` are those its kind may use, in order; `sms_text` what an SMS says instead of `text`. Nothing is done before
    `due_at`; `waits_for` says what for, where it is not another try (WAITS_FOR). `secret` holds what may not lie about in clear
    (a one-time code, encrypted) and is erased when sent or expired.
    `provider`, `reference` and the receipt are those of the try that a provider took last. `again_at` is when somebody had it
    sent once more: only tries since then count. `written_by` is the transaction that wrote it: ids are made before that ends, so
    they do not tell what a list of notices could show.
    """

    __tablename__ = "message"
    __table_args__ = (
        CheckConstraint(_one_of("state", STATES), name="message_state"),
        Index("message_person", "person_id", text("id desc")),
        Index(
            "message_unread",
            "person_id",
            text("id desc"),
            postgresql_where=text("read_at is null and person_id is not null"),
        ),
        Index("message_phone", "to_phone", text("id desc"), postgresql_where=text("to_phone is not null")),
        Index(
            "message_unsent",
            "state",
            text("id desc"),
            postgresql_where=text("state in ('failed', 'uncertain', 'expired')"),
        ),
        Index("message_due", "due_at", postgresql_where=text(WAITING)),
        Index("message_expiry", "expires_at", postgresql_where=text(f"{WAITING} and expires_at is not null")),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    person_id: UUID | None = Field(default=None, sa_column=Column(ForeignKey("person.id")))
    to_phone: str | None = None
    to_mail: str | None = None
    template: str
    params: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))
    title: str = Field(default="", sa_column_kwargs={"server_default": ""})
    text: str = ""
    sms_text: str | None = None
    secret: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    is_code: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    topic: str = Field(default="progress", sa_column_kwargs={"server_default": "progress"})
    channels: list[str] = Field(
        default_factory=lambda: ["sms"],
        sa_column=Column(ARRAY(String), nullable=False, server_default="{sms}"),
    )
    state: str = "queued"
    tries: int = 0
    error: str | None = None
    channel: str | None = None
    provider: str | None = None
    reference: str | None = None
    reported_at: datetime | None = Field(default=None, sa_column=_moment())
    arrived: bool | None = None
    report_code: str | None = None
    process: str | None = None
    instance_id: UUID | None = None
    element_id: str | None = None
    created_at: datetime = Field(sa_column=_moment(nullable=False))
    due_at: datetime = Field(
        sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    )
    waits_for: str | None = None
    claimed_at: datetime | None = Field(default=None, sa_column=_moment())
    sent_at: datetime | None = Field(default=None, sa_column=_moment())
    expires_at: datetime | None = Field(default=None, sa_column=_moment())
    read_at: datetime | None = Field(default=None, sa_column=_moment())
    again_at: datetime | None = Field(default=None, sa_column=_moment())
    again_by: UUID | None = Field(
        default=None, sa_column=Column(ForeignKey("person.id", name="message_again_by"))
    )
    written_by: int | None = Field(
        default=None,
        sa_column=Column(BigInteger, nullable=False, server_default=THIS_TRANSACTION),
    )


class MessageAttempt(SQLModel, table=True):
    """One try to send a message over one route, or the reason why a route was passed over; nothing about the person.

    Without an `outcome` somebody is sending, or died doing so. An uncertain one is asked about: `asks` times so far, until there
    is an `answer`. `reference` is what the provider calls it, `arrived` what it reported.
    """

    __tablename__ = "message_attempt"
    __table_args__ = (
        CheckConstraint(_one_of("outcome", OUTCOMES), name="message_attempt_outcome"),
        CheckConstraint(_one_of("answer", ANSWERS), name="message_attempt_answer"),
        Index("message_attempt_message", "message_id", "id"),
        Index("message_attempt_route", "channel", "provider", text("at desc")),
        Index(
            "message_attempt_reference",
            "provider",
            "reference",
            postgresql_where=text("reference is not null"),
        ),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    message_id: UUID = Field(sa_column=Column(ForeignKey("message.id"), nullable=False))
    at: datetime = Field(sa_column=_moment(nullable=False))
    channel: str
    provider: str
    is_code: bool = False
    ended_at: datetime | None = Field(default=None, sa_column=_moment())
    outcome: str | None = None
    code: str | None = None
    explanation: str | None = None
    reference: str | None = None
    asks: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    answer: str | None = None
    answered_at: datetime | None = Field(default=None, sa_column=_moment())
    arrived: bool | None = None
    report_code: str | None = None


class MessageAlarm(SQLModel, table=True):
    """Something an operator has to act on before a route works again; closed by the first message that gets through."""

    __tablename__ = "message_alarm"
    __table_args__ = (
        Index(
            "message_alarm_open",
            "channel",
            "provider",
            "code",
            unique=True,
            postgresql_where=text("closed_at is null"),
        ),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    channel: str
    provider: str
    code: str
    explanation: str = ""
    opened_at: datetime = Field(sa_column=_moment(nullable=False))
    last_at: datetime = Field(sa_column=_moment(nullable=False))
    count: int = 1
    acknowledged_at: datetime | None = Field(default=None, sa_column=_moment())
    acknowledged_by: UUID | None = Field(default=None, sa_column=Column(ForeignKey("person.id")))
    closed_at: datetime | None = Field(default=None, sa_column=_moment())


class MessagePreference(SQLModel, table=True):
    """What one person chose: channels switched off for a topic, and the hours (Beijing's) in which nothing is sent.

    Whoever has no row gets everything, and the operator's quiet hours.
    """

    __tablename__ = "message_preference"
    __table_args__ = (
        CheckConstraint(
            "(quiet_from IS NULL) = (quiet_to IS NULL) AND quiet_from <> quiet_to",
            name="message_preference_quiet",
        ),
    )

    person_id: UUID = Field(sa_column=Column(ForeignKey("person.id"), primary_key=True))
    off: dict[str, list[str]] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))
    quiet_from: time | None = Field(default=None, sa_column=Column(Time))
    quiet_to: time | None = Field(default=None, sa_column=Column(Time))
    changed_at: datetime = Field(sa_column=_moment(nullable=False))


class DemoInbox(SQLModel, table=True):
    """What the demo's routes delivered: the phones of the demo's people. Exists in every database, filled in demo only."""

    __tablename__ = "demo_inbox"

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    message_id: UUID = Field(unique=True)
    channel: str
    to: str
    template: str
    text: str
    code: str | None = None
    at: datetime = Field(sa_column=_moment(nullable=False))

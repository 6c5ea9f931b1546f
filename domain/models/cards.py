"""Cards (法人卡, 操作员卡): what was asked of one, whom it is bound to, and who waits for a registrar to have one bound."""

# SQLModel declares __tablename__ as something else than the str it takes
# pyright: reportAssignmentType=false

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from db.ids import uuid7


def _when(nullable: bool = True) -> Any:
    return Column(DateTime(timezone=True), nullable=nullable)


def _refers(to: str, *, nullable: bool = True, index: bool = False) -> Any:
    return Column(ForeignKey(to), nullable=nullable, index=index)


class CardChallenge(SQLModel, table=True):
    """A nonce to be signed by a card, once, for one purpose, by the browser or session it was made for (`bound_to`).

    It is taken before anything is verified. Where the try failed, `failed_why` is a code; `person_id` whose card it was, where
    that was known.
    """

    __tablename__ = "card_challenge"
    __table_args__ = (
        CheckConstraint("purpose in ('register', 'sign_in', 'bind')", name="card_challenge_purpose"),
        Index("card_challenge_ip", "ip", text("issued_at desc")),
        Index(
            "card_challenge_failed", text("failed_at desc"), postgresql_where=text("failed_at is not null")
        ),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    nonce: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    purpose: str
    bound_to: str | None = None
    ip: str | None = None
    issued_at: datetime = Field(sa_column=_when(nullable=False))
    taken_at: datetime | None = Field(default=None, sa_column=_when())
    failed_at: datetime | None = Field(default=None, sa_column=_when())
    failed_why: str | None = None
    person_id: UUID | None = Field(default=None, sa_column=_refers("person.id"))


class Card(SQLModel, table=True):
    """A card bound to a person, for one enterprise or as an officer. A card is its issuer and number: a renewed certificate is
    the same card, with another fingerprint. One that is blocked stays bound: nobody can bind it anew."""

    __tablename__ = "card"
    __table_args__ = (
        CheckConstraint("(enterprise_id is null) <> (officer_id is null)", name="card_bound_to_one"),
        Index("card_identity", "issuer", "number", unique=True, postgresql_where=text("unbound_at is null")),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    person_id: UUID = Field(sa_column=_refers("person.id", nullable=False, index=True))
    enterprise_id: UUID | None = Field(default=None, sa_column=_refers("enterprise.id", index=True))
    officer_id: UUID | None = Field(default=None, sa_column=_refers("officer.id", index=True))
    issuer: str
    number: str
    kind: str
    holder: str
    fingerprint: str
    serial: str
    not_after: datetime = Field(sa_column=_when(nullable=False))
    bound_at: datetime = Field(sa_column=_when(nullable=False))
    bound_by: UUID = Field(sa_column=_refers("person.id", nullable=False))
    used_at: datetime | None = Field(default=None, sa_column=_when())
    unbound_at: datetime | None = Field(default=None, sa_column=_when())
    unbound_by: UUID | None = Field(default=None, sa_column=_refers("person.id"))
    blocked_at: datetime | None = Field(default=None, sa_column=_when())
    blocked_by: UUID | None = Field(default=None, sa_column=_refers("person.id"))
    blocked_reason: str = Field(default="", sa_column_kwargs={"server_default": ""})


class CardVisit(SQLModel, table=True):
    """Somebody without an account whose card was verified: what it says, until the phone is proved too. It belongs to one
    browser, for half an hour; `registration_id` or `request_id` is what came of it."""

    __tablename__ = "card_visit"

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    browser_key: str
    facts: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    contact: str = ""
    phone: str = ""
    office: str = ""
    challenge_id: UUID | None = None
    opened_at: datetime = Field(sa_column=_when(nullable=False))
    registration_id: UUID | None = Field(default=None, sa_column=_refers("registration.id"))
    request_id: UUID | None = Field(default=None, sa_column=_refers("card_request.id"))


class CardRequest(SQLModel, table=True):
    """Whoever comes with a card of an enterprise that is registered already: a registrar of `office` checks who they are.

    `decision` is approved, refused or replaced (by a later one of the same card).
    """

    __tablename__ = "card_request"
    __table_args__ = (
        CheckConstraint("decision in ('approved', 'refused', 'replaced')", name="card_request_decision"),
        Index("card_request_open", "office", "created_at", postgresql_where=text("decided_at is null")),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    enterprise_id: UUID = Field(sa_column=_refers("enterprise.id", nullable=False))
    office: str = Field(sa_column=_refers("customs_office.code", nullable=False))
    contact: str
    phone: str
    facts: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    created_at: datetime = Field(sa_column=_when(nullable=False))
    decision: str | None = None
    reason: str = ""
    decided_at: datetime | None = Field(default=None, sa_column=_when())
    decided_by: UUID | None = Field(default=None, sa_column=_refers("person.id"))

"""Sign-in: captchas, one-time codes with their challenge, and server-side sessions."""

# SQLModel declares __tablename__ as something else than the str it takes
# pyright: reportAssignmentType=false

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, DateTime, ForeignKey, Index, text
from sqlmodel import Field, SQLModel

from db.ids import uuid7


class SignInChallenge(SQLModel, table=True):
    """A code that was asked for; bound to phone, purpose and the browser's pre-session; the code is a peppered HMAC."""

    __tablename__ = "sign_in_challenge"
    __table_args__ = (
        Index("sign_in_challenge_phone", "phone", text("created_at desc")),
        Index("sign_in_challenge_ip", "ip", text("created_at desc")),
        Index(
            "sign_in_challenge_failed",
            text("failed_at desc"),
            text("id desc"),
            postgresql_where=text("failed_at is not null"),
        ),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    phone: str
    purpose: str = "sign_in"
    code_hash: str
    browser_key: str | None = None
    ip: str | None = None
    tries: int = 0
    failed_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    used_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    voided_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))


class Captcha(SQLModel, table=True):
    """A picture to be read before a code is sent, or (without `answer_hash`) a wait instead of one. `key` is the hash of the
    browser's key; `passed_for` the keyed hash of the phone that may be asked for until `passes_until`."""

    __tablename__ = "captcha"
    __table_args__ = (
        Index("captcha_key", "key", text("created_at desc")),
        Index("captcha_waits", "created_at", postgresql_where=text("answer_hash IS NULL")),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    key: str
    answer_hash: str | None = None
    ip: str | None = None
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    ready_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    used_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    passed_for: str | None = None
    passes_until: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))


class SignInSession(SQLModel, table=True):
    """A session: known by the SHA-256 of its token; acts for one membership, or as an officer.

    `card_id` is the card it was begun with, `cas_ticket` the CAS ticket, `openid` the WeChat it was begun in and bound to: it
    ends with them. None of these: a code.
    """

    __tablename__ = "sign_in_session"
    __table_args__ = (
        Index("sign_in_session_card", "card_id", postgresql_where=text("card_id is not null")),
        Index("sign_in_session_cas", "cas_ticket", postgresql_where=text("cas_ticket is not null")),
        Index("sign_in_session_openid", "openid", postgresql_where=text("openid is not null")),
        Index("sign_in_session_newest", text("created_at desc"), text("id desc")),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    token_hash: str = Field(unique=True)
    person_id: UUID = Field(sa_column=Column(ForeignKey("person.id"), nullable=False, index=True))
    membership_id: UUID | None = Field(default=None, sa_column=Column(ForeignKey("membership.id")))
    officer_id: UUID | None = Field(default=None, sa_column=Column(ForeignKey("officer.id")))
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    last_seen_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    ended_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    ip: str | None = None
    user_agent: str | None = None
    card_id: UUID | None = Field(default=None, sa_column=Column(ForeignKey("card.id")))
    cas_ticket: str | None = None
    openid: str | None = None
    wrong_passwords: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})

"""What makes the lists and the desk comfortable: what somebody has seen, filters they keep, texts they answer with, who is
looking. Nothing here says anything about an issue itself.
"""

# SQLModel declares __tablename__ as something else than the str it takes
# pyright: reportAssignmentType=false

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
)
from sqlmodel import Field, SQLModel

from db.ids import uuid7


class IssueSeen(SQLModel, table=True):
    """How far somebody has read an issue: the last line of its history when they opened it, in any of their sessions."""

    __tablename__ = "issue_seen"

    person_id: UUID = Field(sa_column=Column(ForeignKey("person.id"), primary_key=True))
    issue_id: UUID = Field(sa_column=Column(ForeignKey("issue.id"), primary_key=True))
    event_id: int = Field(sa_column=Column(BigInteger, nullable=False))
    seen_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


class SavedFilter(SQLModel, table=True):
    """常用筛选 of one person: a name for an address of 问题管理; `query` is what stands behind its question mark."""

    __tablename__ = "saved_filter"
    __table_args__ = (UniqueConstraint("person_id", "name"),)

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    person_id: UUID = Field(sa_column=Column(ForeignKey("person.id"), nullable=False))
    name: str
    query: str
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


class AnswerTemplate(SQLModel, table=True):
    """答复模板: a text to answer with, of one person or of an office, never of both."""

    __tablename__ = "answer_template"
    __table_args__ = (
        CheckConstraint("(owner_id is null) <> (office is null)", name="answer_template_owner"),
        Index("answer_template_owner_id", "owner_id"),
        Index("answer_template_office", "office"),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    owner_id: UUID | None = Field(default=None, sa_column=Column(ForeignKey("person.id")))
    office: str | None = Field(default=None, sa_column=Column(ForeignKey("customs_office.code")))
    title: str
    text: str = Field(sa_column=Column(Text, nullable=False))
    changed_by: UUID = Field(sa_column=Column(ForeignKey("person.id"), nullable=False))
    changed_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


class IssuePresence(SQLModel, table=True):
    """An officer who has an issue open: since when, and when their page last said so. Old rows mean nothing."""

    __tablename__ = "issue_presence"

    issue_id: UUID = Field(sa_column=Column(ForeignKey("issue.id"), primary_key=True))
    person_id: UUID = Field(sa_column=Column(ForeignKey("person.id"), primary_key=True))
    since: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    seen_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))

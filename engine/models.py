"""The engine's tables: definitions, instances, user tasks, their history, and incidents.

The engine knows nothing of customs: people and groups are opaque ids and names, the subject of an instance is a row
of another room that shares the instance's id. Rows of `process_definition` and `process_event` are never changed
(triggers refuse it, but for the seal of an event); whoever needs another definition deploys a new version.
"""

# SQLModel declares __tablename__ as something else than the str it takes
# pyright: reportAssignmentType=false

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from db.ids import uuid7

TASK_STATES = ("ready", "completed", "cancelled")
INSTANCE_STATES = ("active", "ended")


class ProcessDefinition(SQLModel, table=True):
    """One deployed version of a process: its diagrams, forms, decision tables, texts and cases, for ever the same."""

    __tablename__ = "process_definition"
    __table_args__ = (UniqueConstraint("key", "version"),)

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    key: str
    version: int
    content_hash: str
    files: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    deployed_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    deployed_by: UUID | None = None


class ProcessInstance(SQLModel, table=True):
    """One running or ended process; `state` is the compact engine state, readable only with its definition."""

    __tablename__ = "process_instance"
    __table_args__ = (
        CheckConstraint("state_name in ('active', 'ended')", name="process_instance_state_name"),
        Index("process_instance_due", "next_due", postgresql_where=text("next_due is not null")),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    definition_id: UUID = Field(foreign_key="process_definition.id", index=True)
    subject: str = ""
    state: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    state_name: str = "active"
    status: str | None = None
    phase: str | None = None
    active_elements: list[str] = Field(default_factory=list, sa_column=Column(ARRAY(Text), nullable=False))
    next_due: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    version: int = 1
    started_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    started_by: UUID | None = None
    ended_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))


class UserTask(SQLModel, table=True):
    """One BPMN user task of one instance; `id` is the engine's own task id.

    `version` grows with claim, release and hand-over, not with autosave. `claimed_first_at` keeps the first claim.
    """

    __tablename__ = "user_task"
    __table_args__ = (
        CheckConstraint("state in ('ready', 'completed', 'cancelled')", name="user_task_state"),
        Index(
            "user_task_mine",
            "claimed_by",
            text("coalesce(due_at, 'infinity'::timestamptz)"),
            "id",
            postgresql_where=text("state = 'ready'"),
        ),
        Index(
            "user_task_done",
            "completed_by",
            text("completed_at desc"),
            text("id desc"),
            postgresql_where=text("state = 'completed'"),
        ),
        Index("user_task_instance", "instance_id", "created_at"),
    )

    id: UUID = Field(primary_key=True)
    instance_id: UUID = Field(sa_column=Column(ForeignKey("process_instance.id"), nullable=False))
    definition_id: UUID = Field(foreign_key="process_definition.id")
    element_id: str
    name: str
    state: str = "ready"
    version: int = 1
    candidate_groups: list[str] = Field(default_factory=list, sa_column=Column(ARRAY(Text), nullable=False))
    assignee: UUID | None = None
    claimed_by: UUID | None = None
    claimed_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    claimed_first_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    due_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    draft: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    draft_saved_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    answers: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    completed_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    completed_by: UUID | None = None


class UserTaskGroup(SQLModel, table=True):
    """One candidate group of one open user task: what the list of claimable tasks pages through.

    `open` is true while the task is ready and unclaimed; the same statement that changes the task changes it.
    """

    __tablename__ = "user_task_group"
    __table_args__ = (
        Index(
            "user_task_group_open",
            "group_name",
            text("coalesce(due_at, 'infinity'::timestamptz)"),
            "task_id",
            postgresql_where=text("open"),
        ),
    )

    task_id: UUID = Field(sa_column=Column(ForeignKey("user_task.id", ondelete="CASCADE"), primary_key=True))
    group_name: str = Field(primary_key=True)
    due_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    open: bool = True


class ProcessEvent(SQLModel, table=True):
    """One line of an instance's history; append-only.

    `kind` is one of started, task_created, task_claimed, task_released, task_handed_over, task_completed,
    task_cancelled, service_done, timer_fired, message_caught, event_caught (a signal, an error, an escalation, a condition),
    rescheduled, reassigned, migrated, ended.
    `waited_s` is how long the thing that ended had been open, in seconds. `sealed_in` is set once, by whoever seals the
    history into a chain of digests; the engine never reads it.
    """

    __tablename__ = "process_event"
    __table_args__ = (
        Index("process_event_instance", "instance_id", "id"),
        Index("process_event_unsealed", "sealed_in", "id"),
    )

    id: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True)
    )
    instance_id: UUID = Field(sa_column=Column(ForeignKey("process_instance.id"), nullable=False))
    at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    kind: str
    element_id: str | None = None
    element_name: str | None = None
    task_id: UUID | None = None
    actor_id: UUID | None = None
    waited_s: float | None = None
    details: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    sealed_in: int | None = Field(default=None, sa_column=Column(BigInteger))


class Incident(SQLModel, table=True):
    """A failure of ours (an operator or an expression that broke), kept until an operator of the system closes it with a
    note; one of a timer closes itself when the timer fires at last."""

    __tablename__ = "incident"
    __table_args__ = (Index("incident_open", "instance_id", postgresql_where=text("resolved_at is null")),)

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    instance_id: UUID = Field(sa_column=Column(ForeignKey("process_instance.id"), nullable=False))
    element_id: str | None = None
    task_id: UUID | None = None
    command: str
    error: str
    tries: int = 1
    first_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    last_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    resolved_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    resolved_by: UUID | None = None
    note: str = Field(default="", sa_column_kwargs={"server_default": ""})

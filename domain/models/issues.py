"""An issue and what belongs to it. An issue shares its id with its process instance.

The columns here are the truth about an issue; `status` and `phase` are copied from the instance in the same
transaction.
"""

# SQLModel declares __tablename__ as something else than the str it takes
# pyright: reportAssignmentType=false

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from db.ids import uuid7
from domain.files.types import BY_MEDIA_TYPE


def _when(nullable: bool = True) -> Any:
    return Column(DateTime(timezone=True), nullable=nullable)


class IssueRecord(SQLModel):
    """问题. `round` counts 重新办理, `transfers` the changes of office; `outcome` is cleared or withdrawn.

    `unsent`: withdrawn while nobody but the submitter had seen it, and theirs alone for ever.

    `due_at` is the close of office `days_given` + `days_added` working days after `deadline_from`, and later by the whole days
    that the `pauses` (beginning, end, beginning, end …) make in working time, `paused_s` seconds in all; kept apart so that it
    can be worked out again when a year's holidays are published. While `paused_at` is set, the clock stands. `pauses` is None
    where the deadline was set before days ended when offices close: its day stays at least what it is (`domain.deadlines`).

    `answers` is what forms ask besides these columns, by the field's key (`tasks.kept_answers`).

    This is a record in memory, which commands change (the table's own class costs ten times as much to fill).
    """

    id: UUID = Field(
        sa_column=Column(
            ForeignKey("process_instance.id", deferrable=True, initially="DEFERRED"), primary_key=True
        )
    )
    number: str = Field(unique=True)
    enterprise_id: UUID = Field(sa_column=Column(ForeignKey("enterprise.id"), nullable=False))
    submitter_id: UUID = Field(sa_column=Column(ForeignKey("person.id"), nullable=False))
    executive_id: UUID | None = Field(default=None, sa_column=Column(ForeignKey("person.id")))
    raised_by_executive: bool = False
    kind: str = ""
    category: str = ""
    office: str = Field(sa_column=Column(ForeignKey("customs_office.code"), nullable=False))
    title: str = ""
    description: str = ""
    contact: str = ""
    attachments: list[UUID] = Field(default_factory=list, sa_column=Column(ARRAY(Uuid), nullable=False))
    importance: str | None = None
    status: str | None = None
    phase: str | None = None
    created_at: datetime = Field(sa_column=_when(nullable=False))
    submitted_at: datetime | None = Field(default=None, sa_column=_when())
    deadline_from: datetime | None = Field(default=None, sa_column=_when())
    days_given: int | None = None
    due_at: datetime | None = Field(default=None, sa_column=_when())
    remind_at: datetime | None = Field(default=None, sa_column=_when())
    days_added: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    pauses: list[datetime] | None = Field(
        default_factory=list, sa_column=Column(ARRAY(DateTime(timezone=True)))
    )
    paused_s: float = 0
    paused_at: datetime | None = Field(default=None, sa_column=_when())
    first_claimed_at: datetime | None = Field(default=None, sa_column=_when())
    answered_at: datetime | None = Field(default=None, sa_column=_when())
    closed_at: datetime | None = Field(default=None, sa_column=_when())
    outcome: str | None = None
    handler_id: UUID | None = Field(default=None, sa_column=Column(ForeignKey("person.id")))
    round: int = 0
    transfers: int = 0
    overdue_at: datetime | None = Field(default=None, sa_column=_when())
    unsent: bool = Field(
        default=False, sa_column=Column(Boolean, nullable=False, server_default=text("false"))
    )
    answers: dict[str, Any] = Field(
        default_factory=dict, sa_column=Column(JSONB, nullable=False, server_default=text("'{}'"))
    )


class Issue(IssueRecord, table=True):
    """The table of issues."""

    __tablename__ = "issue"
    __table_args__ = (
        Index("issue_enterprise", "enterprise_id", text("id desc")),
        Index("issue_submitter_phase", "submitter_id", "phase", text("id desc")),
        Index("issue_enterprise_phase", "enterprise_id", "phase", text("id desc")),
        Index(
            "issue_enterprise_due",
            "enterprise_id",
            text("coalesce(due_at, 'infinity'::timestamptz)"),
            "id",
            postgresql_where=text("closed_at is null"),
        ),
        Index("issue_status", "status", text("id desc")),
        Index("issue_phase", "phase", text("id desc")),
        Index(
            "issue_number_end",
            func.reverse(literal_column("number")).label("number_end"),
            postgresql_ops={"number_end": "text_pattern_ops"},
        ),
        Index("issue_submitter", "submitter_id", text("id desc")),
        Index(
            "issue_due",
            text("coalesce(due_at, 'infinity'::timestamptz)"),
            "id",
            postgresql_where=text("closed_at is null"),
        ),
    )


class IssueOffice(SQLModel, table=True):
    """An office an issue is or was at: its handlers keep reading it.

    `phase` and `open` are the issue's, kept by database triggers, so that an office's list of a stage is one stretch of an index.
    """

    __tablename__ = "issue_office"
    __table_args__ = (
        Index("issue_office_list", "office", text("issue_id desc")),
        Index("issue_office_stages", "office", "phase", text("issue_id desc")),
        Index("issue_office_open", "office", "issue_id", postgresql_where=text("open")),
    )

    issue_id: UUID = Field(sa_column=Column(ForeignKey("issue.id"), primary_key=True))
    office: str = Field(sa_column=Column(ForeignKey("customs_office.code"), primary_key=True))
    since: datetime = Field(sa_column=_when(nullable=False))
    phase: str | None = None
    open: bool = True


class IssueChange(SQLModel, table=True):
    """One field of an issue changed by somebody other than in drafting: before and after, for ever."""

    __tablename__ = "issue_change"
    __table_args__ = (Index("issue_change_issue", "issue_id", "id"),)

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    issue_id: UUID = Field(sa_column=Column(ForeignKey("issue.id"), nullable=False))
    task_id: UUID | None = None
    actor_id: UUID = Field(sa_column=Column(ForeignKey("person.id"), nullable=False))
    at: datetime = Field(sa_column=_when(nullable=False))
    field: str
    before: Any = Field(sa_column=Column(JSONB(none_as_null=True)))
    after: Any = Field(sa_column=Column(JSONB(none_as_null=True)))


class IssueAnswer(SQLModel, table=True):
    """Customs' answer of one round."""

    __tablename__ = "issue_answer"
    __table_args__ = (Index("issue_answer_issue", "issue_id", "round"),)

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    issue_id: UUID = Field(sa_column=Column(ForeignKey("issue.id"), nullable=False))
    round: int
    office: str = Field(sa_column=Column(ForeignKey("customs_office.code"), nullable=False))
    text: str
    attachments: list[UUID] = Field(default_factory=list, sa_column=Column(ARRAY(Uuid), nullable=False))
    answered_by: UUID = Field(sa_column=Column(ForeignKey("person.id"), nullable=False))
    answered_at: datetime = Field(sa_column=_when(nullable=False))


class Evaluation(SQLModel, table=True):
    """One person's evaluation of one round's answer; `rating` null means 未评价, never satisfied."""

    __tablename__ = "evaluation"
    __table_args__ = (UniqueConstraint("issue_id", "round", "person_id"),)

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    issue_id: UUID = Field(sa_column=Column(ForeignKey("issue.id"), nullable=False))
    round: int
    person_id: UUID = Field(sa_column=Column(ForeignKey("person.id"), nullable=False))
    rating: int | None = None
    comment: str = ""
    reopen: bool = False
    at: datetime = Field(sa_column=_when(nullable=False))


class Attachment(SQLModel, table=True):
    """A file: its uploader's until used, then its instance's and task's; `stored_as` is its name in the store.

    Whoever has no account yet uploads for the one-time code they asked for (`challenge_id`). `pages` is how many can be shown, 0
    for a file of which none can be, None until somebody has looked; `locked` is a PDF that asks for a password.
    """

    __tablename__ = "attachment"
    __table_args__ = (
        CheckConstraint("uploader_id is not null or challenge_id is not null", name="attachment_owner"),
        Index("attachment_orphan", "created_at", postgresql_where=text("instance_id is null")),
        Index("attachment_challenge", "challenge_id", postgresql_where=text("challenge_id is not null")),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    uploader_id: UUID | None = Field(default=None, sa_column=Column(ForeignKey("person.id")))
    challenge_id: UUID | None = None
    enterprise_id: UUID | None = Field(default=None, sa_column=Column(ForeignKey("enterprise.id")))
    instance_id: UUID | None = Field(default=None, index=True)
    task_id: UUID | None = None
    name: str
    size: int
    media_type: str
    sha256: str
    stored_as: str
    created_at: datetime = Field(sa_column=_when(nullable=False))
    pages: int | None = None
    locked: bool = Field(
        default=False, sa_column=Column(Boolean, nullable=False, server_default=text("false"))
    )

    @property
    def is_shown(self) -> bool:
        """Whether its pages can be seen in ours."""
        kind = BY_MEDIA_TYPE.get(self.media_type)
        return kind is not None and kind.is_shown and self.pages != 0


class IssueWords(SQLModel, table=True):
    """What is searched of an issue, in one form (NFKC, lower case, nothing invisible), one column for each source of text;
    database triggers write it. `pieces` are its characters, pairs, and fours of codes; `marks` what is fixed about the issue
    (`k:` kind, `c:` category, `o:` office, `e:` enterprise, `t:` time): both in one index.
    """

    __tablename__ = "issue_words"
    __table_args__ = (Index("issue_words_pieces", "pieces", "marks", postgresql_using="gin"),)

    issue_id: UUID = Field(sa_column=Column(ForeignKey("issue.id", ondelete="CASCADE"), primary_key=True))
    question: str = Field(sa_column=Column(Text, nullable=False, server_default=text("''")))
    answer: str = Field(sa_column=Column(Text, nullable=False, server_default=text("''")))
    added: str = Field(sa_column=Column(Text, nullable=False, server_default=text("''")))
    pieces: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False, server_default=text("'{}'")))
    marks: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False, server_default=text("'{}'")))

"""What somebody has seen, saved filters, answer templates, who is looking; drafts withdrawn unsent stay their submitter's."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# A draft that was ever sent has a completed task.
MARK_UNSENT = """
UPDATE issue SET unsent = true
WHERE phase = 'closed' AND outcome = 'withdrawn' AND NOT EXISTS (
    SELECT FROM user_task t WHERE t.instance_id = issue.id AND t.state = 'completed')
"""


def upgrade() -> None:
    op.create_table(
        "issue_seen",
        sa.Column("person_id", sa.Uuid(), sa.ForeignKey("person.id"), primary_key=True),
        sa.Column("issue_id", sa.Uuid(), sa.ForeignKey("issue.id"), primary_key=True),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "saved_filter",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("person_id", sa.Uuid(), sa.ForeignKey("person.id"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("query", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("person_id", "name"),
    )
    op.create_table(
        "answer_template",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("owner_id", sa.Uuid(), sa.ForeignKey("person.id"), nullable=True),
        sa.Column("office", sa.String(length=4), sa.ForeignKey("customs_office.code"), nullable=True),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.Uuid(), sa.ForeignKey("person.id"), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(owner_id is null) <> (office is null)", name="answer_template_owner"),
    )
    op.create_index("answer_template_owner_id", "answer_template", ["owner_id"])
    op.create_index("answer_template_office", "answer_template", ["office"])
    op.create_table(
        "issue_presence",
        sa.Column("issue_id", sa.Uuid(), sa.ForeignKey("issue.id"), primary_key=True),
        sa.Column("person_id", sa.Uuid(), sa.ForeignKey("person.id"), primary_key=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.add_column("issue", sa.Column("unsent", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.execute(MARK_UNSENT)

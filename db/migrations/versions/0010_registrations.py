"""Registrations of enterprises; files of people without an account; a uscc is registered once."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "registration_draft",
        sa.Column("challenge_id", sa.Uuid(), nullable=False),
        sa.Column("answers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["challenge_id"], ["sign_in_challenge.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("challenge_id"),
    )
    op.create_table(
        "registration",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("enterprise_id", sa.Uuid(), nullable=False),
        sa.Column("applicant_id", sa.Uuid(), nullable=False),
        sa.Column("challenge_id", sa.Uuid(), nullable=True),
        sa.Column("route", sa.String(), nullable=False),
        sa.Column("office", sa.String(length=4), nullable=False),
        sa.Column("contact", sa.String(), nullable=False),
        sa.Column("licence", sa.Uuid(), nullable=True),
        sa.Column("check_digit_failed", sa.Boolean(), nullable=False),
        sa.Column("check_digit_overridden_by", sa.Uuid(), nullable=True),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("reviewer_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=True),
        sa.Column("phase", sa.String(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deadline_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("days_given", sa.Integer(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("overdue_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("route in ('card', 'web', 'wechat')", name="registration_route"),
        sa.ForeignKeyConstraint(
            ["applicant_id"],
            ["person.id"],
        ),
        sa.ForeignKeyConstraint(
            ["check_digit_overridden_by"],
            ["person.id"],
        ),
        sa.ForeignKeyConstraint(
            ["enterprise_id"],
            ["enterprise.id"],
        ),
        sa.ForeignKeyConstraint(["id"], ["process_instance.id"], initially="DEFERRED", deferrable=True),
        sa.ForeignKeyConstraint(
            ["licence"],
            ["attachment.id"],
        ),
        sa.ForeignKeyConstraint(
            ["office"],
            ["customs_office.code"],
        ),
        sa.ForeignKeyConstraint(
            ["reviewer_id"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("challenge_id"),
        sa.UniqueConstraint("enterprise_id"),
        sa.UniqueConstraint("number"),
    )
    op.create_index(
        "registration_applicant", "registration", ["applicant_id", sa.literal_column("id desc")], unique=False
    )
    op.create_index(
        "registration_office", "registration", ["office", "phase", sa.literal_column("id desc")], unique=False
    )
    op.create_table(
        "registration_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=True),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("before", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.ForeignKeyConstraint(
            ["actor_id"],
            ["person.id"],
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registration.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "registration_change_registration", "registration_change", ["registration_id", "id"], unique=False
    )
    op.add_column("attachment", sa.Column("challenge_id", sa.Uuid(), nullable=True))
    op.alter_column("attachment", "uploader_id", existing_type=sa.UUID(), nullable=True)
    op.create_index(
        "attachment_challenge",
        "attachment",
        ["challenge_id"],
        unique=False,
        postgresql_where=sa.text("challenge_id is not null"),
    )
    op.create_index(
        "enterprise_registered",
        "enterprise",
        ["uscc"],
        unique=True,
        postgresql_where=sa.text("status in ('approved', 'suspended')"),
    )
    op.create_check_constraint(
        "attachment_owner", "attachment", "uploader_id is not null or challenge_id is not null"
    )
    op.execute("CREATE SEQUENCE registration_number_seq")
    op.execute(
        "CREATE TRIGGER registration_change_immutable BEFORE UPDATE OR DELETE ON registration_change"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )

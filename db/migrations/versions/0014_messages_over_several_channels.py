"""Messages over several channels: tries, receipts, alarms, what people chose, their mail addresses and WeChats."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

OLD_STATES = "state in ('queued', 'sending', 'sent', 'failed', 'expired')"
NEW_STATES = "state in ('queued', 'sending', 'asking', 'sent', 'kept', 'failed', 'uncertain', 'expired')"


def upgrade() -> None:
    op.create_table(
        "message_alarm",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("explanation", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.Uuid(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["acknowledged_by"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "message_alarm_open",
        "message_alarm",
        ["channel", "provider", "code"],
        unique=True,
        postgresql_where=sa.text("closed_at is null"),
    )
    op.create_table(
        "message_preference",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("off", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("quiet_from", sa.Time(), nullable=True),
        sa.Column("quiet_to", sa.Time(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(quiet_from IS NULL) = (quiet_to IS NULL) AND quiet_from <> quiet_to",
            name="message_preference_quiet",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("person_id"),
    )
    op.create_table(
        "person_mail",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("person_id"),
    )
    op.create_table(
        "wechat_binding",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("openid", sa.String(), nullable=False),
        sa.Column("bound_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("unsubscribed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("person_id"),
        sa.UniqueConstraint("openid"),
    )
    op.create_table(
        "message_attempt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("is_code", sa.Boolean(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("explanation", sa.String(), nullable=True),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("asks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("arrived", sa.Boolean(), nullable=True),
        sa.Column("report_code", sa.String(), nullable=True),
        sa.CheckConstraint(
            "answer in ('found', 'not_known', 'cannot_tell', 'repeated')", name="message_attempt_answer"
        ),
        sa.CheckConstraint(
            "outcome in ('accepted', 'later', 'refused', 'operator', 'uncertain', 'skipped')",
            name="message_attempt_outcome",
        ),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["message.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("message_attempt_message", "message_attempt", ["message_id", "id"], unique=False)
    op.create_index(
        "message_attempt_reference",
        "message_attempt",
        ["provider", "reference"],
        unique=False,
        postgresql_where=sa.text("reference is not null"),
    )
    op.create_index(
        "message_attempt_route",
        "message_attempt",
        ["channel", "provider", sa.literal_column("at desc")],
        unique=False,
    )
    op.add_column("message", sa.Column("title", sa.String(), server_default="", nullable=False))
    op.add_column("message", sa.Column("sms_text", sa.String(), nullable=True))
    op.add_column(
        "message", sa.Column("is_code", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column("message", sa.Column("topic", sa.String(), server_default="progress", nullable=False))
    op.add_column(
        "message",
        sa.Column("channels", postgresql.ARRAY(sa.String()), server_default="{sms}", nullable=False),
    )
    op.add_column("message", sa.Column("to_mail", sa.String(), nullable=True))
    op.add_column("message", sa.Column("provider", sa.String(), nullable=True))
    op.add_column("message", sa.Column("reference", sa.String(), nullable=True))
    op.add_column("message", sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("message", sa.Column("arrived", sa.Boolean(), nullable=True))
    op.add_column("message", sa.Column("report_code", sa.String(), nullable=True))
    op.add_column("message", sa.Column("process", sa.String(), nullable=True))
    op.add_column(
        "message",
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.add_column("message", sa.Column("read_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("message", sa.Column("again_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("message", sa.Column("again_by", sa.Uuid(), nullable=True))
    op.drop_index("message_unsent", table_name="message")
    op.create_index(
        "message_due",
        "message",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("state in ('queued', 'sending', 'asking')"),
    )
    op.create_index(
        "message_expiry",
        "message",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("state in ('queued', 'sending', 'asking') and expires_at is not null"),
    )
    op.create_index(
        "message_phone",
        "message",
        ["to_phone", sa.literal_column("id desc")],
        unique=False,
        postgresql_where=sa.text("to_phone is not null"),
    )
    op.create_index(
        "message_unsent",
        "message",
        ["state", sa.literal_column("id desc")],
        unique=False,
        postgresql_where=sa.text("state in ('failed', 'uncertain', 'expired')"),
    )
    op.create_index(
        "message_unread",
        "message",
        ["person_id", sa.literal_column("id desc")],
        unique=False,
        postgresql_where=sa.text("read_at is null and person_id is not null"),
    )
    op.create_foreign_key("message_again_by", "message", "person", ["again_by"], ["id"])
    op.drop_constraint("message_state", "message", type_="check")
    op.create_check_constraint("message_state", "message", NEW_STATES)
    op.execute("UPDATE message SET title = coalesce(params ->> 'heading', ''), params = params - 'heading'")
    op.execute("UPDATE message SET is_code = true WHERE template LIKE 'code\\_%'")


def downgrade() -> None:
    op.execute("DELETE FROM message_attempt")
    op.execute("UPDATE message SET state = 'failed' WHERE state IN ('asking', 'kept', 'uncertain')")
    op.execute("UPDATE message SET params = params || jsonb_build_object('heading', title) WHERE title <> ''")
    op.drop_constraint("message_state", "message", type_="check")
    op.create_check_constraint("message_state", "message", OLD_STATES)
    op.drop_constraint("message_again_by", "message", type_="foreignkey")
    op.drop_index(
        "message_unread",
        table_name="message",
        postgresql_where=sa.text("read_at is null and person_id is not null"),
    )
    op.drop_index("message_unsent", table_name="message")
    op.drop_index("message_phone", table_name="message", postgresql_where=sa.text("to_phone is not null"))
    op.drop_index(
        "message_expiry",
        table_name="message",
        postgresql_where=sa.text("state in ('queued', 'sending', 'asking') and expires_at is not null"),
    )
    op.drop_index(
        "message_due",
        table_name="message",
        postgresql_where=sa.text("state in ('queued', 'sending', 'asking')"),
    )
    op.create_index(
        "message_unsent",
        "message",
        ["state"],
        unique=False,
        postgresql_where=sa.text("state in ('queued', 'sending')"),
    )
    op.drop_column("message", "to_mail")
    op.drop_column("message", "again_by")
    op.drop_column("message", "again_at")
    op.drop_column("message", "read_at")
    op.drop_column("message", "due_at")
    op.drop_column("message", "process")
    op.drop_column("message", "report_code")
    op.drop_column("message", "arrived")
    op.drop_column("message", "reported_at")
    op.drop_column("message", "reference")
    op.drop_column("message", "provider")
    op.drop_column("message", "channels")
    op.drop_column("message", "topic")
    op.drop_column("message", "is_code")
    op.drop_column("message", "sms_text")
    op.drop_column("message", "title")
    op.drop_index("message_attempt_route", table_name="message_attempt")
    op.drop_index(
        "message_attempt_reference",
        table_name="message_attempt",
        postgresql_where=sa.text("reference is not null"),
    )
    op.drop_index("message_attempt_message", table_name="message_attempt")
    op.drop_table("message_attempt")
    op.drop_table("wechat_binding")
    op.drop_table("person_mail")
    op.drop_table("message_preference")
    op.drop_index(
        "message_alarm_open", table_name="message_alarm", postgresql_where=sa.text("closed_at is null")
    )
    op.drop_table("message_alarm")

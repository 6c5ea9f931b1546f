"""Cards: what they were asked, whom they are bound to, who waits for one to be bound; sessions begun with one or at CAS."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "card_challenge",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("bound_to", sa.String(), nullable=True),
        sa.Column("ip", sa.String(), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_why", sa.String(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("purpose in ('register', 'sign_in', 'bind')", name="card_challenge_purpose"),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "card_challenge_failed",
        "card_challenge",
        [sa.literal_column("failed_at desc")],
        unique=False,
        postgresql_where=sa.text("failed_at is not null"),
    )
    op.create_index(
        "card_challenge_ip", "card_challenge", ["ip", sa.literal_column("issued_at desc")], unique=False
    )
    op.create_table(
        "card_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("enterprise_id", sa.Uuid(), nullable=False),
        sa.Column("office", sa.String(length=4), nullable=False),
        sa.Column("contact", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decision", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("decision in ('approved', 'refused', 'replaced')", name="card_request_decision"),
        sa.ForeignKeyConstraint(
            ["decided_by"],
            ["person.id"],
        ),
        sa.ForeignKeyConstraint(
            ["enterprise_id"],
            ["enterprise.id"],
        ),
        sa.ForeignKeyConstraint(
            ["office"],
            ["customs_office.code"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "card_request_open",
        "card_request",
        ["office", "created_at"],
        unique=False,
        postgresql_where=sa.text("decided_at is null"),
    )
    op.create_table(
        "card",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("enterprise_id", sa.Uuid(), nullable=True),
        sa.Column("officer_id", sa.Uuid(), nullable=True),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("serial", sa.String(), nullable=False),
        sa.Column("not_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("bound_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("bound_by", sa.Uuid(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unbound_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unbound_by", sa.Uuid(), nullable=True),
        sa.Column("blocked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("blocked_by", sa.Uuid(), nullable=True),
        sa.Column("blocked_reason", sa.String(), server_default="", nullable=False),
        sa.CheckConstraint("(enterprise_id is null) <> (officer_id is null)", name="card_bound_to_one"),
        sa.ForeignKeyConstraint(
            ["blocked_by"],
            ["person.id"],
        ),
        sa.ForeignKeyConstraint(
            ["bound_by"],
            ["person.id"],
        ),
        sa.ForeignKeyConstraint(
            ["enterprise_id"],
            ["enterprise.id"],
        ),
        sa.ForeignKeyConstraint(
            ["officer_id"],
            ["officer.id"],
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["person.id"],
        ),
        sa.ForeignKeyConstraint(
            ["unbound_by"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "card_identity",
        "card",
        ["issuer", "number"],
        unique=True,
        postgresql_where=sa.text("unbound_at is null"),
    )
    op.create_index(op.f("ix_card_enterprise_id"), "card", ["enterprise_id"], unique=False)
    op.create_index(op.f("ix_card_officer_id"), "card", ["officer_id"], unique=False)
    op.create_index(op.f("ix_card_person_id"), "card", ["person_id"], unique=False)
    op.create_table(
        "card_visit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("browser_key", sa.String(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("contact", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("office", sa.String(), nullable=False),
        sa.Column("challenge_id", sa.Uuid(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("registration_id", sa.Uuid(), nullable=True),
        sa.Column("request_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registration.id"],
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["card_request.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.add_column("sign_in_session", sa.Column("card_id", sa.Uuid(), nullable=True))
    op.add_column("sign_in_session", sa.Column("cas_ticket", sa.String(), nullable=True))
    op.create_index(
        "sign_in_session_card",
        "sign_in_session",
        ["card_id"],
        unique=False,
        postgresql_where=sa.text("card_id is not null"),
    )
    op.create_index(
        "sign_in_session_cas",
        "sign_in_session",
        ["cas_ticket"],
        unique=False,
        postgresql_where=sa.text("cas_ticket is not null"),
    )
    op.create_foreign_key(None, "sign_in_session", "card", ["card_id"], ["id"])

"""Members who are suspended or gone, who takes over their work, and offers of the admin role."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("membership", sa.Column("suspended_at", sa.DateTime(timezone=True)))
    op.add_column("membership", sa.Column("removed_at", sa.DateTime(timezone=True)))
    op.add_column("membership", sa.Column("work_to", sa.Uuid(), sa.ForeignKey("membership.id")))
    op.add_column("membership", sa.Column("reviews_to", sa.Uuid(), sa.ForeignKey("membership.id")))
    op.create_check_constraint(
        "membership_active", "membership", "not active or (suspended_at is null and removed_at is null)"
    )
    op.create_table(
        "admin_offer",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("from_id", sa.Uuid(), sa.ForeignKey("membership.id"), nullable=False),
        sa.Column("to_id", sa.Uuid(), sa.ForeignKey("membership.id"), nullable=False),
        sa.Column("kept_roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("outcome", sa.String()),
        sa.CheckConstraint("outcome in ('accepted', 'declined', 'cancelled')", name="admin_offer_outcome"),
    )
    op.create_index(
        "admin_offer_open_from",
        "admin_offer",
        ["from_id"],
        unique=True,
        postgresql_where=sa.text("outcome is null"),
    )
    op.create_index(
        "admin_offer_open_to", "admin_offer", ["to_id"], postgresql_where=sa.text("outcome is null")
    )

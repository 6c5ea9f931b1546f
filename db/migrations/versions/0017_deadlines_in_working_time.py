"""Deadlines that end when offices close: office hours, the pauses of an issue, when a reminder goes out, why a message waits.

Open deadlines are set anew by the program when it has the calendar (`tasks.moving_deadlines`): `pauses` is null till then.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "office_hours",
        sa.Column("opens_at", sa.Time(), nullable=False),
        sa.Column("closes_at", sa.Time(), nullable=False),
        sa.PrimaryKeyConstraint("opens_at"),
    )
    moment = sa.DateTime(timezone=True)
    op.add_column("issue", sa.Column("remind_at", moment, nullable=True))
    op.add_column("issue", sa.Column("days_added", sa.Integer(), server_default="0", nullable=False))
    op.add_column("issue", sa.Column("pauses", postgresql.ARRAY(moment), nullable=True))
    op.add_column("registration", sa.Column("remind_at", moment, nullable=True))
    op.add_column("message", sa.Column("waits_for", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("message", "waits_for")
    op.drop_column("registration", "remind_at")
    op.drop_column("issue", "pauses")
    op.drop_column("issue", "days_added")
    op.drop_column("issue", "remind_at")
    op.drop_table("office_hours")

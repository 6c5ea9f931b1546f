"""Officers who must choose a password of their own; wrong old passwords of a session are counted."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "officer",
        sa.Column("must_change_password", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column(
        "sign_in_session",
        sa.Column("wrong_passwords", sa.Integer(), server_default=sa.text("0"), nullable=False),
    )

"""How many pages of a file can be shown, and whether it asks for a password."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0019"
down_revision: str | None = "0018"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("attachment", sa.Column("pages", sa.Integer(), nullable=True))
    op.add_column(
        "attachment", sa.Column("locked", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )


def downgrade() -> None:
    op.drop_column("attachment", "locked")
    op.drop_column("attachment", "pages")

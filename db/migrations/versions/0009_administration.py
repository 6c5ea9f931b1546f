"""Administration: where officers belong, three administrators kept apart, why an enterprise is suspended, what came of an
incident."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Officers there were belong where they have a role, the lowest code first.
BELONG = "UPDATE officer SET office = (SELECT min(office) FROM officer_role WHERE officer_id = officer.id)"


def upgrade() -> None:
    op.add_column("enterprise", sa.Column("suspended_for", sa.String(), server_default="", nullable=False))
    op.add_column("incident", sa.Column("note", sa.String(), server_default="", nullable=False))
    op.add_column("officer", sa.Column("office", sa.String(length=4), nullable=True))
    op.create_foreign_key(None, "officer", "customs_office", ["office"], ["code"])
    op.create_index(op.f("ix_officer_office"), "officer", ["office"], unique=False)
    op.execute(BELONG)
    op.create_index(
        "officer_role_one_administration",
        "officer_role",
        ["officer_id"],
        unique=True,
        postgresql_where=sa.text("role in ('system_admin', 'security_admin', 'auditor')"),
    )

"""A version may hold the same files as an earlier one: an analyst goes back."""

from collections.abc import Sequence

from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.drop_constraint("process_definition_key_content_hash_key", "process_definition", type_="unique")

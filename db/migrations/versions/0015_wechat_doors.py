"""WeChat's doors: visits, pushes that were taken, sessions that a WeChat began."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "wechat_visit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state_hash", sa.String(), nullable=False),
        sa.Column("browser_key", sa.String(), nullable=False),
        sa.Column("ip", sa.String(), nullable=True),
        sa.Column("onward", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("returned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("openid", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("state_hash"),
    )
    op.create_index("wechat_visit_browser", "wechat_visit", ["browser_key", "created_at"])
    op.create_index("wechat_visit_ip", "wechat_visit", ["ip", "created_at"])
    op.create_table(
        "wechat_push",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index(op.f("ix_wechat_push_taken_at"), "wechat_push", ["taken_at"])
    op.add_column("wechat_binding", sa.Column("told_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("sign_in_session", sa.Column("openid", sa.String(), nullable=True))
    op.create_index(
        "sign_in_session_openid",
        "sign_in_session",
        ["openid"],
        postgresql_where=sa.text("openid is not null"),
    )


def downgrade() -> None:
    op.drop_index("sign_in_session_openid", table_name="sign_in_session")
    op.drop_column("sign_in_session", "openid")
    op.drop_column("wechat_binding", "told_at")
    op.drop_index(op.f("ix_wechat_push_taken_at"), table_name="wechat_push")
    op.drop_table("wechat_push")
    op.drop_index("wechat_visit_ip", table_name="wechat_visit")
    op.drop_index("wechat_visit_browser", table_name="wechat_visit")
    op.drop_table("wechat_visit")

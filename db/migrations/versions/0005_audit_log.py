"""The audit log, its seal, and what its triggers refuse."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# The one change that is let through: `sealed_in` from nothing to a batch, everything else the same to the last byte.
ALLOW_SEAL = """
CREATE FUNCTION refuse_all_but_seal() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    batch bigint := NEW.sealed_in;
BEGIN
    NEW.sealed_in := OLD.sealed_in;
    IF OLD.sealed_in IS NOT NULL OR batch IS NULL OR NEW *<> OLD THEN
        RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    NEW.sealed_in := batch;
    RETURN NEW;
END $$
"""

# The one change that is let through: a value and its salt to nothing, once.
ALLOW_ERASURE = """
CREATE FUNCTION refuse_all_but_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.erased_at IS NOT NULL OR NEW.erased_at IS NULL OR NEW.value IS NOT NULL OR NEW.salt IS NOT NULL
        OR (NEW.record_id, NEW.path) IS DISTINCT FROM (OLD.record_id, OLD.path)
        OR NEW.person_id IS DISTINCT FROM OLD.person_id
    THEN
        RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$
"""

NEVER_DELETED = ("audit_record", "audit_personal", "audit_batch", "audit_head", "process_event")
NEVER_EMPTIED = (*NEVER_DELETED, "process_definition", "issue_change", "issue_answer")


def upgrade() -> None:
    _create_record()
    _create_personal()
    _create_chain()
    op.add_column("process_event", sa.Column("sealed_in", sa.BigInteger(), nullable=True))
    op.create_index("process_event_unsealed", "process_event", ["sealed_in", "id"], unique=False)
    _create_triggers()


def _create_record() -> None:
    op.create_table(
        "audit_record",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("membership_id", sa.Uuid(), nullable=True),
        sa.Column("officer_id", sa.Uuid(), nullable=True),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("about_id", sa.String(), nullable=True),
        sa.Column("before", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("after", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("personal", postgresql.JSONB(), nullable=False),
        sa.Column("sealed_in", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("audit_record_unsealed", "audit_record", ["sealed_in", "id"])
    newest_first = [sa.text("at desc"), sa.text("id desc")]
    op.create_index("audit_record_at", "audit_record", newest_first)
    op.create_index("audit_record_actor", "audit_record", ["actor_id", *newest_first])
    op.create_index("audit_record_action", "audit_record", ["action", *newest_first])
    op.create_index("audit_record_about", "audit_record", ["about", "about_id", *newest_first])


def _create_personal() -> None:
    op.create_table(
        "audit_personal",
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(value IS NULL) = (erased_at IS NOT NULL)", name="audit_personal_erased"),
        sa.ForeignKeyConstraint(["record_id"], ["audit_record.id"]),
        sa.PrimaryKeyConstraint("record_id", "path"),
    )
    op.create_index("audit_personal_person", "audit_personal", ["person_id"])
    op.create_index(
        "audit_personal_value",
        "audit_personal",
        [sa.text("md5(value)")],
        postgresql_where=sa.text("value is not null"),
    )


def _create_chain() -> None:
    op.create_table(
        "audit_batch",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counts", postgresql.JSONB(), nullable=False),
        sa.Column("leaves", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "audit_head",
        sa.Column("one", sa.Boolean(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("one", name="audit_head_one"),
        sa.PrimaryKeyConstraint("one"),
    )


def _create_triggers() -> None:
    op.execute(ALLOW_SEAL)
    op.execute(ALLOW_ERASURE)
    op.execute("DROP TRIGGER process_event_immutable ON process_event")
    for table, function in (
        ("audit_record", "refuse_all_but_seal"),
        ("process_event", "refuse_all_but_seal"),
        ("audit_personal", "refuse_all_but_erasure"),
        ("audit_batch", "refuse_change"),
    ):
        op.execute(
            f"CREATE TRIGGER {table}_unchanged BEFORE UPDATE ON {table}"
            f" FOR EACH ROW EXECUTE FUNCTION {function}()"
        )
    for table in NEVER_DELETED:
        op.execute(
            f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    for table in NEVER_EMPTIED:
        op.execute(
            f"CREATE TRIGGER {table}_not_emptied BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )

"""What forms ask besides the columns of an issue or a registration is kept with it, and found by its words."""

from collections.abc import Sequence

from alembic import op

revision: str = "0018"
down_revision: str | None = "0017"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KEEP_SEARCHABLE = """
CREATE OR REPLACE FUNCTION keep_question_searchable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO issue_search (issue_id, part, body)
    VALUES (NEW.id, 'question', concat_ws(' ', NEW.number, NEW.title, NEW.description, (
        SELECT string_agg(kept.value ->> 'text', ' ' ORDER BY kept.key) FROM jsonb_each(NEW.answers) AS kept)))
    ON CONFLICT (issue_id, part) DO UPDATE SET body = excluded.body WHERE issue_search.body <> excluded.body;
    RETURN NULL;
END $$;
DROP TRIGGER issue_question_searchable ON issue;
CREATE TRIGGER issue_question_searchable AFTER INSERT OR UPDATE OF title, description, number, answers ON issue
    FOR EACH ROW EXECUTE FUNCTION keep_question_searchable();
"""


def upgrade() -> None:
    for table in ("issue", "registration"):
        op.execute(f"ALTER TABLE {table} ADD COLUMN answers jsonb NOT NULL DEFAULT '{{}}'")
    op.execute(KEEP_SEARCHABLE)

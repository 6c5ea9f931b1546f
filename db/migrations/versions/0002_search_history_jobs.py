"""What the models cannot say: Chinese search, numbers of issues, history that cannot be changed, the job queue."""

from collections.abc import Sequence

from alembic import op
from procrastinate.schema import SchemaManager

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

GRAMS = r"""
CREATE FUNCTION qingling_grams(body text) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(gram), '{}')
    FROM (
        SELECT DISTINCT gram
        FROM (
            SELECT letter, letter || lead(letter) OVER (ORDER BY place) AS pair
            FROM unnest(string_to_array(regexp_replace(lower(body), '\s', ' ', 'g'), NULL))
                WITH ORDINALITY AS letters (letter, place)
        ) AS neighbours,
        LATERAL (VALUES (letter), (pair)) AS both_lengths (gram)
        WHERE gram IS NOT NULL AND gram NOT LIKE '% %'
    ) AS grams
$$
"""

SEARCH_TABLE = """
CREATE TABLE issue_search (
    issue_id uuid NOT NULL REFERENCES issue (id) ON DELETE CASCADE,
    part varchar NOT NULL CHECK (part IN ('question', 'answer')),
    body text NOT NULL,
    grams text[] GENERATED ALWAYS AS (qingling_grams(body)) STORED,
    PRIMARY KEY (issue_id, part)
)
"""

SEARCH_TRIGGERS = """
CREATE FUNCTION keep_question_searchable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO issue_search (issue_id, part, body)
    VALUES (NEW.id, 'question', concat_ws(' ', NEW.number, NEW.title, NEW.description))
    ON CONFLICT (issue_id, part) DO UPDATE SET body = excluded.body WHERE issue_search.body <> excluded.body;
    RETURN NULL;
END $$;
CREATE TRIGGER issue_question_searchable AFTER INSERT OR UPDATE OF title, description, number ON issue
    FOR EACH ROW EXECUTE FUNCTION keep_question_searchable();

CREATE FUNCTION keep_answer_searchable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO issue_search (issue_id, part, body) VALUES (NEW.issue_id, 'answer', NEW.text)
    ON CONFLICT (issue_id, part) DO UPDATE SET body = excluded.body WHERE issue_search.body <> excluded.body;
    RETURN NULL;
END $$;
CREATE TRIGGER issue_answer_searchable AFTER INSERT ON issue_answer
    FOR EACH ROW EXECUTE FUNCTION keep_answer_searchable();
"""

APPEND_ONLY = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$
"""

IMMUTABLE_TABLES = ("process_definition", "process_event", "issue_change", "issue_answer")


def upgrade() -> None:
    op.execute(GRAMS)
    op.execute(SEARCH_TABLE)
    op.execute("CREATE INDEX issue_search_grams ON issue_search USING gin (grams)")
    op.execute(SEARCH_TRIGGERS)
    op.execute("CREATE SEQUENCE issue_number_seq")
    op.execute(APPEND_ONLY)
    for table in IMMUTABLE_TABLES:
        op.execute(
            f"CREATE TRIGGER {table}_immutable BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    op.get_bind().exec_driver_sql(SchemaManager.get_schema().replace("%", "%%"))

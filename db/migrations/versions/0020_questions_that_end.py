"""Searching and listing a million issues: one row of words an issue, in one form (NFKC, lower case, nothing invisible), what is
fixed about an issue beside them in the same index; the stage of an issue beside each office it was at; numbers from their end.

Made for a big table that is in use: tables and triggers first, in a moment; then the rows in batches, each its own transaction;
then the indexes, without locking. Whatever ends it in between, it goes on where it was.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0020"
down_revision: str | None = "0019"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BATCH = 2000
# What is drawn as nothing (cleaning.py has the whole list; these occur): it stands in texts that were kept before.
INVISIBLE = "".join(
    f"\\{code:04X}"
    for first, last in (
        (0x00AD, 0x00AD),
        (0x034F, 0x034F),
        (0x061C, 0x061C),
        (0x180B, 0x180F),
        (0x200B, 0x200F),
        (0x202A, 0x202E),
        (0x2060, 0x206F),
        (0xFE00, 0xFE0F),
        (0xFEFF, 0xFEFF),
    )
    for code in range(first, last + 1)
)

FOLD = f"""
CREATE FUNCTION qingling_fold(body text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT lower(normalize(translate(body, U&'{INVISIBLE}', ''), NFKC))
$$
"""
# Every character, every pair, and of codes and numbers every four: two digits are in every text.
PIECES = r"""
CREATE FUNCTION qingling_pieces(folded text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    letters text[] := string_to_array(regexp_replace(folded, '\s', ' ', 'g'), NULL);
BEGIN
    RETURN ARRAY(SELECT letter FROM unnest(letters) AS one (letter) WHERE letter <> ' ' GROUP BY letter)
        || ARRAY(SELECT a || b FROM unnest(letters, letters[2:]) AS two (a, b) WHERE a <> ' ' AND b <> ' ' GROUP BY 1)
        || ARRAY(SELECT substr(run, n, 4)
            FROM (SELECT (regexp_matches(folded, '[0-9a-z]{4,}', 'g'))[1] AS run) AS runs,
                generate_series(1, length(run) - 3) AS n
            GROUP BY 1);
END $$
"""
# Of a word no more than it takes: the fours of its codes, the pairs of the rest, a character that stands alone.
ASKED = r"""
CREATE FUNCTION qingling_asked(folded text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    rest text := regexp_replace(regexp_replace(folded, '[0-9a-z]{4,}', ' ', 'g'), '\s+', ' ', 'g');
BEGIN
    RETURN ARRAY(SELECT piece FROM unnest(qingling_pieces(folded)) AS whole (piece)
            WHERE length(piece) = 4
        UNION
        SELECT piece FROM unnest(string_to_array(rest, ' ')) AS part (of_rest),
            LATERAL unnest(qingling_pieces(of_rest)) AS of_part (piece)
        WHERE length(piece) = 2 OR of_rest = piece
        ORDER BY 1);
END $$
"""

TABLE = """
CREATE TABLE issue_words (
    issue_id uuid PRIMARY KEY REFERENCES issue (id) ON DELETE CASCADE,
    question text NOT NULL DEFAULT '',
    answer text NOT NULL DEFAULT '',
    added text NOT NULL DEFAULT '',
    pieces text[] NOT NULL DEFAULT '{}',
    marks text[] NOT NULL DEFAULT '{}'
)
"""
KEEP_PIECES = """
CREATE FUNCTION keep_issue_pieces() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_new boolean := TG_OP = 'INSERT';
BEGIN
    IF is_new OR NEW.question <> OLD.question THEN NEW.question := qingling_fold(NEW.question); END IF;
    IF is_new OR NEW.answer <> OLD.answer THEN NEW.answer := qingling_fold(NEW.answer); END IF;
    IF is_new OR NEW.added <> OLD.added THEN NEW.added := qingling_fold(NEW.added); END IF;
    IF NOT is_new AND OLD.answer = '' AND NEW.question = OLD.question AND NEW.added = OLD.added THEN
        -- the first answer, the commonest change; what is there twice the index has once
        NEW.pieces := OLD.pieces || qingling_pieces(NEW.answer);
    ELSIF is_new OR (NEW.question, NEW.answer, NEW.added) IS DISTINCT FROM (OLD.question, OLD.answer, OLD.added) THEN
        NEW.pieces := qingling_pieces(concat_ws(' ', NEW.question, NEW.answer, NEW.added));
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER issue_words_pieces BEFORE INSERT OR UPDATE OF question, answer, added ON issue_words
    FOR EACH ROW EXECUTE FUNCTION keep_issue_pieces();
"""
# The first four digits of an id are its time (49 days): the newest come first by them.
MARKS = """
CREATE FUNCTION qingling_marks(i issue) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ARRAY['e:' || i.enterprise_id, 'k:' || i.kind, 'c:' || i.category, 'o:' || i.office, 't:' || left(i.id::text, 4)]
$$
"""
ADDED = """
CREATE FUNCTION qingling_added(i issue) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(string_agg(kept.value ->> 'text', ' ' ORDER BY kept.key), '') FROM jsonb_each(i.answers) AS kept
$$
"""
# Everything that is searched, for issues that have no row yet. One more text: a column, its place here and in
# `keep_issue_pieces`, and a trigger like those below where it is written.
FILL = """
CREATE FUNCTION fill_issue_words(ids uuid[]) RETURNS bigint LANGUAGE sql AS $$
    WITH made AS (
        INSERT INTO issue_words (issue_id, question, answer, added, marks)
        SELECT i.id, concat_ws(' ', i.number, i.title, i.description), coalesce(a.text, ''), qingling_added(i),
            qingling_marks(i)
        FROM issue i LEFT JOIN LATERAL (
            SELECT text FROM issue_answer WHERE issue_id = i.id ORDER BY round DESC, id DESC LIMIT 1) AS a ON true
        WHERE i.id = ANY(ids)
        ON CONFLICT DO NOTHING
        RETURNING 1
    )
    SELECT count(*) FROM made
$$
"""
TRIGGERS = """
CREATE OR REPLACE FUNCTION keep_question_searchable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO issue_words (issue_id, question, added, marks)
        VALUES (NEW.id, concat_ws(' ', NEW.number, NEW.title, NEW.description), qingling_added(NEW), qingling_marks(NEW));
        RETURN NULL;
    END IF;
    FOR try IN 1..2 LOOP  -- a row that is being filled in at this moment is there the second time
        UPDATE issue_words SET marks = qingling_marks(NEW),
            question = qingling_fold(concat_ws(' ', NEW.number, NEW.title, NEW.description)),
            added = qingling_fold(qingling_added(NEW))
        WHERE issue_id = NEW.id;
        EXIT WHEN FOUND OR fill_issue_words(ARRAY[NEW.id]) = 1;
    END LOOP;
    RETURN NULL;
END $$;
DROP TRIGGER issue_question_searchable ON issue;
CREATE TRIGGER issue_question_searchable
    AFTER INSERT OR UPDATE OF title, description, number, answers, enterprise_id, kind, category, office ON issue
    FOR EACH ROW EXECUTE FUNCTION keep_question_searchable();

CREATE OR REPLACE FUNCTION keep_answer_searchable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    FOR try IN 1..2 LOOP
        UPDATE issue_words SET answer = NEW.text WHERE issue_id = NEW.issue_id;
        EXIT WHEN FOUND OR fill_issue_words(ARRAY[NEW.issue_id]) = 1;
    END LOOP;
    RETURN NULL;
END $$;
"""
# By the index whatever the planner thinks of it, and never more rows than are asked for: how many a word has nobody knows before.
SEEK = """
CREATE FUNCTION seek_issue_words(words text[], asked text[], wanted text[], before uuid, most integer) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE ROWS 1000
SET enable_seqscan = off SET enable_indexscan = off SET enable_indexonlyscan = off
SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    IF asked = '{}' THEN
        RETURN QUERY SELECT w.issue_id FROM issue_words w WHERE w.marks @> wanted
            AND (before IS NULL OR w.issue_id < before)
            AND NOT EXISTS (SELECT FROM unnest(words) AS one (word) WHERE strpos(w.question, word) = 0
                AND strpos(w.answer, word) = 0 AND strpos(w.added, word) = 0)
        LIMIT most;
    ELSIF wanted = '{}' THEN
        RETURN QUERY SELECT w.issue_id FROM issue_words w WHERE w.pieces @> asked
            AND (before IS NULL OR w.issue_id < before)
            AND NOT EXISTS (SELECT FROM unnest(words) AS one (word) WHERE strpos(w.question, word) = 0
                AND strpos(w.answer, word) = 0 AND strpos(w.added, word) = 0)
        LIMIT most;
    ELSE
        RETURN QUERY SELECT w.issue_id FROM issue_words w WHERE w.pieces @> asked AND w.marks @> wanted
            AND (before IS NULL OR w.issue_id < before)
            AND NOT EXISTS (SELECT FROM unnest(words) AS one (word) WHERE strpos(w.question, word) = 0
                AND strpos(w.answer, word) = 0 AND strpos(w.added, word) = 0)
        LIMIT most;
    END IF;
END $$
"""
STAGES = """
ALTER TABLE issue_office ADD COLUMN phase varchar, ADD COLUMN open boolean;
CREATE FUNCTION take_issue_stage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT phase, closed_at IS NULL INTO NEW.phase, NEW.open FROM issue WHERE id = NEW.issue_id;
    NEW.open := coalesce(NEW.open, true);
    RETURN NEW;
END $$;
CREATE TRIGGER issue_office_stage BEFORE INSERT ON issue_office
    FOR EACH ROW EXECUTE FUNCTION take_issue_stage();
CREATE FUNCTION keep_issue_stage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE issue_office SET phase = NEW.phase, open = NEW.closed_at IS NULL
    WHERE issue_id = NEW.id AND (phase, open) IS DISTINCT FROM (NEW.phase, NEW.closed_at IS NULL);
    RETURN NULL;
END $$;
CREATE TRIGGER issue_stage AFTER INSERT OR UPDATE OF phase, closed_at ON issue
    FOR EACH ROW EXECUTE FUNCTION keep_issue_stage();
"""

FILL_STAGES = sa.text("""
WITH batch AS (SELECT issue_id, office FROM issue_office WHERE open IS NULL LIMIT :batch)
UPDATE issue_office o SET phase = i.phase, open = i.closed_at IS NULL
FROM batch JOIN issue i ON i.id = batch.issue_id WHERE (o.issue_id, o.office) = (batch.issue_id, batch.office)
""")
NEXT_IDS = sa.text("SELECT id FROM issue WHERE id > :after ORDER BY id LIMIT :batch")
INDEXES = {
    "issue_words_pieces": "issue_words USING gin (pieces, marks) WITH (gin_pending_list_limit = 512)",
    "issue_number_end": "issue (reverse(number) text_pattern_ops)",
    "issue_status": "issue (status, id DESC)",
    "issue_phase": "issue (phase, id DESC)",
    "issue_submitter_phase": "issue (submitter_id, phase, id DESC)",
    "issue_enterprise_phase": "issue (enterprise_id, phase, id DESC)",
    "issue_enterprise_due": "issue (enterprise_id, coalesce(due_at, 'infinity'::timestamptz), id)"
    " WHERE closed_at IS NULL",
    "issue_office_stages": "issue_office (office, phase, issue_id DESC)",
    "issue_office_open": "issue_office (office, issue_id) WHERE open",
    "sign_in_session_newest": "sign_in_session (created_at DESC, id DESC)",
    "sign_in_challenge_failed": "sign_in_challenge (failed_at DESC, id DESC) WHERE failed_at IS NOT NULL",
}
IS_BROKEN = sa.text("SELECT NOT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")


def upgrade() -> None:
    _make_tables()
    with op.get_context().autocommit_block():
        _fill_rows()
        for name, definition in INDEXES.items():
            _make_index(name, definition)
        op.execute("ANALYZE issue_words")
        op.execute("ALTER TABLE issue_office ALTER COLUMN open SET NOT NULL")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS issue_office_phase")
        op.execute("DROP TABLE IF EXISTS issue_search")
        op.execute("DROP FUNCTION IF EXISTS qingling_grams")


def _make_tables() -> None:
    if sa.inspect(op.get_bind()).has_table("issue_words"):
        return  # it was ended in between
    for statement in (FOLD, PIECES, ASKED, TABLE, KEEP_PIECES, MARKS, ADDED, FILL, TRIGGERS, SEEK, STAGES):
        op.get_bind().exec_driver_sql(statement.replace("%", "%%"))
    op.execute("ALTER TABLE issue_words ALTER COLUMN pieces SET STATISTICS 300")


def _fill_rows() -> None:
    connection = op.get_bind()
    after = "00000000-0000-0000-0000-000000000000"
    fill = sa.text("SELECT fill_issue_words(:ids)").bindparams(
        sa.bindparam("ids", type_=postgresql.ARRAY(sa.Uuid))
    )
    while ids := list(connection.scalars(NEXT_IDS, {"after": after, "batch": BATCH})):
        connection.execute(fill, {"ids": ids})
        after = ids[-1]
    while connection.execute(FILL_STAGES, {"batch": BATCH}).rowcount:
        pass


def _make_index(name: str, definition: str) -> None:
    if op.get_bind().scalar(IS_BROKEN, {"name": name}):
        op.execute(f"DROP INDEX CONCURRENTLY {name}")
    op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {definition}")

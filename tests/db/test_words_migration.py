"""Issues that were there before get their row of words and the stage beside their offices; it goes on where it was ended."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from db.migrate import upgrade
from db.session import conninfo

BEFORE, AFTER = "0019", "0020"
ISSUES = """
SET session_replication_role = replica;
INSERT INTO customs_office (code, name, active, source) VALUES ('2301', '某关', true, '');
INSERT INTO issue (id, number, enterprise_id, submitter_id, raised_by_executive, kind, category, office, title, description,
    contact, attachments, phase, created_at, closed_at, round, transfers, paused_s)
SELECT ('0190000' || n || '-0000-7000-8000-00000000000' || n)::uuid, 'QL230120260000' || n, gen_random_uuid(), gen_random_uuid(),
    false, '投诉', '稽查', '2301', 'ＨＳ' || n, '', '', '{}', CASE WHEN n = 1 THEN 'closed' ELSE 'customs' END, now(),
    CASE WHEN n = 1 THEN now() END, 0, 0, 0 FROM generate_series(1, 5) AS n;
INSERT INTO issue_office (issue_id, office, since) SELECT id, '2301', now() FROM issue;
INSERT INTO issue_answer (id, issue_id, round, office, text, attachments, answered_by, answered_at)
SELECT gen_random_uuid(), id, round, '2301', '答' || round, '{}', gen_random_uuid(), now()
FROM (SELECT id FROM issue ORDER BY id LIMIT 1) AS first, generate_series(0, 1) AS round;
"""
WORDS = "SELECT question, answer, '二' = ANY(pieces), marks[2:4] FROM issue_words ORDER BY issue_id"


@pytest.fixture
def connection(empty_database_url: str) -> Iterator[psycopg.Connection[Any]]:
    upgrade(empty_database_url, BEFORE)
    with psycopg.connect(conninfo(empty_database_url), autocommit=True) as connection:
        connection.execute(ISSUES)
        yield connection


def test_what_was_there_is_found(connection: psycopg.Connection[Any], empty_database_url: str) -> None:
    upgrade(empty_database_url, AFTER)
    rows = connection.execute(WORDS).fetchall()
    assert [row[0] for row in rows] == [f"ql230120260000{n} hs{n} " for n in range(1, 6)]
    assert [row[1] for row in rows] == ["答1", "", "", "", ""]  # the newest answer
    assert rows[0][3] == ["k:投诉", "c:稽查", "o:2301"]
    stages = connection.execute("SELECT phase, open FROM issue_office ORDER BY issue_id").fetchall()
    assert stages == [("closed", False), *[("customs", True)] * 4]
    assert connection.execute(
        "SELECT to_regclass('issue_search'), to_regclass('issue_office_phase')"
    ).fetchone() == (
        None,
        None,
    )


def test_what_was_ended_goes_on_where_it_was(
    connection: psycopg.Connection[Any], empty_database_url: str
) -> None:
    upgrade(empty_database_url, AFTER)
    whole = connection.execute(WORDS).fetchall()
    connection.execute(f"UPDATE alembic_version SET version_num = '{BEFORE}'".encode())
    connection.execute(
        "DELETE FROM issue_words WHERE issue_id = (SELECT id FROM issue ORDER BY id OFFSET 2 LIMIT 1)"
    )
    connection.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'issue_status'::regclass")
    upgrade(empty_database_url, AFTER)
    assert connection.execute(WORDS).fetchall() == whole
    valid = connection.execute("SELECT bool_and(indisvalid) FROM pg_index").fetchone()
    assert valid == (True,)


def test_an_issue_that_changes_before_its_row_is_filled_in_has_one(
    connection: psycopg.Connection[Any], empty_database_url: str
) -> None:
    upgrade(empty_database_url, AFTER)
    connection.execute("SET session_replication_role = origin")
    connection.execute("DELETE FROM issue_words")
    connection.execute("UPDATE issue SET title = '二手设备' WHERE number = 'QL2301202600002'")
    assert connection.execute(WORDS).fetchall() == [
        ("ql2301202600002 二手设备 ", "", True, ["k:投诉", "c:稽查", "o:2301"])
    ]

"""A million rows sealed and verified: how long it takes, and that the memory it takes is the same as for a tenth of them."""

import time
from collections.abc import AsyncIterator
from datetime import datetime

import psutil
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.session import make_sessions, open_engine
from domain.audit_chain import sealing_key
from settings import Settings
from tasks.audit_log import read_report
from tasks.sealing import seal_all

KEY = sealing_key(b"secret")
RECORDS, EVENTS = 500_000, 500_000
MOST_MORE_BYTES = 30 * 1024 * 1024

# One personal value a record; salts and digests as `domain.audit.record` makes them.
FILL_RECORDS = text("""
    WITH made AS (
        SELECT gen_random_uuid() AS id, n, uuid_send(gen_random_uuid()) AS salt, '+8613' || lpad(n::text, 9, '0') AS phone
        FROM generate_series(1, :count) AS n
    ), record AS (
        INSERT INTO audit_record (id, at, action, actor_id, about, about_id, before, after, personal)
        SELECT id, CAST(:now AS timestamptz) + n * interval '1 second', 'edit_member', id, 'membership', id::text,
            '{"position": "职员", "roles": ["customs_affairs"]}',
            jsonb_build_object('position', '经理', 'phone', NULL, 'roles', '["executive"]'::jsonb, 'n', n),
            jsonb_build_object('after/phone', encode(sha256(salt || convert_to(phone, 'UTF8')), 'hex'))
        FROM made
    )
    INSERT INTO audit_personal (record_id, path, person_id, salt, value) SELECT id, 'after/phone', id, salt, phone FROM made
""")
FILL_PROCESS = text("""
    WITH definition AS (
        INSERT INTO process_definition (id, key, version, content_hash, files, deployed_at)
        VALUES (gen_random_uuid(), gen_random_uuid()::text, 1, '', '{}', :now) RETURNING id
    )
    INSERT INTO process_instance (id, definition_id, subject, state, state_name, active_elements, version, started_at)
    SELECT gen_random_uuid(), id, '', '', 'active', '{}', 1, CAST(:now AS timestamptz) FROM definition
""")
FILL_EVENTS = text("""
    INSERT INTO process_event (instance_id, at, kind, element_id, element_name, task_id, actor_id, waited_s, details)
    SELECT i.id, CAST(:now AS timestamptz) + n * interval '1 second', 'task_completed', 'answer_issue', '答复问题',
        gen_random_uuid(), i.id, n / 7.0, '{"to": "2301"}'
    FROM generate_series(1, :count) AS n, (SELECT id FROM process_instance LIMIT 1) AS i
""")


@pytest.fixture
async def sessions(database_url: str) -> AsyncIterator[async_sessionmaker[AsyncSession]]:
    database = open_engine(database_url, Settings(demo=True))
    yield make_sessions(database)
    await database.dispose()


async def fill(sessions: async_sessionmaker[AsyncSession], records: int, events: int, now: datetime) -> None:
    async with sessions() as session:
        await session.execute(FILL_PROCESS, {"now": now})
        await session.execute(FILL_RECORDS, {"now": now, "count": records})
        await session.execute(FILL_EVENTS, {"now": now, "count": events})
        await session.commit()


async def check(sessions: async_sessionmaker[AsyncSession], rows: int, what: str) -> int:
    """Verify; bytes of memory in use afterwards."""
    start = time.perf_counter()
    async with sessions() as session:
        report = await read_report(session, KEY)
    took_s = time.perf_counter() - start
    assert (report.findings, report.rows, report.count) == ([], rows, 0)
    used = psutil.Process().memory_info().rss
    print(f"verify {what}: {rows} rows, {report.values} values, {took_s:.1f} s, {used / 2**20:.0f} MiB")
    return used


async def test_a_million_rows_are_sealed_and_verified_in_flat_memory(
    sessions: async_sessionmaker[AsyncSession], now: datetime
) -> None:
    await fill(sessions, RECORDS // 10, EVENTS // 10, now)
    await seal_all(sessions, KEY, now)
    small = await check(sessions, (RECORDS + EVENTS) // 10, "a tenth")
    await fill(sessions, RECORDS * 9 // 10, EVENTS * 9 // 10, now)
    start = time.perf_counter()
    assert await seal_all(sessions, KEY, now) == (RECORDS + EVENTS) * 9 // 10
    print(f"seal: {(RECORDS + EVENTS) * 9 // 10} rows, {time.perf_counter() - start:.1f} s")
    large = await check(sessions, RECORDS + EVENTS, "all")
    assert large - small < MOST_MORE_BYTES
    async with sessions() as session:
        await session.execute(text("SET LOCAL session_replication_role = replica"))
        await session.execute(
            text("UPDATE process_event SET waited_s = 0 WHERE id = (SELECT max(id) / 2 FROM process_event)")
        )
        await session.commit()
    async with sessions() as session:
        assert (await read_report(session, KEY)).count == 1

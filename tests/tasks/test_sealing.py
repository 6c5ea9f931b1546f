"""The seal of the audit log: what commits late is sealed late and nothing is missed; erased values leave the chain whole."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlmodel import col

from db.session import make_sessions, open_engine
from domain.audit import record
from domain.audit_chain import AUDIT_RECORDS, seal
from domain.audit_erasure import erase_personal
from domain.audit_verify import verify
from domain.models import AuditBatch, AuditPersonal, AuditRecord
from settings import Settings
from tasks.audit_log import AnchorUnreadable, read_anchors, read_report, tell_report
from tasks.sealing import SOURCES, seal_all
from tests.tasks.sealed import KEY, Sealed, seal_in, sealed, write, write_events

__all__ = ["sealed"]


async def test_what_nobody_touched_is_whole_and_the_unsealed_tail_is_told(sealed: Sealed) -> None:
    report = await sealed.check()
    assert (report.findings, report.count) == ([], 0)
    assert (report.batches, report.rows, report.values, report.erased) == (3, 40, 25, 0)
    assert report.unsealed == {"audit_record": 5, "process_event": 0}
    assert report.unsealed_since == sealed.now
    lines = tell_report(report)
    assert lines[-1] == "没有发现问题。"
    assert "尚未封存：审计记录 5 条，办理过程 0 条，最早的写于 2026-03-02 09:00。" in lines


async def test_erased_values_leave_the_chain_whole(session: AsyncSession, now: datetime) -> None:
    person, other = uuid4(), uuid4()
    long_ago = now - timedelta(days=200)
    await write(session, long_ago, 3, person_id=person, name="张三")
    await write(session, now, 2, person_id=person)
    await write(session, long_ago, 2, person_id=other)
    await seal_in(session, now)
    done = await erase_personal(session, person_id=person, actor=None, keep=timedelta(days=183), now=now)
    assert (done.erased, done.kept, done.kept_until) == (6, 2, now + timedelta(days=183))
    again = await erase_personal(session, person_id=person, actor=None, keep=timedelta(days=183), now=now)
    assert again.erased == 0
    left = (await session.scalars(select(AuditPersonal).where(col(AuditPersonal.value).is_not(None)))).all()
    assert sorted(one.person_id == other for one in left) == [False, False, True, True]
    gone = (await session.scalars(select(AuditPersonal).where(col(AuditPersonal.value).is_(None)))).all()
    assert {(one.salt, one.erased_at) for one in gone} == {(None, now)}
    report = await verify(session, SOURCES, KEY)
    assert (report.findings, report.erased) == ([], 6)
    told = (
        await session.scalars(select(AuditRecord).where(col(AuditRecord.action) == "erase_personal"))
    ).all()
    assert [one.after for one in told] == [{"values": 6}]


async def test_what_is_stored_beside_a_phone_of_nobody_goes_with_it_and_nothing_else(
    session: AsyncSession, now: datetime
) -> None:
    phone = "+8613812345678"
    lines = [{"name": "甲", "phone": phone}, {"name": "乙", "phone": "+8613800000000"}]
    for after in ({"phone": phone, "ip": "192.0.2.1"}, {"lines": lines}):
        await record(session, "test", actor=None, about="person", about_id=None, after=after, now=now)
    done = await erase_personal(
        session, person_id=None, phone=phone, actor=None, keep=timedelta(0), now=now + timedelta(days=1)
    )
    assert done.erased == 4
    left = await session.scalars(
        select(col(AuditPersonal.value)).where(col(AuditPersonal.value).is_not(None))
    )
    assert set(left) == {"乙", "+8613800000000"}


def test_anchors_are_read_as_they_are_printed() -> None:
    digest = bytes(range(32))
    assert read_anchors([f" 12:{digest.hex().upper()} "]) == {12: digest}
    for wrong in ("12", "0:" + digest.hex(), "12:" + digest.hex()[2:], ""):
        with pytest.raises(AnchorUnreadable):
            read_anchors([wrong])


@pytest.fixture
async def sessions(database_url: str) -> AsyncIterator[async_sessionmaker[AsyncSession]]:
    """Sessions that really commit, on a database of this test's own."""
    database = open_engine(database_url, Settings(demo=True))
    yield make_sessions(database)
    await database.dispose()


@pytest.mark.parametrize("seed", range(8))
async def test_in_whatever_order_writers_commit_no_row_is_missed(
    sessions: async_sessionmaker[AsyncSession], now: datetime, seed: int
) -> None:
    dice = random.Random(seed)
    writing: list[AsyncSession] = []
    committed = 0
    for _ in range(60):
        move = dice.choice(("begin", "begin", "write", "write", "commit", "roll back", "seal"))
        if move == "begin" and len(writing) < 6:
            writing.append(sessions())
            await write(writing[-1], now, 1)
        elif move == "write" and writing:
            await write(dice.choice(writing), now, dice.randint(1, 3))
        elif move in ("commit", "roll back") and writing:
            session = writing.pop(dice.randrange(len(writing)))
            written = await session.scalar(
                text("SELECT count(*) FROM audit_record WHERE xmin = pg_current_xact_id()::xid")
            )
            await (session.commit() if move == "commit" else session.rollback())
            committed += written or 0 if move == "commit" else 0
            await session.close()
        elif move == "seal":
            await seal_all(sessions, KEY, now)
    for session in writing:
        committed += (
            await session.scalar(
                text("SELECT count(*) FROM audit_record WHERE xmin = pg_current_xact_id()::xid")
            )
            or 0
        )
        await session.commit()
        await session.close()
    await seal_all(sessions, KEY, now)
    async with sessions() as session:
        report = await read_report(session, KEY)
        counts = [batch.counts["audit_record"] for batch in await session.scalars(select(AuditBatch))]
    assert report.count == 0 and set(report.unsealed.values()) == {0}
    assert report.rows == committed == sum(counts) > 0


async def test_a_row_that_commits_late_with_an_older_id_goes_into_a_later_batch(
    sessions: async_sessionmaker[AsyncSession], now: datetime
) -> None:
    async with sessions() as slow, sessions() as quick:
        await write(slow, now, 1)
        await write(quick, now, 1)
        await quick.commit()
        assert await seal_all(sessions, KEY, now) == 1
        await slow.commit()
    assert await seal_all(sessions, KEY, now) == 1
    async with sessions() as session:
        rows = await session.scalars(select(col(AuditRecord.sealed_in)).order_by(col(AuditRecord.id)))
        assert rows.all() == [2, 1]
    async with sessions() as session:
        assert (await read_report(session, KEY)).count == 0


async def test_two_sealers_at_once_make_one_chain(
    sessions: async_sessionmaker[AsyncSession], now: datetime
) -> None:
    async with sessions() as session:
        await write(session, now, 50)
        await session.commit()

    async def seal_small() -> None:
        while True:
            async with sessions() as session:
                batch = await seal(session, SOURCES, KEY, now, limit=5)
                await session.commit()
            if batch is None:
                return

    await asyncio.gather(*(seal_small() for _ in range(4)))
    async with sessions() as session:
        report = await read_report(session, KEY)
    assert (report.count, report.rows, report.batches) == (0, 50, 10)


async def test_sealing_and_verifying_see_each_table_named_to_them(
    session: AsyncSession, now: datetime
) -> None:
    await write(session, now, 3)
    await write_events(session, now, 4)
    batch = await seal(session, (AUDIT_RECORDS,), KEY, now)
    assert batch is not None and dict(batch.counts) == {"audit_record": 3}
    batch = await seal(session, SOURCES, KEY, now)
    assert batch is not None and dict(batch.counts) == {"process_event": 4}
    assert (await verify(session, SOURCES, KEY)).count == 0

"""The seal of the audit log: whatever is done to what was sealed is found; what commits late is sealed late; erased values
leave the chain whole."""

import asyncio
import random
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlmodel import col

from db.session import make_sessions, open_engine
from domain.audit import record
from domain.audit_chain import AUDIT_RECORDS, seal, sealing_key, sign_anew
from domain.audit_erasure import erase_personal
from domain.audit_verify import MOST_FINDINGS, Report, verify
from domain.exceptions import ChainBroken
from domain.models import AuditBatch, AuditPersonal, AuditRecord
from settings import Settings
from tasks.audit_log import AnchorUnreadable, read_anchors, read_report, tell_report
from tasks.sealing import SOURCES, seal_all

KEY, OTHER_KEY = sealing_key(b"secret"), sealing_key(b"another secret")
BATCH = 10


async def write(session: AsyncSession, now: datetime, count: int, **values: Any) -> None:
    """Records with a personal value each."""
    for number in range(count):
        after = {"phone": f"+8613{number:09d}", "number": number} | values
        await record(
            session, "add_member", actor=None, about="enterprise", about_id="e", after=after, now=now
        )


async def write_events(session: AsyncSession, now: datetime, count: int) -> UUID:
    """A process with this many lines of history."""
    instance, definition = uuid4(), uuid4()
    await session.execute(
        text("INSERT INTO process_definition VALUES (:id, :key, 1, 'h', '{}', :now)"),
        {"id": definition, "key": str(definition), "now": now},
    )
    await session.execute(
        text(
            "INSERT INTO process_instance (id, definition_id, subject, state, state_name, active_elements, version,"
            " started_at) VALUES (:id, :definition, '', '', 'active', '{}', 1, :now)"
        ),
        {"id": instance, "definition": definition, "now": now},
    )
    await session.execute(
        text(
            "INSERT INTO process_event (instance_id, at, kind, waited_s, details)"
            " SELECT :id, :now, 'started', n / 3.0, jsonb_build_object('n', n) FROM generate_series(1, :count) AS n"
        ),
        {"id": instance, "now": now, "count": count},
    )
    return instance


async def seal_in(session: AsyncSession, now: datetime, *, key: bytes = KEY) -> int:
    """Seal everything in batches of ten; how many batches."""
    count = 0
    while await seal(session, SOURCES, key, now, limit=BATCH):
        count += 1
    return count


async def tamper(session: AsyncSession, *statements: str) -> None:
    """As whoever owns the database: no trigger and no foreign key stands in the way."""
    await session.execute(text("SET LOCAL session_replication_role = replica"))
    for statement in statements:
        changed: Any = await session.execute(text(statement))
        assert changed.rowcount != 0, f"nothing was tampered with: {statement}"
    await session.execute(text("SET LOCAL session_replication_role = origin"))


@dataclass
class Sealed:
    """Three batches: 25 records, 15 events of a process; then five records that are in none yet."""

    session: AsyncSession
    now: datetime

    async def check(self, **anchors: Any) -> Report:
        return await verify(self.session, SOURCES, KEY, **anchors)


@pytest.fixture
async def sealed(session: AsyncSession, now: datetime) -> Sealed:
    await write(session, now, 25)
    await write_events(session, now, 15)
    assert await seal_in(session, now) == 3
    await write(session, now, 5)
    return Sealed(session, now)


async def test_what_nobody_touched_is_whole_and_the_unsealed_tail_is_told(sealed: Sealed) -> None:
    report = await sealed.check()
    assert (report.findings, report.count) == ([], 0)
    assert (report.batches, report.rows, report.values, report.erased) == (3, 40, 25, 0)
    assert report.unsealed == {"audit_record": 5, "process_event": 0}
    assert report.unsealed_since == sealed.now
    lines = tell_report(report)
    assert lines[-1] == "没有发现问题。"
    assert "尚未封存：审计记录 5 条，办理过程 0 条，最早的写于 2026-03-02 09:00。" in lines


NTH = "(SELECT id FROM {} WHERE sealed_in = {} ORDER BY id OFFSET {} LIMIT 1)"
RECORD_2 = NTH.format("audit_record", 2, 4)
RECORD_3 = NTH.format("audit_record", 3, 4)
EVENT = NTH.format("process_event", 1, 3)
TAMPERED = {
    "a record's action": (
        [f"UPDATE audit_record SET action = 'none' WHERE id = {RECORD_2}"],
        "第 2 批.*被改动",
    ),
    "a record's time by a microsecond": (
        [f"UPDATE audit_record SET at = at + interval '1 microsecond' WHERE id = {RECORD_2}"],
        "第 2 批.*被改动",
    ),
    "how a number in a record is written": (
        [f"""UPDATE audit_record SET after = '{{"phone": null, "number": 14.0}}' WHERE id = {RECORD_2}"""],
        "第 2 批.*被改动",
    ),
    "who did it": ([f"UPDATE audit_record SET actor_id = id WHERE id = {RECORD_2}"], "第 2 批.*被改动"),
    "an event's details": (
        [f"UPDATE process_event SET details = '{{}}' WHERE id = {EVENT}"],
        "第 1 批 process_event：记录 .* 被改动",
    ),
    "how long a step waited": (
        [f"UPDATE process_event SET waited_s = waited_s + 1 WHERE id = {EVENT}"],
        "第 1 批 process_event",
    ),
    "a personal value": (
        [f"UPDATE audit_personal SET value = 'x' WHERE record_id = {RECORD_2}"],
        "after/phone：这项个人信息被改动",
    ),
    "a salt": ([f"UPDATE audit_personal SET salt = '' WHERE record_id = {RECORD_2}"], "个人信息被改动"),
    "a value erased and not told": (
        [
            (
                "UPDATE audit_personal SET value = NULL, salt = NULL, erased_at = now()"
                f" WHERE record_id = {RECORD_2}"
            )
        ],
        "有 1 项已删除，而删除的记录只说明了 0 项",
    ),
    "a personal value deleted": (
        [f"DELETE FROM audit_personal WHERE record_id = {RECORD_2}"],
        "个人信息被删除",
    ),
    "a personal value inserted": (
        [f"INSERT INTO audit_personal VALUES ({RECORD_2}, 'after/name', NULL, '', 'x')"],
        "个人信息是封存后插入的",
    ),
    "a record deleted": ([f"DELETE FROM audit_record WHERE id = {RECORD_2}"], "第 2 批.*第 5 条记录被删除"),
    "an event deleted": ([f"DELETE FROM process_event WHERE id = {EVENT}"], "第 1 批 process_event：第 4 条"),
    "a record inserted": (
        [
            (
                "INSERT INTO audit_record (id, at, action, about, personal, sealed_in)"
                " VALUES (gen_random_uuid(), now(), 'a', 'b', '{}', 2)"
            )
        ],
        "第 2 批.*封存后插入",
    ),
    "an event inserted": (
        [
            (
                "INSERT INTO process_event (instance_id, at, kind, sealed_in)"
                " SELECT instance_id, at, 'ended', 2 FROM process_event LIMIT 1"
            )
        ],
        "第 2 批 process_event.*封存后插入",
    ),
    "two records exchanged": (
        [
            f"CREATE TEMP TABLE pair ON COMMIT DROP AS SELECT {RECORD_2} AS a, {RECORD_3} AS b",
            "UPDATE audit_record SET sealed_in = 5 - sealed_in FROM pair WHERE id IN (a, b)",
        ],
        "第 3 批",
    ),
    "a record's place in the order": (
        [
            f"UPDATE audit_personal SET record_id = '{'f' * 32}' WHERE record_id = {RECORD_2}",
            f"UPDATE audit_record SET id = '{'f' * 32}' WHERE id = {RECORD_2}",
        ],
        "第 2 批 audit_record：第 5 条记录被删除，或被改动",
    ),
    "a record unsealed": (
        [f"UPDATE audit_record SET sealed_in = NULL WHERE id = {RECORD_2}"],
        "第 5 条记录被删除",
    ),
    "a record put into a batch that is none": (
        [f"UPDATE audit_record SET sealed_in = 9 WHERE id = {RECORD_2}"],
        "1 条记录属于第 9 批，但没有这一批",
    ),
    "a record put into a batch before all": (
        [
            f"UPDATE audit_record SET sealed_in = 0 WHERE id = {RECORD_2}",
            "INSERT INTO audit_batch VALUES (0, now(), '{}', '', '')",
        ],
        "属于第 0 批",
    ),
    "the last rows cut off": (
        ["DELETE FROM audit_record WHERE sealed_in = 3 AND id > " + NTH.format("audit_record", 3, 1)],
        "第 3 批.*第 3 条记录被删除",
    ),
    "the last batch cut off with its rows": (
        ["DELETE FROM audit_record WHERE sealed_in = 3", "DELETE FROM audit_batch WHERE number = 3"],
        "链尾应当是第 3 批，现在是第 2 批",
    ),
    "a batch in the middle deleted with its rows": (
        [
            "DELETE FROM audit_record WHERE sealed_in = 2",
            "DELETE FROM process_event WHERE sealed_in = 2",
            "DELETE FROM audit_batch WHERE number = 2",
        ],
        "缺少第 2 至 2 批",
    ),
    "two batches exchanged": (
        [
            "UPDATE audit_batch SET number = 7 WHERE number = 1",
            "UPDATE audit_batch SET number = 1 WHERE number = 2",
            "UPDATE audit_batch SET number = 2 WHERE number = 7",
        ],
        "第 1 批的封存记录被改动",
    ),
    "a batch's leaves": (
        [
            "UPDATE audit_batch SET leaves = set_byte(leaves, 40, 1 - get_byte(leaves, 40) % 2) WHERE number = 2"
        ],
        "第 2 批的封存记录被改动",
    ),
    "a batch's digest": (
        ["UPDATE audit_batch SET digest = leaves WHERE number = 2"],
        "第 2 批的封存记录被改动",
    ),
    "when a batch was sealed": (
        ["UPDATE audit_batch SET sealed_at = sealed_at - interval '1 day' WHERE number = 2"],
        "第 2 批的封存记录被改动",
    ),
    "a batch's counts": (
        ["UPDATE audit_batch SET counts = '{\"x\": true}' WHERE number = 2"],
        "第 2 批的封存记录不完整",
    ),
    "a batch's counts made no object": (["UPDATE audit_batch SET counts = '[]' WHERE number = 2"], "不完整"),
    "the signature": (["UPDATE audit_head SET signature = digest"], "链尾的签名不是用本系统的密钥签的"),
    "the head deleted": (["DELETE FROM audit_head"], "链尾的签名被删除"),
}


@pytest.mark.parametrize("what", TAMPERED)
async def test_every_kind_of_tampering_is_found(sealed: Sealed, what: str) -> None:
    statements, finding = TAMPERED[what]
    await tamper(sealed.session, *statements)
    report = await sealed.check()
    assert report.count >= 1
    assert any(re.search(finding, found) for found in report.findings), report.findings
    assert tell_report(report)[-1] == f"发现 {report.count} 处问题。"


async def test_one_change_is_one_finding(sealed: Sealed) -> None:
    await tamper(sealed.session, *TAMPERED["a record's action"][0])
    assert len((await sealed.check()).findings) == 1


async def calculate_anew(session: AsyncSession, now: datetime, key: bytes) -> None:
    """What somebody does who owns the database and not the server's secret: a whole new chain over forged rows."""
    await tamper(
        session,
        f"UPDATE audit_record SET action = 'none' WHERE id = {RECORD_2}",
        "DELETE FROM audit_batch",
        "DELETE FROM audit_head",
        "UPDATE audit_record SET sealed_in = NULL",
        "UPDATE process_event SET sealed_in = NULL",
    )
    await seal_in(session, now, key=key)


async def test_a_chain_calculated_anew_is_not_signed(sealed: Sealed) -> None:
    await calculate_anew(sealed.session, sealed.now, OTHER_KEY)
    report = await sealed.check()
    assert not report.is_signed and report.count == 1


async def test_with_the_secret_too_what_was_written_down_elsewhere_tells(sealed: Sealed) -> None:
    number, digest = (await sealed.check()).head
    assert (await sealed.check(anchors={number: digest})).count == 0
    await calculate_anew(sealed.session, sealed.now, KEY)
    assert (await sealed.check()).count == 0
    report = await sealed.check(anchors={number: digest, 99: digest})
    assert report.findings == ["第 3 批的摘要与所给的不同：链被重算过。", "没有第 99 批：链尾被截去。"]


async def test_nothing_is_sealed_onto_a_broken_end(sealed: Sealed) -> None:
    for statements in (
        ["UPDATE audit_head SET signature = digest"],
        ["DELETE FROM audit_batch WHERE number = 3"],
        ["DELETE FROM audit_head"],
        ["DELETE FROM audit_head", "DELETE FROM audit_batch"],
    ):
        async with sealed.session.begin_nested() as savepoint:
            await tamper(sealed.session, *statements)
            with pytest.raises(ChainBroken):
                await seal(sealed.session, SOURCES, KEY, sealed.now)
            await savepoint.rollback()
    assert await seal(sealed.session, SOURCES, KEY, sealed.now)


async def test_after_a_new_secret_the_end_is_signed_again_and_goes_on(sealed: Sealed) -> None:
    with pytest.raises(ChainBroken):
        await seal(sealed.session, SOURCES, OTHER_KEY, sealed.now)
    report = await sealed.check()
    await sign_anew(sealed.session, *report.head, OTHER_KEY)
    assert await seal(sealed.session, SOURCES, OTHER_KEY, sealed.now)
    assert (await verify(sealed.session, SOURCES, OTHER_KEY)).count == 0


async def test_many_findings_are_counted_and_not_kept(session: AsyncSession, now: datetime) -> None:
    await write(session, now, MOST_FINDINGS + 50)
    await seal_in(session, now)
    await tamper(session, "UPDATE audit_record SET action = 'none'")
    report = await verify(session, SOURCES, KEY)
    assert (len(report.findings), report.count) == (MOST_FINDINGS, MOST_FINDINGS + 50)
    assert any(line.startswith(f"……共 {MOST_FINDINGS + 50} 处") for line in tell_report(report))


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

"""Whatever is done to what was sealed is found, by whoever may write to the database and does not hold the server's secret."""

import re
from datetime import datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit_chain import seal, sign_anew
from domain.audit_verify import MOST_FINDINGS, verify
from domain.exceptions import ChainBroken
from tasks.audit_log import tell_report
from tasks.sealing import SOURCES
from tests.tasks.sealed import KEY, OTHER_KEY, Sealed, seal_in, sealed, tamper, write

__all__ = ["sealed"]

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

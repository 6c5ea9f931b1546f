"""Holding the audit log against its seal: every row, every personal value, every batch, the end of the chain.

Reads batch by batch, so that the memory it takes does not grow with the log. It needs one snapshot for the whole of it
(REPEATABLE READ): sealing goes on meanwhile.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.direct import execute
from domain.audit import digest_value
from domain.audit_chain import (
    AUDIT_RECORDS,
    BEFORE_ALL,
    DIGEST_BYTES,
    Batch,
    Source,
    digest_row,
    sign_head,
)

MOST_FINDINGS = 200  # each one is told; more are counted

NEXT_BATCHES = text("""
    SELECT number, sealed_at, counts, leaves, digest FROM audit_batch
    WHERE number > :after ORDER BY number LIMIT 20
""")
HEAD = text("SELECT number, digest, signature FROM audit_head")
VALUES_OF_BATCH = text("""
    SELECT p.record_id, p.path, p.salt, p.value, p.erased_at
    FROM audit_record r JOIN audit_personal p ON p.record_id = r.id WHERE r.sealed_in = :number
""")
ERASED = text("""
    SELECT (SELECT count(*) FROM audit_personal WHERE erased_at IS NOT NULL) AS erased,
        (SELECT coalesce(sum((after ->> 'values')::bigint), 0) FROM audit_record
        WHERE action = 'erase_personal' AND after ->> 'values' ~ '^[0-9]{1,12}$') AS told
""")


@dataclass
class Report:
    """What a verification saw. `head` is the number and the digest in which the chain ends: worth writing down elsewhere."""

    findings: list[str] = field(default_factory=list[str])
    count: int = 0
    batches: int = 0
    rows: int = 0
    values: int = 0
    erased: int = 0
    unsealed: dict[str, int] = field(default_factory=dict[str, int])
    unsealed_since: datetime | None = None
    head: tuple[int, bytes] = (0, BEFORE_ALL)
    is_signed: bool = True

    def find(self, finding: str) -> None:
        """One more thing that is not as it was sealed."""
        self.count += 1
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(finding)


async def verify(
    session: AsyncSession,
    sources: Sequence[Source],
    key: bytes,
    *,
    anchors: Mapping[int, bytes] | None = None,
) -> Report:
    """Everything that is not as it was sealed, and what is not sealed yet. `anchors` are ends of the chain (number and
    digest) that were written down outside of the database."""
    report = Report()
    previous, number = BEFORE_ALL, 0
    wanted = dict(anchors or {})
    while batches := (await execute(session, NEXT_BATCHES, {"after": number})).rows:
        for row in batches:
            batch = Batch(*row)
            if batch.number != number + 1:
                report.find(f"缺少第 {number + 1} 至 {batch.number - 1} 批。")
            elif batch.digest_after(previous) != batch.digest:
                report.find(f"第 {batch.number} 批的封存记录被改动，或与前一批不相连。")
            await _check_batch(session, sources, batch, report)
            if (anchor := wanted.pop(batch.number, None)) and anchor != batch.digest:
                report.find(f"第 {batch.number} 批的摘要与所给的不同：链被重算过。")
            previous, number = batch.digest, batch.number
    report.head = (number, previous)
    for missing in wanted:
        report.find(f"没有第 {missing} 批：链尾被截去。")
    await _check_head(session, key, report)
    for source in sources:
        await _check_outside(session, source, report)
    await _check_erasures(session, report)
    return report


async def _check_batch(
    session: AsyncSession, sources: Sequence[Source], batch: Batch, report: Report
) -> None:
    report.batches += 1
    start = 0
    counts = _read_counts(batch, {source.table for source in sources})
    if len(batch.leaves) != DIGEST_BYTES * sum(counts.values()):
        report.find(f"第 {batch.number} 批的封存记录不完整。")
    for source in sources:
        end = start + counts.get(source.table, 0) * DIGEST_BYTES
        sealed = [batch.leaves[place : place + DIGEST_BYTES] for place in range(start, end, DIGEST_BYTES)]
        start = end
        statement = text(
            f"SELECT id, {source.canonical} AS canonical FROM {source.table} WHERE sealed_in = :number ORDER BY id"
        )
        rows = (await execute(session, statement, {"number": batch.number})).rows
        report.rows += len(rows)
        found = [(row.id, digest_row(row.canonical)) for row in rows]
        if [digest for _, digest in found] != sealed:
            _tell_difference(batch.number, source.table, sealed, found, report)
        if source is AUDIT_RECORDS and rows:
            await _check_values(session, batch.number, rows, report)


def _read_counts(batch: Batch, tables: set[str]) -> dict[str, int]:
    """What a batch says of its tables; somebody may have written anything there."""
    counts: Any = batch.counts
    pairs = counts.items() if isinstance(counts, dict) else ()
    return {table: count for table, count in pairs if table in tables and type(count) is int and count > 0}


def _tell_difference(
    number: int, table: str, sealed: list[bytes], found: list[tuple[Any, bytes]], report: Report
) -> None:
    was, seen = set(sealed), {digest for _, digest in found}
    strange = [(place, id_) for place, (id_, digest) in enumerate(found) if digest not in was]
    missing = [place for place, digest in enumerate(sealed) if digest not in seen]
    if len(sealed) == len(found) and missing == [place for place, _ in strange]:
        for _, id_ in strange:
            report.find(f"第 {number} 批 {table}：记录 {id_} 被改动。")
        if not strange:
            report.find(f"第 {number} 批 {table}：记录的次序被改动，或有重复。")
        return
    for _, id_ in strange:
        report.find(f"第 {number} 批 {table}：记录 {id_} 是封存后插入的，或被改动。")
    for place in missing:
        report.find(f"第 {number} 批 {table}：第 {place + 1} 条记录被删除，或被改动。")
    if not strange and not missing:
        report.find(f"第 {number} 批 {table}：记录的次序被改动，或有重复。")


async def _check_values(session: AsyncSession, number: int, rows: Sequence[Any], report: Report) -> None:
    expected = {
        (str(row.id), path): digest
        for row in rows
        for path, digest in orjson.loads(row.canonical)[-1].items()
    }
    for value in (await execute(session, VALUES_OF_BATCH, {"number": number})).rows:
        report.values += 1
        where = f"第 {number} 批记录 {value.record_id} 的 {value.path}"
        digest = expected.pop((str(value.record_id), value.path), None)
        if digest is None:
            report.find(f"{where}：这项个人信息是封存后插入的。")
        elif value.erased_at is None and digest_value(value.salt or b"", value.value).hex() != digest:
            report.find(f"{where}：这项个人信息被改动。")
    for record_id, path in expected:
        report.find(f"第 {number} 批记录 {record_id} 的 {path}：这项个人信息被删除。")


async def _check_head(session: AsyncSession, key: bytes, report: Report) -> None:
    head = (await execute(session, HEAD, {})).one_or_none()
    number, digest = report.head
    if head is None:
        if number:
            report.find("链尾的签名被删除。")
        return
    if (head.number, head.digest) != (number, digest):
        report.find(f"链尾应当是第 {head.number} 批，现在是第 {number} 批：有批次被截去、插入或改动。")
    if not hmac.compare_digest(sign_head(key, head.number, head.digest), head.signature):
        report.is_signed = False
        report.find("链尾的签名不是用本系统的密钥签的：链被重算过，或者 QINGLING_SECRET_KEY 换过。")


async def _check_outside(session: AsyncSession, source: Source, report: Report) -> None:
    """Rows in batches that do not exist, and those in none yet."""
    statement = text(f"""
        SELECT sealed_in, count(*) AS count FROM {source.table} t WHERE sealed_in IS NOT NULL
            AND NOT EXISTS (SELECT FROM audit_batch b WHERE b.number = t.sealed_in AND b.number > 0) GROUP BY sealed_in
    """)
    for row in (await execute(session, statement, {})).rows:
        report.find(f"{source.table} 有 {row.count} 条记录属于第 {row.sealed_in} 批，但没有这一批。")
    statement = text(
        f"SELECT count(*) AS count, min(at) AS since FROM {source.table} WHERE sealed_in IS NULL"
    )
    tail = (await execute(session, statement, {})).one_or_none()
    report.unsealed[source.table] = tail.count
    if tail.since is not None:
        report.unsealed_since = min(tail.since, report.unsealed_since or tail.since)


async def _check_erasures(session: AsyncSession, report: Report) -> None:
    row = (await execute(session, ERASED, {})).one_or_none()
    report.erased = row.erased
    if row.erased != row.told:
        report.find(f"个人信息有 {row.erased} 项已删除，而删除的记录只说明了 {row.told} 项。")

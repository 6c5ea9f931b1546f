"""The seal of the audit log: rows that have committed are gathered into batches, and each batch is chained to the one before.

Nobody who writes waits for the chain. A row is unsealed until its `sealed_in` is set, whatever its id and whenever it
commits: the next batch takes every row that is visible and has none, so a late commit is taken later and never missed.
Only sealers wait for each other.

What is chained is `Source.canonical` of each row: everything but `sealed_in`, with digests where personal values were.
The end of the chain is signed with the server's secret, so that whoever can write to the database alone can neither
calculate the chain anew nor cut its end off.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from db.direct import execute
from domain.exceptions import ChainBroken

DIGEST_BYTES = 32
BATCH_ROWS = 1000
BEFORE_ALL = bytes(DIGEST_BYTES)


@dataclass(frozen=True)
class Source:
    """A table whose rows are sealed: append-only, with `id` and `sealed_in`, an index on both, and a trigger that lets
    `sealed_in` be set once. `columns` are its other columns, times as seconds: what a row's digest is taken of."""

    table: str
    columns: str

    @property
    def canonical(self) -> str:
        """SQL for one row as text, the same for ever: id first."""
        return f"jsonb_build_array(id, {self.columns})::text"

    @property
    def find_unsealed(self) -> TextClause:
        """Rows that have committed and are in no batch yet."""
        return text(f"""
            SELECT id, {self.canonical} AS canonical FROM {self.table}
            WHERE sealed_in IS NULL ORDER BY sealed_in, id LIMIT :limit
        """)

    @property
    def mark_sealed(self) -> TextClause:
        """Put these rows into a batch."""
        return text(f"""
            UPDATE {self.table} SET sealed_in = :number WHERE sealed_in IS NULL AND id = ANY(:ids)
        """)


AUDIT_RECORDS = Source(
    "audit_record",
    "extract(epoch FROM at), action, actor_id, membership_id, officer_id, session_id, about, about_id,"
    " before, after, personal",
)

# The planner is told to walk the index, which has the rows in their order: what it knows of a backlog may be old.
LOCK = text("""
    SELECT pg_advisory_xact_lock(hashtextextended('audit_seal', 0)) AS locked,
        set_config('enable_seqscan', 'off', true) AS scan, set_config('enable_bitmapscan', 'off', true) AS bitmap,
        set_config('enable_sort', 'off', true) AS sort
""")
ENDS = text("""
    SELECT h.number, h.digest, h.signature, b.number AS last_number, b.digest AS last_digest
    FROM (SELECT) AS always
    LEFT JOIN audit_head h ON true
    LEFT JOIN (SELECT number, digest FROM audit_batch ORDER BY number DESC LIMIT 1) AS b ON true
""")
INSERT_BATCH = text("""
    WITH batch AS (
        INSERT INTO audit_batch (number, sealed_at, counts, leaves, digest)
        VALUES (:number, CAST(:sealed_at AS timestamptz), CAST(:counts AS jsonb), :leaves, :digest)
    )
    INSERT INTO audit_head (one, number, digest, signature) VALUES (true, :number, :digest, :signature)
    ON CONFLICT (one) DO UPDATE
    SET number = excluded.number, digest = excluded.digest, signature = excluded.signature
""")


@dataclass(frozen=True)
class Batch:
    """One batch as it was sealed."""

    number: int
    sealed_at: datetime
    counts: Mapping[str, int]
    leaves: bytes
    digest: bytes

    def digest_after(self, previous: bytes) -> bytes:
        """The digest this batch must have when `previous` is that of the batch before it."""
        head = [self.number, round(self.sealed_at.timestamp() * 1_000_000), dict(self.counts)]
        chained = hashlib.sha256(b"audit batch\0" + previous)
        chained.update(orjson.dumps(head, option=orjson.OPT_SORT_KEYS))
        chained.update(self.leaves)
        return chained.digest()


def sealing_key(secret: bytes) -> bytes:
    """The key that signs the end of the chain, made of the server's secret."""
    return hmac.new(secret, b"audit head", hashlib.sha256).digest()


def sign_head(key: bytes, number: int, digest: bytes) -> bytes:
    """The signature of a chain that ends here."""
    return hmac.new(key, b"%d\0%b" % (number, digest), hashlib.sha256).digest()


def digest_row(canonical: str) -> bytes:
    """The leaf of one row."""
    return hashlib.sha256(canonical.encode()).digest()


async def seal(
    session: AsyncSession,
    sources: Sequence[Source],
    key: bytes,
    now: datetime,
    *,
    limit: int = BATCH_ROWS,
) -> Batch | None:
    """Seal one batch of at most `limit` rows of each table, in the caller's transaction; None when there was none.

    Raises ChainBroken when the end of the chain is not what was signed: going on would sign what somebody forged.
    """
    await execute(session, LOCK, {})
    number, previous = await _read_end(session, sources, key)
    counts: dict[str, int] = {}
    leaves = bytearray()
    for source in sources:
        rows = (await execute(session, source.find_unsealed, {"limit": limit})).rows
        if not rows:
            continue
        ids = [row.id for row in rows]
        marked = await execute(session, source.mark_sealed, {"number": number + 1, "ids": ids})
        if marked.rowcount != len(rows):
            raise ChainBroken
        counts[source.table] = len(rows)
        leaves += b"".join(digest_row(row.canonical) for row in rows)
    if not counts:
        return None
    batch = Batch(number + 1, now, counts, bytes(leaves), b"")
    batch = replace(batch, digest=batch.digest_after(previous))
    await _append(session, batch, key)
    return batch


async def sign_anew(session: AsyncSession, number: int, digest: bytes, key: bytes) -> None:
    """Sign the end of the chain again, after the server's secret was changed. The caller has verified the chain."""
    statement = text("UPDATE audit_head SET number = :number, digest = :digest, signature = :signature")
    signature = sign_head(key, number, digest)
    await execute(session, statement, {"number": number, "digest": digest, "signature": signature})


async def _read_end(session: AsyncSession, sources: Sequence[Source], key: bytes) -> tuple[int, bytes]:
    end = (await execute(session, ENDS, {})).one_or_none()
    if end.number is None and end.last_number is None and not await _has_sealed_rows(session, sources):
        return 0, BEFORE_ALL
    if end.number is None or (end.number, end.digest) != (end.last_number, end.last_digest):
        raise ChainBroken
    if not hmac.compare_digest(sign_head(key, end.number, end.digest), end.signature):
        raise ChainBroken
    return end.number, end.digest


async def _has_sealed_rows(session: AsyncSession, sources: Sequence[Source]) -> bool:
    for source in sources:
        statement = text(f"SELECT 1 FROM {source.table} WHERE sealed_in IS NOT NULL LIMIT 1")
        if (await execute(session, statement, {})).rows:
            return True
    return False


async def _append(session: AsyncSession, batch: Batch, key: bytes) -> None:
    parameters: dict[str, Any] = {
        "number": batch.number,
        "sealed_at": batch.sealed_at,
        "counts": orjson.dumps(batch.counts).decode(),
        "leaves": batch.leaves,
        "digest": batch.digest,
        "signature": sign_head(key, batch.number, batch.digest),
    }
    await execute(session, INSERT_BATCH, parameters)

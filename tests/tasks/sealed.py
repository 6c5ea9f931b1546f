"""What the tests of the seal share: records and history to seal, and hands that tamper with what was sealed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import record
from domain.audit_chain import seal, sealing_key
from domain.audit_verify import Report, verify
from tasks.sealing import SOURCES

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

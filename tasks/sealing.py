"""Sealing the audit log and the history of processes, batch by batch. An edge: each batch is a transaction of its own."""

from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from domain.audit_chain import AUDIT_RECORDS, Source, seal

log = structlog.get_logger(__name__)

PROCESS_EVENTS = Source(
    "process_event",
    "instance_id, extract(epoch FROM at), kind, element_id, element_name, task_id, actor_id, waited_s, details",
)
SOURCES = (AUDIT_RECORDS, PROCESS_EVENTS)


async def seal_all(sessions: async_sessionmaker[AsyncSession], key: bytes, now: datetime) -> int:
    """Seal what has committed, one transaction a batch; how many rows. Raises ChainBroken."""
    rows = 0
    last = None
    while True:
        async with sessions() as session:
            batch = await seal(session, SOURCES, key, now)
            await session.commit()
        if batch is None:
            break
        rows += sum(batch.counts.values())
        last = batch
    if last:  # the log is kept elsewhere: what stands in it cannot be calculated anew in the database
        log.info("audit.sealed", rows=rows, batch=last.number, digest=last.digest.hex())
    return rows

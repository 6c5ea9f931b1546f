"""Delivering: claim, commit, send, record. No transaction is open while something is being sent.

Whoever dies after the claim leaves a message in `sending`; once that is stale it may be claimed again, so a message is
tried at least once, and the channel gets the same id each time.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from messages.channels import Channel, Outgoing
from messages.exceptions import SendRefused
from messages.sealing import Sealer

BACK_OFF_S = (10, 60, 300, 1800, 7200)
STALE_AFTER = timedelta(minutes=2)
BATCH = 200

log = structlog.get_logger()


class Recipient(Protocol):
    """Where a person is reached."""

    @property
    def phone(self) -> str: ...


FindRecipient = Callable[[AsyncSession, UUID], Awaitable[Recipient | None]]


@dataclass(frozen=True)
class Retry:
    """A message to be tried again, after so many seconds."""

    message_id: UUID
    in_s: int


CLAIM = text("""
    UPDATE message SET state = 'sending', claimed_at = :now, tries = tries + 1
    WHERE id IN (
        SELECT id FROM message
        WHERE id = ANY(:ids) AND (expires_at IS NULL OR expires_at > :now)
            AND (state = 'queued' OR (state = 'sending' AND claimed_at <= :stale))
        ORDER BY id FOR UPDATE SKIP LOCKED
    )
    RETURNING id, person_id, to_phone, template, text, secret, tries, expires_at
""")

RECORD = text("""
    UPDATE message SET state = CAST(:state AS text), channel = :channel, error = :error, sent_at = CAST(:sent_at AS timestamptz),
        secret = CASE WHEN CAST(:state AS text) = 'queued' THEN secret END
    WHERE id = :id AND state = 'sending' AND tries = :tries
""")

EXPIRE = text("""
    UPDATE message SET state = 'expired', secret = NULL
    WHERE state IN ('queued', 'sending') AND expires_at <= :now
""")

FIND_FORGOTTEN = text("""
    SELECT id FROM message
    WHERE (state = 'queued' AND tries = 0 AND created_at <= :stale)
        OR (state = 'queued' AND claimed_at <= :stale
            AND claimed_at + make_interval(secs => (CAST(:waits AS int[]))[least(tries, :last)]) <= :stale)
        OR (state = 'sending' AND claimed_at <= :stale)
    ORDER BY id LIMIT :batch
""")


class Delivery:
    """What delivers: wiring builds one for each worker. Without a channel messages wait, untried, until there is one;
    those that expire meanwhile are closed."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        channel: Channel | None,
        sealer: Sealer,
        find_recipient: FindRecipient,
        clock: Callable[[], datetime],
    ) -> None:
        self._sessions = sessions
        self._channel = channel
        self._sealer = sealer
        self._find_recipient = find_recipient
        self._clock = clock

    async def deliver(self, ids: Sequence[UUID]) -> list[Retry]:
        """Try each of these messages that is due and unclaimed once; which to try again, and when."""
        retries: list[Retry] = []
        channel = self._channel
        if channel is None:
            return retries
        for row, to in await self._claim(ids):
            error = await self._send(channel, row, to)
            retry = await self._record(channel, row, error)
            if retry is not None:
                retries.append(retry)
        return retries

    async def find_forgotten(self) -> list[UUID]:
        """Messages that no job seems to care for any more; expired ones are closed and their secrets erased."""
        now = self._clock()
        async with self._sessions.begin() as session:
            await session.execute(EXPIRE, {"now": now})
            if self._channel is None:
                return []
            found = await session.scalars(
                FIND_FORGOTTEN,
                {
                    "stale": now - STALE_AFTER,
                    "waits": list(BACK_OFF_S),
                    "last": len(BACK_OFF_S),
                    "batch": BATCH,
                },
            )
            return list(found)

    async def _claim(self, ids: Sequence[UUID]) -> list[tuple[Any, str | None]]:
        now = self._clock()
        async with self._sessions.begin() as session:
            claimed = await session.execute(CLAIM, {"ids": list(ids), "now": now, "stale": now - STALE_AFTER})
            rows = sorted(claimed.all(), key=lambda row: row.id)
            return [(row, await self._find_phone(session, row)) for row in rows]

    async def _find_phone(self, session: AsyncSession, row: Any) -> str | None:
        if row.to_phone is not None or row.person_id is None:
            return row.to_phone
        recipient = await self._find_recipient(session, row.person_id)
        return recipient.phone if recipient else None

    async def _send(self, channel: Channel, row: Any, to: str | None) -> Exception | None:
        """What went wrong, or None. The one broad except: whatever a channel throws is recorded on the row."""
        try:
            if to is None:
                raise SendRefused("the recipient is gone")
            code = None
            if row.secret is not None:
                code = self._sealer.open(row.secret, row.id)
                if code is None:
                    raise SendRefused("the secret was sealed with another key")
            await channel.send(Outgoing(row.id, to, row.template, row.text, self._clock(), code))
        except Exception as error:  # noqa: BLE001  (recorded on the row, whatever it was)
            log.warning(
                "message_not_sent", message_id=str(row.id), tries=row.tries, error=type(error).__name__
            )
            return error
        return None

    async def _record(self, channel: Channel, row: Any, error: Exception | None) -> Retry | None:
        final = error is None or isinstance(error, SendRefused) or row.tries > len(BACK_OFF_S)
        state = "sent" if error is None else "failed" if final else "queued"
        async with self._sessions.begin() as session:
            await session.execute(
                RECORD,
                {
                    "id": row.id,
                    "tries": row.tries,
                    "state": state,
                    "channel": channel.name,
                    "error": f"{type(error).__name__}: {error}"[:500] if error else None,
                    "sent_at": self._clock() if error is None else None,
                },
            )
        return None if final else Retry(row.id, BACK_OFF_S[row.tries - 1])

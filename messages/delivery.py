"""Delivering: claim, commit, send, record. No transaction is open while something is being sent.

Whoever dies after the claim leaves a message in `sending`, with a try that has no outcome. Once that is stale it is claimed
again, and the provider is asked before anything is sent a second time (docs/adr/0020).
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from messages import statements
from messages.claiming import STALE_AFTER, Errand, Office, PutOff, claim
from messages.limits import Limits, Pace
from messages.reach import FindRecipients
from messages.recording import Answer, Ending, Result, record_answer, record_try
from messages.routes import Route
from messages.sealing import Sealer
from sending import SendError, TryLater, Uncertain

GROUP = 10
FORGOTTEN_AT_ONCE = 200
SEND_TIMEOUT_S = 60.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Retry:
    """A message to be looked at again, and when."""

    message_id: UUID
    due_at: datetime


def _watch_nothing(_point: str) -> None:
    """Nobody looks on."""


class Delivery:
    """What delivers: wiring builds one for each worker. Without a route messages wait, untried, until there is one; those that
    expire meanwhile are closed. `watch` hears of every step, by name: proofs kill the worker there."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        routes: Sequence[Route],
        sealer: Sealer,
        find_recipients: FindRecipients,
        clock: Callable[[], datetime],
        *,
        limits: Limits | None = None,
        watch: Callable[[str], None] = _watch_nothing,
    ) -> None:
        self.sessions = sessions
        self.read_clock = clock
        self._office = Office(tuple(routes), sealer, find_recipients, limits or Limits())
        self._pace = Pace(self._office.limits.per_second)
        self._watch = watch

    @property
    def routes(self) -> Sequence[Route]:
        """The routes there are, in order."""
        return self._office.routes

    async def deliver(self, ids: Sequence[UUID], *, until: datetime | None = None) -> list[Retry]:
        """Try each of these messages that is due and unclaimed, a few at a time, over one route after the other as long as there
        is one to be taken at once; which to look at again, and when. After `until` nothing new is begun: the rest is due now."""
        retries: list[Retry] = []
        if not self.routes:
            return retries
        for start in range(0, len(ids), GROUP):
            now = self.read_clock()
            if until is not None and now >= until:
                return retries + [Retry(id_, now) for id_ in ids[start:]]
            pending: Sequence[UUID] = ids[start : start + GROUP]
            while pending:
                later = await self._deliver_group(pending)
                now = self.read_clock()
                pending = [one.message_id for one in later if one.due_at <= now]
                retries += [one for one in later if one.due_at > now]
        return retries

    async def find_forgotten(self) -> list[UUID]:
        """Messages that no job seems to care for any more; expired ones are closed and their secrets erased."""
        now = self.read_clock()
        async with self.sessions.begin() as session:
            await session.execute(statements.EXPIRE, {"now": now})
            if not self.routes:
                return []
            found = await session.scalars(
                statements.FIND_FORGOTTEN, {"stale": now - STALE_AFTER, "batch": FORGOTTEN_AT_ONCE}
            )
            return list(found)

    async def _deliver_group(self, ids: Sequence[UUID]) -> list[Retry]:
        self._watch("before_claim")
        async with self.sessions.begin() as session:
            claimed = await claim(session, self._office, ids, self.read_clock())
            self._watch("claimed")
        self._watch("claim_committed")
        results = await asyncio.gather(*(self._run(errand) for errand in claimed.errands))
        return [one for one in (*results, *map(_retry_of, claimed.put_off)) if one is not None]

    async def _run(self, errand: Errand) -> Retry | None:
        if errand.is_question:
            result = await self._ask(errand)
        else:
            result = await self._send(errand)
        if result is None or result.due_at is None:
            return None
        return Retry(errand.row.id, result.due_at)

    async def _send(self, errand: Errand) -> Result | None:
        await self._pace.wait(errand.route.provider)
        self._watch("sending")
        ending = await self._hand_over(errand)
        self._watch("sent")
        if isinstance(ending, SendError):
            log.warning(
                "message_not_sent",
                message_id=str(errand.row.id),
                channel=errand.route.channel,
                provider=errand.route.provider,
                outcome=type(ending).__name__,
                code=ending.code,
            )
        async with self.sessions.begin() as session:
            result = await record_try(session, errand, ending, self.read_clock())
            self._watch("recorded")
        self._watch("record_committed")
        return result

    async def _hand_over(self, errand: Errand) -> Ending:
        """How it ended. The one broad except: whatever an adapter throws that says nothing of whether it was sent."""
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                return await errand.route.send(errand.outgoing)
        except SendError as error:
            return error
        except Exception as error:  # noqa: BLE001  (recorded; its text may name the person)
            return Uncertain(errand.route.provider, type(error).__name__, "适配器出错，可能已经发出")

    async def _ask(self, errand: Errand) -> Result | None:
        self._watch("asking")
        answer = await self._find(errand)
        self._watch("answered")
        async with self.sessions.begin() as session:
            return await record_answer(session, errand, answer, self.read_clock())

    async def _find(self, errand: Errand) -> Answer:
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                return await errand.route.find(errand.outgoing, errand.began_at)
        except SendError as error:
            return error
        except Exception as error:  # noqa: BLE001  (asked again; its text may name the person)
            return TryLater(errand.route.provider, type(error).__name__)


def _retry_of(put_off: PutOff) -> Retry | None:
    return Retry(put_off.message_id, put_off.due_at) if put_off.due_at else None

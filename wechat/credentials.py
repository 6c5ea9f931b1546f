"""A credential that all processes share through the database: one of them fetches it, before it expires, and the others read it.

No transaction is open while WeChat is asked: whoever renews it has claimed it for a while (`renewing_until`), in a
statement of its own; if that process dies, the claim runs out. Until it expires the old one is used: WeChat takes both for
five minutes (https://developers.weixin.qq.com/doc/service/api/base/api_getstableaccesstoken.html, November 2026).
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.ids import uuid7
from sending import OperatorNeeded, TryLater
from wechat.fields import BEIJING
from wechat.sender import PROVIDER

RENEW_BEFORE = timedelta(seconds=240)  # WeChat gives a new one in the last 300 seconds, not before
CLAIM_FOR = timedelta(seconds=30)
WAIT_S = 20.0
POLL_S = 0.05
FORCED_A_DAY = 20
FORCED_APART = timedelta(seconds=30)
NEVER = datetime(1970, 1, 1, tzinfo=UTC)

READ: TextClause = text("""
SELECT id, sealed, expires_at FROM wechat_credential WHERE app_id = :app_id AND kind = :kind
""")
CLAIM: TextClause = text("""
INSERT INTO wechat_credential (id, app_id, kind, renewing_until) VALUES (:id, :app_id, :kind, :until)
ON CONFLICT (app_id, kind) DO UPDATE SET renewing_until = :until
WHERE (wechat_credential.renewing_until IS NULL OR wechat_credential.renewing_until <= :now)
    AND wechat_credential.sealed IS NOT DISTINCT FROM :seen
RETURNING id
""")  # `seen`: nobody has renewed it since it was read
STORE: TextClause = text("""
UPDATE wechat_credential SET sealed = :sealed, expires_at = :expires_at, renewing_until = NULL
WHERE app_id = :app_id AND kind = :kind AND renewing_until = :until
""")
RELEASE: TextClause = text("""
UPDATE wechat_credential SET renewing_until = NULL
WHERE app_id = :app_id AND kind = :kind AND renewing_until = :until
""")
COUNT_FORCED: TextClause = text("""
UPDATE wechat_credential SET forced_on = :today, forced_at = :now,
    forced_count = CASE WHEN forced_on = :today THEN forced_count + 1 ELSE 1 END
WHERE app_id = :app_id AND kind = :kind
    AND (forced_on IS DISTINCT FROM :today OR forced_count < :a_day)
    AND (forced_at IS NULL OR forced_at <= :apart)
RETURNING forced_count
""")
READ_FORCED: TextClause = text("""
SELECT forced_at FROM wechat_credential WHERE app_id = :app_id AND kind = :kind
""")


class Sealing(Protocol):
    """Seals what may not lie about in clear, each secret for one id; such as the sealer of messages."""

    def seal(self, secret: str, id_: UUID, /) -> bytes: ...

    def open(self, sealed: bytes, id_: UUID, /) -> str | None: ...


@dataclass(frozen=True)
class Fetched:
    """What WeChat gave, and for how long it is good."""

    value: str = field(repr=False)
    lifetime_s: int


@dataclass(frozen=True)
class _Seen:
    """What stands in the row: `value` is None where there is none, or it was sealed with another key."""

    sealed: bytes | None = field(repr=False)
    value: str | None = field(repr=False)
    expires_at: datetime


Fetch = Callable[[bool], Awaitable[Fetched]]
"""Ask WeChat; True forces a new one, which kills the old. Raises SendError."""


class SharedCredential:
    """One kind of credential of one account."""

    def __init__(
        self,
        app_id: str,
        kind: str,
        fetch: Fetch,
        sessions: async_sessionmaker[AsyncSession],
        sealing: Sealing,
        read_clock: Callable[[], datetime],
    ) -> None:
        self._key = {"app_id": app_id, "kind": kind}
        self._fetch = fetch
        self._sessions, self._sealing, self._clock = sessions, sealing, read_clock

    async def get(self, *, refused: str | None = None) -> str:
        """The credential, another one than `refused`, which WeChat did not take. Raises SendError."""
        try:
            async with asyncio.timeout(WAIT_S):
                while True:
                    now = self._clock()
                    seen = await self._read()
                    lasts_for = seen.expires_at - now
                    value = seen.value if seen.value != refused else None
                    if value and lasts_for > RENEW_BEFORE:
                        return value
                    if (until := await self._claim(now, seen)) is not None:
                        return await self._renew(until, refused)
                    if value and lasts_for > timedelta(0):
                        return value
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise TryLater(PROVIDER, "token", "另一个进程正在获取调用凭据") from None

    async def _read(self) -> _Seen:
        async with self._sessions() as session:
            row = (await session.execute(READ, self._key)).one_or_none()
        if row is None or row.sealed is None:
            return _Seen(None, None, NEVER)
        return _Seen(row.sealed, self._sealing.open(row.sealed, row.id), row.expires_at)

    async def _claim(self, now: datetime, seen: _Seen) -> datetime | None:
        until = now + CLAIM_FOR
        values = {**self._key, "id": uuid7(), "now": now, "until": until, "seen": seen.sealed}
        async with self._sessions.begin() as session:
            claimed = await session.execute(CLAIM, values)
            return until if claimed.one_or_none() else None

    async def _renew(self, until: datetime, refused: str | None) -> str:
        stored = False
        try:
            fetched = await self._fetch(False)
            if fetched.value == refused:
                await self._count_forced()
                fetched = await self._fetch(True)
            await self._store(fetched, until)
            stored = True
            return fetched.value
        finally:
            if not stored:
                async with self._sessions.begin() as session:
                    await session.execute(RELEASE, {**self._key, "until": until})

    async def _store(self, fetched: Fetched, until: datetime) -> None:
        async with self._sessions.begin() as session:
            row = (await session.execute(READ, self._key)).one()
            await session.execute(
                STORE,
                {
                    **self._key,
                    "until": until,
                    "sealed": self._sealing.seal(fetched.value, row.id),
                    "expires_at": self._clock() + timedelta(seconds=fetched.lifetime_s),
                },
            )

    async def _count_forced(self) -> None:
        """Raises TryLater shortly after the last time, OperatorNeeded when the day's are used up."""
        now = self._clock()
        values = {
            **self._key,
            "now": now,
            "today": now.astimezone(BEIJING).date(),
            "a_day": FORCED_A_DAY,
            "apart": now - FORCED_APART,
        }
        async with self._sessions.begin() as session:
            if (await session.execute(COUNT_FORCED, values)).one_or_none():
                return
            last: datetime | None = (await session.execute(READ_FORCED, self._key)).scalar_one()
        if last is not None and last > now - FORCED_APART:
            wait_s = (last + FORCED_APART - now).total_seconds()
            raise TryLater(PROVIDER, "token", "调用凭据刚刚强制刷新过", after_s=wait_s)
        raise OperatorNeeded(PROVIDER, "token", "今天强制刷新调用凭据的次数已用完")

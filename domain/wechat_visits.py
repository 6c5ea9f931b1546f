"""Browsers on their way to WeChat and back. `state` is what they bring back: made at random, good once, within ten minutes and
for the browser that left with it. Whose WeChat it is, while nobody here has it, waits on the server for that browser's next step.
"""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.ids import uuid7
from domain.exceptions import TooManyCodes

RETURNS_WITHIN = timedelta(minutes=10)
OPENID_KEPT = timedelta(days=1)  # as long as an application that is being typed
MOST_OPEN = 600  # from one address within ten minutes: a carrier's gateway, not a flood

COUNT_RECENT = text("SELECT count(*) FROM wechat_visit WHERE ip = :ip AND created_at > :since")
BEGIN = text("""
    INSERT INTO wechat_visit (id, state_hash, browser_key, ip, onward, created_at)
    VALUES (:id, :state_hash, :browser_key, :ip, :onward, :now)
""")
RETURN = text("""
    UPDATE wechat_visit SET returned_at = :now
    WHERE state_hash = :state_hash AND browser_key = :browser_key AND returned_at IS NULL AND created_at > :since
    RETURNING id, onward
""")
KEEP_OPENID = text("UPDATE wechat_visit SET openid = :openid WHERE id = :id")
FIND_WAITING = text("""
    SELECT id, openid, onward FROM wechat_visit
    WHERE browser_key = :browser_key AND openid IS NOT NULL AND returned_at > :since
    ORDER BY returned_at DESC, id DESC LIMIT 1 FOR UPDATE
""")
END_WAITING = text(
    "UPDATE wechat_visit SET openid = NULL WHERE browser_key = :browser_key AND openid IS NOT NULL"
)
SWEEP = text("DELETE FROM wechat_visit WHERE created_at < :before")


@dataclass(frozen=True)
class Returned:
    """A browser that is back from WeChat, and the page it had wanted."""

    id: UUID
    onward: str


@dataclass(frozen=True)
class Waiting:
    """A WeChat that nobody here has yet, in the browser in which it was proved, and the page wanted there."""

    id: UUID
    openid: str = field(repr=False)
    onward: str


async def begin_visit(
    session: AsyncSession, browser_key: str, onward: str, *, ip: str | None, now: datetime
) -> str:
    """The `state` with which this browser leaves for WeChat. Raises TooManyCodes."""
    recent = {"ip": ip, "since": now - RETURNS_WITHIN}
    if ip and (await session.scalar(COUNT_RECENT, recent) or 0) >= MOST_OPEN:
        raise TooManyCodes(
            "打开微信登录过于频繁，请在 10 分钟后再试。", retry_after_s=int(RETURNS_WITHIN.total_seconds())
        )
    state = secrets.token_hex(32)
    await session.execute(
        BEGIN,
        {
            "id": uuid7(),
            "state_hash": _hash(state),
            "browser_key": browser_key,
            "ip": ip,
            "onward": onward,
            "now": now,
        },
    )
    return state


async def take_state(
    session: AsyncSession, state: str, browser_key: str | None, now: datetime
) -> Returned | None:
    """The visit that this browser left for; None for a state that is foreign, used or too old. It is used from now on."""
    taken = {
        "state_hash": _hash(state),
        "browser_key": browser_key or "",
        "now": now,
        "since": now - RETURNS_WITHIN,
    }
    row = (await session.execute(RETURN, taken)).one_or_none()
    return Returned(row.id, row.onward) if row else None


async def keep_openid(session: AsyncSession, visit_id: UUID, openid: str) -> None:
    """Nobody here has this WeChat: it waits until they have said who they are."""
    await session.execute(KEEP_OPENID, {"id": visit_id, "openid": openid})


async def find_waiting(session: AsyncSession, browser_key: str | None, now: datetime) -> Waiting | None:
    """The WeChat that waits in this browser, locked against its other windows."""
    if browser_key is None:
        return None
    found = {"browser_key": browser_key, "since": now - OPENID_KEPT}
    row = (await session.execute(FIND_WAITING, found)).one_or_none()
    return Waiting(row.id, row.openid, row.onward) if row else None


async def end_waiting(session: AsyncSession, browser_key: str | None) -> None:
    """Nothing waits in this browser any more."""
    await session.execute(END_WAITING, {"browser_key": browser_key or ""})


async def sweep_wechat_visits(session: AsyncSession, now: datetime) -> None:
    """Forget visits of more than a day ago."""
    await session.execute(SWEEP, {"before": now - OPENID_KEPT - RETURNS_WITHIN})


def _hash(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()

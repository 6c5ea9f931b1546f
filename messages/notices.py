"""In-app notices: a person's messages themselves, whatever other channel they went over. Read marks, the bell's count, a list.

Nothing but their own `person_id` opens them; a code, and what went to a bare phone, is nobody's notice.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from messages.exceptions import SeenRefused

SNAPSHOT = re.compile(r"(\d{1,19}):(\d{1,19}):((?:\d{1,19}(?:,\d{1,19})*)?)", re.ASCII)
LAST = 2**63
MOST_COUNTED = 100
MOST = 100

COUNT: TextClause = text(f"""
    SELECT count(*) FROM (
        SELECT FROM message WHERE person_id = :person_id AND read_at IS NULL LIMIT {MOST_COUNTED}
    ) AS unread
""")
_LIST = """
    SELECT id, created_at, process, template, topic, title, text, instance_id, element_id, read_at,
        CAST(pg_current_snapshot() AS text) AS seen
    FROM message WHERE person_id = :person_id {condition} {after}
    ORDER BY id DESC LIMIT :limit
"""
LISTS: dict[tuple[bool, bool], TextClause] = {
    (unread, later): text(
        _LIST.format(
            condition="AND read_at IS NULL" if unread else "", after="AND id < :after" if later else ""
        )
    )
    for unread in (False, True)
    for later in (False, True)
}
MARK: TextClause = text("""
    UPDATE message SET read_at = :now
    WHERE id = ANY(:ids) AND person_id = :person_id AND read_at IS NULL
""")
MARK_ALL: TextClause = text("""
    UPDATE message SET read_at = :now
    WHERE person_id = :person_id AND read_at IS NULL
        AND (pg_visible_in_snapshot(CAST(CAST(written_by AS text) AS xid8), CAST(:seen AS pg_snapshot))
            OR CAST(CAST(written_by AS text) AS xid8) >= pg_snapshot_xmax(pg_current_snapshot()))
""")
MARK_ABOUT: TextClause = text("""
    UPDATE message SET read_at = :now
    WHERE person_id = :person_id AND read_at IS NULL AND instance_id = :instance_id RETURNING id
""")


@dataclass(frozen=True)
class Notice:
    """What a person reads; `instance_id` is the issue or registration it is about, which they may have lost the right to see."""

    id: UUID
    created_at: datetime
    process: str | None
    template: str
    topic: str
    title: str
    text: str
    instance_id: UUID | None
    element_id: str | None
    read_at: datetime | None


async def count_unread(session: AsyncSession, person_id: UUID) -> int:
    """For the bell; 100 stands for more than 99."""
    return int(await session.scalar(COUNT, {"person_id": person_id}) or 0)


@dataclass(frozen=True)
class NoticePage:
    """Notices, the newest first. `next` is where the following page begins (None: there is none), `seen` what could be seen when
    this one was read (PostgreSQL's snapshot; None: nothing is on it)."""

    items: list[Notice]
    next: UUID | None
    seen: str | None


async def list_notices(
    session: AsyncSession,
    person_id: UUID,
    *,
    only_unread: bool = False,
    after: UUID | None = None,
    limit: int = 20,
) -> NoticePage:
    """A page of this person's notices."""
    limit = min(limit, MOST)
    parameters = {"person_id": person_id, "limit": limit + 1}
    if after is not None:
        parameters["after"] = after
    rows = (await session.execute(LISTS[only_unread, after is not None], parameters)).all()
    found = [Notice(*row[:-1]) for row in rows]
    following = found[limit - 1].id if len(found) > limit else None
    return NoticePage(found[:limit], following, rows[0].seen if rows else None)


async def mark_read(session: AsyncSession, person_id: UUID, ids: list[UUID], now: datetime) -> None:
    """I have read these; what is not mine stays as it is."""
    await session.execute(MARK, {"person_id": person_id, "ids": ids, "now": now})


async def mark_all_read(session: AsyncSession, person_id: UUID, seen: str, now: datetime) -> None:
    """I have read everything that could be seen with that page (its `seen`): what came meanwhile, or was being written, stays
    unread. A transaction that is still to come here wrote in the database that this one was restored from. Raises SeenRefused."""
    if not is_snapshot(seen):
        raise SeenRefused
    await session.execute(MARK_ALL, {"person_id": person_id, "seen": seen, "now": now})


def is_snapshot(written: str) -> bool:
    """Whether PostgreSQL reads it: `xmin:xmax:` and, between these two, what was under way, in order."""
    found = SNAPSHOT.fullmatch(written)
    if found is None:
        return False
    oldest, end = int(found[1]), int(found[2])
    open_ = [int(one) for one in found[3].split(",") if one]
    return 0 < oldest <= end < LAST and open_ == sorted(open_) and all(oldest <= one < end for one in open_)


async def mark_about_read(session: AsyncSession, person_id: UUID, instance_id: UUID, now: datetime) -> int:
    """I have opened what they are about; how many that were."""
    parameters = {"person_id": person_id, "instance_id": instance_id, "now": now}
    return len((await session.scalars(MARK_ABOUT, parameters)).all())

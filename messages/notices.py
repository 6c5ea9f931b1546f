"""In-app notices: a person's messages themselves, whatever other channel they went over. Read marks, the bell's count, a list.

Nothing but their own `person_id` opens them; a code, and what went to a bare phone, is nobody's notice.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

MOST_COUNTED = 100
MOST = 100

COUNT: TextClause = text(f"""
    SELECT count(*) FROM (
        SELECT FROM message WHERE person_id = :person_id AND read_at IS NULL LIMIT {MOST_COUNTED}
    ) AS unread
""")
_LIST = """
    SELECT id, created_at, process, template, topic, title, text, instance_id, element_id, read_at
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
    WHERE person_id = :person_id AND read_at IS NULL AND id <= :newest
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


async def list_notices(
    session: AsyncSession,
    person_id: UUID,
    *,
    only_unread: bool = False,
    after: UUID | None = None,
    limit: int = 20,
) -> tuple[list[Notice], UUID | None]:
    """A page of this person's notices, the newest first, and where the next one begins (None: there is none)."""
    limit = min(limit, MOST)
    parameters = {"person_id": person_id, "limit": limit + 1}
    if after is not None:
        parameters["after"] = after
    rows = await session.execute(LISTS[only_unread, after is not None], parameters)
    found = [Notice(*row) for row in rows]
    return found[:limit], found[limit - 1].id if len(found) > limit else None


async def mark_read(session: AsyncSession, person_id: UUID, ids: list[UUID], now: datetime) -> None:
    """I have read these; what is not mine stays as it is."""
    await session.execute(MARK, {"person_id": person_id, "ids": ids, "now": now})


async def mark_all_read(session: AsyncSession, person_id: UUID, newest: UUID, now: datetime) -> None:
    """I have read everything up to the newest one that I saw: what came meanwhile stays unread."""
    await session.execute(MARK_ALL, {"person_id": person_id, "newest": newest, "now": now})


async def mark_about_read(session: AsyncSession, person_id: UUID, instance_id: UUID, now: datetime) -> int:
    """I have opened what they are about; how many that were."""
    parameters = {"person_id": person_id, "instance_id": instance_id, "now": now}
    return len((await session.scalars(MARK_ABOUT, parameters)).all())

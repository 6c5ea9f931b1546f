"""What has changed since somebody last looked: found beside a page of a list in one statement, noted when an issue is opened.

A person has read an issue up to the last line its history had when they opened it, whichever of their browsers that was;
what they did themselves they know. Nothing is written when an issue changes.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.actor import Actor

Mark = Literal["new", "changed"]
CHANGES = (
    "started",
    "task_claimed",
    "task_released",
    "task_handed_over",
    "task_completed",
    "task_cancelled",
    "message_caught",
    "ended",
)
"""The kinds of history that are news to a reader: something was done, or it is over."""

# Lines of one instance are written under its lock, so their ids grow in the order in which they can be seen. An older page
# that is opened again, or two at once, never take back what was read.
MARK_SEEN: TextClause = text("""
INSERT INTO issue_seen (person_id, issue_id, event_id, seen_at)
SELECT :person_id, i.id, (SELECT max(e.id) FROM process_event e WHERE e.instance_id = i.id), :now
FROM issue i WHERE i.id = :issue_id
    AND EXISTS (SELECT FROM process_event e WHERE e.instance_id = i.id)
ON CONFLICT (person_id, issue_id) DO UPDATE SET event_id = excluded.event_id, seen_at = excluded.seen_at
WHERE issue_seen.event_id < excluded.event_id
""")

# For each issue the primary key of issue_seen and the end of its stretch of process_event_instance.
FIND_UNREAD: TextClause = text("""
SELECT i.id, s.event_id IS NULL AS is_new
FROM unnest(CAST(:ids AS uuid[])) AS listed(id)
JOIN issue i ON i.id = listed.id
LEFT JOIN issue_seen s ON s.person_id = :person_id AND s.issue_id = i.id
CROSS JOIN LATERAL (
    SELECT e.id, e.actor_id FROM process_event e
    WHERE e.instance_id = i.id AND e.kind = ANY(CAST(:changes AS text[])) ORDER BY e.id DESC LIMIT 1
) AS last
WHERE last.id > coalesce(s.event_id, 0) AND last.actor_id IS DISTINCT FROM :person_id
    AND (s.event_id IS NOT NULL OR i.closed_at IS NULL)
""")


async def mark_seen(session: AsyncSession, actor: Actor, issue_id: UUID, now: datetime) -> None:
    """This person is about to read this issue. To be called before it is read: what comes between stays news."""
    await session.execute(MARK_SEEN, {"person_id": actor.person_id, "issue_id": issue_id, "now": now})


async def find_unread(session: AsyncSession, actor: Actor, issue_ids: Collection[UUID]) -> dict[UUID, Mark]:
    """Which of these issues hold news for this person: `new` was never opened, `changed` has moved on since.

    What was over before they ever looked is no news.
    """
    if not issue_ids:
        return {}
    parameters = {"person_id": actor.person_id, "ids": list(issue_ids), "changes": list(CHANGES)}
    rows = await session.execute(FIND_UNREAD, parameters)
    return {row.id: "new" if row.is_new else "changed" for row in rows}

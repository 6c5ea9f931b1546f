"""What the demo's phones, mailboxes and WeChats have got, and whose they are. The table is empty elsewhere."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from messages.routes import subject_of

SHOWN = 200
FIND: TextClause = text("""
    SELECT d.channel, d."to", d.template, d.text, d.code, d.at, p.name, coalesce(m.title, '') AS title,
        m.instance_id, coalesce(m.params, '{}') AS params
    FROM demo_inbox d
    LEFT JOIN message m ON m.id = d.message_id
    LEFT JOIN person p ON p.id = m.person_id OR (m.person_id IS NULL AND p.phone = '+86' || d."to")
    WHERE (CAST(:channel AS text) = '' OR d.channel = :channel)
        AND (CAST(:receiver AS text) = '' OR d."to" = :receiver OR p.name = :receiver OR p.phone = '+86' || :receiver)
    ORDER BY d.at DESC, d.id DESC LIMIT :limit
""")


@dataclass(frozen=True)
class Received:
    """One message where it arrived. `name` is whose that is, None for a number that nobody has yet; `subject` that of a mail."""

    channel: str
    to: str
    template: str
    text: str
    code: str | None
    at: datetime
    name: str | None
    title: str
    subject: str


async def list_received(
    session: AsyncSession, *, channel: str = "", receiver: str = "", limit: int = SHOWN
) -> list[Received]:
    """The last ones, the newest first: over one channel, to one address, or to one person by name or number, wherever it reached
    them."""
    parameters = {"channel": channel, "receiver": receiver, "limit": limit}
    return [
        Received(*row[:-2], subject=subject_of(row.title, row.instance_id, row.params))
        for row in await session.execute(FIND, parameters)
    ]

"""What a person chose: which channels for which topic, and their quiet hours. Whoever chose nothing gets everything, and the
operator's quiet hours. Codes and what concerns somebody's account ask for no preferences."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from uuid import UUID

import orjson
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from messages.exceptions import PreferencesRefused, QuietRefused
from messages.limits import QuietHours
from messages.topics import CHANNELS, CHOSEN_TOPICS

READ: TextClause = text(
    "SELECT off, quiet_from, quiet_to FROM message_preference WHERE person_id = :person_id"
)
SAVE: TextClause = text("""
    INSERT INTO message_preference (person_id, off, quiet_from, quiet_to, changed_at)
    VALUES (:person_id, CAST(:off AS jsonb), :quiet_from, :quiet_to, :now)
    ON CONFLICT (person_id) DO UPDATE SET off = excluded.off, quiet_from = excluded.quiet_from,
        quiet_to = excluded.quiet_to, changed_at = excluded.changed_at
""")


@dataclass(frozen=True)
class Preferences:
    """`off`: by topic, the channels switched off. `quiet` None: at any hour."""

    off: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    quiet: QuietHours | None = None


async def read_preferences(session: AsyncSession, person_id: UUID, default: QuietHours | None) -> Preferences:
    """What holds for this person; `default` are the operator's quiet hours."""
    row = (await session.execute(READ, {"person_id": person_id})).one_or_none()
    if row is None:
        return Preferences(quiet=default)
    quiet = QuietHours(row.quiet_from, row.quiet_to) if row.quiet_from is not None else None
    return Preferences({topic: tuple(channels) for topic, channels in row.off.items()}, quiet)


async def save_preferences(
    session: AsyncSession, person_id: UUID, preferences: Preferences, now: datetime
) -> None:
    """From now on; what is queued already goes by it, too. Raises PreferencesRefused."""
    off = preferences.off
    if off.keys() - set(CHOSEN_TOPICS) or any(set(channels) - set(CHANNELS) for channels in off.values()):
        raise PreferencesRefused
    quiet = preferences.quiet
    if quiet is not None and quiet.start == quiet.end:
        raise QuietRefused
    kept = {topic: [name for name in CHANNELS if name in channels] for topic, channels in off.items()}
    await session.execute(
        SAVE,
        {
            "person_id": person_id,
            "off": orjson.dumps({topic: channels for topic, channels in kept.items() if channels}).decode(),
            "quiet_from": quiet.start if quiet else None,
            "quiet_to": quiet.end if quiet else None,
            "now": now,
        },
    )


def read_quiet(start: str, end: str) -> QuietHours | None:
    """From a form's two fields; both empty: none. Raises QuietRefused."""
    if not start and not end:
        return None
    try:
        return QuietHours(time.fromisoformat(start), time.fromisoformat(end))
    except ValueError as error:
        raise QuietRefused from error

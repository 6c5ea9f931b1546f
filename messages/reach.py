"""Whom a message can reach over which channels: what the person has, minus what they switched off."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from messages import statements
from messages.limits import QuietHours
from messages.topics import CHOSEN_TOPICS, MAIL, SMS, WECHAT


class Recipient(Protocol):
    """Where an active person is reached; no address where there is none, or none that may be used."""

    @property
    def phone(self) -> str: ...

    @property
    def mail(self) -> str | None: ...

    @property
    def openid(self) -> str | None: ...


FindRecipients = Callable[[AsyncSession, Collection[UUID]], Awaitable[Mapping[UUID, Recipient]]]


@dataclass(frozen=True)
class Reach:
    """The addresses of one message's receiver by channel, and the hours in which they want to be left alone.

    `is_gone`: there is nobody any more.
    """

    addresses: Mapping[str, str]
    quiet: QuietHours | None = None
    is_gone: bool = False


GONE = Reach({}, is_gone=True)


async def find_reach(
    session: AsyncSession, find: FindRecipients, rows: Sequence[Any], quiet: QuietHours | None
) -> dict[UUID, Reach]:
    """How each of these messages can be delivered, by message."""
    ids = list({row.person_id for row in rows if row.person_id is not None})
    recipients = await find(session, ids) if ids else {}
    chosen: dict[UUID, Any] = {}
    if ids:
        found = await session.execute(statements.READ_PREFERENCES, {"ids": ids})
        chosen = {row.person_id: row for row in found}
    return {
        row.id: _reach(row, recipients.get(row.person_id), chosen.get(row.person_id), quiet) for row in rows
    }


def _reach(row: Any, recipient: Recipient | None, chosen: Any, quiet: QuietHours | None) -> Reach:
    if row.person_id is None:
        given = {SMS: row.to_phone, MAIL: row.to_mail}
        return Reach({name: given[name] for name in row.channels if given.get(name)}, quiet)
    if recipient is None:
        return GONE
    all_ = {WECHAT: recipient.openid, SMS: recipient.phone, MAIL: recipient.mail}
    off: Collection[str] = ()
    if chosen is not None:
        if row.topic in CHOSEN_TOPICS:
            off = chosen.off.get(row.topic, ())
        quiet = QuietHours(chosen.quiet_from, chosen.quiet_to) if chosen.quiet_from else None
    addresses = {name: all_[name] for name in row.channels if name not in off}
    return Reach({name: address for name, address in addresses.items() if address}, quiet)


def may_wait(row: Any) -> bool:
    """Whether it keeps to quiet hours: a code does not, nor what concerns somebody's account."""
    return not row.is_code and row.topic in CHOSEN_TOPICS


def wake_at(row: Any, reach: Reach, now: datetime) -> datetime | None:
    """When the quiet hours that put this message off are over; None when it may go now."""
    return reach.quiet.end_after(now) if reach.quiet and may_wait(row) else None

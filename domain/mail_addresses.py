"""A person's mail address: given, confirmed with a token that went to it, forgotten. The token is made from the server's secret,
the person and the address, so that it is good for exactly this address and nothing has to be kept."""

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from cleaning import clean_address
from domain import audit
from domain.actor import Actor
from domain.exceptions import MailNotConfirmed, MailRefused

ADDRESS = re.compile(
    r"(?=.{3,254}$)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+",
    re.ASCII,
)
VALID_FOR = timedelta(days=2)

WAIT = timedelta(minutes=1)

SAVE = text("""
    INSERT INTO person_mail (person_id, address, given_at) VALUES (:person_id, :address, :now)
    ON CONFLICT (person_id) DO UPDATE SET address = excluded.address, given_at = excluded.given_at, confirmed_at = NULL
""")
FORGET = text("DELETE FROM person_mail WHERE person_id = :person_id RETURNING person_id")
LAST_GIVEN = text("SELECT given_at FROM person_mail WHERE person_id = :person_id FOR UPDATE")
STATE = text("SELECT address, confirmed_at FROM person_mail WHERE person_id = :person_id")
READ = text("SELECT address, given_at, confirmed_at FROM person_mail WHERE person_id = :person_id FOR UPDATE")
CONFIRM = text("UPDATE person_mail SET confirmed_at = :now WHERE person_id = :person_id")


async def give_mail(
    session: AsyncSession, actor: Actor, address: str, secret: bytes, now: datetime
) -> tuple[str, str]:
    """This is to be my address: as it was understood, and the token that has to come back from there. Raises MailRefused."""
    address = clean_address(address)
    if not ADDRESS.fullmatch(address) or len(address.partition("@")[0]) > 64:
        raise MailRefused
    last = await session.scalar(LAST_GIVEN, {"person_id": actor.person_id})
    if last is not None and now - last < WAIT:
        raise MailRefused("确认邮件刚刚发出，请查收；没有收到的，请一分钟后再试。")
    await session.execute(SAVE, {"person_id": actor.person_id, "address": address, "now": now})
    await _record(session, "change_mail", actor, now)
    return address, _make_token(secret, actor.person_id, address, now)


@dataclass(frozen=True)
class MailState:
    """Somebody's address, and whether it is confirmed: only then messages go there."""

    address: str = field(repr=False)
    is_confirmed: bool


async def read_mail(session: AsyncSession, person_id: UUID) -> MailState | None:
    """This person's address; None where they have given none."""
    row = (await session.execute(STATE, {"person_id": person_id})).one_or_none()
    return MailState(row.address, row.confirmed_at is not None) if row else None


async def confirm_mail(session: AsyncSession, actor: Actor, token: str, secret: bytes, now: datetime) -> None:
    """The token came back within two days: from now on messages may go there. Raises MailNotConfirmed."""
    row = (await session.execute(READ, {"person_id": actor.person_id})).one_or_none()
    if row is None or now - row.given_at > VALID_FOR:
        raise MailNotConfirmed
    expected = _make_token(secret, actor.person_id, row.address, row.given_at)
    if not hmac.compare_digest(expected.encode(), token.encode(errors="replace")):
        raise MailNotConfirmed
    if row.confirmed_at is None:
        await session.execute(CONFIRM, {"person_id": actor.person_id, "now": now})
        await _record(session, "confirm_mail", actor, now)


async def forget_mail(session: AsyncSession, actor: Actor, now: datetime) -> bool:
    """I have no address any more; False when there was none."""
    if await session.scalar(FORGET, {"person_id": actor.person_id}) is None:
        return False
    await _record(session, "change_mail", actor, now)
    return True


def _make_token(secret: bytes, person_id: UUID, address: str, given_at: datetime) -> str:
    spoken = f"mail\x1f{person_id}\x1f{address}\x1f{given_at.timestamp()}"
    return hmac.new(secret, spoken.encode(), hashlib.sha256).hexdigest()


async def _record(session: AsyncSession, action: str, actor: Actor, now: datetime) -> None:
    await audit.record(
        session, action, actor=actor, about="person", about_id=actor.person_id, after={}, now=now
    )

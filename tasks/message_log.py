"""What the people who run the system do about messages: send one again, and say that an alarm has been seen. Reading the log is
in `messages.log`, the alarms in `messages.alarms`."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from cleaning import clean_code
from db.jobs import defer
from domain import audit
from domain.actor import Actor
from domain.administration import begin
from domain.exceptions import ChangeRefused
from messages import alarms, log
from messages.jobs import deliver_messages

KEEPER = "system_admin"
FIND_INSTANCE = text("""
    SELECT id FROM issue WHERE number = :number UNION ALL SELECT id FROM registration WHERE number = :number
""")
NAME_INSTANCES = text("""
    SELECT id, number FROM issue WHERE id = ANY(:ids) UNION ALL SELECT id, number FROM registration WHERE id = ANY(:ids)
""")


async def find_instance(session: AsyncSession, number: str) -> UUID | None:
    """The issue or registration of this number."""
    return await session.scalar(FIND_INSTANCE, {"number": clean_code(number)})


async def name_instances(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, str]:
    """The numbers of these issues and registrations."""
    if not ids:
        return {}
    return {row.id: row.number for row in await session.execute(NAME_INSTANCES, {"ids": list(ids)})}


async def send_again(session: AsyncSession, actor: Actor, message_id: UUID, now: datetime) -> None:
    """Send what failed, is uncertain or came too late after all. ChangeRefused when it is none of these any more, or was a code:
    its digits are erased."""
    await begin(session, actor, KEEPER)
    if not await log.send_again(session, message_id, actor.person_id, now):
        raise ChangeRefused("这条消息已经重发，或者不能重发。")
    await defer(session, deliver_messages, ids=[str(message_id)])
    await audit.record(
        session, "retry_message", actor=actor, about="message", about_id=message_id, after={}, now=now
    )


async def acknowledge_alarm(session: AsyncSession, actor: Actor, alarm_id: UUID, now: datetime) -> None:
    """I know of it; it stays open until messages get through. ChangeRefused when somebody was faster, or it is over."""
    await begin(session, actor, KEEPER)
    if not await alarms.acknowledge(session, alarm_id, actor.person_id, now):
        raise ChangeRefused("这条告警已有人确认，或者已经解除。")
    await audit.record(
        session, "acknowledge_alarm", actor=actor, about="message_alarm", about_id=alarm_id, after={}, now=now
    )

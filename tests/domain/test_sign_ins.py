"""What the security administrator sees of sign-ins and sessions, and ending other people's."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from domain.exceptions import NotAdministrator, RecordUnknown
from domain.models import SignInChallenge
from domain.sessions import SessionLimits, load_actor, start_session
from domain.sign_ins import (
    end_other_session,
    end_persons_sessions,
    list_live_sessions,
    list_sign_ins,
)

LIMITS = SessionLimits()


async def start(session: AsyncSession, actor: Any, now: datetime, ip: str = "10.0.0.1") -> str:
    return await start_session(
        session,
        actor.person_id,
        membership_id=actor.membership_id,
        officer_id=actor.officer_id,
        ip=ip,
        user_agent="Edge",
        limits=LIMITS,
        now=now,
    )


async def fail(session: AsyncSession, phone: str, now: datetime) -> None:
    challenge = SignInChallenge(
        phone=phone,
        code_hash="-",
        ip="10.9.9.9",
        tries=3,
        failed_at=now,
        created_at=now,
        expires_at=now + timedelta(minutes=5),
    )
    session.add(challenge)
    await session.flush()


async def test_sign_ins_and_failures_stand_together_the_newest_first(
    session: AsyncSession, world: Any, now: datetime
) -> None:
    handler = await world.officer("handler:2301", person=await world.person("赵登录"))
    staff = await world.member(await world.enterprise(), "executive", person=await world.person("钱登录"))
    await start(session, handler, now)
    await start(session, staff, now + timedelta(minutes=1))
    await fail(session, handler.phone, now + timedelta(minutes=2))
    await fail(session, "+8613012345678", now + timedelta(minutes=3))
    found = await list_sign_ins(session)
    assert [(one.name, one.succeeded) for one in found] == [
        (None, False),
        ("赵登录", False),
        ("钱登录", True),
        ("赵登录", True),
    ]
    assert [one.acting_for for one in found] == [None, None, "某企业", "海关"]
    assert (found[1].ip, found[1].tries) == ("10.9.9.9", 3)
    assert len(await list_sign_ins(session, outcome="failed")) == 2
    assert len(await list_sign_ins(session, words="赵")) == 2
    assert len(await list_sign_ins(session, words="1234 5678")) == 1
    assert await list_sign_ins(session, words="%") == []
    page = await list_sign_ins(session, limit=2)
    assert len(page) == 3, "one more than the page"
    rest = await list_sign_ins(session, before=(page[1].at, page[1].id))
    assert [one.name for one in rest] == ["钱登录", "赵登录"]


async def test_live_sessions_are_those_that_can_still_be_used(
    session: AsyncSession, world: Any, now: datetime
) -> None:
    handler = await world.officer("handler:2301")
    await start(session, handler, now - LIMITS.absolute)
    await start(session, handler, now - LIMITS.idle)
    token = await start(session, handler, now)
    alive = await list_live_sessions(session, now, LIMITS)
    assert len(alive) == 1
    security = await world.officer("security_admin:2300")
    assert await end_other_session(session, security, alive[0].id, now)
    assert await load_actor(session, token, now) is None
    assert not await end_other_session(session, security, alive[0].id, now), "it had ended"


async def test_all_sessions_of_a_person_end_but_the_one_at_hand(
    session: AsyncSession, world: Any, now: datetime
) -> None:
    security = await world.officer("security_admin:2300")
    mine = await load_actor(session, await start(session, security, now), now)
    assert mine is not None
    handler = await world.officer("handler:2301")
    for _ in range(2):
        await start(session, handler, now)
    of_handler = next(
        one for one in await list_live_sessions(session, now, LIMITS) if one.person_id == handler.person_id
    )
    assert await end_persons_sessions(session, mine, of_handler.id, now) == 2
    await start(session, security, now)
    assert mine.session_id is not None
    assert await end_persons_sessions(session, mine, mine.session_id, now) == 1
    assert [one.id for one in await list_live_sessions(session, now, LIMITS)] == [mine.session_id]


async def test_only_a_security_administrator_ends_sessions_of_others(
    session: AsyncSession, world: Any, now: datetime
) -> None:
    security, handler = await world.officer("security_admin:2300"), await world.officer("handler:2301")
    await start(session, handler, now)
    alive = await list_live_sessions(session, now, LIMITS)
    with pytest.raises(NotAdministrator):
        await end_other_session(session, await world.officer("system_admin:2300"), alive[0].id, now)
    with pytest.raises(RecordUnknown):
        await end_other_session(session, security, handler.person_id, now)

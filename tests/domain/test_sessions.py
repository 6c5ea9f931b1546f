"""Sessions: idle and absolute limits, ending, switching, and that loading the actor is one statement."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col

from domain.models import AuditRecord, Membership, Officer, Person, SignInSession
from domain.sessions import (
    SessionLimits,
    end_all_sessions,
    end_session,
    hash_token,
    list_sessions,
    load_actor,
    start_session,
    switch_membership,
)

LIMITS = SessionLimits(idle=timedelta(hours=8), absolute=timedelta(days=7))


@pytest.fixture
def start(session: AsyncSession, now: datetime) -> Any:
    async def start(actor: Any) -> str:
        return await start_session(
            session,
            actor.person_id,
            membership_id=actor.membership_id,
            officer_id=actor.officer_id,
            ip=None,
            user_agent=None,
            limits=LIMITS,
            now=now,
        )

    return start


async def test_the_token_is_stored_as_its_hash_only(
    start: Any, world: Any, session: AsyncSession, now: datetime
) -> None:
    actor = await world.member(await world.enterprise(), "executive")
    token = await start(actor)
    row = (await list_sessions(session, actor.person_id, now))[0]
    assert row.token_hash == hash_token(token) and token not in row.model_dump_json()


async def test_loading_the_actor_is_one_statement(
    start: Any, world: Any, session: AsyncSession, shared_engine: AsyncEngine, now: datetime
) -> None:
    token = await start(await world.officer("handler:2301"))
    statements: list[str] = []
    connection = await session.connection()
    event.listen(
        connection.sync_connection, "before_cursor_execute", lambda *args: statements.append(args[2])
    )
    assert await load_actor(session, token, now + timedelta(minutes=5), LIMITS) is not None
    assert len(statements) == 1


async def test_a_session_lives_while_it_is_used_and_dies_of_idleness(
    start: Any, world: Any, session: AsyncSession, now: datetime
) -> None:
    token = await start(await world.officer("handler:2301"))
    for hours in (7, 14, 21):
        assert await load_actor(session, token, now + timedelta(hours=hours), LIMITS) is not None
    assert await load_actor(session, token, now + timedelta(hours=29), LIMITS) is None


async def test_a_session_dies_of_age_however_it_is_used(
    start: Any, world: Any, session: AsyncSession, now: datetime
) -> None:
    token = await start(await world.officer("handler:2301"))
    for hours in range(6, 7 * 24, 6):
        assert await load_actor(session, token, now + timedelta(hours=hours), LIMITS) is not None
    assert await load_actor(session, token, now + timedelta(days=7), LIMITS) is None


async def test_last_seen_is_written_at_most_every_minute(
    start: Any, world: Any, session: AsyncSession, now: datetime
) -> None:
    actor = await world.officer("handler:2301")
    token = await start(actor)
    seen = []
    for seconds in (30, 90, 100):
        await load_actor(session, token, now + timedelta(seconds=seconds), LIMITS)
        row = (await list_sessions(session, actor.person_id, now))[0]
        await session.refresh(row)
        seen.append((row.last_seen_at - now).total_seconds())
    assert seen == [0, 90, 90]


async def test_an_ended_session_opens_nothing(
    start: Any, world: Any, session: AsyncSession, now: datetime
) -> None:
    actor = await world.officer("handler:2301")
    token = await start(actor)
    loaded = await load_actor(session, token, now, LIMITS)
    assert loaded is not None and loaded.session_id is not None
    stranger = await world.person()
    assert not await end_session(session, loaded.session_id, stranger.id, now, actor=loaded)
    assert await end_session(session, loaded.session_id, actor.person_id, now, actor=loaded)
    assert await load_actor(session, token, now, LIMITS) is None


async def test_signing_out_everywhere_may_leave_one(
    start: Any, world: Any, session: AsyncSession, now: datetime
) -> None:
    actor = await world.officer("handler:2301")
    tokens = [await start(actor) for _ in range(3)]
    mine = await load_actor(session, tokens[0], now, LIMITS)
    assert mine is not None
    assert await end_all_sessions(session, actor.person_id, now, actor=mine, but=mine.session_id) == 2
    assert [await load_actor(session, token, now, LIMITS) is None for token in tokens] == [False, True, True]
    assert await end_all_sessions(session, actor.person_id, now, actor=mine) == 1


async def test_people_and_memberships_that_are_switched_off_count_at_once(
    start: Any, world: Any, session: AsyncSession, now: datetime
) -> None:
    actor = await world.member(await world.enterprise(), "executive")
    token = await start(actor)
    membership = await session.get(Membership, actor.membership_id)
    assert membership is not None
    membership.active = False
    await session.flush()
    loaded = await load_actor(session, token, now, LIMITS)
    assert loaded is not None and loaded.enterprise_id is None and loaded.groups == ()
    person = await session.get(Person, actor.person_id)
    assert person is not None
    person.active = False
    await session.flush()
    assert await load_actor(session, token, now, LIMITS) is None


async def test_switching_needs_a_membership_of_ones_own(
    start: Any, world: Any, session: AsyncSession, now: datetime
) -> None:
    person = await world.person()
    first = await world.member(await world.enterprise(), "customs_affairs", person=person)
    second = await world.member(await world.enterprise(), "executive", person=person)
    stranger = await world.member(await world.enterprise(), "executive")
    token = await start(first)
    actor = await load_actor(session, token, now, LIMITS)
    assert actor is not None
    assert not await switch_membership(session, actor, stranger.membership_id, now)
    assert await switch_membership(session, actor, second.membership_id, now)
    switched = await load_actor(session, token, now, LIMITS)
    assert switched is not None and switched.enterprise_id == second.enterprise_id
    assert isinstance((await list_sessions(session, person.id, now))[0], SignInSession)


async def test_leaving_and_switching_are_recorded_when_something_happened(
    start: Any, world: Any, session: AsyncSession, now: datetime
) -> None:
    person = await world.person()
    first = await world.member(await world.enterprise(), "customs_affairs", person=person)
    second = await world.member(await world.enterprise(), "executive", person=person)
    tokens = [await start(first) for _ in range(4)]
    actors = [await load_actor(session, token, now, LIMITS, ip="192.0.2.1") for token in tokens]
    actor = actors[0]
    assert actor is not None and actor.ip == "192.0.2.1"
    ids = [one.session_id for one in actors if one and one.session_id]
    await switch_membership(session, actor, second.membership_id, now)
    await end_session(session, ids[1], person.id, now, actor=actor)
    await end_session(session, ids[1], person.id, now, actor=actor)
    await end_session(session, ids[0], person.id, now, actor=actor)
    await end_all_sessions(session, person.id, now, actor=actor)
    await end_all_sessions(session, person.id, now, actor=actor)
    rows = (await session.scalars(select(AuditRecord).order_by(col(AuditRecord.id)))).all()
    assert [(row.action, row.about, row.about_id) for row in rows] == [
        ("switch_membership", "session", str(ids[0])),
        ("end_session", "session", str(ids[1])),
        ("sign_out", "session", str(ids[0])),
        ("end_sessions", "person", str(person.id)),
    ]
    assert rows[0].after == {"membership_id": str(second.membership_id)}
    assert rows[3].after == {"sessions": 2, "but": None}
    assert {row.actor_id for row in rows} == {person.id}


async def test_an_officer_who_is_switched_off_is_out_at_once(
    start: Any, world: Any, session: AsyncSession, now: datetime
) -> None:
    actor = await world.officer("handler:2301")
    token = await start(actor)
    officer = await session.get(Officer, actor.officer_id)
    assert officer is not None
    officer.active = False
    await session.flush()
    assert await load_actor(session, token, now, LIMITS) is None
    officer.active = True
    await session.flush()
    assert await load_actor(session, token, now, LIMITS) is not None

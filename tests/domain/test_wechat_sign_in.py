"""WeChat's doors without the web: a state is good once for one browser, an openid opens whose it is, unbinding closes."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain import wechat_visits
from domain.actor import Actor
from domain.code_limits import CodeLimits
from domain.codes import ask_code
from domain.contacts import find_addresses
from domain.exceptions import CodeRefused, TooManyCodes, WechatSignInRefused
from domain.models import AuditPersonal, AuditRecord, Membership, Person
from domain.sessions import SessionLimits, load_actor
from domain.sign_ins import list_sign_ins
from domain.signin import SignedIn, sign_in
from domain.wechat_bindings import bind_wechat, find_person, set_following, unbind_wechat
from domain.wechat_pushes import sweep_pushes, take_push
from domain.wechat_sign_in import bind_by_code, sign_in_by_wechat

OPENID = "oAbCdEf-0123456789"
IP, PHONE_BROWSER = "10.0.0.9", "Mozilla/5.0 MicroMessenger/8.0"


@pytest.fixture
async def actor(world: Any) -> Actor:
    return await world.member(await world.enterprise(), "executive")


async def enter(session: AsyncSession, now: datetime, openid: str = OPENID) -> SignedIn | None:
    return await sign_in_by_wechat(
        session, openid, ip=IP, user_agent=PHONE_BROWSER, limits=SessionLimits(), now=now
    )


async def ask(session: AsyncSession, phone: str, pigeons: Any, limits: CodeLimits, now: datetime) -> UUID:
    return await ask_code(session, phone, browser_key="b", ip=IP, limits=limits, send_code=pigeons, now=now)


def common(limits: CodeLimits, now: datetime) -> dict[str, Any]:
    return {
        "browser_key": "b",
        "ip": IP,
        "user_agent": PHONE_BROWSER,
        "limits": limits,
        "session_limits": SessionLimits(),
        "now": now,
    }


class TestState:
    """What a browser brings back."""

    async def test_it_is_good_once_for_its_own_browser(self, session: AsyncSession, now: datetime) -> None:
        state = await wechat_visits.begin_visit(session, "mine", "/w/issues", ip=IP, now=now)
        assert len(state) == 64 and state.isalnum()
        assert await wechat_visits.take_state(session, state, "another", now) is None
        assert await wechat_visits.take_state(session, state, None, now) is None
        returned = await wechat_visits.take_state(session, state, "mine", now)
        assert returned is not None and returned.onward == "/w/issues"
        assert await wechat_visits.take_state(session, state, "mine", now) is None

    async def test_it_lasts_ten_minutes(self, session: AsyncSession, now: datetime) -> None:
        state = await wechat_visits.begin_visit(session, "mine", "/w", ip=IP, now=now)
        late = now + wechat_visits.RETURNS_WITHIN
        assert await wechat_visits.take_state(session, state, "mine", late) is None

    async def test_a_flood_from_one_address_is_refused(self, session: AsyncSession, now: datetime) -> None:
        for number in range(wechat_visits.MOST_OPEN):
            await wechat_visits.begin_visit(session, f"b{number}", "/w", ip=IP, now=now)
        with pytest.raises(TooManyCodes):
            await wechat_visits.begin_visit(session, "one more", "/w", ip=IP, now=now)
        await wechat_visits.begin_visit(session, "elsewhere", "/w", ip="10.0.0.10", now=now)

    async def test_an_openid_waits_in_its_browser_for_a_day(
        self, session: AsyncSession, now: datetime
    ) -> None:
        state = await wechat_visits.begin_visit(session, "mine", "/w/members", ip=IP, now=now)
        returned = await wechat_visits.take_state(session, state, "mine", now)
        assert returned is not None
        await wechat_visits.keep_openid(session, returned.id, OPENID)
        waiting = await wechat_visits.find_waiting(session, "mine", now)
        assert waiting is not None and (waiting.openid, waiting.onward) == (OPENID, "/w/members")
        assert OPENID not in repr(waiting)
        assert await wechat_visits.find_waiting(session, "another", now) is None
        assert await wechat_visits.find_waiting(session, None, now) is None
        assert await wechat_visits.find_waiting(session, "mine", now + timedelta(days=1)) is None
        await wechat_visits.end_waiting(session, "mine")
        assert await wechat_visits.find_waiting(session, "mine", now) is None

    async def test_old_visits_are_forgotten(self, session: AsyncSession, now: datetime) -> None:
        state = await wechat_visits.begin_visit(session, "mine", "/w", ip=IP, now=now)
        await wechat_visits.sweep_wechat_visits(session, now + timedelta(days=1))
        assert await wechat_visits.take_state(session, state, "mine", now) is not None
        other = await wechat_visits.begin_visit(session, "mine", "/w", ip=IP, now=now)
        await wechat_visits.sweep_wechat_visits(session, now + timedelta(days=1, hours=1))
        assert await wechat_visits.take_state(session, other, "mine", now) is None


class TestEntering:
    """By openid."""

    async def test_whose_it_is_is_signed_in_and_it_is_recorded(
        self, session: AsyncSession, actor: Actor, now: datetime
    ) -> None:
        await bind_wechat(session, actor.person_id, OPENID, now, actor=actor)
        signed_in = await enter(session, now)
        assert signed_in is not None
        assert (signed_in.actor.person_id, signed_in.actor.membership_id) == (
            actor.person_id,
            actor.membership_id,
        )
        [line] = await list_sign_ins(session)
        assert (line.by, line.succeeded, line.ip) == ("wechat", True, IP)
        records = [one.action for one in await session.scalars(select(AuditRecord))]
        assert records == ["bind_wechat", "sign_in"]
        values = [one.value for one in await session.scalars(select(AuditPersonal))]
        assert OPENID not in values

    async def test_whose_it_is_not_is_nobody(self, session: AsyncSession, now: datetime) -> None:
        assert await enter(session, now) is None

    async def test_with_several_enterprises_one_has_to_choose(
        self, session: AsyncSession, world: Any, actor: Actor, now: datetime
    ) -> None:
        person = await session.get(Person, actor.person_id)
        await world.member(await world.enterprise(), "customs_affairs", person=person)
        await bind_wechat(session, actor.person_id, OPENID, now, actor=actor)
        signed_in = await enter(session, now)
        assert signed_in is not None
        assert (signed_in.actor.membership_id, len(signed_in.memberships)) == (None, 2)

    async def test_who_is_disabled_is_refused_on_the_record(
        self, session: AsyncSession, actor: Actor, now: datetime
    ) -> None:
        await bind_wechat(session, actor.person_id, OPENID, now, actor=actor)
        person = await session.get(Person, actor.person_id)
        assert person is not None
        person.active = False
        await session.flush()
        with pytest.raises(WechatSignInRefused):
            await enter(session, now)
        records = [one.action for one in await session.scalars(select(AuditRecord))]
        assert records == ["bind_wechat", "fail_wechat"]

    async def test_who_has_left_and_who_is_only_an_officer_are_refused(
        self, session: AsyncSession, world: Any, actor: Actor, now: datetime
    ) -> None:
        await bind_wechat(session, actor.person_id, OPENID, now, actor=actor)
        membership = await session.get(Membership, actor.membership_id)
        assert membership is not None
        membership.active = False
        officer = await world.officer("handler:2301")
        await bind_wechat(session, officer.person_id, "oOfficer", now, actor=officer)
        for openid in (OPENID, "oOfficer"):
            with pytest.raises(WechatSignInRefused):
                await enter(session, now, openid)


class TestBinding:
    """By phone and code."""

    async def test_the_code_binds_and_signs_in(
        self, session: AsyncSession, actor: Actor, pigeons: Any, limits: CodeLimits, now: datetime
    ) -> None:
        challenge = await ask(session, actor.phone, pigeons, limits, now)
        bound = await bind_by_code(
            session, OPENID, challenge, actor.phone, pigeons.code, **common(limits, now)
        )
        assert bound.actor.person_id == await find_person(session, OPENID) == actor.person_id
        [line] = await list_sign_ins(session)
        assert line.by == "wechat"

    async def test_a_wrong_code_binds_nothing(
        self, session: AsyncSession, actor: Actor, pigeons: Any, limits: CodeLimits, now: datetime
    ) -> None:
        challenge = await ask(session, actor.phone, pigeons, limits, now)
        wrong = f"{(int(pigeons.code) + 1) % 1_000_000:06d}"
        with pytest.raises(CodeRefused):
            await bind_by_code(session, OPENID, challenge, actor.phone, wrong, **common(limits, now))
        assert await find_person(session, OPENID) is None

    async def test_an_officer_binds_nothing(
        self, session: AsyncSession, world: Any, pigeons: Any, limits: CodeLimits, now: datetime
    ) -> None:
        officer = await world.officer("handler:2301")
        challenge = await ask(session, officer.phone, pigeons, limits, now)
        with pytest.raises(CodeRefused):
            await bind_by_code(session, OPENID, challenge, officer.phone, pigeons.code, **common(limits, now))
        assert await find_person(session, OPENID) is None


class TestUnbinding:
    """What a WeChat has signed in ends with its binding."""

    async def test_its_sessions_end_and_others_go_on(
        self, session: AsyncSession, actor: Actor, pigeons: Any, limits: CodeLimits, now: datetime
    ) -> None:
        challenge = await ask(session, actor.phone, pigeons, limits, now)
        by_code = await sign_in(session, challenge, actor.phone, pigeons.code, **common(limits, now))
        await bind_wechat(session, actor.person_id, OPENID, now, actor=actor)
        by_wechat = await enter(session, now)
        assert by_wechat is not None
        assert await unbind_wechat(session, actor.person_id, now, actor=actor)
        assert await load_actor(session, by_wechat.token, now) is None
        assert await load_actor(session, by_code.token, now) is not None
        assert await enter(session, now) is None

    async def test_who_takes_the_openid_over_ends_what_it_had_signed_in(
        self, session: AsyncSession, world: Any, actor: Actor, now: datetime
    ) -> None:
        other = await world.member(await world.enterprise(), "executive")
        await bind_wechat(session, actor.person_id, OPENID, now, actor=actor)
        before = await enter(session, now)
        await bind_wechat(session, other.person_id, OPENID, now, actor=other)
        after = await enter(session, now)
        assert before is not None and after is not None
        assert await load_actor(session, before.token, now) is None
        found = await load_actor(session, after.token, now)
        assert found is not None and found.person_id == other.person_id

    async def test_who_binds_another_wechat_ends_what_the_first_had_signed_in(
        self, session: AsyncSession, actor: Actor, now: datetime
    ) -> None:
        await bind_wechat(session, actor.person_id, OPENID, now, actor=actor)
        before = await enter(session, now)
        await bind_wechat(session, actor.person_id, "oSecond", now, actor=actor)
        after = await enter(session, now, "oSecond")
        assert before is not None and after is not None
        assert await load_actor(session, before.token, now) is None
        assert await load_actor(session, after.token, now) is not None
        assert await enter(session, now) is None


async def test_of_two_events_the_later_moment_stands(
    session: AsyncSession, actor: Actor, now: datetime
) -> None:
    await bind_wechat(session, actor.person_id, OPENID, now, actor=actor)
    await set_following(session, OPENID, follows=True, at=now + timedelta(seconds=9))
    await set_following(session, OPENID, follows=False, at=now + timedelta(seconds=3))
    [found] = (await find_addresses(session, [actor.person_id])).values()
    assert found.openid == OPENID


async def test_a_push_is_taken_once_by_any_of_its_keys(session: AsyncSession, now: datetime) -> None:
    assert await take_push(session, "request 1", "event 1", now=now)
    assert not await take_push(session, "request 2", "event 1", now=now)
    assert not await take_push(session, "request 1", "event 2", now=now)
    await sweep_pushes(session, now + timedelta(days=2))
    assert await take_push(session, "request 1", "event 1", now=now)

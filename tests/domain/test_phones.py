"""One's number: changed with codes to the old and the new one, or by customs for who lost it."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.actor import Actor
from domain.code_limits import CodeLimits
from domain.codes import ask_code
from domain.exceptions import PhoneRefused, TooManyCodes
from domain.lost_phones import (
    LostPhone,
    check_lost_phone,
    decide_request,
    find_requests,
    list_registrar_offices,
    send_request,
)
from domain.models import Person, SignInChallenge
from domain.phones import ChangeCodes, ask_change_codes, change_phone
from domain.sessions import SessionLimits, list_sessions, load_actor, start_session
from domain.wechat_bindings import bind_wechat, find_person

NEW = "13712345678"


class Mailbox:
    """A sender of codes that keeps the last one of each phone and purpose."""

    def __init__(self) -> None:
        self.codes: dict[tuple[str, str], str] = {}

    async def __call__(self, session: AsyncSession, *, phone: str, purpose: str, code: str, **_: Any) -> None:
        self.codes[phone, purpose] = code


class Mover:
    """A member, signed in twice, who changes the number."""

    def __init__(self, session: AsyncSession, limits: CodeLimits, now: datetime) -> None:
        self.session, self.now, self.mailbox = session, now, Mailbox()
        self.limits = replace(limits, per_ip_hour=0)
        self.actor: Actor
        self.codes: ChangeCodes

    async def ask(self, phone: str = NEW) -> None:
        old, new = await ask_change_codes(
            self.session,
            self.actor,
            phone,
            ip=None,
            limits=self.limits,
            send_code=self.mailbox,
            now=self.now,
        )
        old_code = self.mailbox.codes[self.actor.phone, "change_phone_old"]
        new_code = self.mailbox.codes[f"+86{phone}", "change_phone_new"]
        self.codes = ChangeCodes(old, old_code, new, new_code)

    async def change(self, phone: str = NEW, **changed: Any) -> str:
        codes = replace(self.codes, **changed)
        return await change_phone(self.session, self.actor, phone, codes, limits=self.limits, now=self.now)

    async def is_refused(self, phone: str = NEW, **changed: Any) -> dict[str, str]:
        with pytest.raises(PhoneRefused) as refused:
            await self.change(phone, **changed)
        return refused.value.details["errors"]


async def enter(session: AsyncSession, person_id: Any, now: datetime, **as_what: Any) -> Actor:
    acts = {"membership_id": None, "officer_id": None} | as_what
    token = await start_session(
        session, person_id, ip=None, user_agent=None, limits=SessionLimits(), now=now, **acts
    )
    actor = await load_actor(session, token, now)
    assert actor is not None
    return actor


@pytest.fixture
async def mover(session: AsyncSession, world: Any, limits: CodeLimits, now: datetime) -> Mover:
    mover = Mover(session, limits, now)
    member = await world.member(await world.enterprise(), "executive")
    mover.actor = await enter(session, member.person_id, now, membership_id=member.membership_id)
    await enter(session, member.person_id, now, membership_id=member.membership_id)
    return mover


async def phone_of(session: AsyncSession, person_id: Any) -> str | None:
    return await session.scalar(text("SELECT phone FROM person WHERE id = :id").bindparams(id=person_id))


async def test_both_codes_change_the_number_and_end_the_other_sessions(
    mover: Mover, session: AsyncSession
) -> None:
    await mover.ask()
    old = mover.actor.phone
    assert await mover.change() == old
    assert await phone_of(session, mover.actor.person_id) == f"+86{NEW}"
    left = await list_sessions(session, mover.actor.person_id, mover.now)
    assert [one.id for one in left] == [mover.actor.session_id]
    record = (
        await session.execute(
            text("SELECT actor_id, about_id FROM audit_record WHERE action = 'change_phone'")
        )
    ).one()
    assert record == (mover.actor.person_id, str(mover.actor.person_id))


@pytest.mark.parametrize("wrong", ["old_code", "new_code"])
async def test_each_code_must_be_right(mover: Mover, session: AsyncSession, wrong: str) -> None:
    await mover.ask()
    assert list(await mover.is_refused(**{wrong: "!"})) == [wrong]
    assert await phone_of(session, mover.actor.person_id) == mover.actor.phone
    tries = (
        await session.scalars(select(col(SignInChallenge.tries)).order_by(col(SignInChallenge.tries)))
    ).all()
    assert tries == [0, 1]
    assert PhoneRefused.keeps_changes, "the edge must commit the count"


async def test_the_codes_cannot_be_swapped_reused_or_taken_to_another_number(mover: Mover) -> None:
    await mover.ask()
    codes = mover.codes
    swapped: dict[str, Any] = {
        "old_challenge": codes.new_challenge,
        "old_code": codes.new_code,
        "new_challenge": codes.old_challenge,
        "new_code": codes.old_code,
    }
    assert set(await mover.is_refused(**swapped)) == {"old_code", "new_code"}
    assert set(await mover.is_refused("13787654321")) == {"new_code"}
    await mover.change()
    mover.actor = replace(mover.actor, phone=f"+86{NEW}")
    assert "phone" in await mover.is_refused()


async def test_the_codes_belong_to_the_session_that_asked(mover: Mover, session: AsyncSession) -> None:
    await mover.ask()
    mover.actor = await enter(
        session, mover.actor.person_id, mover.now, membership_id=mover.actor.membership_id
    )
    assert set(await mover.is_refused()) == {"old_code", "new_code"}


async def test_a_code_for_signing_in_changes_nothing(mover: Mover, session: AsyncSession) -> None:
    await mover.ask()
    mover.now += timedelta(seconds=60)
    challenge = await ask_code(
        session,
        mover.actor.phone,
        browser_key=str(mover.actor.session_id),
        ip=None,
        limits=mover.limits,
        send_code=mover.mailbox,
        now=mover.now,
    )
    code = mover.mailbox.codes[mover.actor.phone, "sign_in"]
    assert list(await mover.is_refused(old_challenge=challenge, old_code=code)) == ["old_code"]


async def test_a_number_that_somebody_has_is_told_only_to_who_holds_it(
    mover: Mover, session: AsyncSession, world: Any
) -> None:
    other = await world.person()
    phone = other.phone.removeprefix("+86")
    await mover.ask(phone)
    assert list(await mover.is_refused(phone, new_code="!")) == ["new_code"]
    assert "登记在别人名下" in (await mover.is_refused(phone))["phone"]
    assert await phone_of(session, mover.actor.person_id) == mover.actor.phone


async def test_either_both_codes_are_sent_or_none(mover: Mover, session: AsyncSession) -> None:
    await ask_code(
        session, NEW, purpose="register", browser_key=None, ip=None, limits=mover.limits,
        send_code=mover.mailbox, now=mover.now,
    )  # fmt: skip
    with pytest.raises(TooManyCodes):
        await mover.ask()
    purposes = (await session.scalars(select(col(SignInChallenge.purpose)))).all()
    assert purposes == ["register"]


@pytest.mark.parametrize("phone", ["12345", ""])
async def test_what_is_no_number_or_ones_own_is_refused(mover: Mover, phone: str) -> None:
    for given in (phone, mover.actor.phone):
        with pytest.raises(PhoneRefused):
            await mover.ask(given)


async def test_an_open_code_of_the_old_number_is_void_afterwards(mover: Mover, session: AsyncSession) -> None:
    await mover.ask()
    mover.now += timedelta(seconds=60)
    challenge = await ask_code(
        session, mover.actor.phone, browser_key="b", ip=None, limits=mover.limits,
        send_code=mover.mailbox, now=mover.now,
    )  # fmt: skip
    await mover.change()
    row = await session.get(SignInChallenge, challenge, populate_existing=True)
    assert row is not None and row.voided_at is not None


# Lost numbers


class Desk:
    """Somebody who lost the number, and the officers who may decide."""

    def __init__(self, session: AsyncSession, limits: CodeLimits, now: datetime) -> None:
        self.session, self.now, self.mailbox = session, now, Mailbox()
        self.limits = replace(limits, resend_s=(), per_phone_hour=0, per_ip_hour=0)

    async def request(self, old_phone: str, new_phone: str = NEW, office: str = "2301") -> Any:
        lost = LostPhone("张三", old_phone, f"+86{new_phone}", "某企业", office or None)
        challenge = await ask_code(
            self.session, new_phone, purpose="lost_phone", browser_key="b", ip=None,
            limits=self.limits, send_code=self.mailbox, now=self.now,
        )  # fmt: skip
        code = self.mailbox.codes[f"+86{new_phone}", "lost_phone"]
        return await send_request(
            self.session, lost, challenge, code, browser_key="b", limits=self.limits, now=self.now
        )

    async def seen_by(self, actor: Actor) -> list[str]:
        return [one.old_phone for one in await find_requests(self.session, actor)]

    async def decide(self, actor: Actor, change: bool = True, reason: str = "看过身份证原件") -> bool:
        (request,) = await find_requests(self.session, actor)
        return await decide_request(self.session, actor, request, change=change, reason=reason, now=self.now)


@pytest.fixture
def desk(session: AsyncSession, limits: CodeLimits, now: datetime) -> Desk:
    return Desk(session, limits, now)


@pytest.fixture
async def registrar(world: Any) -> Actor:
    return await world.officer("registrar:2301")


@pytest.fixture
async def system_admin(world: Any) -> Actor:
    return await world.officer("system_admin:2300")


async def test_the_wechat_on_a_lost_phone_signs_in_no_more(
    desk: Desk, world: Any, registrar: Actor, session: AsyncSession, now: datetime
) -> None:
    member = await world.member(await world.enterprise(), "executive")
    await bind_wechat(session, member.person_id, "oLost", now, actor=member)
    await desk.request(member.phone)
    assert await find_person(session, "oLost") == member.person_id, "anybody may ask"
    assert await desk.decide(registrar)
    assert await find_person(session, "oLost") is None


async def test_a_request_for_a_members_number_goes_to_the_registrar_of_the_office(
    desk: Desk, world: Any, registrar: Actor, system_admin: Actor
) -> None:
    member = await world.member(await world.enterprise(), "executive")
    await desk.request(member.phone)
    assert await desk.seen_by(registrar) == [member.phone]
    for other in (
        system_admin,
        await world.officer("registrar:2302"),
        await world.officer("handler:2301"),
        await world.officer("security_admin:2300"),
    ):
        assert await desk.seen_by(other) == []
    (seen,) = await find_requests(desk.session, registrar)
    assert seen.person_id == member.person_id and seen.enterprises == "某企业（张三）"


async def test_a_request_for_an_officers_number_goes_to_the_system_admin_whatever_office_is_named(
    desk: Desk, world: Any, registrar: Actor, system_admin: Actor
) -> None:
    officer = await world.officer("handler:2301")
    await desk.request(officer.phone)
    assert await desk.seen_by(registrar) == []
    assert await desk.seen_by(system_admin) == [officer.phone]


async def test_nobody_decides_on_the_own_number(desk: Desk, system_admin: Actor) -> None:
    await desk.request(system_admin.phone, office="")
    assert await desk.seen_by(system_admin) == []


async def test_a_change_needs_a_reason_ends_all_sessions_and_is_on_the_record(
    desk: Desk, world: Any, registrar: Actor, session: AsyncSession
) -> None:
    member = await world.member(await world.enterprise(), "executive")
    await enter(session, member.person_id, desk.now, membership_id=member.membership_id)
    await desk.request(member.phone)
    with pytest.raises(PhoneRefused) as refused:
        await desk.decide(registrar, reason="  ")
    assert list(refused.value.details["errors"]) == ["reason"]
    assert await desk.decide(registrar)
    assert await phone_of(session, member.person_id) == f"+86{NEW}"
    assert await list_sessions(session, member.person_id, desk.now) == []
    assert await desk.seen_by(registrar) == []
    actions = (await session.scalars(text("SELECT action FROM audit_record ORDER BY id"))).all()
    assert [one for one in actions if "phone" in one] == [
        "request_phone",
        "change_phone",
        "decide_phone_request",
    ]


async def test_a_refusal_changes_no_number(
    desk: Desk, world: Any, registrar: Actor, session: AsyncSession
) -> None:
    member = await world.member(await world.enterprise(), "executive")
    await desk.request(member.phone)
    assert await desk.decide(registrar, change=False)
    assert await phone_of(session, member.person_id) == member.phone
    assert await desk.seen_by(registrar) == []


async def test_an_old_number_nobody_has_can_only_be_refused(desk: Desk, registrar: Actor) -> None:
    await desk.request("+8613612345678")
    with pytest.raises(PhoneRefused, match="没有人使用"):
        await desk.decide(registrar)
    assert await desk.decide(registrar, change=False)


async def test_a_new_number_somebody_has_leaves_the_request_open(
    desk: Desk, world: Any, registrar: Actor
) -> None:
    member = await world.member(await world.enterprise(), "executive")
    other = await world.person()
    await desk.request(member.phone, other.phone.removeprefix("+86"))
    with pytest.raises(PhoneRefused, match="登记在别人名下"):
        await desk.decide(registrar)
    assert await desk.seen_by(registrar) == [member.phone]


async def test_a_decision_is_made_once(desk: Desk, world: Any, registrar: Actor) -> None:
    member = await world.member(await world.enterprise(), "executive")
    await desk.request(member.phone)
    (request,) = await find_requests(desk.session, registrar)
    assert await desk.decide(registrar)
    assert not await decide_request(
        desk.session, registrar, request, change=True, reason="再一次", now=desk.now
    )


async def test_a_second_request_for_the_same_number_replaces_the_first(
    desk: Desk, world: Any, registrar: Actor
) -> None:
    first = await world.member(await world.enterprise(), "executive")
    second = await world.member(await world.enterprise(), "executive")
    await desk.request(first.phone)
    await desk.request(second.phone)
    assert await desk.seen_by(registrar) == [second.phone]


async def test_what_is_missing_is_told_field_by_field_and_only_offices_with_a_registrar_are_named(
    session: AsyncSession, registrar: Actor
) -> None:
    assert [code for code, _ in await list_registrar_offices(session)] == ["2301"]
    with pytest.raises(PhoneRefused) as refused:
        await check_lost_phone(session, name=" ", old_phone="1", new_phone="", place="", office="2302")
    assert set(refused.value.details["errors"]) == {"name", "old_phone", "phone", "place", "office"}
    lost = await check_lost_phone(
        session, name=" 张 三 ", old_phone="13600000001", new_phone=NEW, place="某企业", office="2301"
    )
    assert lost == LostPhone("张 三", "+8613600000001", f"+86{NEW}", "某企业", "2301")


async def test_the_code_to_the_new_number_must_be_right(desk: Desk, session: AsyncSession) -> None:
    lost = LostPhone("张三", "+8613600000001", f"+86{NEW}", "某企业", None)
    with pytest.raises(PhoneRefused) as refused:
        await send_request(session, lost, None, "000000", browser_key="b", limits=desk.limits, now=desk.now)
    assert list(refused.value.details["errors"]) == ["code"]


async def test_people_of_a_disabled_account_keep_their_number(mover: Mover, session: AsyncSession) -> None:
    await mover.ask()
    person = await session.get(Person, mover.actor.person_id)
    assert person is not None
    person.active = False
    await session.flush()
    assert "phone" in await mover.is_refused()

"""Signing in: who gets in as what, and that every failure looks the same."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.code_limits import CodeLimits
from domain.codes import ask_code
from domain.exceptions import CodeRefused
from domain.models import AuditPersonal, AuditRecord, SignInChallenge, SignInSession
from domain.signin import SignedIn, hash_password, sign_in


@pytest.fixture(scope="session")
def password_hash() -> str:
    return hash_password("right")


@pytest.fixture
def enter(session: AsyncSession, pigeons: Any, limits: CodeLimits, now: datetime) -> Any:
    """Asks for a code and signs in with it, or with what is passed instead."""
    roomy = replace(limits, resend_s=(), per_phone_hour=0, per_ip_hour=0)

    async def enter(
        phone: str, password: str | None = None, membership: Any = None, code: str | None = None
    ) -> SignedIn:
        challenge = await ask_code(
            session, phone, browser_key="b", ip=None, limits=roomy, send_code=pigeons, now=now
        )
        return await sign_in(
            session,
            challenge,
            phone,
            code or pigeons.sent[-1] or "000000",
            password,
            membership,
            browser_key="b",
            ip="192.0.2.1",
            user_agent="test",
            limits=roomy,
            now=now,
        )

    return enter


async def test_a_member_of_one_enterprise_acts_for_it_at_once(enter: Any, world: Any) -> None:
    enterprise = await world.enterprise()
    member = await world.member(enterprise, "executive")
    signed_in = await enter(member.phone)
    assert signed_in.actor.enterprise_id == enterprise.id
    assert signed_in.actor.roles == {"executive"}
    assert signed_in.actor.groups == (f"executive:{enterprise.id}",)
    assert [one.enterprise_id for one in signed_in.memberships] == [enterprise.id]


async def test_a_member_of_two_has_none_until_one_is_chosen(enter: Any, world: Any) -> None:
    person = await world.person()
    first = await world.member(await world.enterprise(), "customs_affairs", person=person)
    second = await world.member(await world.enterprise(), "executive", person=person)
    undecided = await enter(person.phone)
    assert undecided.actor.membership_id is None and undecided.actor.roles == frozenset()
    assert {one.id for one in undecided.memberships} == {first.membership_id, second.membership_id}
    chosen = await enter(person.phone, membership=second.membership_id)
    assert chosen.actor.enterprise_id == second.enterprise_id


async def test_somebody_elses_membership_is_refused(enter: Any, world: Any) -> None:
    member = await world.member(await world.enterprise(), "executive")
    other = await world.member(await world.enterprise(), "executive")
    with pytest.raises(CodeRefused):
        await enter(member.phone, membership=other.membership_id)


async def test_an_officer_needs_code_and_password(enter: Any, world: Any, password_hash: str) -> None:
    officer = await world.officer("handler:2301", "supervisor:2300", password_hash=password_hash)
    signed_in = await enter(officer.phone, "right")
    assert signed_in.actor.groups == ("handler:2301", "supervisor:2300")
    assert signed_in.actor.officer_id == officer.officer_id
    for password in (None, "", "wrong"):
        with pytest.raises(CodeRefused):
            await enter(officer.phone, password)
    with pytest.raises(CodeRefused):
        await enter(officer.phone, "right", code="wrong!")


async def test_a_wrong_password_counts_as_a_failed_try_and_leaves_the_code(
    enter: Any, world: Any, password_hash: str, session: AsyncSession
) -> None:
    officer = await world.officer("handler:2301", password_hash=password_hash)
    with pytest.raises(CodeRefused):
        await enter(officer.phone, "wrong")
    challenge = (await session.scalars(select(SignInChallenge))).one()
    assert (challenge.tries, challenge.used_at) == (1, None)
    assert CodeRefused.keeps_changes, "the edge must commit the count"


async def test_an_officer_who_is_also_a_member_chooses_by_the_password(
    enter: Any, world: Any, password_hash: str
) -> None:
    person = await world.person()
    await world.officer("handler:2301", password_hash=password_hash, person=person)
    member = await world.member(await world.enterprise(), "executive", person=person)
    assert (await enter(person.phone, "right")).actor.officer_id is not None
    assert (await enter(person.phone)).actor.membership_id == member.membership_id
    with pytest.raises(CodeRefused):  # a wrong password is no way in as a member
        await enter(person.phone, "wrong")


async def test_unknown_people_and_wrong_codes_get_the_same_refusal(enter: Any, world: Any) -> None:
    member = await world.member(await world.enterprise(), "executive")
    nobody = await world.person()
    refusals = []
    for phone, code in ((member.phone, "wrong!"), ("13611111111", None), (nobody.phone, None)):
        with pytest.raises(CodeRefused) as refused:
            await enter(phone, code=code)
        refusals.append((refused.value.message, refused.value.details))
    assert refusals == [refusals[0]] * 3


async def test_unknown_phones_cost_the_same_statements(
    enter: Any, world: Any, session: AsyncSession, password_hash: str
) -> None:
    member = await world.member(await world.enterprise(), "executive")
    officer = await world.officer("handler:2301", password_hash=password_hash)
    connection = await session.connection()
    statements: list[str] = []
    event.listen(
        connection.sync_connection, "before_cursor_execute", lambda *args: statements.append(args[2])
    )
    seen: list[list[str]] = []
    for phone in (member.phone, officer.phone, "13611111111"):
        statements.clear()
        with pytest.raises(CodeRefused):
            await enter(phone, "wrong", code="wrong!")
        seen.append(list(statements))
    assert seen[0] == seen[1] == seen[2]


async def test_an_unknown_challenge_is_refused(
    session: AsyncSession, world: Any, limits: CodeLimits, now: datetime
) -> None:
    person = await world.person()
    with pytest.raises(CodeRefused):
        await sign_in(
            session,
            uuid4(),
            person.phone,
            "123456",
            browser_key="b",
            ip=None,
            user_agent=None,
            limits=limits,
            now=now,
        )


async def test_a_code_signs_in_once(
    enter: Any, world: Any, session: AsyncSession, limits: CodeLimits, now: datetime
) -> None:
    member = await world.member(await world.enterprise(), "executive")
    await enter(member.phone)
    challenge = (await session.scalars(select(SignInChallenge))).one()
    with pytest.raises(CodeRefused):
        await sign_in(
            session,
            challenge.id,
            member.phone,
            "000000",
            browser_key="b",
            ip=None,
            user_agent=None,
            limits=limits,
            now=now,
        )
    assert await session.scalar(select(func.count()).select_from(SignInSession)) == 1


async def records_of(session: AsyncSession) -> list[tuple[str, Any, dict[str, Any]]]:
    """Action, actor and all values of each record, the personal ones put back."""
    found = []
    for row in await session.scalars(select(AuditRecord).order_by(col(AuditRecord.id))):
        values = dict(row.after or {})
        for one in await session.scalars(select(AuditPersonal).where(col(AuditPersonal.record_id) == row.id)):
            values[one.path.split("/")[-1]] = one.value
        found.append((row.action, row.actor_id, values))
    return found


async def test_signing_in_is_recorded_with_where_it_came_from(
    enter: Any, world: Any, session: AsyncSession
) -> None:
    member = await world.member(await world.enterprise(), "executive")
    await enter(member.phone)
    [(action, actor_id, values)] = await records_of(session)
    assert (action, actor_id) == ("sign_in", member.person_id)
    assert (values["ip"], values["user_agent"]) == ("192.0.2.1", "test")


async def test_failures_are_recorded_for_known_and_unknown_phones_alike(
    enter: Any, world: Any, session: AsyncSession
) -> None:
    member = await world.member(await world.enterprise(), "executive")
    for phone in (member.phone, "+8613611111111"):
        with pytest.raises(CodeRefused):
            await enter(phone, code="wrong!")
    rows = (await session.scalars(select(AuditRecord).order_by(col(AuditRecord.id)))).all()
    assert [row.about_id for row in rows] == [None, None], "with a wrong code nobody is looked up"
    found = await records_of(session)
    assert [(action, actor) for action, actor, _ in found] == [("fail_sign_in", None)] * 2
    assert [(one["phone"], one["ip"], one["tries"]) for _, _, one in found] == [
        (member.phone, "192.0.2.1", 1),
        ("+8613611111111", "192.0.2.1", 1),
    ]


async def test_tries_at_no_code_leave_nothing_behind(
    session: AsyncSession, world: Any, limits: CodeLimits, now: datetime
) -> None:
    person = await world.person()
    with pytest.raises(CodeRefused):
        await sign_in(
            session,
            uuid4(),
            person.phone,
            "123456",
            browser_key="b",
            ip="192.0.2.1",
            user_agent=None,
            limits=limits,
            now=now,
        )
    assert await records_of(session) == []

"""An enterprise's members: added, changed, suspended, removed, brought back; and the admin who must not be lost."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.actor import Actor
from domain.exceptions import LastAdmin, MemberExists, MemberRefused, MemberUnknown, NotAdmin
from domain.member_fields import check_member
from domain.members import (
    MOST_MEMBERS,
    add_member,
    edit_member,
    get_member,
    list_members,
    remove_member,
    resume_member,
    suspend_member,
)
from domain.models import Membership, Person, SignInSession
from domain.people import list_executives, list_memberships
from domain.sessions import SessionLimits, load_actor, start_session

NEW = ("林小满", "13700000001", "关务经理", ("customs_affairs",))


@pytest.fixture
async def admin(world: Any) -> Actor:
    return await world.member(await world.enterprise(), "enterprise_admin")


async def sign_in(session: AsyncSession, actor: Actor, now: Any) -> str:
    return await start_session(
        session,
        actor.person_id,
        membership_id=actor.membership_id,
        officer_id=None,
        ip=None,
        user_agent=None,
        limits=SessionLimits(),
        now=now,
    )


async def test_a_new_member_is_usable_at_once(session: AsyncSession, admin: Actor, now: Any) -> None:
    added = await add_member(session, admin, check_member(" 林 小满 ", *NEW[1:]), now)
    assert (added.name, added.phone, added.position, added.roles, added.state) == (
        "林 小满",
        "13700000001",
        "关务经理",
        ("customs_affairs",),
        "active",
    )
    assert [one.enterprise_id for one in await list_memberships(session, added.person_id)] == [
        admin.enterprise_id
    ]


@pytest.mark.parametrize("status", ["pending", "returned", "suspended"])
async def test_members_may_be_added_while_the_enterprise_waits(
    session: AsyncSession, world: Any, now: Any, status: str
) -> None:
    admin = await world.member(await world.enterprise(status), "enterprise_admin")
    assert (await add_member(session, admin, check_member(*NEW), now)).state == "active"


async def test_a_known_phone_becomes_a_member_and_keeps_its_own_name(
    session: AsyncSession, world: Any, admin: Actor, now: Any
) -> None:
    person = await world.person("本名")
    await world.member(await world.enterprise(), "executive", person=person)
    added = await add_member(session, admin, check_member("别名", person.phone, "", ("executive",)), now)
    assert (added.person_id, added.name) == (person.id, "别名")
    assert await session.scalar(select(col(Person.name)).where(col(Person.id) == person.id)) == "本名"
    assert [one.name for one in await list_executives(session, admin.enterprise_id)] == ["别名"]  # type: ignore[arg-type]


async def test_what_adding_answers_does_not_tell_known_phones_from_unknown_ones(
    session: AsyncSession, world: Any, admin: Actor, now: Any
) -> None:
    known = await world.person("本名")
    answers = [
        await add_member(session, admin, check_member("同名", phone, "同职", ("executive",)), now)
        for phone in (known.phone, "13700000009")
    ]
    hidden = {"id": admin.person_id, "person_id": admin.person_id, "phone": ""}
    assert replace(answers[0], **hidden) == replace(answers[1], **hidden)


async def test_a_member_is_not_added_twice(session: AsyncSession, admin: Actor, now: Any) -> None:
    added = await add_member(session, admin, check_member(*NEW), now)
    with pytest.raises(MemberExists) as refused:
        await add_member(session, admin, check_member("别人", *NEW[1:]), now)
    assert "停用" not in refused.value.errors["phone"]
    await suspend_member(session, admin, added.id, now)
    with pytest.raises(MemberExists) as refused:
        await add_member(session, admin, check_member(*NEW), now)
    assert "可以在列表中恢复" in refused.value.errors["phone"]


async def test_adding_a_removed_member_brings_them_back_as_typed(
    session: AsyncSession, admin: Actor, now: Any
) -> None:
    first = await add_member(session, admin, check_member(*NEW), now)
    await remove_member(session, admin, first.id, now)
    again = await add_member(
        session, admin, check_member("林小满", "13700000001", "总经理", ("executive",)), now
    )
    assert (again.id, again.state, again.position, again.roles) == (
        first.id,
        "active",
        "总经理",
        ("executive",),
    )


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("name", ("", "13700000001", "", ("executive",))),
        ("name", ("名" * 31, "13700000001", "", ("executive",))),
        ("name", ("张\x07三", "13700000001", "", ("executive",))),
        ("phone", ("张三", "12345", "", ("executive",))),
        ("phone", ("张三", "", "", ("executive",))),
        ("position", ("张三", "13700000001", "职" * 51, ("executive",))),
        ("roles", ("张三", "13700000001", "", ())),
        ("roles", ("张三", "13700000001", "", ("enterprise_admin",))),
        ("roles", ("张三", "13700000001", "", ("handler",))),
    ],
)
def test_what_is_wrong_about_a_member_is_told_by_field(field: str, values: Any) -> None:
    with pytest.raises(MemberRefused) as refused:
        check_member(*values)
    assert set(refused.value.errors) == {field}


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(MemberRefused) as refused:
        check_member("", "1", "职" * 51, ())
    assert list(refused.value.errors) == ["name", "phone", "roles", "position"]


async def test_editing_changes_what_was_given_and_nothing_else(
    session: AsyncSession, admin: Actor, now: Any
) -> None:
    added = await add_member(session, admin, check_member(*NEW), now)
    changed = await edit_member(session, admin, added.id, position="部长", now=now)
    assert changed == replace(added, position="部长")
    changed = await edit_member(
        session, admin, added.id, name="林满", roles=("customs_affairs", "executive"), now=now
    )
    assert (changed.name, changed.roles) == ("林满", ("executive", "customs_affairs"))
    with pytest.raises(MemberRefused):
        await edit_member(session, admin, added.id, roles=(), now=now)


async def test_the_admins_own_role_is_not_edited_away(session: AsyncSession, admin: Actor, now: Any) -> None:
    assert admin.membership_id
    changed = await edit_member(session, admin, admin.membership_id, roles=("executive",), now=now)
    assert changed.roles == ("enterprise_admin", "executive")
    changed = await edit_member(session, admin, admin.membership_id, roles=(), now=now)
    assert changed.roles == ("enterprise_admin",)


async def test_the_last_admin_stays(session: AsyncSession, admin: Actor, now: Any) -> None:
    assert admin.membership_id
    for leave in (suspend_member, remove_member):
        with pytest.raises(LastAdmin):
            await leave(session, admin, admin.membership_id, now)
    membership = await session.get(Membership, admin.membership_id)
    assert membership is not None and membership.active


async def test_an_admin_who_cannot_sign_in_does_not_count(
    session: AsyncSession, world: Any, now: Any
) -> None:
    enterprise = await world.enterprise()
    admin = await world.member(enterprise, "enterprise_admin")
    await world.member(enterprise, "enterprise_admin", person=await world.person(active=False))
    with pytest.raises(LastAdmin):
        await remove_member(session, admin, admin.membership_id, now)


async def test_one_of_two_admins_may_go(session: AsyncSession, world: Any, now: Any) -> None:
    enterprise = await world.enterprise()
    admin, other = [await world.member(enterprise, "enterprise_admin") for _ in range(2)]
    assert (await remove_member(session, admin, admin.membership_id, now)).state == "removed"
    with pytest.raises(LastAdmin):
        await remove_member(session, other, other.membership_id, now)
    with pytest.raises(NotAdmin):  # what the one who is gone still has open in a browser
        await add_member(session, admin, check_member(*NEW), now)


async def test_suspending_and_removing_end_the_sessions(
    session: AsyncSession, admin: Actor, now: Any
) -> None:
    for phone, leave in (("13700000001", suspend_member), ("13700000002", remove_member)):
        added = await add_member(session, admin, check_member("甲", phone, "", ("executive",)), now)
        actor = replace(admin, person_id=added.person_id, membership_id=added.id)
        token = await sign_in(session, actor, now)
        assert await load_actor(session, token, now)
        await leave(session, admin, added.id, now)
        assert await load_actor(session, token, now) is None
        assert await list_memberships(session, added.person_id) == []


async def test_who_serves_another_enterprise_stays_signed_in_and_has_to_choose(
    session: AsyncSession, world: Any, admin: Actor, now: Any
) -> None:
    person = await world.person()
    elsewhere = await world.member(await world.enterprise(), "executive", person=person)
    added = await add_member(session, admin, check_member("甲", person.phone, "", ("executive",)), now)
    here = await sign_in(session, replace(elsewhere, membership_id=added.id), now)
    there = await sign_in(session, elsewhere, now)
    await remove_member(session, admin, added.id, now)
    actor = await load_actor(session, here, now)
    assert actor and actor.membership_id is None and not actor.roles and not actor.groups
    untouched = await load_actor(session, there, now)
    assert untouched and untouched.membership_id == elsewhere.membership_id
    ended = select(col(SignInSession.ended_at)).where(col(SignInSession.person_id) == person.id)
    assert set(await session.scalars(ended)) == {None}


async def test_a_suspended_member_comes_back_when_resumed(
    session: AsyncSession, admin: Actor, now: Any
) -> None:
    added = await add_member(session, admin, check_member(*NEW), now)
    suspended = await suspend_member(session, admin, added.id, now)
    assert (suspended.state, suspended.suspended_at) == ("suspended", now)
    assert await suspend_member(session, admin, added.id, now + timedelta(hours=1)) == suspended
    assert await resume_member(session, admin, added.id, now) == added


async def test_removing_again_changes_nothing_and_a_removed_one_is_not_resumed(
    session: AsyncSession, admin: Actor, now: Any
) -> None:
    assert admin.enterprise_id
    added = await add_member(session, admin, check_member(*NEW), now)
    removed = await remove_member(session, admin, added.id, now)
    assert await remove_member(session, admin, added.id, now + timedelta(hours=1)) == removed
    assert [one.id for one in await list_members(session, admin.enterprise_id)] == [admin.membership_id]
    for command in (resume_member, suspend_member):
        with pytest.raises(MemberUnknown):
            await command(session, admin, added.id, now)
    with pytest.raises(MemberUnknown):
        await edit_member(session, admin, added.id, name="甲", now=now)


async def test_members_of_other_enterprises_do_not_exist(
    session: AsyncSession, world: Any, admin: Actor, now: Any
) -> None:
    assert admin.enterprise_id
    theirs = (await world.member(await world.enterprise(), "executive")).membership_id
    for command in (suspend_member, remove_member, resume_member):
        with pytest.raises(MemberUnknown):
            await command(session, admin, theirs, now)
    with pytest.raises(MemberUnknown):
        await edit_member(session, admin, theirs, name="甲", now=now)
    with pytest.raises(MemberUnknown):
        await get_member(session, admin.enterprise_id, theirs)


async def test_only_an_admin_keeps_members(session: AsyncSession, world: Any, now: Any) -> None:
    staff = await world.member(await world.enterprise(), "executive", "customs_affairs")
    with pytest.raises(NotAdmin):
        await add_member(session, staff, check_member(*NEW), now)


async def test_an_enterprise_has_room_for_so_many(
    session: AsyncSession, admin: Actor, now: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("domain.members.MOST_MEMBERS", 2)
    added = await add_member(session, admin, check_member(*NEW), now)
    with pytest.raises(MemberRefused, match="最多 2 位"):
        await add_member(session, admin, check_member("乙", "13700000002", "", ("executive",)), now)
    await remove_member(session, admin, added.id, now)
    await add_member(session, admin, check_member("乙", "13700000002", "", ("executive",)), now)
    assert MOST_MEMBERS >= 500


async def test_active_and_suspended_at_the_same_time_the_database_refuses(
    session: AsyncSession, admin: Actor
) -> None:
    with pytest.raises(Exception, match="membership_active"):
        await session.execute(
            text("UPDATE membership SET suspended_at = now() WHERE id = :id"), {"id": admin.membership_id}
        )


async def test_every_change_records_itself_and_what_changes_nothing_does_not(
    session: AsyncSession, admin: Actor, now: Any
) -> None:
    added = await add_member(session, admin, check_member(*NEW), now)
    for _ in range(2):
        await edit_member(session, admin, added.id, name="林满", now=now)
        await suspend_member(session, admin, added.id, now)
    for _ in range(2):
        await resume_member(session, admin, added.id, now)
    for _ in range(2):
        await remove_member(session, admin, added.id, now)
    rows = await session.execute(
        text(
            "SELECT action, actor_id, about_id, after FROM audit_record WHERE about = 'membership' ORDER BY id"
        )
    )
    found = rows.all()
    assert [row.action for row in found] == [
        "add_member",
        "edit_member",
        "suspend_member",
        "resume_member",
        "remove_member",
    ]
    assert {(row.actor_id, row.about_id) for row in found} == {(admin.person_id, str(added.id))}
    assert [row.after["active"] for row in found] == [True, True, False, True, False]
    assert "13700000001" not in str([row.after for row in found]), "personal values lie apart"

"""Where people are reached: a mail address once it is confirmed, a WeChat while they follow, and whose each of them is."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain import mail_addresses, wechat_bindings
from domain.actor import Actor
from domain.contacts import Addresses, find_addresses
from domain.exceptions import MailNotConfirmed, MailRefused
from domain.models import AuditPersonal, AuditRecord

SECRET = b"server secret"


@pytest.fixture
async def actor(world: Any) -> Actor:
    return await world.member(await world.enterprise(), "executive")


async def addresses(session: AsyncSession, person_id: UUID) -> Addresses | None:
    return (await find_addresses(session, [person_id])).get(person_id)


async def test_a_mail_address_counts_once_it_is_confirmed(
    session: AsyncSession, actor: Actor, now: datetime
) -> None:
    to, token = await mail_addresses.give_mail(session, actor, " a.b@example.cn ", SECRET, now)
    assert to == "a.b@example.cn"
    assert await addresses(session, actor.person_id) == Addresses(actor.person_id, actor.phone)
    await mail_addresses.confirm_mail(session, actor, token, SECRET, now + timedelta(hours=47))
    found = await addresses(session, actor.person_id)
    assert found is not None and found.mail == "a.b@example.cn"
    assert "a.b@example.cn" not in repr(found)


async def test_the_token_is_good_for_this_address_of_this_person_for_two_days(
    session: AsyncSession, world: Any, actor: Actor, now: datetime
) -> None:
    other = await world.member(await world.enterprise(), "executive")
    _, token = await mail_addresses.give_mail(session, actor, "a@example.cn", SECRET, now)
    _, of_another = await mail_addresses.give_mail(session, other, "a@example.cn", SECRET, now)
    _, newer = await mail_addresses.give_mail(
        session, actor, "b@example.cn", SECRET, now + timedelta(hours=1)
    )
    for wrong in (token, of_another, "", "ü"):
        with pytest.raises(MailNotConfirmed):
            await mail_addresses.confirm_mail(session, actor, wrong, SECRET, now + timedelta(hours=2))
    with pytest.raises(MailNotConfirmed):
        await mail_addresses.confirm_mail(session, actor, newer, SECRET, now + timedelta(hours=50))
    await mail_addresses.confirm_mail(session, actor, newer, SECRET, now + timedelta(hours=48))


async def test_a_new_address_has_to_be_confirmed_anew_and_one_can_be_forgotten(
    session: AsyncSession, actor: Actor, now: datetime
) -> None:
    _, token = await mail_addresses.give_mail(session, actor, "a@example.cn", SECRET, now)
    await mail_addresses.confirm_mail(session, actor, token, SECRET, now)
    with pytest.raises(MailRefused, match="刚刚发出"):
        await mail_addresses.give_mail(session, actor, "b@example.cn", SECRET, now + timedelta(seconds=59))
    later = now + timedelta(minutes=1)
    await mail_addresses.give_mail(session, actor, "b@example.cn", SECRET, later)
    assert await addresses(session, actor.person_id) == Addresses(actor.person_id, actor.phone)
    assert await mail_addresses.forget_mail(session, actor, now)
    assert not await mail_addresses.forget_mail(session, actor, now)
    with pytest.raises(MailNotConfirmed):
        await mail_addresses.confirm_mail(session, actor, token, SECRET, now)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a",
        "@b.cn",
        "a@b",
        "a b@c.cn",
        "a@b.cn\nBcc: x@y.cn",
        "a..b@c.cn",
        "a@-b.cn",
        "王@例.cn",
        "a" * 65 + "@b.cn",
    ],
)
async def test_what_is_no_address_is_refused(
    session: AsyncSession, actor: Actor, now: datetime, address: str
) -> None:
    with pytest.raises(MailRefused):
        await mail_addresses.give_mail(session, actor, address, SECRET, now)


async def test_a_wechat_is_one_persons_who_proved_it_last(
    session: AsyncSession, world: Any, actor: Actor, now: datetime
) -> None:
    other = await world.member(await world.enterprise(), "executive")
    await wechat_bindings.bind_wechat(session, actor.person_id, "o-1", now, actor=actor)
    assert await wechat_bindings.find_person(session, "o-1") == actor.person_id
    assert await wechat_bindings.bound_at(session, actor.person_id) == now
    await wechat_bindings.bind_wechat(session, other.person_id, "o-1", now, actor=other)
    assert await wechat_bindings.find_person(session, "o-1") == other.person_id
    assert await wechat_bindings.bound_at(session, actor.person_id) is None
    await wechat_bindings.bind_wechat(session, other.person_id, "o-2", now, actor=other)
    assert await wechat_bindings.find_person(session, "o-1") is None
    assert await wechat_bindings.unbind_wechat(session, other.person_id, now, actor=other)
    assert not await wechat_bindings.unbind_wechat(session, other.person_id, now, actor=other)
    assert await wechat_bindings.find_person(session, "o-2") is None


async def test_who_does_not_follow_is_known_and_not_written_to(
    session: AsyncSession, actor: Actor, now: datetime
) -> None:
    await wechat_bindings.bind_wechat(session, actor.person_id, "o-1", now, actor=actor)
    await wechat_bindings.set_following(session, "o-1", follows=False, at=now)
    assert await addresses(session, actor.person_id) == Addresses(actor.person_id, actor.phone)
    assert await wechat_bindings.find_person(session, "o-1") == actor.person_id
    await wechat_bindings.set_following(session, "o-1", follows=True, at=now)
    found = await addresses(session, actor.person_id)
    assert found is not None and found.openid == "o-1"
    await wechat_bindings.set_following(session, "unheard of", follows=False, at=now)


async def test_somebody_inactive_is_reached_nowhere(session: AsyncSession, world: Any, now: datetime) -> None:
    gone = await world.person(active=False)
    assert await find_addresses(session, [gone.id]) == {}


async def test_all_of_it_is_audited_without_the_addresses(
    session: AsyncSession, world: Any, actor: Actor, now: datetime
) -> None:
    other = await world.member(await world.enterprise(), "executive")
    await wechat_bindings.bind_wechat(session, actor.person_id, "o-1", now, actor=actor)
    await wechat_bindings.bind_wechat(session, other.person_id, "o-1", now, actor=other)
    _, token = await mail_addresses.give_mail(session, actor, "a@example.cn", SECRET, now)
    await mail_addresses.confirm_mail(session, actor, token, SECRET, now)
    records = (await session.scalars(select(AuditRecord).order_by(col(AuditRecord.id)))).all()
    assert [(one.action, one.about_id) for one in records] == [
        ("bind_wechat", str(actor.person_id)),
        ("unbind_wechat", str(actor.person_id)),
        ("bind_wechat", str(other.person_id)),
        ("change_mail", str(actor.person_id)),
        ("confirm_mail", str(actor.person_id)),
    ]
    values = [one.value for one in await session.scalars(select(AuditPersonal))]
    assert not {"o-1", "a@example.cn"} & set(values)

"""Cards: what is asked of them is asked once; bound once, unbound, blocked, found; who signs in with one, and who does not."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from domain import cards, sign_ins
from domain.actor import Actor
from domain.card_challenges import LIFETIME, MOST_OPEN, issue_challenge, sweep_challenges, take_challenge
from domain.card_facts import CardFacts, tidy_facts
from domain.card_sign_in import sign_in_by_card
from domain.exceptions import (
    CardSignInRefused,
    CardTaken,
    CardUnfit,
    ChangeRefused,
    FormRefused,
    NotAdmin,
    NotAdministrator,
    RecordUnknown,
    TooManyCodes,
)
from domain.models import Card, Enterprise, Membership
from domain.sessions import SessionLimits, load_actor, start_session
from tests.domain.conftest import World

USCC = "91320100MA1TE0000T"


def make_facts(of: Enterprise | None = None, /, **changes: Any) -> CardFacts:
    facts = CardFacts(
        issuer="CN=测试发卡 CA",
        number="8930000001",
        kind="法人卡",
        holder="顾盼",
        fingerprint="a" * 64,
        serial="1f",
        not_after=datetime.fromisoformat("2030-01-01T00:00:00+08:00"),
        enterprise=of.name if of else "某企业",
        uscc=of.uscc if of else USCC,
        customs_code="3201960Q88",
        phone="13800000001",
    )
    return replace(facts, **changes)


async def admin_of(world: World, enterprise: Enterprise) -> Actor:
    return await world.member(enterprise, "enterprise_admin")


async def sign_in(world: World, facts: CardFacts, membership: UUID | None = None) -> Any:
    asked = await issue_challenge(world.session, "sign_in", bound_to="b", ip="10.0.0.1", now=world.now)
    await take_challenge(world.session, asked.id, "sign_in", bound_to="b", now=world.now)
    return await sign_in_by_card(
        world.session,
        facts,
        asked.id,
        membership,
        ip="10.0.0.1",
        user_agent="Chrome",
        limits=SessionLimits(),
        now=world.now,
    )


async def why(session: AsyncSession) -> str:
    """The code of the last failure."""
    return await session.scalar(
        text("SELECT failed_why FROM card_challenge WHERE failed_at IS NOT NULL ORDER BY id DESC LIMIT 1")
    )


async def actions(session: AsyncSession) -> list[str]:
    return list((await session.execute(text("SELECT action FROM audit_record ORDER BY at, id"))).scalars())


# What is asked


async def test_a_challenge_is_taken_once(world: World) -> None:
    asked = await issue_challenge(world.session, "sign_in", bound_to="b", ip=None, now=world.now)
    taken = await take_challenge(world.session, asked.id, "sign_in", bound_to="b", now=world.now)
    assert taken == asked.nonce and len(asked.nonce) == 32
    assert await take_challenge(world.session, asked.id, "sign_in", bound_to="b", now=world.now) is None


@pytest.mark.parametrize(
    ("purpose", "bound_to", "later"),
    [
        ("register", "b", timedelta()),
        ("sign_in", "c", timedelta()),
        ("sign_in", None, timedelta()),
        ("sign_in", "b", LIFETIME),
    ],
)
async def test_a_challenge_is_for_one_purpose_one_browser_and_five_minutes(
    world: World, purpose: str, bound_to: str | None, later: timedelta
) -> None:
    asked = await issue_challenge(world.session, "sign_in", bound_to="b", ip=None, now=world.now)
    assert (
        await take_challenge(world.session, asked.id, purpose, bound_to=bound_to, now=world.now + later)
        is None
    )
    right = await take_challenge(world.session, asked.id, "sign_in", bound_to="b", now=world.now)
    assert right == asked.nonce, "somebody else's try burns nothing of mine"


async def test_a_new_challenge_voids_the_browsers_older_one_only(world: World) -> None:
    first = await issue_challenge(world.session, "sign_in", bound_to="b", ip=None, now=world.now)
    other = await issue_challenge(world.session, "sign_in", bound_to="c", ip=None, now=world.now)
    await issue_challenge(world.session, "sign_in", bound_to="b", ip=None, now=world.now)
    assert await take_challenge(world.session, first.id, "sign_in", bound_to="b", now=world.now) is None
    assert await take_challenge(world.session, other.id, "sign_in", bound_to="c", now=world.now)


async def test_one_address_does_not_flood_the_table(world: World) -> None:
    for number in range(MOST_OPEN):
        await issue_challenge(world.session, "sign_in", bound_to=str(number), ip="10.0.0.1", now=world.now)
    with pytest.raises(TooManyCodes):
        await issue_challenge(world.session, "sign_in", bound_to="more", ip="10.0.0.1", now=world.now)
    await issue_challenge(world.session, "sign_in", bound_to="more", ip="10.0.0.2", now=world.now)
    later = world.now + LIFETIME
    await issue_challenge(world.session, "sign_in", bound_to="more", ip="10.0.0.1", now=later)


async def test_old_challenges_are_swept_and_failures_kept_longer(world: World) -> None:
    await issue_challenge(world.session, "sign_in", bound_to="b", ip=None, now=world.now)
    with pytest.raises(CardSignInRefused):
        await sign_in(world, make_facts())
    await sweep_challenges(world.session, world.now + timedelta(days=2))
    assert await world.session.scalar(text("SELECT count(*) FROM card_challenge")) == 1
    await sweep_challenges(world.session, world.now + timedelta(days=190))
    assert await world.session.scalar(text("SELECT count(*) FROM card_challenge")) == 0


# What a card says


def test_facts_are_tidied_and_survive_a_row() -> None:
    facts = tidy_facts(make_facts(uscc=" 91320100ma1te0000t", phone="138 0000 0001", customs_code="x"))
    assert (facts.uscc, facts.phone, facts.customs_code) == (USCC, "+8613800000001", None)
    assert CardFacts.of_json(facts.as_json()) == facts


@pytest.mark.parametrize("wrong", [{"uscc": "123"}, {"holder": " "}, {"enterprise": "a\nb"}, {"number": ""}])
def test_a_certificate_without_what_is_needed_is_unfit(wrong: dict[str, str]) -> None:
    with pytest.raises(CardUnfit) as refused:
        tidy_facts(make_facts(**wrong))
    assert "顾盼" not in refused.value.message


# Binding


async def test_an_admin_binds_cards_of_the_own_enterprise_only(world: World) -> None:
    enterprise, other = await world.enterprise(), await world.enterprise()
    admin = await admin_of(world, enterprise)
    card = await cards.bind_own_card(world.session, admin, make_facts(enterprise), world.now)
    assert (card.person_id, card.enterprise_id, card.officer_id) == (admin.person_id, enterprise.id, None)
    with pytest.raises(CardUnfit):
        await cards.bind_own_card(world.session, admin, make_facts(other, number="2"), world.now)
    assert [one.number for one in await cards.list_own_cards(world.session, admin)] == ["8930000001"]
    assert await cards.list_enterprise_cards(world.session, other.id) == []


async def test_whoever_is_no_admin_any_more_binds_nothing(world: World) -> None:
    enterprise = await world.enterprise()
    staff = await world.member(enterprise, "customs_affairs")
    with pytest.raises(NotAdmin):
        await cards.bind_own_card(world.session, staff, make_facts(enterprise), world.now)


async def test_one_card_is_bound_once_and_may_be_bound_again_when_unbound(world: World) -> None:
    enterprise = await world.enterprise()
    first, second = await admin_of(world, enterprise), await admin_of(world, enterprise)
    card = await cards.bind_own_card(world.session, first, make_facts(enterprise), world.now)
    renewed = make_facts(enterprise, serial="2b", fingerprint="b" * 64)
    with pytest.raises(CardTaken):
        await cards.bind_own_card(world.session, second, renewed, world.now)
    same_number_elsewhere = make_facts(enterprise, issuer="CN=另一 CA")
    await cards.bind_own_card(world.session, second, same_number_elsewhere, world.now)
    await cards.unbind_card(world.session, first, card.id, world.now)
    again = await cards.bind_own_card(world.session, second, make_facts(enterprise), world.now)
    assert again.id != card.id


async def test_only_the_holder_and_the_enterprises_admins_unbind_and_block(world: World) -> None:
    enterprise, other = await world.enterprise(), await world.enterprise()
    admin, colleague = await admin_of(world, enterprise), await admin_of(world, enterprise)
    stranger, staff = await admin_of(world, other), await world.member(enterprise, "customs_affairs")
    card = await cards.bind_own_card(world.session, admin, make_facts(enterprise), world.now)
    officer = await world.officer("handler:2301")
    for nobody in (stranger, staff, officer):
        with pytest.raises(RecordUnknown):
            await cards.unbind_card(world.session, nobody, card.id, world.now)
        with pytest.raises(RecordUnknown):
            await cards.block_own_card(world.session, nobody, card.id, "丢了", world.now)
    await cards.block_own_card(world.session, colleague, card.id, "丢了", world.now)
    assert (await cards.list_own_cards(world.session, admin))[0].blocked_reason == "丢了"


async def test_a_blocked_card_stays_bound_until_a_security_administrator_lifts_it(world: World) -> None:
    enterprise = await world.enterprise()
    admin, keeper = await admin_of(world, enterprise), await world.officer("security_admin:2300")
    facts = make_facts(enterprise)
    card = await cards.bind_own_card(world.session, admin, facts, world.now)
    with pytest.raises(FormRefused):
        await cards.block_own_card(world.session, admin, card.id, " ", world.now)
    await cards.block_own_card(world.session, admin, card.id, "丢了", world.now)
    for forbidden in (
        lambda: cards.unbind_card(world.session, admin, card.id, world.now),
        lambda: cards.block_own_card(world.session, admin, card.id, "又丢了", world.now),
    ):
        with pytest.raises(ChangeRefused):
            await forbidden()
    with pytest.raises(CardTaken):
        await cards.bind_own_card(world.session, admin, facts, world.now)
    with pytest.raises(NotAdministrator):
        await cards.lift_block(world.session, await world.officer("handler:2301"), card.id, world.now)
    assert [one.id for one in await cards.find_cards(world.session, only_blocked=True)] == [card.id]
    await cards.lift_block(world.session, keeper, card.id, world.now)
    assert (await sign_in(world, facts)).actor.person_id == admin.person_id
    with pytest.raises(ChangeRefused):
        await cards.lift_block(world.session, keeper, card.id, world.now)
    assert [one for one in await actions(world.session) if one.endswith("_card")] == [
        "bind_card",
        "block_card",
        "lift_card",
    ]


async def test_a_security_administrator_finds_and_blocks_any_card(world: World) -> None:
    enterprise = await world.enterprise()
    card = await cards.bind_own_card(
        world.session, await admin_of(world, enterprise), make_facts(enterprise, holder="孟凡_"), world.now
    )
    keeper = await world.officer("security_admin:2300")
    assert [one.id for one in await cards.find_cards(world.session, words="孟凡_")] == [card.id]
    assert await cards.find_cards(world.session, words="孟_") == [], "no wildcard"
    await cards.block_any_card(world.session, keeper, card.id, "企业来电挂失", world.now)
    found = await cards.find_card(world.session, card.id)
    assert found is not None and found.blocked_at == world.now


async def test_unbinding_and_blocking_end_the_sessions_of_the_card(world: World) -> None:
    enterprise = await world.enterprise()
    admin = await admin_of(world, enterprise)
    facts = make_facts(enterprise)
    card = await cards.bind_own_card(world.session, admin, facts, world.now)
    by_card, by_code = await sign_in(world, facts), await by_code_of(world, admin)
    await cards.block_own_card(world.session, admin, card.id, "丢了", world.now)
    assert await load_actor(world.session, by_card.token, world.now) is None
    assert await load_actor(world.session, by_code, world.now) is not None


async def by_code_of(world: World, actor: Actor) -> str:
    return await start_session(
        world.session,
        actor.person_id,
        membership_id=actor.membership_id,
        officer_id=actor.officer_id,
        ip=None,
        user_agent=None,
        limits=SessionLimits(),
        now=world.now,
    )


async def acting(world: World, token: str) -> Actor:
    actor = await load_actor(world.session, token, world.now)
    assert actor is not None
    return actor


# Officers


async def test_an_officer_binds_a_card_after_both_factors_and_signs_in_with_it(world: World) -> None:
    officer = await world.officer("handler:2301")
    me = await acting(world, await by_code_of(world, officer))
    facts = make_facts(kind="操作员卡", enterprise="南京海关")
    await cards.bind_own_card(world.session, me, facts, world.now)
    signed_in = await sign_in(world, facts)
    assert (signed_in.actor.officer_id, signed_in.actor.membership_id) == (officer.officer_id, None)
    with pytest.raises(CardUnfit):  # one card must not open the door for the next
        await cards.bind_own_card(world.session, signed_in.actor, replace(facts, number="2"), world.now)


async def test_an_enterprises_card_is_no_officers_card(world: World) -> None:
    enterprise = await world.enterprise()
    me = await acting(world, await by_code_of(world, await world.officer("handler:2301")))
    with pytest.raises(CardUnfit):
        await cards.bind_own_card(world.session, me, make_facts(enterprise), world.now)


# Signing in


async def test_a_card_signs_its_holder_in_for_its_enterprise(world: World) -> None:
    enterprise, other = await world.enterprise(), await world.enterprise()
    admin = await admin_of(world, enterprise)
    person = (await world.session.get_one(Membership, admin.membership_id)).person_id
    facts = make_facts(enterprise)
    await cards.bind_own_card(world.session, admin, facts, world.now)
    theirs = Membership(
        person_id=person, enterprise_id=other.id, roles=["customs_affairs"], created_at=world.now
    )
    world.session.add(theirs)
    await world.session.flush()
    signed_in = await sign_in(world, facts)
    assert signed_in.actor.membership_id == admin.membership_id, "the card's enterprise, without asking"
    assert (await sign_in(world, facts, admin.membership_id)).actor.membership_id == admin.membership_id
    with pytest.raises(CardSignInRefused):
        await sign_in(world, facts, theirs.id)
    assert await why(world.session) == "other_part"


async def test_a_suspended_enterprises_card_signs_in_to_read(world: World) -> None:
    enterprise = await world.enterprise()
    facts = make_facts(enterprise)
    await cards.bind_own_card(world.session, await admin_of(world, enterprise), facts, world.now)
    enterprise.status = "suspended"
    assert (await sign_in(world, facts)).actor.enterprise_status == "suspended"


Break = Callable[[World, Card, Enterprise], Awaitable[None]]


async def block(world: World, card: Card, _: Enterprise) -> None:
    card.blocked_at, card.blocked_by = world.now, card.person_id


async def unbind(world: World, card: Card, _: Enterprise) -> None:
    card.unbound_at, card.unbound_by = world.now, card.person_id


async def disable_person(world: World, card: Card, _: Enterprise) -> None:
    await world.session.execute(
        text("UPDATE person SET active = false WHERE id = :id"), {"id": card.person_id}
    )


async def suspend_member(world: World, card: Card, _: Enterprise) -> None:
    await world.session.execute(
        text("UPDATE membership SET active = false, suspended_at = :now WHERE person_id = :id"),
        {"id": card.person_id, "now": world.now},
    )


async def end_enterprise(_world: World, _card: Card, enterprise: Enterprise) -> None:
    enterprise.status = "superseded"


async def change_code(_world: World, _card: Card, enterprise: Enterprise) -> None:
    enterprise.uscc = USCC


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (block, "card_blocked"),
        (unbind, "card_unknown"),
        (disable_person, "person_disabled"),
        (suspend_member, "member_suspended"),
        (end_enterprise, "enterprise_ended"),
        (change_code, "card_of_other_enterprise"),
    ],
)
async def test_whatever_is_wrong_the_sentence_is_one_and_the_reason_on_record(
    world: World, broken: Break, code: str
) -> None:
    enterprise = await world.enterprise()
    facts = make_facts(enterprise)
    card = await cards.bind_own_card(world.session, await admin_of(world, enterprise), facts, world.now)
    await broken(world, card, enterprise)
    await world.session.flush()
    with pytest.raises(CardSignInRefused) as refused:
        await sign_in(world, facts)
    assert refused.value.message == CardSignInRefused().message and refused.value.keeps_changes
    assert await why(world.session) == code
    failed = (await sign_ins.list_sign_ins(world.session, outcome="failed"))[0]
    assert (failed.by, failed.succeeded, failed.ip) == ("card", False, "10.0.0.1")
    assert (failed.phone != "") == (code != "card_unknown")
    assert "fail_card_sign_in" in await actions(world.session)


async def test_a_disabled_officers_card_opens_nothing(world: World) -> None:
    officer = await world.officer("handler:2301")
    me = await acting(world, await by_code_of(world, officer))
    facts = make_facts(kind="操作员卡", enterprise="南京海关")
    await cards.bind_own_card(world.session, me, facts, world.now)
    await world.session.execute(
        text("UPDATE officer SET active = false WHERE id = :id"), {"id": officer.officer_id}
    )
    with pytest.raises(CardSignInRefused):
        await sign_in(world, facts)
    assert await why(world.session) == "officer_disabled"


async def test_a_renewed_certificate_is_the_same_card_and_another_holder_is_not(world: World) -> None:
    enterprise = await world.enterprise()
    admin = await admin_of(world, enterprise)
    facts = make_facts(enterprise)
    card = await cards.bind_own_card(world.session, admin, facts, world.now)
    later = facts.not_after + timedelta(days=700)
    await sign_in(world, replace(facts, fingerprint="b" * 64, serial="2b", not_after=later))
    await world.session.refresh(card)
    assert (card.serial, card.not_after, card.used_at) == ("2b", later, world.now)
    assert "renew_card" in await actions(world.session)
    with pytest.raises(CardSignInRefused):
        await sign_in(world, replace(facts, holder="别人"))
    assert await why(world.session) == "card_changed_hands"


async def test_successes_say_that_a_card_was_used(world: World) -> None:
    enterprise = await world.enterprise()
    facts = make_facts(enterprise)
    await cards.bind_own_card(world.session, await admin_of(world, enterprise), facts, world.now)
    await sign_in(world, facts)
    assert [one.by for one in await sign_ins.list_sign_ins(world.session, outcome="in")] == ["card"]

"""Passwords: what is refused and what is not, initial ones, changing one's own, and being made to."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from domain.actor import Actor
from domain.exceptions import PasswordRefused
from domain.models import Officer
from domain.passwords import (
    SHORTEST,
    TRIES,
    change_password,
    check_password,
    hash_password,
    make_initial_password,
    require_good_password,
    set_password,
)
from domain.sessions import SessionLimits, list_sessions, load_actor, start_session
from domain.weak_passwords import common_words, count_unforeseen

OLD = "purple-Kettle 39"
GOOD = "limestone.heron+7"


@pytest.mark.parametrize(
    "weak",
    [
        "woaini1314520",
        "Woaini@1314520",
        "5201314woaini",
        "P@ssw0rd2026",
        "password123456",
        "Admin@12345678",
        "qwertyuiop",
        "1qaz2wsx3edc",
        "!QAZ2wsx#EDC",
        "q1w2e3r4t5y6",
        "asdfghjkl123",
        "147258369147",
        "0987654321",
        "aaaaaaaaaaaa",
        "abcabcabcabc",
        "x7x7x7x7x7x7",
        "nanjinghaiguan",
        "Haiguan@2300",
        "NanjingCustoms1",
        "qingling2026!",
        "zhangwei19880808",
        "Zhangwei@1988",
        "wangxiuying520",
        "lixiaolong88",
        "xiaolongli2026",
        "李小龙李小龙2026",
        "li13912345678",
        "xl45678139123",
        "18812345678a",
        "ｗｏａｉｎｉ１３１４５２０",
    ],
)
def test_what_people_here_choose_first_is_refused(weak: str) -> None:
    with pytest.raises(PasswordRefused, match="太容易被猜到"):
        require_good_password(weak, name="李小龙", phone="+8613912345678")


@pytest.mark.parametrize(
    "good",
    [
        GOOD,
        OLD,
        "vmtqkzrhwx",
        "8302749165",
        "correct horse battery staple",
        "春眠不觉晓处处闻啼鸟",
        "ThisRiverNeverSleeps",
        "xk9-m4tr-2wqz",
    ],
)
def test_long_ones_that_nobody_foresees_need_no_signs_digits_or_capitals(good: str) -> None:
    require_good_password(good, name="李小龙", phone="+8613912345678")


def test_length_counts_characters() -> None:
    for short in ("", "vmtqkzrhw", "竹露滴清响"):
        with pytest.raises(PasswordRefused, match=f"至少需要 {SHORTEST} 个"):
            require_good_password(short, name="", phone="")
    with pytest.raises(PasswordRefused, match="太长"):
        require_good_password("vmtqkzrhwx" * 13, name="", phone="")


def test_ones_own_name_and_number_are_foreseen_only_for_oneself() -> None:
    password = "ouyang7766mingzhu"
    assert count_unforeseen(password, name="欧阳明珠", phone="+8613900007766") == 0
    assert count_unforeseen(password, name="李小龙", phone="+8613912345678") >= 5


def test_the_words_are_pieces_in_lower_case_without_doubles() -> None:
    words = common_words()
    assert all(len(word) >= 3 and word == word.casefold() for word in words)
    assert len(words) > 300


def test_initial_passwords_are_good_readable_and_never_the_same() -> None:
    made = {make_initial_password() for _ in range(200)}
    assert len(made) == 200
    for password in made:
        assert not set(password) & set("0o1liI")
    refused = 0
    for password in made:
        try:
            require_good_password(password, name="李小龙", phone="+8613912345678")
        except PasswordRefused:
            refused += 1
    assert refused == 0


@pytest.fixture(scope="session")
def old_hash() -> str:
    return hash_password(OLD)


@pytest.fixture
async def officer(world: Any, old_hash: str) -> Actor:
    return await world.officer("handler:2301", password_hash=old_hash)


@pytest.fixture
def start(session: AsyncSession, officer: Actor, now: datetime) -> Any:
    """Signs the officer in at one more place; as whom."""

    async def start() -> Actor:
        token = await start_session(
            session,
            officer.person_id,
            membership_id=None,
            officer_id=officer.officer_id,
            ip=None,
            user_agent=None,
            limits=SessionLimits(),
            now=now,
        )
        actor = await load_actor(session, token, now)
        assert actor is not None
        return actor

    return start


async def stored(session: AsyncSession, officer_id: UUID | None) -> Officer:
    found = await session.get(Officer, officer_id)
    assert found is not None
    return found


async def test_a_new_password_replaces_the_old_one_and_ends_the_other_sessions(
    session: AsyncSession, officer: Actor, start: Any, now: datetime
) -> None:
    here, _elsewhere = await start(), await start()
    await change_password(session, here, OLD, GOOD, now=now)
    row = await stored(session, officer.officer_id)
    assert await check_password(row, GOOD)
    assert not await check_password(row, OLD)
    assert [one.id for one in await list_sessions(session, officer.person_id, now)] == [here.session_id]


async def test_a_password_typed_in_full_width_is_the_same_one(session: AsyncSession, officer: Actor) -> None:
    row = await stored(session, officer.officer_id)
    assert await check_password(row, OLD.translate({ord("3"): "３", ord("K"): "Ｋ"}))


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [("not this one", GOOD, "old"), (OLD, OLD, "new"), (OLD, "short", "new"), (OLD, "woaini1314520", "new")],
)
async def test_nothing_changes_when_something_is_wrong(
    session: AsyncSession, officer: Actor, start: Any, now: datetime, old: str, new: str, field: str
) -> None:
    here, _elsewhere = await start(), await start()
    with pytest.raises(PasswordRefused) as refused:
        await change_password(session, here, old, new, now=now)
    assert refused.value.details == {"field": field}
    assert await check_password(await stored(session, officer.officer_id), OLD)
    assert len(await list_sessions(session, officer.person_id, now)) == 2


async def test_guessing_the_old_password_ends_the_session(
    session: AsyncSession, officer: Actor, start: Any, now: datetime
) -> None:
    here, elsewhere = await start(), await start()
    for _ in range(TRIES - 1):
        with pytest.raises(PasswordRefused, match="原密码不正确"):
            await change_password(session, here, "wrong", GOOD, now=now)
    with pytest.raises(PasswordRefused, match="已退出登录"):
        await change_password(session, here, "wrong", GOOD, now=now)
    assert [one.id for one in await list_sessions(session, officer.person_id, now)] == [elsewhere.session_id]
    assert PasswordRefused.keeps_changes, "the edge must commit the count"


async def test_a_password_set_by_somebody_else_ends_all_sessions_and_must_be_changed(
    session: AsyncSession, officer: Actor, start: Any, now: datetime
) -> None:
    await start()
    row = await stored(session, officer.officer_id)
    await set_password(session, row, "a new-begun oath", must_change=True, now=now)
    assert await list_sessions(session, officer.person_id, now) == []
    here = await start()
    assert here.must_change_password
    await change_password(session, here, "a new-begun oath", GOOD, now=now)
    again = await start()
    assert not again.must_change_password


async def test_members_have_no_password_to_change(session: AsyncSession, world: Any, now: datetime) -> None:
    member = await world.member(await world.enterprise(), "executive")
    with pytest.raises(PasswordRefused, match="只有海关关员"):
        await change_password(session, member, OLD, GOOD, now=now)

"""In-app notices: mine alone, read marks, the bell, pages by key."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from domain.models import Person
from messages import notices
from messages.exceptions import SeenRefused
from messages.outbox import enqueue
from messages.texts import Text, by_sms


async def add_somebody(post: Any) -> UUID:
    async with post.sessions.begin() as session:
        person = Person(name="李四", phone="+8613800000002", created_at=post.now)
        session.add(person)
    return person.id


async def unread(post: Any, person_id: UUID | None = None) -> int:
    async with post.sessions() as session:
        return await notices.count_unread(session, person_id or post.person.id)


async def test_every_message_to_a_person_is_a_notice_whatever_became_of_it(post: Any) -> None:
    inside = await post.queue(text=Text("题", "文", channels=()))
    sent = await post.queue()
    await post.deliver(sent)
    waiting = await post.queue()
    await post.queue(person_id=None, to_phone="+8613800000001", text=by_sms("码", "验证码"))
    async with post.sessions() as session:
        page = await notices.list_notices(session, post.person.id)
    assert [one.id for one in page.items] == [waiting, sent, inside]
    assert (page.items[2].title, page.items[2].text, page.items[2].read_at) == ("题", "文", None)
    assert page.next is None
    assert await unread(post) == 3


async def test_reading_marks_mine_once_and_nobody_elses(post: Any) -> None:
    other = await add_somebody(post)
    mine, theirs = await post.queue(), await post.queue(person_id=other)
    async with post.sessions.begin() as session:
        await notices.mark_read(session, post.person.id, [mine, theirs], post.now)
    first_read = post.now
    post.wait(hours=1)
    async with post.sessions.begin() as session:
        await notices.mark_read(session, post.person.id, [mine], post.now)
        [found] = (await notices.list_notices(session, post.person.id)).items
    assert found.read_at == first_read
    assert (await unread(post), await unread(post, other)) == (0, 1)


async def test_reading_all_leaves_what_came_meanwhile(post: Any) -> None:
    for _ in range(3):
        await post.queue()
    async with post.sessions.begin() as session:
        page = await notices.list_notices(session, post.person.id, limit=1)
    later = await post.queue()
    assert await left_after(post, page.seen) == [later]
    assert await left_after(post, await seen_now(post)) == []


async def test_reading_all_leaves_what_was_being_written_when_the_list_was_read(post: Any) -> None:
    async with post.sessions() as writing:
        early = post.new()
        await enqueue(writing, [early])
        shown = await post.queue()
        assert early.id < shown, "written first, and not there yet"
        seen = await seen_now(post)
        await writing.commit()
    assert await left_after(post, seen) == [early.id]


async def test_what_was_sent_meanwhile_is_still_what_was_seen(post: Any) -> None:
    id_ = await post.queue()
    seen = await seen_now(post)
    await post.deliver(id_)
    assert await left_after(post, seen) == []


async def test_what_a_restored_backup_brought_can_be_marked(post: Any) -> None:
    await post.queue()
    async with post.sessions.begin() as session:
        await session.execute(text("UPDATE message SET written_by = 1::bigint << 60"))
    assert await left_after(post, await seen_now(post)) == []


async def test_nothing_was_seen_without_a_notice_and_nothing_is_marked_by_what_is_no_snapshot(
    post: Any,
) -> None:
    assert await seen_now(post) is None
    async with post.sessions.begin() as session:
        for wrong in ("", "1:2", "2:1:", "1:9:7,2", "1:9:9", "0:9:", f"1:{2**63}:", "1:2:;"):
            with pytest.raises(SeenRefused):
                await notices.mark_all_read(session, post.person.id, wrong, post.now)


@given(st.lists(st.integers(1, 2**63 - 2), min_size=2, max_size=8).map(sorted))
def test_what_postgresql_writes_is_a_snapshot(numbers: list[int]) -> None:
    oldest, *open_, last = numbers
    written = f"{oldest}:{last + 1}:{','.join(map(str, open_))}"
    assert notices.is_snapshot(written)
    assert not notices.is_snapshot(f"{last + 1}:{oldest}:")


async def seen_now(post: Any) -> str | None:
    async with post.sessions() as session:
        return (await notices.list_notices(session, post.person.id)).seen


async def left_after(post: Any, seen: str | None) -> list[UUID]:
    """What is still unread when all of that has been marked."""
    assert seen is not None
    async with post.sessions.begin() as session:
        await notices.mark_all_read(session, post.person.id, seen, post.now)
        page = await notices.list_notices(session, post.person.id, only_unread=True)
    return [one.id for one in page.items]


async def test_opening_what_they_are_about_reads_them(post: Any) -> None:
    about = uuid4()
    await post.queue(instance_id=about)
    other = await post.queue(instance_id=uuid4())
    async with post.sessions.begin() as session:
        await notices.mark_about_read(session, post.person.id, about, post.now)
        page = await notices.list_notices(session, post.person.id, only_unread=True)
    assert [one.id for one in page.items] == [other]


async def test_pages_follow_each_other_without_gap_or_repeat(post: Any) -> None:
    ids = [await post.queue() for _ in range(7)]
    seen: list[UUID] = []
    after: UUID | None = None
    async with post.sessions() as session:
        while True:
            page = await notices.list_notices(session, post.person.id, after=after, limit=3)
            seen += [one.id for one in page.items]
            after = page.next
            if after is None:
                break
    assert seen == ids[::-1]


async def test_the_bell_counts_no_further_than_it_shows(post: Any) -> None:
    async with post.sessions.begin() as session:
        await enqueue(session, [post.new() for _ in range(130)])
    assert await unread(post) == notices.MOST_COUNTED

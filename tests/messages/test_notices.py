"""In-app notices: mine alone, read marks, the bell, pages by key."""

from typing import Any
from uuid import UUID, uuid4

from domain.models import Person
from messages import notices
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
        found, after = await notices.list_notices(session, post.person.id)
    assert [one.id for one in found] == [waiting, sent, inside]
    assert (found[2].title, found[2].text, found[2].read_at) == ("题", "文", None)
    assert after is None
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
        [found] = (await notices.list_notices(session, post.person.id))[0]
    assert found.read_at == first_read
    assert (await unread(post), await unread(post, other)) == (0, 1)


async def test_reading_all_leaves_what_came_meanwhile(post: Any) -> None:
    seen = [await post.queue() for _ in range(3)]
    later = await post.queue()
    async with post.sessions.begin() as session:
        await notices.mark_all_read(session, post.person.id, seen[-1], post.now)
        found, _ = await notices.list_notices(session, post.person.id, only_unread=True)
    assert [one.id for one in found] == [later]


async def test_opening_what_they_are_about_reads_them(post: Any) -> None:
    about = uuid4()
    await post.queue(instance_id=about)
    other = await post.queue(instance_id=uuid4())
    async with post.sessions.begin() as session:
        await notices.mark_about_read(session, post.person.id, about, post.now)
        found, _ = await notices.list_notices(session, post.person.id, only_unread=True)
    assert [one.id for one in found] == [other]


async def test_pages_follow_each_other_without_gap_or_repeat(post: Any) -> None:
    ids = [await post.queue() for _ in range(7)]
    seen: list[UUID] = []
    after: UUID | None = None
    async with post.sessions() as session:
        while True:
            found, after = await notices.list_notices(session, post.person.id, after=after, limit=3)
            seen += [one.id for one in found]
            if after is None:
                break
    assert seen == ids[::-1]


async def test_the_bell_counts_no_further_than_it_shows(post: Any) -> None:
    async with post.sessions.begin() as session:
        await enqueue(session, [post.new() for _ in range(130)])
    assert await unread(post) == notices.MOST_COUNTED

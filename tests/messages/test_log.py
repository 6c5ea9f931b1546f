"""The log of messages, and the health of routes: everything but whom and what."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from db.ids import uuid7
from messages import log
from messages.log import RouteHealth, Wanted
from messages.routes import MemoryRoute
from messages.texts import Text, by_sms
from sending import AddressRefused, OperatorNeeded, TryLater, Uncertain


async def ids(post: Any, **wanted: Any) -> list[UUID]:
    async with post.sessions() as session:
        return [one.id for one in (await log.list_messages(session, Wanted(**wanted)))[0]]


async def test_it_is_filtered_by_each_of_its_columns(post: Any) -> None:
    post.routes = [post.sms, MemoryRoute("mail", "smtp")]
    await post.give_addresses(mail="a@example.cn")
    post.sms.failures = [AddressRefused("memory", "blacklisted")]
    instance = uuid4()
    failed = await post.queue(template="returned", process="issue", instance_id=instance)
    await post.deliver(failed)
    post.wait(days=1)
    mailed = await post.queue(text=Text("题", "文", channels=("mail",)), process="registration")
    await post.deliver(mailed)
    assert await ids(post) == [mailed, failed]
    assert await ids(post, state="failed") == [failed]
    assert await ids(post, state="sent", channel="mail") == [mailed]
    assert await ids(post, provider="memory") == [failed]
    assert await ids(post, template="returned") == await ids(post, process="issue") == [failed]
    assert await ids(post, instance_id=instance) == [failed]
    assert await ids(post, since=post.now) == [mailed]
    assert await ids(post, until=post.now) == [failed]
    assert await ids(post, state="failed", channel="mail") == []
    assert await ids(post, state="' OR true --") == []


async def test_pages_follow_each_other(post: Any) -> None:
    written = [await post.queue() for _ in range(5)]
    seen: list[UUID] = []
    after: UUID | None = None
    async with post.sessions() as session:
        while True:
            lines, after = await log.list_messages(session, Wanted(), after, 2)
            seen += [one.id for one in lines]
            if after is None:
                break
    assert seen == written[::-1]


async def test_neither_people_nor_words_nor_codes_are_in_it(post: Any) -> None:
    id_ = uuid7()
    sealed = await post.queue(
        id=id_,
        person_id=None,
        to_phone="+8613800000001",
        text=by_sms("题", "秘密文字"),
        params={"title": "秘密标题"},
        sealed=post.sealer.seal("493817", id_),
        is_code=True,
    )
    post.sms.failures = [RuntimeError("+8613800000001")]
    await post.deliver(sealed)
    async with post.sessions() as session:
        lines, _ = await log.list_messages(session, Wanted())
        shown = str([asdict(one) for one in [*lines, *await log.list_attempts(session, sealed)]])
    for secret in ("13800000001", "秘密", "493817", str(post.person.id)):
        assert secret not in shown


async def test_a_message_is_shown_with_its_tries(post: Any) -> None:
    id_ = await post.queue()
    post.sms.failures = [TryLater("memory", "busy", "服务商忙")]
    [retry] = await post.deliver(id_)
    post.now = retry.due_at
    await post.deliver(id_)
    async with post.sessions() as session:
        line = await log.find_message(session, id_)
        attempts = await log.list_attempts(session, id_)
        assert await log.find_message(session, uuid4()) is None
    assert line is not None and (line.state, line.tries) == ("sent", 2)
    assert [(one.outcome, one.code, one.explanation) for one in attempts] == [
        ("later", "busy", "服务商忙"),
        ("accepted", None, None),
    ]


async def test_the_health_of_a_route_is_how_its_tries_ended(post: Any) -> None:
    endings = [
        TryLater("memory", "busy"),
        AddressRefused("memory", "bad"),
        OperatorNeeded("memory", "no_balance", "余额不足"),
        Uncertain("memory", "timeout"),
    ]
    for ending in endings:
        post.sms.failures = [ending]
        await post.deliver(await post.queue())
        post.wait(seconds=1)
    await post.deliver(await post.queue())
    async with post.sessions() as session:
        [mail, sms] = await log.read_health(session, post.now, [("sms", "memory"), ("mail", "smtp")])
        later = await log.read_health(session, post.now + timedelta(days=1, seconds=1))
    assert (mail.channel, mail.accepted, mail.last_accepted_at) == ("mail", 0, None)
    assert (sms.accepted, sms.later, sms.refused, sms.operator, sms.uncertain) == (1, 1, 1, 1, 1)
    assert (sms.last_accepted_at, sms.last_code) == (post.now, "timeout")
    assert later == [], "yesterday is over"
    assert isinstance(sms, RouteHealth)


async def test_what_was_given_up_is_sent_again_as_if_it_had_not_been_tried(post: Any) -> None:
    id_ = await post.queue()
    post.sms.failures = [AddressRefused("memory", "blacklisted")]
    await post.deliver(id_)
    post.wait(hours=1)
    async with post.sessions.begin() as session:
        line = await log.find_message(session, id_)
        assert line is not None and line.may_send_again
        assert await log.send_again(session, id_, post.person.id, post.now)
        assert not await log.send_again(session, id_, post.person.id, post.now)
    row = await post.follow(id_)
    assert (row.state, row.again_by, row.tries) == ("sent", post.person.id, 2)
    assert await post.story(id_) == [("memory", "refused", None), ("memory", "accepted", None)]


async def test_an_uncertain_one_is_sent_again_when_somebody_wants_it(post: Any) -> None:
    id_ = await post.queue()
    post.sms.failures_after = [Uncertain("memory", "timeout")]
    post.sms.silences = [Uncertain("memory", "cannot_tell")]
    [retry] = await post.deliver(id_)
    post.now = retry.due_at
    assert (await post.follow(id_)).state == "uncertain"
    post.wait(hours=1)
    async with post.sessions.begin() as session:
        assert await log.send_again(session, id_, post.person.id, post.now)
    assert (await post.follow(id_)).state == "sent"
    assert len(post.sms.sent) == 2


async def test_a_code_and_what_is_under_way_are_not_sent_again(post: Any) -> None:
    waiting = await post.queue()
    code = await post.queue(
        person_id=None, to_phone="+8613800000001", text=by_sms("码", "码"), is_code=True, dead=True
    )
    async with post.sessions.begin() as session:
        for id_ in (waiting, code, uuid4()):
            assert not await log.send_again(session, id_, post.person.id, post.now)

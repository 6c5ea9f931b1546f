"""Delivery: claim, commit, send, record. Nothing is lost when a worker dies in between, nothing is sent twice without need."""

import asyncio
import math
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event, select
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.models import Person
from messages.claiming import STALE_AFTER
from messages.models import DemoInbox
from messages.outbox import enqueue
from messages.routes import DemoRoute, MemoryRoute, Outgoing
from messages.routing import BACK_OFF_S
from messages.texts import Text
from sending import AddressRefused, Receipt, TryLater


class Dying(MemoryRoute):
    """As a worker that is killed: nothing after the send happens; with `takes` the provider has it all the same."""

    takes = False

    async def send(self, message: Outgoing) -> Receipt:
        if self.takes:
            self.sent.append(message)
        raise asyncio.CancelledError


async def test_many_messages_and_their_job_are_one_statement(post: Any, engine: AsyncEngine) -> None:
    statements: list[str] = []
    event.listen(engine.sync_engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    messages = [post.new() for _ in range(20)]
    async with post.sessions.begin() as session:
        await enqueue(session, messages)
    assert len(statements) == 1
    [(task, arguments)] = await post.jobs()
    assert task == "deliver_messages"
    assert arguments == {"ids": [str(message.id) for message in messages]}


async def test_a_rolled_back_step_leaves_neither_message_nor_job(post: Any) -> None:
    async with post.sessions() as session:
        await enqueue(session, [post.new()])
        await session.rollback()
    assert await post.jobs() == []
    assert await post.delivery.find_forgotten() == []


async def test_a_message_is_delivered_once_and_recorded_with_its_try(post: Any) -> None:
    id_ = await post.queue()
    post.wait(seconds=1)
    for _ in range(2):
        assert await post.deliver(id_) == []
    assert [(one.message_id, one.to, one.text) for one in post.sms.sent] == [
        (id_, "+8613800000001", "已有办理结果")
    ]
    row = await post.read(id_)
    assert (row.state, row.channel, row.provider, row.reference) == ("sent", "sms", "memory", "1")
    assert (row.sent_at, row.tries, row.error) == (post.now, 1, None)
    [attempt] = await post.tries(id_)
    assert (attempt.outcome, attempt.reference, attempt.at, attempt.ended_at) == (
        "accepted",
        "1",
        post.now,
        post.now,
    )


async def test_no_transaction_is_open_while_sending_and_the_try_is_already_written(post: Any) -> None:
    states: list[Any] = []

    class Looking(MemoryRoute):
        async def send(self, message: Outgoing) -> Receipt:
            # another connection sees the claim
            states.append(((await post.read(message.message_id)).state, await post.story(message.message_id)))
            return Receipt("memory", "1")

    post.routes = [Looking()]
    await post.deliver(await post.queue())
    assert states == [("sending", [("memory", None, None)])]


async def test_without_a_route_messages_wait_and_codes_expire(post: Any) -> None:
    sealed = post.sealer.seal("123456", uuid4())
    notice = await post.queue()
    code = await post.queue(sealed=sealed, is_code=True, expires_at=post.now + timedelta(minutes=5))
    routes, post.routes = post.routes, []
    for _ in range(10):
        assert await post.deliver(notice, code) == []
        post.wait(hours=3)
        assert await post.delivery.find_forgotten() == []
    row, expired = await post.read(notice), await post.read(code)
    assert (row.state, row.tries) == ("queued", 0)
    assert (expired.state, expired.secret) == ("expired", None)
    post.routes = routes
    assert await post.delivery.find_forgotten() == [notice]
    await post.deliver(notice)
    assert (await post.read(notice)).state == "sent"


async def test_two_workers_deliver_a_message_once(post: Any) -> None:
    ids = [await post.queue() for _ in range(15)]
    await asyncio.gather(*(post.deliver(*ids) for _ in range(4)))
    assert sorted(one.message_id for one in post.sms.sent) == sorted(ids)


@pytest.mark.parametrize("sent_before_it_died", [False, True])
async def test_a_worker_that_dies_between_claim_and_record_loses_and_doubles_nothing(
    post: Any, sent_before_it_died: bool
) -> None:
    id_ = await post.queue()
    dying = Dying()
    dying.takes = sent_before_it_died
    post.routes = [dying]
    with pytest.raises(asyncio.CancelledError):
        await post.deliver(id_)
    assert (await post.read(id_)).state == "sending"

    survivor = MemoryRoute(sent=dying.sent)
    post.routes = [survivor]
    post.now += STALE_AFTER - timedelta(seconds=1)
    assert await post.delivery.find_forgotten() == []
    assert await post.deliver(id_) == []
    assert survivor.asked == [], "the claim is fresh: somebody may still be sending"

    post.wait(seconds=1)
    assert await post.delivery.find_forgotten() == [id_]
    row = await post.follow(id_)
    assert survivor.asked == [id_], "asked before anything is sent again"
    assert [one.message_id for one in survivor.sent] == [id_]
    assert row.state == "sent"
    first, *rest = await post.story(id_)
    assert first == ("memory", "uncertain", "found" if sent_before_it_died else "not_known")
    assert rest == ([] if sent_before_it_died else [("memory", "accepted", None)])
    assert (await post.tries(id_))[0].code == "worker_died"


async def test_a_route_that_repeats_safely_is_repeated_and_not_asked(post: Any) -> None:
    id_ = await post.queue()
    dying = Dying(window_s=math.inf)
    dying.takes = True
    post.routes = [dying]
    with pytest.raises(asyncio.CancelledError):
        await post.deliver(id_)
    survivor = MemoryRoute(window_s=math.inf, sent=dying.sent)
    post.routes = [survivor]
    post.now += STALE_AFTER
    assert (await post.follow(id_)).state == "sent"
    assert survivor.asked == []
    assert len(survivor.sent) == 1
    assert await post.story(id_) == [("memory", "uncertain", "repeated"), ("memory", "accepted", None)]


async def test_a_worker_that_was_only_slow_does_not_overwrite_the_later_try(post: Any) -> None:
    class Slow(MemoryRoute):
        async def send(self, message: Outgoing) -> Receipt:
            post.now += STALE_AFTER
            post.routes = [MemoryRoute()]
            await post.follow(message.message_id)
            raise TryLater("memory", "timeout")

    id_ = await post.queue()
    post.routes = [Slow()]
    await post.deliver(id_)
    row = await post.read(id_)
    assert (row.state, row.error) == ("sent", None)
    assert await post.story(id_) == [("memory", "uncertain", "not_known"), ("memory", "accepted", None)]


async def test_a_slow_worker_whose_message_was_taken_after_all_has_the_last_word(post: Any) -> None:
    class Slow(MemoryRoute):
        async def send(self, message: Outgoing) -> Receipt:
            post.now += STALE_AFTER
            post.routes = [MemoryRoute(ask_after_s=600)]
            [retry] = await post.deliver(message.message_id)
            assert (await post.read(message.message_id)).state == "asking"
            assert retry.due_at > post.now
            return Receipt("memory", "slow but sure")

    id_ = await post.queue()
    post.routes = [Slow()]
    assert await post.deliver(id_) == []
    row = await post.read(id_)
    assert (row.state, row.reference) == ("sent", "slow but sure")
    assert await post.story(id_) == [("memory", "accepted", None)]


async def test_a_worker_that_was_slow_leaves_alone_what_another_is_sending(post: Any) -> None:
    class Slow(MemoryRoute):
        async def send(self, message: Outgoing) -> Receipt:
            post.now += STALE_AFTER
            post.routes = [Dying(window_s=math.inf)]
            with pytest.raises(asyncio.CancelledError):
                await post.deliver(message.message_id)
            raise AddressRefused("memory", "blacklisted")

    id_ = await post.queue()
    post.routes = [Slow()]
    await post.deliver(id_)
    row = await post.read(id_)
    assert (row.state, row.tries, row.sent_at) == ("sending", 2, None)


async def test_what_failed_is_tried_again_later_and_later_and_then_given_up(post: Any) -> None:
    id_ = await post.queue()
    post.sms.failures = [TryLater("memory", "busy", "服务商忙")] * 9
    waits = []
    for _ in range(len(BACK_OFF_S)):
        [retry] = await post.deliver(id_)
        assert (await post.read(id_)).state == "queued"
        waits.append((retry.due_at - post.now).total_seconds())
        post.now = retry.due_at
    assert tuple(waits) == BACK_OFF_S
    assert await post.deliver(id_) == []
    row = await post.read(id_)
    assert (row.state, row.error, row.tries) == ("failed", "memory: busy (服务商忙)", 6)


async def test_a_provider_that_says_when_is_not_asked_earlier(post: Any) -> None:
    id_ = await post.queue()
    post.sms.failures = [TryLater("memory", "busy", after_s=900)]
    [retry] = await post.deliver(id_)
    assert retry.due_at == post.now + timedelta(seconds=900)
    post.wait(seconds=899)
    assert await post.deliver(id_) == []
    assert post.sms.sent == []


async def test_what_is_refused_is_not_tried_again(post: Any) -> None:
    id_ = await post.queue()
    post.sms.failures = [AddressRefused("memory", "blacklisted")]
    assert await post.deliver(id_) == []
    assert (await post.read(id_)).state == "failed"


async def test_one_failure_does_not_stop_the_others_and_may_have_been_sent(post: Any) -> None:
    ids = [await post.queue() for _ in range(3)]
    post.sms.failures = [RuntimeError("a bug in an adapter, with the phone +8613800000001 in its text")]
    [retry] = await post.deliver(*ids)
    [wrong] = [id_ for id_ in ids if (await post.read(id_)).state == "asking"]
    assert retry.message_id == wrong
    assert {one.message_id for one in post.sms.sent} == set(ids) - {wrong}
    row = await post.read(wrong)
    assert row.error is not None and row.error.startswith("memory: RuntimeError")
    assert "13800000001" not in row.error
    post.now = retry.due_at
    assert (await post.follow(wrong)).state == "sent"


async def test_a_retry_whose_job_was_lost_is_found(post: Any) -> None:
    id_ = await post.queue()
    post.sms.failures = [TryLater("memory", "busy")]
    await post.deliver(id_)
    post.now += STALE_AFTER
    assert await post.delivery.find_forgotten() == [], "its own job may still come"
    post.wait(seconds=BACK_OFF_S[0])
    assert await post.delivery.find_forgotten() == [id_]


async def test_a_message_to_somebody_who_is_gone_fails_for_good(post: Any) -> None:
    id_ = await post.queue()
    async with post.sessions.begin() as session:
        person = await session.get(Person, post.person.id)
        assert person is not None
        person.active = False
    assert await post.deliver(id_) == []
    row = await post.read(id_)
    assert (row.state, row.error, row.tries) == ("failed", "recipient_gone", 0)


async def test_what_nobody_wants_on_a_telephone_is_kept_for_when_they_come(post: Any) -> None:
    inside = await post.queue(text=Text("题", "文", channels=()))
    unreachable = await post.queue(text=Text("题", "文", channels=("wechat", "mail")))
    assert (await post.read(inside)).state == "kept"
    post.routes = [MemoryRoute("wechat"), MemoryRoute("mail")]
    assert await post.deliver(inside, unreachable) == []
    assert (await post.read(unreachable)).state == "kept"
    assert post.routes[0].sent == post.routes[1].sent == []


async def test_a_job_ends_after_its_time_and_the_rest_is_due_at_once(post: Any) -> None:
    ids = [await post.queue() for _ in range(25)]

    class Slow(MemoryRoute):
        async def send(self, message: Outgoing) -> Receipt:
            post.now += timedelta(seconds=1)
            return await MemoryRoute.send(self, message)

    post.routes = [Slow()]
    rest = await post.delivery.deliver(ids, until=post.now + timedelta(seconds=10))
    assert [(one.message_id, one.due_at) for one in rest] == [(id_, post.now) for id_ in ids[10:]]


async def test_the_demo_delivers_each_message_once_and_knows_what_it_has(post: Any) -> None:
    route = DemoRoute("sms", post.sessions)
    message = Outgoing(uuid4(), "+8613800000001", "answered", "题", "文字", post.now)
    assert await route.find(message, post.now) is None
    for _ in range(2):
        await route.send(message)
    async with post.sessions() as session:
        rows = (await session.scalars(select(DemoInbox))).all()
    assert [(row.to, row.channel, row.text, row.code) for row in rows] == [
        ("13800000001", "sms", "文字", None)
    ]
    assert await route.find(message, post.now) == Receipt("demo", str(message.message_id))

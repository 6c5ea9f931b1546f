"""Delivery: claim, commit, send, record. Nothing is lost when a worker dies in between, nothing is sent twice without need."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.models import Person
from messages.channels import DemoChannel, MemoryChannel, Outgoing
from messages.codes import CodeOutbox
from messages.delivery import BACK_OFF_S, STALE_AFTER
from messages.exceptions import SendFailed, SendRefused
from messages.models import DemoInbox
from messages.outbox import enqueue
from messages.sealing import Sealer


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


async def test_a_message_is_delivered_once_and_recorded(post: Any) -> None:
    id_ = await post.queue()
    post.wait(seconds=1)
    for _ in range(2):
        assert await post.delivery.deliver([id_]) == []
    assert [(one.message_id, one.to, one.text) for one in post.channel.sent] == [
        (id_, "+8613800000001", "已有办理结果")
    ]
    row = await post.read(id_)
    assert (row.state, row.channel, row.sent_at, row.tries) == ("sent", "memory", post.now, 1)


async def test_no_transaction_is_open_while_sending(post: Any) -> None:
    states: list[str] = []

    class Looking(MemoryChannel):
        async def send(self, message: Outgoing) -> None:
            states.append((await post.read(message.message_id)).state)  # another connection sees the claim

    post.channel = Looking()
    await post.delivery.deliver([await post.queue()])
    assert states == ["sending"]


async def test_without_a_channel_messages_wait_and_codes_expire(post: Any) -> None:
    sealed = post.sealer.seal("123456", uuid4())
    notice = await post.queue()
    code = await post.queue(sealed=sealed, expires_at=post.now + timedelta(minutes=5))
    post.channel, channel = None, post.channel
    for _ in range(10):
        assert await post.delivery.deliver([notice, code]) == []
        post.wait(hours=3)
        assert await post.delivery.find_forgotten() == []
    row, expired = await post.read(notice), await post.read(code)
    assert (row.state, row.tries) == ("queued", 0)
    assert (expired.state, expired.secret) == ("expired", None)
    post.channel = channel
    assert await post.delivery.find_forgotten() == [notice]
    await post.delivery.deliver([notice])
    assert (await post.read(notice)).state == "sent"


async def test_two_workers_deliver_a_message_once(post: Any) -> None:
    ids = [await post.queue() for _ in range(5)]
    await asyncio.gather(*(post.delivery.deliver(ids) for _ in range(4)))
    assert sorted(one.message_id for one in post.channel.sent) == sorted(ids)


async def test_a_worker_that_dies_between_claim_and_record_loses_nothing(post: Any) -> None:
    class Dying(MemoryChannel):
        async def send(self, message: Outgoing) -> None:
            raise asyncio.CancelledError  # as a killed process: nothing after this line happens

    id_ = await post.queue()
    survivor, post.channel = post.channel, Dying()
    with pytest.raises(asyncio.CancelledError):
        await post.delivery.deliver([id_])
    assert (await post.read(id_)).state == "sending"

    post.channel = survivor
    post.now += STALE_AFTER - timedelta(seconds=1)
    assert await post.delivery.find_forgotten() == []
    assert await post.delivery.deliver([id_]) == []
    assert survivor.sent == [], "the claim is fresh: somebody may still be sending"

    post.wait(seconds=1)
    assert await post.delivery.find_forgotten() == [id_]
    await post.delivery.deliver([id_])
    assert [one.message_id for one in survivor.sent] == [id_]
    assert ((await post.read(id_)).state, (await post.read(id_)).tries) == ("sent", 2)


async def test_a_worker_that_was_only_slow_does_not_overwrite_the_later_try(post: Any) -> None:
    class Slow(MemoryChannel):
        async def send(self, message: Outgoing) -> None:
            post.now += STALE_AFTER
            post.channel = MemoryChannel()
            await post.delivery.deliver([message.message_id])
            raise SendFailed("timeout")

    id_ = await post.queue()
    post.channel = Slow()
    await post.delivery.deliver([id_])
    row = await post.read(id_)
    assert (row.state, row.tries, row.error) == ("sent", 2, None)


async def test_a_worker_that_was_slow_leaves_alone_what_another_is_sending(post: Any) -> None:
    class Dying(MemoryChannel):
        async def send(self, message: Outgoing) -> None:
            raise asyncio.CancelledError

    class Slow(MemoryChannel):
        async def send(self, message: Outgoing) -> None:
            post.now += STALE_AFTER
            post.channel = Dying()
            with pytest.raises(asyncio.CancelledError):
                await post.delivery.deliver([message.message_id])

    id_ = await post.queue()
    post.channel = Slow()
    await post.delivery.deliver([id_])
    row = await post.read(id_)
    assert (row.state, row.tries, row.sent_at) == ("sending", 2, None)


async def test_what_failed_is_tried_again_later_and_later_and_then_given_up(post: Any) -> None:
    id_ = await post.queue()
    post.channel.failures = [SendFailed("busy")] * 9
    waits = []
    for _ in range(len(BACK_OFF_S)):
        [retry] = await post.delivery.deliver([id_])
        assert (await post.read(id_)).state == "queued"
        waits.append(retry.in_s)
        post.wait(seconds=retry.in_s)
    assert tuple(waits) == BACK_OFF_S
    assert await post.delivery.deliver([id_]) == []
    row = await post.read(id_)
    assert (row.state, row.error) == ("failed", "SendFailed: busy")


async def test_what_is_refused_is_not_tried_again(post: Any) -> None:
    id_ = await post.queue()
    post.channel.failures = [SendRefused("blacklisted")]
    assert await post.delivery.deliver([id_]) == []
    assert (await post.read(id_)).state == "failed"


async def test_one_failure_does_not_stop_the_others(post: Any) -> None:
    ids = [await post.queue() for _ in range(3)]
    post.channel.failures = [RuntimeError("a bug in an adapter")]
    retries = await post.delivery.deliver(ids)
    assert [one.message_id for one in retries] == ids[:1]
    assert [one.message_id for one in post.channel.sent] == ids[1:]


async def test_a_retry_whose_job_was_lost_is_found(post: Any) -> None:
    id_ = await post.queue()
    post.channel.failures = [SendFailed("busy")]
    await post.delivery.deliver([id_])
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
    assert await post.delivery.deliver([id_]) == []
    assert (await post.read(id_)).state == "failed"


async def test_the_demo_channel_delivers_each_message_once(post: Any) -> None:
    post.channel = DemoChannel(post.sessions)
    message = Outgoing(uuid4(), "+8613800000001", "answered", "文字", post.now)
    for _ in range(2):
        await post.channel.send(message)
    async with post.sessions() as session:
        rows = (await session.scalars(select(DemoInbox))).all()
    assert [(row.to, row.channel, row.text, row.code) for row in rows] == [
        ("13800000001", "sms", "文字", None)
    ]


class TestCodes:
    """A code is sealed until it is sent or has expired, then erased."""

    @staticmethod
    async def queue(post: Any, *, deliver: bool = True) -> Any:
        async with post.sessions.begin() as session:
            await CodeOutbox(post.sealer)(
                session,
                phone="+8613800000001",
                person_id=post.person.id,
                purpose="sign_in",
                code="493817",
                deliver=deliver,
                expires_at=post.now + timedelta(minutes=5),
                now=post.now,
            )
            return await session.scalar(text("SELECT id FROM message"))

    async def test_the_digits_lie_nowhere_in_clear_and_reach_the_phone(self, post: Any, caplog: Any) -> None:
        id_ = await self.queue(post)
        async with post.sessions() as session:
            everything = await session.scalar(
                text(
                    "SELECT (SELECT row_to_json(m)::text FROM message m)"
                    " || (SELECT string_agg(args::text, '') FROM procrastinate_jobs)"
                )
            )
        assert "493817" not in everything
        await post.delivery.deliver([id_])
        assert [one.code for one in post.channel.sent] == ["493817"]
        assert "493817" not in post.channel.sent[0].text
        assert "493817" not in caplog.text
        assert (await post.read(id_)).secret is None

    async def test_an_expired_code_is_never_sent_and_is_erased(self, post: Any) -> None:
        id_ = await self.queue(post)
        post.wait(minutes=5)
        await post.delivery.deliver([id_])
        assert post.channel.sent == []
        await post.delivery.find_forgotten()
        row = await post.read(id_)
        assert (row.state, row.secret) == ("expired", None)

    async def test_a_failed_code_is_kept_for_the_retry_and_erased_when_given_up(self, post: Any) -> None:
        id_ = await self.queue(post)
        post.channel.failures = [SendFailed("busy"), SendRefused("blacklisted")]
        await post.delivery.deliver([id_])
        assert (await post.read(id_)).secret is not None
        post.wait(seconds=10)
        await post.delivery.deliver([id_])
        assert (await post.read(id_)).secret is None

    async def test_a_code_for_nobody_goes_through_the_same_motions_and_is_not_sent(self, post: Any) -> None:
        id_ = await self.queue(post, deliver=False)
        assert len(await post.jobs()) == 1
        await post.delivery.deliver([id_])
        assert post.channel.sent == []
        assert (await post.read(id_)).state == "expired"

    async def test_another_servers_seal_does_not_open(self, post: Any) -> None:
        id_ = await self.queue(post)
        post.sealer = Sealer(b"another secret")
        assert await post.delivery.deliver([id_]) == []
        assert (await post.read(id_)).state == "failed"


def test_a_seal_is_good_for_its_message_only() -> None:
    sealer, one, other = Sealer(b"s"), uuid4(), uuid4()
    sealed = sealer.seal("493817", one)
    assert sealer.open(sealed, one) == "493817"
    assert sealer.open(sealed, other) is None
    assert sealer.seal("493817", one) != sealed

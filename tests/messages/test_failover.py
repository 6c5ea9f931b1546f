"""From one route to the next: each kind of failure, and that the log says why."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from db.ids import uuid7
from messages import alarms
from messages.models import MessageAlarm
from messages.routes import MemoryRoute
from messages.texts import Text, by_sms
from sending import AddressRefused, OperatorNeeded, Report, TryLater, Uncertain

EVERYWHERE = Text("有结果了", "问题 QL1 已有办理结果", channels=("wechat", "sms", "mail"), sms="已有办理结果")


@pytest.fixture
async def everywhere(post: Any) -> Any:
    """A post with a route for each channel, to somebody who has all three."""
    await post.give_addresses(mail="zhang@example.cn", openid="o-1")
    post.wechat, post.mail = MemoryRoute("wechat", "account"), MemoryRoute("mail", "smtp")
    post.routes = [post.wechat, post.sms, post.mail]
    return post


async def queue(post: Any) -> UUID:
    return await post.queue(text=EVERYWHERE)


async def queue_code(post: Any) -> UUID:
    id_ = uuid7()
    return await post.queue(
        id=id_,
        is_code=True,
        to_phone="+8613800000001",
        person_id=None,
        text=by_sms("码", "验证码"),
        sealed=post.sealer.seal("493817", id_),
        expires_at=post.now + timedelta(minutes=5),
    )


async def test_each_channel_gets_its_own_address_and_words(everywhere: Any) -> None:
    post = everywhere
    id_ = await queue(post)
    post.wechat.failures = [AddressRefused("account", "43004")]
    post.sms.failures = [AddressRefused("memory", "blacklisted")]
    await post.deliver(id_)
    assert [(one.to, one.text) for one in post.mail.sent] == [("zhang@example.cn", "问题 QL1 已有办理结果")]
    assert await post.story(id_) == [
        ("account", "refused", None),
        ("memory", "refused", None),
        ("smtp", "accepted", None),
    ]
    assert [one.code for one in await post.tries(id_)] == ["43004", "blacklisted", None]
    assert (await post.read(id_)).channel == "mail"
    other = await queue(post)
    post.wechat.failures = [AddressRefused("account", "43004")]
    await post.deliver(other)
    assert [(one.to, one.text) for one in post.sms.sent] == [("+8613800000001", "已有办理结果")]


async def test_who_is_bound_gets_it_on_wechat_alone(everywhere: Any) -> None:
    await everywhere.deliver(await queue(everywhere))
    assert [one.to for one in everywhere.wechat.sent] == ["o-1"]
    assert everywhere.sms.sent == everywhere.mail.sent == []


async def test_a_busy_channel_is_waited_for_three_times(everywhere: Any) -> None:
    post = everywhere
    id_ = await queue(post)
    post.wechat.failures = [TryLater("account", "-1")] * 3
    started = post.now
    assert (await post.follow(id_)).channel == "sms"
    assert post.now - started == timedelta(seconds=10 + 60)


async def test_what_an_operator_must_do_is_an_alarm_once_and_the_next_way_is_taken(everywhere: Any) -> None:
    post = everywhere
    post.wechat.failures = [OperatorNeeded("account", "40164", "IP 不在白名单")] * 2
    for _ in range(2):
        await post.deliver(await queue(post))
    assert len(post.sms.sent) == 2
    async with post.sessions() as session:
        [alarm] = await alarms.list_open(session)
    assert (alarm.channel, alarm.provider, alarm.code, alarm.count) == ("wechat", "account", "40164", 2)
    assert alarm.explanation == "IP 不在白名单"

    await post.deliver(await queue(post))  # it works again
    async with post.sessions() as session:
        assert await alarms.list_open(session) == []
        [closed] = await session.scalars(select(MessageAlarm))
    assert closed.closed_at == post.now


async def test_an_alarm_is_acknowledged_once_and_stays_open(everywhere: Any) -> None:
    post = everywhere
    post.wechat.failures = [OperatorNeeded("account", "40164")]
    await post.deliver(await queue(post))
    async with post.sessions.begin() as session:
        [alarm] = await alarms.list_open(session)
        assert await alarms.acknowledge(session, alarm.id, post.person.id, post.now)
        assert not await alarms.acknowledge(session, alarm.id, post.person.id, post.now)
        [alarm] = await alarms.list_open(session)
    assert (alarm.acknowledged_by, alarm.acknowledged_at) == (post.person.id, post.now)


async def test_without_another_way_a_notice_waits_for_the_operator(post: Any) -> None:
    id_ = await post.queue()
    post.sms.failures = [OperatorNeeded("memory", "no_balance")] * 2
    [retry] = await post.deliver(id_)
    assert retry.due_at == post.now + timedelta(minutes=30)
    assert (await post.read(id_)).state == "queued"
    post.now = retry.due_at
    assert (await post.follow(id_)).state == "sent"


@pytest.mark.parametrize(
    "failure", [TryLater("one", "busy"), OperatorNeeded("one", "no_balance"), AddressRefused("one", "bad")]
)
async def test_a_code_goes_by_the_other_provider_at_once(post: Any, failure: Exception) -> None:
    one, two = MemoryRoute(provider="one", failures=[failure]), MemoryRoute(provider="two")
    post.routes = [one, two]
    id_ = await queue_code(post)
    assert await post.deliver(id_) == []
    assert [sent.code for sent in two.sent] == ["493817"]
    row = await post.read(id_)
    assert (row.state, row.provider, row.secret) == ("sent", "two", None)


async def test_the_next_codes_do_not_wait_for_a_provider_in_trouble(post: Any) -> None:
    one = MemoryRoute(provider="one", failures_after=[Uncertain("one", "timeout")])
    two = MemoryRoute(provider="two")
    post.routes = [one, two]
    first = await queue_code(post)
    await post.deliver(first)
    assert (await post.read(first)).state == "asking", "it may have been sent"
    post.wait(seconds=30)
    await post.deliver(await queue_code(post))
    assert (len(one.sent), len(two.sent)) == (1, 1)
    post.wait(seconds=61)
    await post.deliver(await queue_code(post))
    assert len(one.sent) == 2, "a minute later it gets another chance"


async def test_a_code_goes_by_sms_or_not_at_all(everywhere: Any) -> None:
    post = everywhere
    id_ = await queue_code(post)
    post.sms.failures = [AddressRefused("memory", "blacklisted")]
    assert await post.deliver(id_) == []
    assert post.wechat.sent == post.mail.sent == []
    row = await post.read(id_)
    assert (row.state, row.secret) == ("failed", None)


class TestUncertain:
    """What may have been sent is never sent again blindly."""

    async def test_found_is_sent_and_nothing_else_happens(self, everywhere: Any) -> None:
        post = everywhere
        id_ = await queue(post)
        post.wechat.failures_after = [Uncertain("account", "timeout")]
        [retry] = await post.deliver(id_)
        assert (await post.read(id_)).state == "asking"
        post.now = retry.due_at
        row = await post.follow(id_)
        assert (row.state, row.channel, row.reference) == ("sent", "wechat", "1")
        assert await post.story(id_) == [("account", "uncertain", "found")]
        assert len(post.wechat.sent) == 1
        assert post.sms.sent == []

    async def test_not_known_is_sent_again(self, post: Any) -> None:
        id_ = await post.queue()
        post.sms.failures = [Uncertain("memory", "timeout")]
        [retry] = await post.deliver(id_)
        post.now = retry.due_at
        assert (await post.follow(id_)).state == "sent"
        assert await post.story(id_) == [("memory", "uncertain", "not_known"), ("memory", "accepted", None)]

    async def test_it_is_not_asked_before_an_answer_is_worth_anything(self, post: Any) -> None:
        post.routes = [MemoryRoute(ask_after_s=120, failures=[Uncertain("memory", "timeout")])]
        [retry] = await post.deliver(await post.queue())
        assert retry.due_at == post.now + timedelta(seconds=120)

    async def test_no_certainty_is_the_end_and_the_log_says_so(self, everywhere: Any) -> None:
        post = everywhere
        id_ = await queue(post)
        post.wechat.failures_after = [Uncertain("account", "timeout")]
        post.wechat.silences = [Uncertain("account", "cannot_tell", "对方不能确认")]
        [retry] = await post.deliver(id_)
        post.now = retry.due_at
        assert (await post.follow(id_)).state == "uncertain"
        assert post.sms.sent == post.mail.sent == []
        [attempt] = await post.tries(id_)
        assert (attempt.answer, attempt.explanation) == ("cannot_tell", "对方不能确认")

    async def test_a_provider_that_never_answers_is_asked_later_and_later_and_then_no_more(
        self, post: Any
    ) -> None:
        id_ = await post.queue()
        post.sms.failures_after = [Uncertain("memory", "timeout")]
        post.sms.silences = [TryLater("memory", "down")] * 20
        [retry] = await post.deliver(id_)
        post.now = retry.due_at
        assert (await post.follow(id_)).state == "uncertain"
        [attempt] = await post.tries(id_)
        assert (attempt.asks, attempt.answer) == (6, "cannot_tell")
        assert len(post.sms.sent) == 1

    async def test_a_code_that_may_have_been_sent_is_erased_when_it_expires(self, post: Any) -> None:
        post.routes = [MemoryRoute(ask_after_s=120, failures_after=[Uncertain("memory", "timeout")])]
        id_ = await queue_code(post)
        await post.deliver(id_)
        assert (await post.read(id_)).secret is not None
        post.wait(minutes=5)
        await post.delivery.find_forgotten()
        row = await post.read(id_)
        assert (row.state, row.secret) == ("expired", None)
        assert len(post.routes[0].sent) == 1

    async def test_a_route_that_is_no_more_cannot_be_asked(self, post: Any) -> None:
        id_ = await post.queue()
        post.sms.failures_after = [Uncertain("memory", "timeout")]
        [retry] = await post.deliver(id_)
        post.now = retry.due_at
        post.routes = [MemoryRoute(provider="another")]
        assert (await post.follow(id_)).state == "uncertain"
        assert post.routes[0].sent == []


async def test_an_uncertain_one_that_is_found_undelivered_takes_the_next_channel(everywhere: Any) -> None:
    post = everywhere

    class Knowing(MemoryRoute):
        async def find(self, message: Any, since: Any) -> Report:
            return Report("memory", "r-9", arrived=False, at=post.now, code="UNDELIV")

    post.routes = [Knowing(failures=[Uncertain("memory", "timeout")]), post.mail]
    id_ = await queue(post)
    [retry] = await post.deliver(id_)
    post.now = retry.due_at
    assert (await post.follow(id_)).channel == "mail"
    first, second = await post.tries(id_)
    assert (first.answer, first.arrived, first.report_code) == ("found", False, "UNDELIV")
    assert second.outcome == "accepted"

"""Providers in trouble, through the real adapters and servers that judge as the providers do: each kind of error, down for ten
minutes, slow, without quota; for codes and for notices. And what is wrong with what we send ourselves."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, ExitStack
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from messages.models import Message
from sms.tencent_codes import MEANINGS
from tests.messages.outside import Outside
from tests.messages.town import (
    OPENID,
    Town,
    open_town,
    outside,
    tell_a_code,
    tell_a_notice,
    tell_by_wechat,
    town,
)
from tests.sms.fake_tencent import FakeTencent, Order
from wechat.codes import CODES, TOKEN_CODES

__all__ = ["outside", "town"]


def one_of_each(kinds: Mapping[Any, Any]) -> list[Any]:
    """The first code of each kind."""
    return list({kind: code for code, kind in reversed(list(kinds.items()))}.values())


class TestEachKindOfError:
    """One code of each kind; the soak takes every code of the tables."""

    async def test_a_notice_arrives_once_whatever_tencent_says_first(self, town: Town) -> None:
        for code in one_of_each({code: meaning.kind for code, meaning in MEANINGS.items()}):
            await tell_a_notice(town, code)

    async def test_a_code_arrives_by_the_other_provider_whatever_tencent_says_first(self, town: Town) -> None:
        for code in one_of_each({code: meaning.kind for code, meaning in MEANINGS.items()}):
            await tell_a_code(town, code)

    async def test_a_notice_arrives_once_whatever_wechat_says_first(self, town: Town) -> None:
        town.without("second")
        for code in (*one_of_each({code: kind for code, (kind, _) in CODES.items()}), *map(int, TOKEN_CODES)):
            await tell_by_wechat(town, code)

    @pytest.mark.parametrize(
        ("step", "answer", "outcome"),
        [
            ("RCPT", "550 5.1.1 no such user", "refused"),
            ("RCPT", "554 5.7.1 relay access denied", "operator"),
            ("RCPT", "452 4.2.2 mailbox full", "later"),
            ("MAIL", "421 4.3.2 shutting down", "later"),
            ("MAIL", "530 5.7.0 sign in first", "operator"),
            ("DATA", "554 5.3.4 too big", "operator"),
        ],
    )
    async def test_a_notice_arrives_by_the_next_channel_or_later_whatever_the_mail_server_says(
        self, town: Town, step: str, answer: str, outcome: str
    ) -> None:
        post = town.post
        town.outside.mail.answers[step] = answer
        id_ = await town.notice("mail", "sms")
        [*retries] = await post.deliver(id_)
        [first, *_] = await post.tries(id_)
        assert (first.provider, first.outcome) == ("smtp", outcome)
        assert first.code.startswith(answer[:3])
        if outcome == "later":
            del town.outside.mail.answers[step]
            post.now = retries[0].due_at
        assert (await post.follow(id_)).state == "sent"
        assert town.arrivals() == ({"mail": 1} if outcome == "later" else {"tencent": 1})


class TestTenMinutesDown:
    """Nobody listens at the provider's address for ten minutes."""

    @pytest.fixture
    async def dark(self, post: Any, outside: Outside) -> AsyncIterator[tuple[Town, int]]:
        with FakeTencent() as gone:
            port = int(gone.endpoint.rsplit(":", 1)[1])
        async with AsyncExitStack() as stack:
            address = {"sms_tencent_endpoint": f"http://127.0.0.1:{port}"}
            yield await open_town(stack, post, outside, **address), port

    def light(self, stack: ExitStack, town: Town, port: int) -> FakeTencent:
        """It is back."""
        tencent = stack.enter_context(FakeTencent(port))
        tencent.account = town.outside.tencent.account
        return tencent

    async def test_codes_arrive_at_once_by_the_other_provider(self, dark: tuple[Town, int]) -> None:
        town, _ = dark
        for _ in range(10):
            id_ = await town.code()
            assert await town.post.deliver(id_) == []
            assert (await town.post.read(id_)).state == "sent"
            town.post.wait(minutes=1)
        assert town.arrivals() == {"second": 10}

    async def test_without_another_provider_a_code_ends_and_the_next_one_arrives_when_it_is_back(
        self, dark: tuple[Town, int]
    ) -> None:
        town, port = dark
        town.without("second")
        id_, ended = await town.code(), town.post.now + timedelta(minutes=5)
        while town.post.now < ended:
            [retry] = await town.post.deliver(id_)
            town.post.now = max(retry.due_at, town.post.now)
        assert await town.post.delivery.find_forgotten() == []
        row = await town.post.read(id_)
        assert (row.state, row.secret, town.arrivals()) == ("expired", None, {})
        town.post.wait(minutes=5)
        with ExitStack() as stack:
            self.light(stack, town, port)
            await town.post.deliver(await town.code())
        assert town.arrivals() == {"tencent": 1}

    async def test_a_notice_takes_the_next_channel_after_a_while(self, dark: tuple[Town, int]) -> None:
        town, _ = dark
        town.without("second")
        started = town.post.now
        assert (await town.post.follow(await town.notice("sms", "mail"))).state == "sent"
        assert town.arrivals() == {"mail": 1}
        assert town.post.now - started == timedelta(seconds=70)

    async def test_a_notice_without_another_channel_arrives_when_it_is_back(
        self, dark: tuple[Town, int]
    ) -> None:
        town, port = dark
        town.without("second")
        id_, back = await town.notice("sms"), town.post.now + timedelta(minutes=10)
        while town.post.now < back:
            [retry] = await town.post.deliver(id_)
            assert (await town.post.read(id_)).state == "queued"
            town.post.now = retry.due_at
        with ExitStack() as stack:
            self.light(stack, town, port)
            assert (await town.post.follow(id_)).state == "sent"
        assert town.arrivals() == {"tencent": 1}
        assert town.post.now < back + timedelta(minutes=30)


class TestSlow:
    """It takes what it is given, and answers after twenty seconds: longer than we listen."""

    @pytest.fixture
    async def slow(self, post: Any, outside: Outside) -> AsyncIterator[Town]:
        async with AsyncExitStack() as stack:
            town = await open_town(stack, post, outside, sms_timeout_s=0.3)
            outside.tencent.standing = Order(wait_s=20)
            yield town
            outside.tencent.stopping.set()  # nobody is listening any more

    async def test_a_notice_is_found_and_not_sent_twice(self, slow: Town) -> None:
        id_ = await slow.notice("sms", "mail")
        [retry] = await slow.post.deliver(id_)
        assert retry.due_at == slow.post.now + timedelta(seconds=120)
        slow.outside.tencent.standing = None
        async with asyncio.timeout(5):
            while not slow.outside.tencent.account.reports:  # until the carrier has said so
                await asyncio.sleep(0.01)
        slow.post.now = retry.due_at
        assert (await slow.post.follow(id_)).state == "sent"
        assert await slow.post.story(id_) == [("tencent", "uncertain", "found")]
        assert slow.arrivals() == {"tencent": 1}

    async def test_the_next_code_goes_by_the_other_provider(self, slow: Town) -> None:
        await slow.post.deliver(await slow.code())
        slow.post.wait(seconds=10)
        next_ = await slow.code()
        assert await slow.post.deliver(next_) == []
        assert await slow.post.story(next_) == [("second", "accepted", None)]
        assert slow.arrivals() == {"tencent": 1, "second": 1}, "the first one had been taken, and was slow"


class TestQuotaUsedUp:
    @pytest.mark.parametrize(
        "code", ["FailedOperation.InsufficientBalanceInSmsPackage", "LimitExceeded.AppDailyLimit"]
    )
    async def test_everything_goes_other_ways_and_an_alarm_says_so_until_it_is_paid(
        self, town: Town, code: str
    ) -> None:
        post, tencent = town.post, town.outside.tencent
        tencent.standing = Order(code=code)
        for _ in range(3):
            assert (await post.follow(await town.code())).state == "sent"
            assert (await post.follow(await town.notice("sms", "mail"))).state == "sent"
        assert town.arrivals() == {"second": 6}
        town.without("second")
        assert (await post.follow(await town.notice("sms", "mail"))).state == "sent"
        assert town.arrivals() == {"mail": 1}
        [alarm] = await town.alarms()
        assert (alarm.provider, alarm.code, alarm.explanation) == ("tencent", code, alarm.explanation)
        waiting = await town.notice("sms")
        [retry] = await post.deliver(waiting)
        assert retry.due_at - post.now == timedelta(minutes=30)
        tencent.standing = None
        post.now = retry.due_at
        assert (await post.follow(waiting)).state == "sent"
        assert (town.arrivals(), await town.alarms()) == ({"tencent": 1}, [])

    async def test_when_wechat_has_no_more_calls_today_notices_go_by_sms(self, town: Town) -> None:
        town.outside.wechat.answer_next("template/send", *[45009] * 3)
        for _ in range(3):
            assert (await town.post.follow(await town.notice("wechat", "sms"))).state == "sent"
        assert town.arrivals() == {"tencent": 3}
        [alarm] = await town.alarms()
        assert (alarm.provider, alarm.code, alarm.count) == ("wechat", "45009", 3)


class TestBadInput:
    """Each is named and recorded, and the ones beside it arrive."""

    async def test_wrong_templates_and_missing_parameters_are_named(self, town: Town) -> None:
        """The file maps what the provider does not have, nothing at all, too few parameters, and some that nobody fills."""
        town.without("second")
        cases = {
            "unmapped": "TemplateNotMapped",
            "unknown": "FailedOperation.TemplateUnapprovedOrNotExist",
            "incomplete": "FailedOperation.TemplateParamSetNotMatchApprovedTemplate",
            "unfilled": "TemplateParameterMissing",
        }
        bad = {name: await town.notice("sms", template=name) for name in cases}
        good = [await town.notice("sms") for _ in range(3)]
        await town.post.deliver(*bad.values(), *good)
        for name, id_ in bad.items():
            [attempt] = await town.post.tries(id_)
            assert (attempt.outcome, attempt.code) == ("operator", cases[name]), name
            assert attempt.explanation
        assert {one.code for one in await town.alarms()} <= set(cases.values())
        assert [(await town.post.read(id_)).state for id_ in good] == ["sent"] * 3

    async def test_numbers_and_openids_that_nobody_can_be_reached_at_are_named(self, town: Town) -> None:
        post, wechat = town.post, town.outside.wechat
        town.without("second")
        blacklisted, wrong = (
            await town.notice("sms"),
            await town.notice("sms", person_id=None, to_phone="+8613"),
        )
        town.outside.tencent.order(code="FailedOperation.PhoneNumberInBlacklist")
        await post.deliver(blacklisted)
        await post.deliver(wrong)
        assert await failure(post, blacklisted) == ("refused", "FailedOperation.PhoneNumberInBlacklist")
        assert await failure(post, wrong) == ("refused", "InvalidParameterValue.IncorrectPhoneNumber")
        wechat.unfollow(OPENID)
        unsubscribed = await town.notice("wechat", "mail")
        assert (await post.follow(unsubscribed)).channel == "mail"
        assert await failure(post, unsubscribed) == ("refused", "43004")
        wechat.known.discard(OPENID)
        stranger = await town.notice("wechat", "mail")
        assert (await post.follow(stranger)).channel == "mail"
        assert await failure(post, stranger) == ("refused", "40003")
        without_subscription = await town.notice("wechat", "mail", template="returned")
        wechat.follow(OPENID)
        assert (await post.follow(without_subscription)).channel == "mail"
        assert await failure(post, without_subscription) == ("refused", "43101")
        town.arrivals()
        assert (await post.follow(await town.notice("wechat"))).state == "sent"
        assert town.arrivals() == {"wechat": 1}

    async def test_an_address_that_is_none_is_named_without_being_repeated(self, town: Town) -> None:
        async with town.post.sessions.begin() as session:
            await session.execute(text("UPDATE person_mail SET address = 'a@b@c\r\nBcc: d@e.cn'"))
        id_ = await town.notice("mail")
        row: Message = await town.post.follow(id_)
        outcome, code = await failure(town.post, id_)
        assert (row.state, outcome) == ("failed", "refused")
        assert "b@c" not in f"{code} {row.error}"
        assert town.arrivals() == {}


async def failure(post: Any, id_: UUID) -> tuple[str | None, str | None]:
    """How the first try ended, and what it is called."""
    first = (await post.tries(id_))[0]
    assert first.explanation, "named in words, too"
    return first.outcome, first.code

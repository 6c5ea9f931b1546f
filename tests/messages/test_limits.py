"""Quiet hours, preferences, budgets, the limit of each receiver, the pace."""

import asyncio
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from messages import alarms
from messages.claiming import ALL_SMS
from messages.exceptions import PreferencesRefused
from messages.limits import Limits, Pace, QuietHours
from messages.preferences import (
    Preferences,
    read_preferences,
    read_quiet,
    save_preferences,
)
from messages.routes import MemoryRoute
from messages.texts import Text, by_sms
from sending import TryLater
from settings import Settings

NIGHT = QuietHours(time(22), time(7))
EVERYWHERE = Text("题", "文", channels=("wechat", "sms", "mail"), topic="work")


def at(hour: int, minute: int = 0) -> datetime:
    """A moment of 2 March 2026 in Beijing."""
    return datetime(2026, 3, 2, hour, minute, tzinfo=UTC) - timedelta(hours=8)


@pytest.mark.parametrize(
    ("hours", "moment", "over"),
    [
        (NIGHT, at(21, 59), None),
        (NIGHT, at(22), at(7) + timedelta(days=1)),
        (NIGHT, at(6, 59), at(7)),
        (NIGHT, at(7), None),
        (QuietHours(time(12), time(14)), at(13), at(14)),
        (QuietHours(time(12), time(14)), at(11), None),
        (QuietHours(time(12), time(14)), at(14), None),
    ],
)
def test_quiet_hours_end_in_beijing(hours: QuietHours, moment: datetime, over: datetime | None) -> None:
    assert hours.end_after(moment) == over


def test_quiet_hours_are_read_as_they_are_written() -> None:
    assert QuietHours.read("22:00-07:00") == NIGHT
    assert QuietHours.read("") is None


def test_the_night_is_nine_to_eight_unless_the_operator_says_otherwise_and_none_in_the_demo() -> None:
    real: dict[str, Any] = {"demo": False, "secret_key": SecretStr("s" * 40)}
    assert Limits.of(Settings(**real)).night == QuietHours(time(21), time(8))
    assert Limits.of(Settings(**real, sms_night="20:00-09:00")).night == QuietHours(time(20), time(9))
    assert Limits.of(Settings(demo=True)).night is None
    with pytest.raises(ValueError, match="must look like"):
        Settings(**real, sms_night="9pm")


async def save(post: Any, **chosen: Any) -> None:
    async with post.sessions.begin() as session:
        await save_preferences(session, post.person.id, Preferences(**chosen), post.now)


class TestQuietHours:
    async def test_a_notice_waits_until_they_are_over(self, post: Any) -> None:
        post.limits, post.now = Limits(quiet=NIGHT), at(23)
        id_ = await post.queue()
        [retry] = await post.deliver(id_)
        assert retry.due_at == at(7) + timedelta(days=1)
        assert ((await post.read(id_)).state, await post.tries(id_)) == ("queued", [])
        post.now = retry.due_at
        assert (await post.follow(id_)).state == "sent"

    async def test_codes_and_what_concerns_the_account_do_not_wait(self, post: Any) -> None:
        post.limits, post.now = Limits(quiet=NIGHT), at(23)
        text, phone = by_sms("题", "文"), "+8613800000001"
        code = await post.queue(text=text, person_id=None, to_phone=phone, is_code=True)
        warning = await post.queue(text=text, person_id=None, to_phone=phone)
        assert await post.deliver(code, warning) == []
        assert len(post.sms.sent) == 2

    async def test_each_person_has_their_own(self, post: Any) -> None:
        post.limits, post.now = Limits(quiet=NIGHT), at(23)
        await save(post, quiet=None)
        assert await post.deliver(await post.queue()) == []
        await save(post, quiet=QuietHours(time(22, 30), time(23, 30)))
        [retry] = await post.deliver(await post.queue())
        assert retry.due_at == at(23, 30)


class TestNight:
    """No SMS between 21:00 and 08:00, codes excepted, whatever somebody chose."""

    HOURS = QuietHours(time(21), time(8))

    @pytest.mark.parametrize("chosen", ["nothing", "at any hour", "other hours"])
    @pytest.mark.parametrize("topic", ["work", "progress", "reminder", "account"])
    async def test_an_sms_waits_until_the_morning_and_the_log_says_why(
        self, post: Any, chosen: str, topic: str
    ) -> None:
        post.limits, post.now = Limits(night=self.HOURS), at(21)
        if chosen != "nothing":
            await save(post, quiet=QuietHours(time(12), time(14)) if chosen == "other hours" else None)
        id_ = await post.queue(text=Text("题", "文", channels=("sms",), topic=topic))
        [retry] = await post.deliver(id_)
        assert retry.due_at == at(8) + timedelta(days=1)
        row = await post.read(id_)
        assert (row.state, row.waits_for, await post.tries(id_)) == ("queued", "night", [])
        post.now = retry.due_at - timedelta(seconds=1)
        assert (await post.deliver(id_), post.sms.sent) == ([], [])
        post.now = retry.due_at
        assert (await post.follow(id_)).state == "sent"
        assert (await post.read(id_)).waits_for is None

    @pytest.mark.parametrize("hour", [0, 3, 7, 21, 22, 23])
    async def test_codes_go_at_any_hour(self, post: Any, hour: int) -> None:
        post.limits, post.now = Limits(night=self.HOURS), at(hour)
        phone = "+8613800000001"
        code = await post.queue(text=by_sms("题", "文"), person_id=None, to_phone=phone, is_code=True)
        assert await post.deliver(code) == []
        assert len(post.sms.sent) == 1

    @pytest.mark.parametrize("hour", [8, 12, 20])
    async def test_in_the_daytime_nothing_waits(self, post: Any, hour: int) -> None:
        post.limits, post.now = Limits(night=self.HOURS), at(hour)
        assert await post.deliver(await post.queue(text=Text("题", "文", channels=("sms",)))) == []
        assert len(post.sms.sent) == 1

    async def test_other_channels_go_and_one_whose_turn_is_an_sms_takes_no_other_way(self, post: Any) -> None:
        await post.give_addresses(openid="o-1", mail="a@example.cn")
        wechat, mail = MemoryRoute("wechat"), MemoryRoute("mail")
        post.routes = [wechat, post.sms, mail]
        post.limits, post.now = Limits(night=self.HOURS), at(23)
        assert await post.deliver(await post.queue(text=EVERYWHERE)) == []
        assert (len(wechat.sent), len(post.sms.sent)) == (1, 0)
        first_sms = Text("题", "文", channels=("sms", "wechat", "mail"))
        [retry] = await post.deliver(await post.queue(text=first_sms))
        assert retry.due_at == at(8) + timedelta(days=1)
        assert (len(wechat.sent), len(mail.sent)) == (1, 0)

    async def test_a_try_that_failed_in_the_evening_is_not_repeated_in_the_night(self, post: Any) -> None:
        post.limits, post.now = Limits(night=self.HOURS), at(20, 59)
        post.sms.failures = [TryLater("memory", "busy")]
        id_ = await post.queue(text=Text("题", "文", channels=("sms",)))
        [retry] = await post.deliver(id_)
        post.now = max(retry.due_at, at(21))
        [retry] = await post.deliver(id_)
        assert (retry.due_at, (await post.read(id_)).waits_for) == (at(8) + timedelta(days=1), "night")
        post.now = retry.due_at
        assert (await post.follow(id_)).state == "sent"

    async def test_the_quiet_hours_of_a_person_are_named_too(self, post: Any) -> None:
        post.limits, post.now = Limits(quiet=NIGHT, night=self.HOURS), at(23)
        id_ = await post.queue(text=EVERYWHERE)
        [retry] = await post.deliver(id_)
        assert (retry.due_at, (await post.read(id_)).waits_for) == (at(7) + timedelta(days=1), "quiet")
        post.now = retry.due_at  # their hours are over, the night is not
        [retry] = await post.deliver(id_)
        assert (retry.due_at, (await post.read(id_)).waits_for) == (at(8) + timedelta(days=1), "night")


class TestPreferences:
    async def test_a_channel_that_is_off_for_a_topic_is_passed_over(self, post: Any) -> None:
        await post.give_addresses(openid="o-1", mail="a@example.cn")
        wechat, mail = MemoryRoute("wechat"), MemoryRoute("mail")
        post.routes = [wechat, post.sms, mail]
        await save(post, off={"work": ("wechat", "sms")})
        await post.deliver(await post.queue(text=EVERYWHERE))
        assert (len(wechat.sent), len(post.sms.sent), len(mail.sent)) == (0, 0, 1)
        await post.deliver(await post.queue(text=Text("题", "文", topic="progress")))
        assert len(wechat.sent) == 1

    async def test_who_switches_all_off_reads_it_here(self, post: Any) -> None:
        await save(post, off={"work": ("wechat", "sms", "mail")})
        id_ = await post.queue(text=EVERYWHERE)
        await post.deliver(id_)
        assert ((await post.read(id_)).state, post.sms.sent) == ("kept", [])

    async def test_what_concerns_the_account_is_not_switched_off(self, post: Any) -> None:
        with pytest.raises(PreferencesRefused):
            await save(post, off={"account": ("sms",)})
        await save(post, off={"work": ("sms",), "progress": ("sms",), "reminder": ("sms",)})
        await post.deliver(await post.queue(text=Text("题", "文", channels=("sms",), topic="account")))
        assert len(post.sms.sent) == 1

    async def test_they_are_read_as_they_were_saved_and_the_operators_hours_hold_until_then(
        self, post: Any
    ) -> None:
        async with post.sessions() as session:
            assert await read_preferences(session, post.person.id, NIGHT) == Preferences(quiet=NIGHT)
        await save(post, off={"work": ("mail", "sms"), "reminder": ()}, quiet=None)
        async with post.sessions() as session:
            kept = await read_preferences(session, post.person.id, NIGHT)
        assert kept == Preferences(off={"work": ("sms", "mail")}, quiet=None)

    @pytest.mark.parametrize(
        "chosen",
        [{"off": {"gossip": ("sms",)}}, {"off": {"work": ("fax",)}}, {"quiet": QuietHours(time(7), time(7))}],
    )
    async def test_what_is_not_offered_is_refused(self, post: Any, chosen: Any) -> None:
        with pytest.raises(PreferencesRefused):
            await save(post, **chosen)

    def test_hours_of_a_form(self) -> None:
        assert read_quiet("", "") is None
        assert read_quiet("22:00", "07:00") == NIGHT
        for start, end in (("22:00", ""), ("late", "07:00"), ("25:00", "07:00")):
            with pytest.raises(PreferencesRefused):
                read_quiet(start, end)


class TestBudget:
    async def test_what_is_over_goes_by_the_next_channel_and_an_alarm_says_so(self, post: Any) -> None:
        await post.give_addresses(mail="a@example.cn")
        mail = MemoryRoute("mail", "smtp")
        post.routes, post.limits = [post.sms, mail], Limits(sms_per_day=2)
        ids = [await post.queue(text=EVERYWHERE) for _ in range(4)]
        assert await post.deliver(*ids) == []
        assert (len(post.sms.sent), len(mail.sent)) == (2, 2)
        assert await post.story(ids[2]) == [("memory", "skipped", None), ("smtp", "accepted", None)]
        assert (await post.tries(ids[2]))[0].explanation == "今天的短信预算已用完"
        assert (await post.read(ids[2])).tries == 1, "what was passed over was not tried"
        async with post.sessions() as session:
            [alarm] = await alarms.list_open(session)
        assert ((alarm.channel, alarm.provider), alarm.code) == (ALL_SMS, "budget")

        post.wait(days=1, seconds=1)
        await post.deliver(await post.queue(text=EVERYWHERE))
        await post.deliver(await post.queue(text=EVERYWHERE))
        async with post.sessions() as session:
            assert await alarms.list_open(session) == []
        assert len(post.sms.sent) == 4

    async def test_without_another_channel_it_waits_for_the_next_day(self, post: Any) -> None:
        post.limits = Limits(sms_per_day=1)
        first, second = await post.queue(), await post.queue()
        [retry] = await post.deliver(first, second)
        started = post.now
        post.now = retry.due_at
        assert (await post.follow(second)).state == "sent"
        assert timedelta(days=1) < post.now - started < timedelta(days=2)

    async def test_workers_side_by_side_do_not_overdraw(self, post: Any) -> None:
        post.limits = Limits(sms_per_day=7)
        ids = [await post.queue() for _ in range(30)]
        await asyncio.gather(*(post.deliver(*ids[start::3]) for start in range(3)))
        assert len(post.sms.sent) == 7

    async def test_each_receiver_has_a_limit_of_their_own(self, post: Any) -> None:
        post.limits = Limits(sms_per_phone_day=2)
        to_phone = {"person_id": None, "to_phone": "+8613800000009", "text": by_sms("题", "文")}
        ids = [await post.queue(**to_phone) for _ in range(3)] + [await post.queue() for _ in range(3)]
        for id_ in ids:  # claim by claim: what was spent is read anew
            await post.deliver(id_)
        assert [(await post.read(id_)).state for id_ in ids] == ["sent", "sent", "queued"] * 2
        assert [one.code for one in await post.tries(ids[2])] == ["receiver_limit"]

    async def test_codes_cost_nothing_of_either(self, post: Any) -> None:
        post.limits = Limits(sms_per_day=1, sms_per_phone_day=1)
        code = {"person_id": None, "to_phone": "+8613800000001", "text": by_sms("码", "码"), "is_code": True}
        for _ in range(3):
            await post.deliver(await post.queue(**code))
        notice = await post.queue()
        await post.deliver(notice)
        await post.deliver(await post.queue(**code))
        assert len(post.sms.sent) == 5

    async def test_a_try_that_was_not_taken_counts_too(self, post: Any) -> None:
        """It may have cost; and a receiver who is tried again and again is not to be tried without end."""
        post.limits = Limits(sms_per_phone_day=1)
        post.sms.failures = [TryLater("memory", "busy")]
        id_ = await post.queue()
        [retry] = await post.deliver(id_)
        post.now = retry.due_at
        await post.deliver(id_)
        assert await post.story(id_) == [("memory", "later", None), ("memory", "skipped", None)]


async def test_the_pace_of_a_worker_is_kept_for_each_provider() -> None:
    clock, waits = [100.0], []

    async def sleep(seconds: float) -> None:
        waits.append(round(seconds, 3))

    pace = Pace(10, clock=lambda: clock[0], sleep=sleep)
    for _ in range(4):
        await pace.wait("one")
    await pace.wait("two")
    assert waits == [0.1, 0.2, 0.3]
    clock[0] += 5
    await pace.wait("one")
    assert len(waits) == 3, "what was not used is not saved up, and not owed"


async def test_without_a_pace_nobody_waits() -> None:
    async def sleep(_seconds: float) -> None:
        raise AssertionError

    pace = Pace(0, sleep=sleep)
    for _ in range(100):
        await pace.wait("one")

"""Receipts: what arrived is said, what did not arrive goes on; told twice, too late or of nothing we know they change nothing."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from messages.jobs import take_early_reports, take_reports
from messages.reports import pull
from messages.routes import MemoryRoute
from messages.texts import Text, by_sms
from sending import Report, TryLater
from tests.messages.test_jobs import context_of

EVERYWHERE = Text("题", "文", channels=("sms", "mail"))


async def report(post: Any, *reports: Report) -> None:
    async with post.sessions.begin() as session:
        await take_reports(session, reports, post.now)


def arrived(post: Any, reference: str = "1", *, yes: bool = True, code: str = "DELIVRD") -> Report:
    return Report("memory", reference, yes, post.now - timedelta(seconds=3), code)


async def sent(post: Any, **changed: Any) -> UUID:
    id_ = await post.queue(**changed)
    await post.deliver(id_)
    assert (await post.read(id_)).state == "sent"
    return id_


async def test_what_arrived_is_written_on_message_and_try(post: Any) -> None:
    id_ = await sent(post)
    assert (await post.read(id_)).arrived is None, "nobody knows before a report"
    await report(post, arrived(post))
    row = await post.read(id_)
    assert (row.state, row.arrived, row.report_code) == ("sent", True, "DELIVRD")
    assert row.reported_at == post.now - timedelta(seconds=3)
    [attempt] = await post.tries(id_)
    assert (attempt.arrived, attempt.report_code) == (True, "DELIVRD")


async def test_a_notice_that_did_not_arrive_takes_the_next_channel(post: Any) -> None:
    await post.give_addresses(mail="a@example.cn")
    mail = MemoryRoute("mail", "smtp")
    post.routes = [post.sms, mail]
    id_ = await sent(post, text=EVERYWHERE)
    before = len(await post.jobs())
    await report(post, arrived(post, yes=False, code="UNDELIV"))
    row = await post.read(id_)
    assert (row.state, row.error) == ("queued", "not_arrived: UNDELIV")
    [*_, job] = await post.jobs()
    assert (len(await post.jobs()), job.args) == (before + 1, {"ids": [str(id_)]})
    row = await post.follow(id_)
    assert (row.state, row.channel, len(mail.sent), len(post.sms.sent)) == ("sent", "mail", 1, 1)
    assert (row.arrived, row.report_code) == (None, None), "of the mail nothing is known"


async def test_a_notice_without_another_channel_has_failed(post: Any) -> None:
    id_ = await sent(post)
    await report(post, arrived(post, yes=False))
    assert (await post.follow(id_)).state == "failed"
    assert len(post.sms.sent) == 1


async def test_a_code_that_did_not_arrive_is_not_sent_again(post: Any) -> None:
    id_ = await sent(post, person_id=None, to_phone="+8613800000001", text=by_sms("码", "码"), is_code=True)
    await report(post, arrived(post, yes=False))
    assert (await post.read(id_)).state == "failed"
    assert len(await post.jobs()) == 1


async def test_a_report_that_is_quicker_than_the_worker_is_taken_a_minute_later(post: Any) -> None:
    early = arrived(post)
    await report(post, early, arrived(post, "somebody else's"))
    [job] = await post.jobs()
    assert job.task_name == "take_early_reports" and len(job.args["reports"]) == 2
    id_ = await sent(post)
    post.wait(minutes=1)
    for _ in range(2):
        await take_early_reports.func(context_of(post.delivery), **job.args)
        row = await post.read(id_)
        assert (row.arrived, row.report_code, row.reported_at) == (True, "DELIVRD", early.at)
    assert [one.task_name for one in await post.jobs()].count("take_early_reports") == 1, (
        "once more, and no more"
    )


@pytest.mark.parametrize("order", [(True, False), (False, True)])
async def test_arrived_is_the_last_word(post: Any, order: tuple[bool, bool]) -> None:
    id_ = await sent(post)
    for yes in order:
        await report(post, arrived(post, yes=yes))
    row = await post.read(id_)
    assert (row.state, row.arrived) == ("sent", True)
    assert await post.deliver(id_) == []
    assert len(post.sms.sent) == 1


async def test_both_words_in_one_call_are_one(post: Any) -> None:
    id_ = await sent(post)
    await report(post, arrived(post, yes=False), arrived(post), arrived(post))
    assert (await post.read(id_)).arrived is True


async def test_a_report_told_twice_changes_nothing(post: Any) -> None:
    id_ = await sent(post)
    for _ in range(2):
        await report(post, arrived(post, yes=False))
    assert len(await post.jobs()) == 2
    await post.follow(id_)
    await report(post, arrived(post, yes=False))
    assert (await post.read(id_)).state == "failed"


async def test_a_late_report_of_an_earlier_try_does_not_start_a_later_one_anew(post: Any) -> None:
    await post.give_addresses(mail="a@example.cn")
    post.routes = [post.sms, MemoryRoute("mail", "smtp")]
    id_ = await sent(post, text=EVERYWHERE)
    await report(post, arrived(post, yes=False))
    await post.follow(id_)
    await report(post, arrived(post, yes=False, code="LATE"))
    row = await post.read(id_)
    assert (row.state, row.channel) == ("sent", "mail")


async def test_what_we_do_not_know_and_what_another_provider_calls_so_is_nothing(post: Any) -> None:
    id_ = await sent(post)
    await report(post, arrived(post, "unheard of"), Report("another", "1", False, post.now))
    assert (await post.read(id_)).arrived is None
    await report(post)


async def test_pulling_asks_every_provider_and_minds_none_that_is_silent(post: Any) -> None:
    class Silent(MemoryRoute):
        async def pull_reports(self) -> list[Report]:
            raise TryLater("silent", "down")

    post.sms.reports = [arrived(post)]
    assert await pull([Silent(), post.sms]) == [arrived(post)]
    assert await pull([post.sms]) == []

"""From a message to an SMS, a mail, a notice; what each channel can tell, and for how long it repeats safely."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from mail.memory import MemoryMailSender
from messages.adapters import MailRoute, SmsRoute, WechatRoute
from messages.providers import IN_WECHAT, page_link
from messages.routes import Outgoing, Route
from messages.texts import Text
from sending import AddressRefused, OperatorNeeded, TryLater, Uncertain
from sms.memory import MemorySms
from wechat.memory import MemoryWechatSender
from wechat.templates import WechatTemplates

ORIGIN = "https://qingling.example.cn"
ISSUE = UUID(int=9)
TEMPLATES = WechatTemplates.from_toml("""
[templates."issue.answered"]
kind = "template"
id = "5bK9m0mFqhQy6u0o1z3r7w8x2c4v6b8n0m1A3s5D7f9"
[templates."issue.answered".fields]
thing1 = { from = "title" }
[templates."issue.returned"]
kind = "subscribe"
id = "9nLIlbOQZC5Y89AZteFEux3WCXRRRG5Wfzkpssu4bLI"
[templates."issue.returned".fields]
thing1 = { from = "text" }
""")


@pytest.fixture
def message(now: Any) -> Outgoing:
    return Outgoing(
        message_id=uuid4(),
        to="+8613800000001",
        template="answered",
        title="您的问题已有办理结果",
        text="问题 QL1 已有办理结果。",
        at=now,
        params={"number": "QL1", "title": "减免税"},
        process="issue",
        instance_id=ISSUE,
    )


async def test_an_sms_has_its_templates_whole_name_and_for_codes_the_code(message: Outgoing) -> None:
    sms = MemorySms()
    receipt = await SmsRoute(sms).send(message)
    await SmsRoute(sms).send(
        replace(message, template="code_sign_in", process=None, code="493817", params={"minutes": 5})
    )
    notice, code = sms.sent
    assert (notice.template, notice.phone, notice.text) == ("issue.answered", message.to, message.text)
    assert notice.params == message.params
    assert (code.template, code.params) == ("code_sign_in", {"minutes": 5, "code": "493817"})
    assert (receipt.provider, await SmsRoute(sms).find(message, message.at)) == ("memory", receipt)


async def test_mails_about_an_issue_are_one_thread_with_one_subject(message: Outgoing) -> None:
    mail = MemoryMailSender()
    route = MailRoute(mail, ORIGIN, page_link(ORIGIN))
    message = replace(message, to="a@example.cn")
    await route.send(message)
    await route.send(replace(message, message_id=uuid4(), title="问题已被退回", text="请修改。"))
    first, second = mail.sent
    assert first.subject == second.subject == "QL1 减免税"
    assert first.thread == second.thread == ISSUE
    assert first.text == f"{message.title}\n\n{message.text}\n\n{ORIGIN}/issues/{ISSUE}"
    assert f'href="{ORIGIN}/issues/{ISSUE}"' in first.html
    with pytest.raises(Uncertain):
        await route.find(message, message.at)


async def test_a_mail_about_nothing_leads_to_the_first_page(message: Outgoing) -> None:
    mail = MemoryMailSender()
    alone = replace(message, to="a@example.cn", process=None, instance_id=None)
    await MailRoute(mail, ORIGIN, page_link(ORIGIN)).send(alone)
    [sent] = mail.sent
    assert (sent.subject, sent.thread) == (message.title, None)
    assert sent.text == f"{message.text}\n\n{ORIGIN}/", "the subject says already what it is"


async def test_a_notice_is_one_of_wechats_templates_or_none(message: Outgoing) -> None:
    wechat = MemoryWechatSender()
    route = WechatRoute(wechat, TEMPLATES, page_link(ORIGIN, IN_WECHAT, first="/w"))
    await route.send(replace(message, to="o-1"))
    [notice] = wechat.sent
    assert (notice.openid, notice.template, notice.title) == ("o-1", "issue.answered", message.title)
    assert notice.url == f"{ORIGIN}/w/issues/{ISSUE}"
    assert (route.carries("issue.answered"), route.carries("issue.arrived")) == (True, False)
    with pytest.raises(Uncertain):
        await route.find(message, message.at)


def test_only_wechats_template_messages_repeat_safely_and_within_ten_minutes() -> None:
    wechat = WechatRoute(MemoryWechatSender(), TEMPLATES, page_link(ORIGIN))
    names = ("issue.answered", "issue.returned", "issue.arrived")
    assert [wechat.repeat_window_s(name) for name in names] == [540, 0, 0]
    others: list[Route] = [SmsRoute(MemorySms()), MailRoute(MemoryMailSender(), ORIGIN, page_link(ORIGIN))]
    assert [route.repeat_window_s("issue.answered") for route in others] == [0, 0]


class TestTogether:
    """The whole way: rows, routes, adapters, the channels in memory."""

    @pytest.fixture
    async def all_three(self, post: Any) -> Any:
        await post.give_addresses(mail="a@example.cn", openid="o-1")
        post.wechat_sender, post.sms_sender, post.mail_sender = (
            MemoryWechatSender(),
            MemorySms(),
            MemoryMailSender(),
        )
        post.routes = [
            WechatRoute(post.wechat_sender, TEMPLATES, page_link(ORIGIN)),
            SmsRoute(post.sms_sender),
            MailRoute(post.mail_sender, ORIGIN, page_link(ORIGIN)),
        ]
        return post

    @staticmethod
    async def queue(post: Any, template: str = "answered") -> UUID:
        text = Text("题", "文", channels=("wechat", "sms", "mail"))
        return await post.queue(template=template, process="issue", text=text)

    async def test_what_wechat_does_not_carry_goes_by_sms_without_a_word(self, all_three: Any) -> None:
        id_ = await self.queue(all_three, "arrived")
        await all_three.deliver(id_)
        assert await all_three.story(id_) == [("memory", "accepted", None)]

    async def test_an_uncertain_template_message_is_repeated_over_wechat_alone(self, all_three: Any) -> None:
        id_ = await self.queue(all_three)
        all_three.wechat_sender.failures = [Uncertain("wechat", "timeout"), TryLater("wechat", "-1")]
        [retry] = await all_three.deliver(id_)
        all_three.now = retry.due_at
        assert (await all_three.follow(id_)).state == "sent"
        assert [outcome for _, outcome, _ in await all_three.story(id_)] == ["uncertain", "later", "accepted"]
        assert all_three.sms_sender.sent == []

    async def test_after_ten_minutes_it_is_repeated_no_more(self, all_three: Any) -> None:
        id_ = await self.queue(all_three)
        all_three.wechat_sender.failures = [Uncertain("wechat", "timeout")] * 9
        [retry] = await all_three.deliver(id_)
        started, all_three.now = all_three.now, retry.due_at
        assert (await all_three.follow(id_)).state == "uncertain"
        assert all_three.now - started < timedelta(minutes=10)
        assert all_three.sms_sender.sent == all_three.mail_sender.sent == []

    async def test_who_died_longer_ago_than_that_leaves_it_uncertain(self, all_three: Any) -> None:
        id_ = await self.queue(all_three)
        all_three.watch = _die_at("sent")
        with pytest.raises(SystemError):
            await all_three.deliver(id_)
        all_three.watch = lambda _point: None
        all_three.wait(minutes=11)
        assert (await all_three.follow(id_)).state == "uncertain"
        assert len(all_three.wechat_sender.sent) == 1

    async def test_an_uncertain_mail_is_the_end(self, all_three: Any) -> None:
        id_ = await self.queue(all_three)
        all_three.wechat_sender.failures = [AddressRefused("wechat", "43004")]
        all_three.routes.pop(1)
        all_three.mail_sender.failures = [Uncertain("smtp", "timeout")]
        [retry] = await all_three.deliver(id_)
        all_three.now = retry.due_at
        row = await all_three.follow(id_)
        assert (row.state, row.error is not None and "smtp: cannot_tell" in row.error) == ("uncertain", True)

    async def test_an_account_that_may_not_send_is_passed_over(self, all_three: Any) -> None:
        id_ = await self.queue(all_three)
        all_three.wechat_sender.failures = [OperatorNeeded("wechat", "40164")]
        await all_three.deliver(id_)
        assert (await all_three.read(id_)).channel == "sms"


def _die_at(point: str) -> Any:
    def watch(reached: str) -> None:
        if reached == point:
            raise SystemError(point)

    return watch

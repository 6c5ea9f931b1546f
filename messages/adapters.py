"""From a message to what each channel's room sends: an SMS, a mail, a WeChat notice. What a channel cannot tell afterwards is
said here: SMTP tells nothing, and WeChat sends a template message once for its id within ten minutes."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from mail.html import Button, write_html
from mail.sender import PROVIDER as SMTP
from mail.sender import Mail, MailSender
from messages.routes import Outgoing, subject_of
from messages.topics import MAIL, SMS, WECHAT
from sending import Receipt, Report, Uncertain
from sms.port import Sms, SmsProvider
from wechat.sender import PROVIDER as ACCOUNT
from wechat.sender import Notice, WechatSender
from wechat.templates import WechatTemplates

ONCE_WITHIN_S = 540.0  # ten minutes (api/notify/template/api_sendtemplatemessage, November 2026), less one for clocks and the way
BUTTON = "打开系统查看"

Link = Callable[[str | None, UUID | None], str]
"""The page that a message is about, from its process and instance."""


class SmsRoute:
    """One provider of SMS. `params` carry the code: providers fill it into their own template."""

    channel = SMS

    def __init__(self, provider: SmsProvider) -> None:
        self._sender = provider

    @property
    def provider(self) -> str:
        return self._sender.name

    @property
    def ask_after_s(self) -> float:
        return self._sender.ask_after_s

    def carries(self, message: str) -> bool:
        return True  # one that nobody has registered is an operator's mistake, and told

    def repeat_window_s(self, message: str) -> float:
        return 0

    async def send(self, message: Outgoing) -> Receipt:
        return await self._sender.send(_to_sms(message))

    async def find(self, message: Outgoing, since: datetime) -> Receipt | Report | None:
        return await self._sender.find(_to_sms(message), since)

    async def pull_reports(self) -> list[Report]:
        return await self._sender.pull_reports()


def _to_sms(message: Outgoing) -> Sms:
    code = {"code": message.code} if message.code is not None else {}
    return Sms(message.message_id, message.to, message.name, {**message.params, **code}, message.text)


class MailRoute:
    """Mail. All mails about one issue are one thread, so their subject is the issue's, and what has happened is the first line;
    in the others that is the subject."""

    channel, provider = MAIL, SMTP
    ask_after_s = 0.0

    def __init__(self, sender: MailSender, origin: str, link: Link) -> None:
        self._sender, self._origin, self._link = sender, origin, link

    def carries(self, message: str) -> bool:
        return True

    def repeat_window_s(self, message: str) -> float:
        return 0

    async def send(self, message: Outgoing) -> Receipt:
        url = self._link(message.process, message.instance_id)
        subject = subject_of(message.title, message.instance_id, message.params)
        text = message.text if subject == message.title else f"{message.title}\n\n{message.text}"
        mail = Mail(
            message_id=message.message_id,
            to=message.to,
            subject=subject,
            text=f"{text}\n\n{url}",
            at=message.at,
            html=write_html(text, self._origin, Button(BUTTON, url)),
            thread=message.instance_id,
        )
        return await self._sender.send(mail)

    async def find(self, message: Outgoing, since: datetime) -> Receipt | Report | None:
        raise Uncertain(SMTP, "cannot_tell", "邮件服务器不能告诉我们一封邮件是否已经收下")

    async def pull_reports(self) -> list[Report]:
        return []


class WechatRoute:
    """The official account. Messages without a template of WeChat's go another way."""

    channel, provider = WECHAT, ACCOUNT
    ask_after_s = 0.0

    def __init__(self, sender: WechatSender, templates: WechatTemplates, link: Link) -> None:
        self._sender, self._templates, self._link = sender, templates, link

    def carries(self, message: str) -> bool:
        return message in self._templates.names

    def repeat_window_s(self, message: str) -> float:
        carried = message in self._templates.names and self._templates.find(message).kind == "template"
        return ONCE_WITHIN_S if carried else 0

    async def send(self, message: Outgoing) -> Receipt:
        notice = Notice(
            message_id=message.message_id,
            openid=message.to,
            template=message.name,
            at=message.at,
            params=message.params,
            title=message.title,
            text=message.text,
            url=self._link(message.process, message.instance_id),
        )
        return await self._sender.send(notice)

    async def find(self, message: Outgoing, since: datetime) -> Receipt | Report | None:
        raise Uncertain(ACCOUNT, "cannot_tell", "微信不能告诉我们一条消息是否已经收下")

    async def pull_reports(self) -> list[Report]:
        return []  # it tells by pushes, for `messages.jobs.take_reports`

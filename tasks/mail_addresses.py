"""A new mail address: a mail with the link that confirms it goes there, and nothing else before it is confirmed."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from domain import mail_addresses
from domain.actor import Actor
from messages.outbox import NewMessage, enqueue
from messages.texts import Text, render
from messages.topics import ACCOUNT, MAIL

TEXTS = {
    "mail_given": Text(
        "请确认您的邮箱",
        "有人在企业问题清零系统把这个邮箱设为接收通知的邮箱。"
        "如果是您本人，请在两天内登录系统并打开 {link} 确认；如果不是，请忽略本邮件。",
        channels=(MAIL,),
        topic=ACCOUNT,
    )
}


async def give_mail(
    session: AsyncSession, actor: Actor, address: str, *, secret: bytes, link: str, now: datetime
) -> None:
    """This is to be my address; `link` ends where the token follows. Raises MailRefused."""
    to, token = await mail_addresses.give_mail(session, actor, address, secret, now)
    text = render(TEXTS, "mail_given", {"link": link + token})
    await enqueue(session, [NewMessage(template="mail_given", text=text, to_mail=to, created_at=now)])

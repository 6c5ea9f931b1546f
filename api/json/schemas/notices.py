"""What somebody was told, and how they want to be told."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from api.closed import Answer, answer, says
from api.json.body import Body

CLOCK = r"^([01]\d|2[0-3]):[0-5]\d$"
Topic = Literal["work", "progress", "reminder"]
Channel = Literal["wechat", "sms", "mail"]


@answer
class NoticeAbout(Answer):
    """What a notice is about."""

    kind: str = says("issue 或 registration")
    id: UUID = says("问题或注册的编号")


@answer
class NoticeOut(Answer):
    """One notice."""

    id: UUID = says("消息编号")
    at: datetime = says("时间")
    title: str = says("标题")
    text: str = says("全文")
    topic: str = says("类别：work、progress、reminder 或 account")
    about: NoticeAbout | None = says("null：不涉及问题或注册，或您现在的身份不能查看")
    read_at: datetime | None = says("何时标为已读；未读为 null")


@answer
class NoticeList(Answer):
    """One page."""

    items: list[NoticeOut] = says("最新的在前")
    next: UUID | None = says("下一页的 after；没有更多时为 null")
    unread: int = says("未读条数，最多数到 100")
    seen: str | None = says("交给 /notices/read：读这一页时看得到的全部标为已读")


class NoticesRead(Body):
    ids: list[str] = Field(default=[], max_length=100, description="标为已读的消息编号")
    seen: str | None = Field(default=None, max_length=3000, description="某一页的 seen，原样交回")


class QuietHoursBody(Body):
    start: str = Field(pattern=CLOCK, examples=["22:00"], description="从几点")
    end: str = Field(pattern=CLOCK, examples=["08:00"], description="到几点，可以在第二天")


class MessageChoice(Body):
    off: dict[Topic, list[Channel]] = Field(description="按类别列出关闭的渠道")
    quiet: QuietHoursBody | None = Field(description="免打扰的北京时间；null：随时")


@answer
class QuietHoursOut(Answer):
    """When nobody disturbs me, in Beijing time."""

    start: str = says("从几点，如 22:00")
    end: str = says("到几点，可以在第二天")


@answer
class MailOut(Answer):
    """My mail address."""

    address: str = says("邮箱")
    confirmed: bool = says("已确认；未确认的不会收到通知")


@answer
class MessageSettings(Answer):
    """What is off, the quiet hours, and where I am reached now."""

    off: dict[str, list[str]] = says("按类别列出关闭的渠道")
    quiet: QuietHoursOut | None = says("免打扰的北京时间；null：随时")
    phone: str = says("手机号")
    mail: MailOut | None = says("邮箱；没有填写为 null")
    wechat: bool = says("已绑定并关注公众号")
    channels: list[str] = says("本系统已开通的渠道：wechat、sms、mail 之中的")


class MailBody(Body):
    address: str = Field(max_length=300, description="邮箱")


class MailToken(Body):
    token: str = Field(max_length=100, description="确认邮件里的口令")

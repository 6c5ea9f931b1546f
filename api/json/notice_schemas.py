"""The shapes of the JSON about notices and how somebody wants to be told; see api.json.schemas."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from api.json.schemas import Body

Clock = Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", examples=["22:00"])
Topic = Literal["work", "progress", "reminder"]
Channel = Literal["wechat", "sms", "mail"]


class NoticeAbout(BaseModel):
    kind: Literal["issue", "registration"]
    id: UUID


class NoticeOut(BaseModel):
    id: UUID
    at: datetime
    title: str
    text: str
    topic: str
    about: NoticeAbout | None = Field(description="null：不涉及问题或注册，或您现在的身份不能查看")
    read_at: datetime | None


class NoticeList(BaseModel):
    items: list[NoticeOut]
    next: UUID | None
    unread: int = Field(description="未读条数，最多数到 100")
    seen: str | None = Field(description="交给 /notices/read：读这一页时看得到的全部标为已读")


class NoticesRead(Body):
    ids: list[str] = Field(default=[], max_length=100)
    seen: str | None = Field(default=None, max_length=3000, description="某一页的 seen，原样交回")


class QuietHoursBody(Body):
    start: str = Clock
    end: str = Clock


class MessageChoice(Body):
    off: dict[Topic, list[Channel]] = Field(description="按类别列出关闭的渠道")
    quiet: QuietHoursBody | None = Field(description="免打扰的北京时间；null：随时")


class MailOut(BaseModel):
    address: str
    confirmed: bool


class MessageSettings(MessageChoice):
    phone: str
    mail: MailOut | None
    wechat: bool = Field(description="已绑定并关注公众号")
    channels: list[Channel] = Field(description="本系统已开通的渠道")


class MailBody(Body):
    address: str = Field(max_length=300)


class MailToken(Body):
    token: str = Field(max_length=100)

"""What only a demo has."""

from datetime import datetime

from api.closed import Answer, answer, says


@answer
class InboxMessage(Answer):
    """A message where it arrived."""

    channel: str = says("sms、mail 或 wechat")
    to: str = says("手机号、邮箱或 openid")
    template: str = says("哪一种消息")
    text: str = says("全文")
    code: str | None = says("其中的验证码")
    at: datetime = says("何时收到")


@answer
class DemoPerson(Answer):
    """Somebody who can sign in to the demo, in one part they play."""

    name: str = says("姓名")
    phone: str = says("手机号")
    roles: list[str] = says("角色")
    enterprise: str | None = says("企业名称；关员为 null")
    office: str | None = says("海关单位，4 位代码；企业用户为 null")
    password: str | None = says("关员的密码；企业用户为 null")

"""Who am I, and how I got in."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from api.closed import Answer, answer, says
from api.json.body import Body, Phone


@answer
class CaptchaOut(Answer):
    """The picture to read before a code is sent."""

    required: bool = says("false：不需要，直接请求验证码")
    id: str | None = says("连同答案交给 /sign-in/code")
    image: str | None = says("PNG，base64")
    expires_at: datetime | None = says("到这时还可以用")


@answer
class CaptchaWait(Answer):
    """How long to wait instead of reading a picture."""

    required: bool = says("false：不需要，直接请求验证码")
    id: str | None = says("等够以后不带答案交给 /sign-in/code")
    wait_s: int = says("要等的秒数")


class CaptchaAnswer(Body):
    id: str = Field(max_length=64, description="图片或等待的编号")
    answer: str = Field(default="", max_length=40, description="不分大小写；等待代替图片、或此前已通过的不填")


class CodeWanted(Body):
    phone: Phone
    captcha: CaptchaAnswer | None = Field(default=None, description="图片验证码；不需要时不填")
    purpose: Literal["sign_in", "register"] = Field(default="sign_in", description="登录，或注册新企业")


@answer
class CodeSent(Answer):
    """The same whether somebody has the number or not."""

    challenge: str = says("连同短信验证码原样交回")


class SignInBody(Body):
    challenge: str | None = Field(default=None, max_length=64, description="POST /sign-in/code 的 challenge")
    phone: Phone
    code: str = Field(max_length=32, description="短信验证码")
    password: str | None = Field(default=None, max_length=256, description="海关关员必填")
    membership: str | None = Field(default=None, max_length=64, description="代表哪一家企业（成员编号）")


@answer
class PersonOut(Answer):
    """A person, to themselves."""

    id: UUID = says("人员编号")
    name: str = says("姓名")
    phone: str = says("手机号")


@answer
class EnterpriseOut(Answer):
    """An enterprise one acts for."""

    id: UUID = says("企业编号")
    name: str = says("企业名称")
    status: str = says("pending、approved、returned、refused、suspended 或 superseded")


@answer
class MembershipOut(Answer):
    """One enterprise that a person may act for."""

    id: UUID = says("成员编号")
    enterprise: EnterpriseOut = says("企业")
    display_name: str = says("在这家企业使用的姓名")
    position: str = says("职务")
    roles: list[str] = says("enterprise_admin、executive、customs_affairs 之中的")


@answer
class OfficerRoleOut(Answer):
    """A role at an office."""

    role: str = says("角色，如 handler")
    office: str = says("海关单位，4 位代码")


@answer
class OfficerOut(Answer):
    """What an officer is."""

    id: UUID = says("关员编号")
    roles: list[OfficerRoleOut] = says("在哪里是什么角色")
    must_change_password: bool = says("为 true 时只能先修改密码（POST /me/password），其他请求一律 403")


@answer
class Me(Answer):
    """Who I am, and for whom I act."""

    person: PersonOut = says("本人")
    membership: MembershipOut | None = says("当前代表的企业；关员为 null")
    memberships: list[MembershipOut] = says("可以代表的全部企业")
    officer: OfficerOut | None = says("企业用户为 null")


@answer
class SignedInOut(Me):
    """Signed in: the token, and who I am."""

    token: str = says("Authorization: Bearer")


class PasswordChange(Body):
    old: str = Field(max_length=256, description="原密码")
    new: str = Field(max_length=256, description="至少 10 个字符，不能是常见的或与本人有关的")


class MembershipChoice(Body):
    id: str = Field(max_length=64, description="成员编号")


@answer
class SessionOut(Answer):
    """One place where I am signed in."""

    id: UUID = says("登录编号")
    created_at: datetime = says("登录时间")
    last_seen_at: datetime = says("最近使用时间")
    expires_at: datetime = says("最迟到这时失效")
    ip: str | None = says("网络地址")
    user_agent: str | None = says("浏览器或程序")
    current: bool = says("就是这一次登录")


@answer
class SessionList(Answer):
    """Where I am signed in."""

    items: list[SessionOut] = says("最近使用的在前")

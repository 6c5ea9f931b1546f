"""Cards: what one has to sign, those that are bound, and requests to bind one."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from api.closed import Answer, answer, says
from api.json.body import Body, Code, Phone

Challenge = Field(max_length=64, description="POST /card/challenge 的 challenge，只能用一次")
Token = Field(description="读卡程序 POST /sign 的回答，原样交来")


class CardChallengeWanted(Body):
    purpose: Literal["register", "sign_in", "bind"] = Field(
        description="注册、登录，或绑定另一张卡（须已登录）"
    )


@answer
class CardChallengeOut(Answer):
    """What a card has to sign."""

    challenge: UUID = says("连同签名交回")
    nonce: str = says("32 字节，base64，交给读卡程序签名")
    expires_at: datetime = says("到这时还可以用")


class CardSignIn(Body):
    challenge: str = Challenge
    token: dict[str, Any] = Token
    membership: str | None = Field(default=None, max_length=64, description="代表哪一家企业；须是卡所绑定的")


class CardRegistration(Body):
    challenge: str = Challenge
    token: dict[str, Any] = Token
    phone: Phone
    code: str = Field(max_length=32, description="短信验证码（purpose 为 register）")
    code_challenge: str = Field(max_length=64, description="POST /sign-in/code 的 challenge")
    office: Code = Field(description="注册地海关，4 位代码")
    contact: str = Field(default="", max_length=50, description="联系人；不填为持卡人")


class CardBinding(Body):
    challenge: str = Challenge
    token: dict[str, Any] = Token


class CardBlock(Body):
    reason: str = Field(max_length=1000, description="挂失原因")


@answer
class CardOut(Answer):
    """One bound card."""

    id: UUID = says("绑定的编号")
    kind: str = says("法人卡、操作员卡")
    number: str = says("卡号")
    holder: str = says("持卡人")
    person: str = says("绑定到哪位用户")
    person_id: UUID = says("这位用户（人员编号）")
    owner: str = says("企业名称；关员的卡为“海关”")
    not_after: datetime = says("证书有效期至")
    bound_at: datetime = says("绑定时间")
    used_at: datetime | None = says("最近一次用来登录的时间")
    blocked_at: datetime | None = says("挂失时间")
    blocked_reason: str = says("挂失原因")


@answer
class CardList(Answer):
    """The cards that are bound."""

    items: list[CardOut] = says("绑定的卡")


@answer
class CardRequestSent(Answer):
    """A registrar decides."""

    id: UUID = says("申请的编号")
    office: str = says("由哪个海关核实，4 位代码")


@answer
class CardRequestOut(Answer):
    """A request to bind a card to an enterprise that is registered."""

    id: UUID = says("申请的编号")
    enterprise_id: UUID = says("企业编号")
    enterprise: str = says("企业名称")
    enterprise_status: str = says("企业的状态，如 approved")
    uscc: str = says("统一社会信用代码")
    office: str = says("由哪个海关核实，4 位代码")
    office_name: str = says("这个海关的名称")
    contact: str = says("联系人")
    phone: str = says("申请人的手机号")
    kind: str = says("法人卡、操作员卡")
    number: str = says("卡号")
    holder: str = says("持卡人")
    member_name: str | None = says("这个手机号已经是该企业的哪位用户")
    member_roles: list[str] | None = says("这位用户的角色")
    admins: str | None = says("该企业现在的企业管理员")
    created_at: datetime = says("申请时间")


@answer
class CardRequestList(Answer):
    """The requests that wait for me."""

    items: list[CardRequestOut] = says("最早的在前")


class CardDecision(Body):
    decision: Literal["bind", "refuse"] = Field(description="绑定，或不予绑定")
    reason: str = Field(max_length=2000, description="怎样核实的，或不予绑定的理由")

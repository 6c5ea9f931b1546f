"""The shapes of the JSON about cards; see api.json.schemas."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from api.json.schemas import Body, Code, Phone

Challenge = Field(max_length=64, description="POST /card/challenge 的 challenge，只能用一次")
Token = Field(description="读卡程序 POST /sign 的回答，原样交来")


class CardChallengeWanted(Body):
    purpose: Literal["register", "sign_in", "bind"] = Field(
        description="注册、登录，或绑定另一张卡（须已登录）"
    )


class CardChallengeOut(BaseModel):
    challenge: UUID
    nonce: str = Field(description="32 字节，base64，交给读卡程序签名")
    expires_at: datetime


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


class CardOut(BaseModel):
    id: UUID
    kind: str = Field(description="法人卡、操作员卡")
    number: str
    holder: str
    person: str = Field(description="绑定到哪位用户")
    person_id: UUID
    owner: str
    not_after: datetime = Field(description="证书有效期至")
    bound_at: datetime
    used_at: datetime | None
    blocked_at: datetime | None = Field(description="挂失时间")
    blocked_reason: str


class CardList(BaseModel):
    items: list[CardOut]


class CardRequestSent(BaseModel):
    id: UUID
    office: str


class CardRequestOut(BaseModel):
    id: UUID
    enterprise: str
    uscc: str
    office: str
    office_name: str
    contact: str
    phone: str
    kind: str
    number: str
    holder: str
    member_name: str | None = Field(description="这个手机号已经是该企业的哪位用户")
    member_roles: list[str] | None
    admins: str | None = Field(description="该企业现在的企业管理员")
    created_at: datetime


class CardRequestList(BaseModel):
    items: list[CardRequestOut]


class CardDecision(Body):
    decision: Literal["bind", "refuse"]
    reason: str = Field(max_length=2000)

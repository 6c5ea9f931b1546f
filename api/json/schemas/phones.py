"""Numbers that change, and those that are lost."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from api.closed import Answer, answer, says
from api.json.body import Body, Code, Phone
from api.json.schemas.sign_in import CaptchaAnswer

Challenge = Field(default=None, max_length=64, description="发送验证码时所得的 challenge")
SmsCode = Field(max_length=32, description="短信验证码")


class NewPhone(Body):
    phone: Phone


@answer
class ChangeCodesSent(Answer):
    """One code went to each number."""

    old_challenge: str = says("连同原号码的验证码交回")
    new_challenge: str = says("连同新号码的验证码交回")


class PhoneChange(Body):
    phone: Phone
    old_challenge: str | None = Challenge
    old_code: str = SmsCode
    new_challenge: str | None = Challenge
    new_code: str = SmsCode


class LostPhoneCode(Body):
    phone: Phone
    captcha: CaptchaAnswer | None = Field(default=None, description="图片验证码；不需要时不填")


class LostPhoneBody(Body):
    name: str = Field(max_length=100, description="姓名")
    old_phone: Phone
    phone: Phone
    place: str = Field(max_length=300, description="企业名称或海关单位")
    office: Code = Field(description="受理的海关；海关关员为空字符串")
    challenge: str | None = Challenge
    code: str = SmsCode


@answer
class LostPhoneSent(Answer):
    """Customs decides."""

    id: UUID = says("申请的编号")


@answer
class PhoneRequestOut(Answer):
    """Somebody's request for another number, with whom we know by the old one."""

    id: UUID = says("申请的编号")
    name: str = says("申请人所填的姓名")
    old_phone: str = says("原手机号")
    new_phone: str = says("新手机号")
    place: str = says("所填的企业名称或海关单位")
    office: str | None = says("受理的海关，4 位代码；关员的申请为 null")
    office_name: str | None = says("受理的海关的名称")
    created_at: datetime = says("申请时间")
    person_id: UUID | None = says("原手机号现在是谁的（人员编号）；没有为 null")
    person_name: str | None = says("原手机号现在是谁的（姓名）")
    enterprises: str | None = says("这个人代表哪些企业")
    is_officer: bool = says("这个人是海关关员")


@answer
class PhoneRequestList(Answer):
    """The requests that wait for me."""

    items: list[PhoneRequestOut] = says("最早的在前")


class PhoneDecision(Body):
    decision: Literal["change", "refuse"] = Field(description="更换，或不予更换")
    reason: str = Field(max_length=2000, description="怎样核实的，或不予更换的理由")

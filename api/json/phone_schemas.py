"""The shapes of the JSON about numbers; see api.json.schemas."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from api.json.schemas import Body, CaptchaAnswer, Code, Phone

Challenge = Field(default=None, max_length=64)


class NewPhone(Body):
    phone: Phone


class ChangeCodesSent(BaseModel):
    old_challenge: str
    new_challenge: str


class PhoneChange(Body):
    phone: Phone
    old_challenge: str | None = Challenge
    old_code: str = Field(max_length=32)
    new_challenge: str | None = Challenge
    new_code: str = Field(max_length=32)


class LostPhoneCode(Body):
    phone: Phone
    captcha: CaptchaAnswer | None = None


class LostPhoneBody(Body):
    name: str = Field(max_length=100)
    old_phone: Phone
    phone: Phone
    place: str = Field(max_length=300, description="企业名称或海关单位")
    office: Code = Field(description="受理的海关；海关关员为空字符串")
    challenge: str | None = Challenge
    code: str = Field(max_length=32)


class LostPhoneSent(BaseModel):
    id: UUID


class PhoneRequestOut(BaseModel):
    id: UUID
    name: str
    old_phone: str
    new_phone: str
    place: str
    office: str | None
    office_name: str | None
    created_at: datetime
    person_id: UUID | None
    person_name: str | None
    enterprises: str | None
    is_officer: bool


class PhoneRequestList(BaseModel):
    items: list[PhoneRequestOut]


class PhoneDecision(Body):
    decision: Literal["change", "refuse"]
    reason: str = Field(max_length=2000)

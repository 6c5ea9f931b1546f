"""The shapes of 用户管理."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from api.json.schemas import Body, Phone, TaskIssue

GivenRole = Literal["executive", "customs_affairs"]
GivenRoles = Annotated[list[GivenRole], Field(max_length=2, description="企业高管、关务人员")]
Name = Annotated[str, Field(max_length=200, description="本企业使用的姓名")]
Position = Annotated[str, Field(max_length=200, description="职务")]
Id = Annotated[str, Field(max_length=64)]


class MemberBody(Body):
    name: Name
    phone: Phone
    position: Position = ""
    roles: GivenRoles


class MemberChanges(Body):
    name: Name | None = None
    position: Position | None = None
    roles: GivenRoles | None = None
    reviews_to: Id | None = Field(default=None, description="不再是企业高管时，由哪位高管接手审核的问题")


class MemberOut(BaseModel):
    id: UUID = Field(description="成员编号")
    person_id: UUID
    name: str
    phone: str
    position: str
    roles: list[str]
    state: Literal["active", "suspended", "removed"]
    created_at: datetime


class MemberList(BaseModel):
    items: list[MemberOut]


class ImportLineOut(BaseModel):
    line: int = Field(description="Excel 里的行号")
    name: str
    phone: str
    position: str
    roles: str
    errors: dict[str, str] = Field(description="这一行哪一项有误；没有就是空的")


class ImportOut(BaseModel):
    lines: list[ImportLineOut]
    added: int


class WorkItemOut(BaseModel):
    issue: TaskIssue
    review: bool = Field(description="作为企业高管审核的；只能由高管接手")
    tasks: list[str] = Field(description="现在等这位用户办理的步骤")


class WorkList(BaseModel):
    items: list[WorkItemOut]


class Leaving(Body):
    work_to: Id | None = Field(default=None, description="经办的问题由谁接手（成员编号）")
    reviews_to: Id | None = Field(default=None, description="审核的问题由哪位高管接手（成员编号）")


class OfferBody(Body):
    to: Id = Field(description="请谁接任（成员编号）")
    roles: GivenRoles = Field(description="移交后我保留的身份")


class OfferOut(BaseModel):
    id: UUID
    from_name: str
    to: UUID
    to_name: str
    enterprise: str
    roles: list[str]
    offered_at: datetime


class OfferToMe(BaseModel):
    offer: OfferOut | None

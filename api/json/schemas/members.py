"""用户管理."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from api.closed import Answer, answer, says
from api.json.body import Body, Phone
from api.json.schemas.tasks import BriefIssue

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
    name: Name | None = Field(default=None, description="本企业使用的姓名；不填不变")
    position: Position | None = Field(default=None, description="职务；不填不变")
    roles: GivenRoles | None = Field(default=None, description="企业高管、关务人员；不填不变")
    reviews_to: Id | None = Field(default=None, description="不再是企业高管时，由哪位高管接手审核的问题")


@answer
class MemberOut(Answer):
    """A member of the enterprise."""

    id: UUID = says("成员编号")
    person_id: UUID = says("人员编号")
    name: str = says("本企业使用的姓名")
    phone: str = says("手机号")
    position: str = says("职务")
    roles: list[str] = says("enterprise_admin、executive、customs_affairs 之中的")
    state: str = says("active（可以使用）、suspended（已停用）或 removed（已移除）")
    created_at: datetime = says("何时添加")


@answer
class MemberList(Answer):
    """Everybody, suspended ones included."""

    items: list[MemberOut] = says("按加入的先后")


@answer
class ImportLineOut(Answer):
    """One line of the file."""

    line: int = says("Excel 里的行号")
    name: str = says("姓名")
    phone: str = says("手机号码")
    position: str = says("职务")
    roles: str = says("身份，如文件里所写")
    errors: dict[str, str] = says("这一行哪一项有误；没有就是空的")


@answer
class ImportOut(Answer):
    """What is wrong with each line, and how many were added."""

    lines: list[ImportLineOut] = says("逐行")
    added: int = says("添加了几位")


@answer
class WorkItemOut(Answer):
    """An issue that has to go to somebody else."""

    issue: BriefIssue = says("哪个问题")
    review: bool = says("作为企业高管审核的；只能由高管接手")
    tasks: list[str] = says("现在等这位用户办理的步骤")


@answer
class WorkList(Answer):
    """What a member has not finished."""

    items: list[WorkItemOut] = says("还没有办结的问题")


class Leaving(Body):
    work_to: Id | None = Field(default=None, description="经办的问题由谁接手（成员编号）")
    reviews_to: Id | None = Field(default=None, description="审核的问题由哪位高管接手（成员编号）")


class OfferBody(Body):
    to: Id = Field(description="请谁接任（成员编号）")
    roles: GivenRoles = Field(description="移交后我保留的身份")


@answer
class OfferOut(Answer):
    """The admin's role is offered to a member."""

    id: UUID = says("移交的编号")
    from_name: str = says("谁移交")
    to: UUID = says("请谁接任（成员编号）")
    to_name: str = says("请谁接任（姓名）")
    enterprise: str = says("企业名称")
    roles: list[str] = says("移交后前任保留的身份")
    offered_at: datetime = says("何时提出")


@answer
class OfferToMe(Answer):
    """Whether somebody wants me to be the admin."""

    offer: OfferOut | None = says("等我答复的移交；没有为 null")

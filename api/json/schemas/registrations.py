"""Registrations of enterprises."""

from datetime import datetime
from uuid import UUID

from pydantic import ConfigDict, Field

from api.closed import Answer, answer, says
from api.json.body import Body, Code, Phone
from api.json.schemas.parts import (
    AnsweredField,
    AttachmentOut,
    ChangeOut,
    DoneTaskOut,
    OpenTaskOut,
    PersonRef,
)

STATUS = "状态，用来显示；文字由流程图决定"
PHASE = "customs、enterprise 或 closed，供程序判断"
OUTCOME = "approved（通过）、refused（不予通过）或 superseded（已由另一份注册取代）；未结束为 null"
ROUTE = "怎样申请的：card、web 或 wechat"


class RegistrationBody(Body):
    """Besides these, whatever else the form of the registration asks, by its keys."""

    model_config = ConfigDict(extra="allow", strict=True)

    name: str = Field(default="", max_length=400, description="企业名称")
    uscc: str = Field(default="", max_length=64, description="统一社会信用代码")
    uscc_confirmed: bool = Field(
        default=False, description="校验位不正确的代码，已核对与营业执照一致；由海关再核对"
    )
    customs_code: str = Field(default="", max_length=64, description="海关注册编码")
    address: str = Field(default="", max_length=800, description="注册地址")
    legal_person: str = Field(default="", max_length=200, description="法定代表人")
    contact: str = Field(default="", max_length=200, description="联系人，注册后的企业管理员")
    phone: Phone
    code: str = Field(max_length=32, description="以 purpose=register 取得的验证码")
    challenge: str = Field(max_length=64, description="POST /sign-in/code 的 challenge")
    office: Code = Field(default="", description="注册地海关，4 位代码")
    licence: str = Field(default="", max_length=64, description="已上传的营业执照的编号")


@answer
class RegistrationState(Answer):
    """Where a registration stands."""

    id: UUID = says("注册的编号，用在网址里")
    status: str | None = says(STATUS)
    phase: str | None = says(PHASE)


@answer
class RegistrationCreated(RegistrationState):
    """It waits for a registrar, or was approved by a card."""

    number: str = says("申请编号，给人看的，如 ZC2301…")


@answer
class RegistrationLine(Answer):
    """One registration in a list."""

    id: UUID = says("注册的编号，用在网址里")
    number: str = says("申请编号，给人看的，如 ZC2301…")
    status: str | None = says(STATUS)
    phase: str | None = says(PHASE)
    outcome: str | None = says(OUTCOME)
    route: str = says(ROUTE)
    round: int = says("补正的次数")
    office: str = says("注册地海关，4 位代码")
    office_name: str = says("注册地海关的名称")
    enterprise_name: str = says("企业名称")
    uscc: str = says("统一社会信用代码")
    submitted_at: datetime | None = says("提交时间")
    due_at: datetime | None = says("审核的期限")
    overdue_at: datetime | None = says("何时逾期")
    decided_at: datetime | None = says("何时有了结果")
    my_task_id: UUID | None = says("其中在我名下的任务；没有为 null")


@answer
class RegistrationList(Answer):
    """One page."""

    items: list[RegistrationLine] = says("这一页的注册，最新的在前")
    next: str | None = says("下一页的 after；没有更多时为 null")


@answer
class RegisteredEnterprise(Answer):
    """The enterprise as it was typed."""

    id: UUID = says("企业编号")
    name: str = says("企业名称")
    uscc: str = says("统一社会信用代码")
    customs_code: str | None = says("海关注册编码")
    address: str = says("注册地址")
    legal_person: str = says("法定代表人")
    status: str = says("pending、approved、returned、refused、suspended 或 superseded")


@answer
class RegistrationChangeOut(ChangeOut):
    """What the applicant changed from one round to the next; a licence names its files."""

    round: int = says("随第几次补正改的")
    before_file: AttachmentOut | None = says("修改前的营业执照；其他项为 null")
    after_file: AttachmentOut | None = says("修改后的营业执照；其他项为 null")


@answer
class RegistrationDetail(Answer):
    """What was typed, the licence, what changed from round to round, and what the last review said."""

    id: UUID = says("注册的编号，用在网址里")
    number: str = says("申请编号，给人看的，如 ZC2301…")
    status: str | None = says(STATUS)
    phase: str | None = says(PHASE)
    outcome: str | None = says(OUTCOME)
    route: str = says(ROUTE)
    office: str = says("注册地海关，4 位代码")
    office_name: str = says("注册地海关的名称")
    contact: str = says("联系人")
    round: int = says("补正的次数")
    reason: str = says("最近一次审核的理由")
    check_digit_failed: bool = says("统一社会信用代码的校验位不正确")
    check_digit_overridden_by: PersonRef | None = says("由谁核对无误")
    created_at: datetime = says("建立时间")
    submitted_at: datetime | None = says("提交时间")
    due_at: datetime | None = says("审核的期限")
    overdue_at: datetime | None = says("何时逾期")
    decided_at: datetime | None = says("何时有了结果")
    enterprise: RegisteredEnterprise = says("所填的企业")
    applicant: PersonRef | None = says("申请人")
    reviewer: PersonRef | None = says("审核的关员")
    licence: AttachmentOut | None = says("营业执照")
    fields: list[AnsweredField] = says("注册的表单里另外问到的各项，最后一次所填")
    changes: list[RegistrationChangeOut] = says("历次补正改了什么")
    tasks: list[OpenTaskOut] = says("等待办理的任务")
    done_tasks: list[DoneTaskOut] = says("已完成的任务和所填内容")

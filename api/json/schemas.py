"""The shapes of the JSON contract: what comes in is checked by these models, what goes out is described by them."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

Code = Annotated[str, Field(max_length=64)]
Phone = Annotated[str, Field(max_length=32, description="手机号", examples=["13800000001"])]


class Body(BaseModel):
    """What a caller sends: unknown fields are refused, nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Problem(BaseModel):
    """RFC 9457 problem details; `errors` names each field that is wrong."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str | None = None
    errors: dict[str, str] | None = None


# ---- who am I


class CaptchaOut(BaseModel):
    required: bool = Field(description="false：不需要，直接请求验证码")
    id: str | None = Field(default=None, description="连同答案交给 /sign-in/code")
    image: str | None = Field(default=None, description="PNG，base64")
    expires_at: datetime | None = None


class CaptchaWait(BaseModel):
    required: bool
    id: str | None = Field(default=None, description="等够以后不带答案交给 /sign-in/code")
    wait_s: int = 0


class CaptchaAnswer(Body):
    id: str = Field(max_length=64)
    answer: str = Field(default="", max_length=40, description="不分大小写；等待代替图片、或此前已通过的不填")


class CodeWanted(Body):
    phone: Phone
    captcha: CaptchaAnswer | None = None
    purpose: Literal["sign_in", "register"] = Field(default="sign_in", description="登录，或注册新企业")


class CodeSent(BaseModel):
    challenge: str = Field(description="登录时原样交回")


class SignInBody(Body):
    challenge: str | None = Field(default=None, max_length=64)
    phone: Phone
    code: str = Field(max_length=32)
    password: str | None = Field(default=None, max_length=256, description="海关关员必填")
    membership: str | None = Field(default=None, max_length=64, description="代表哪一家企业（成员编号）")


class PersonOut(BaseModel):
    id: UUID
    name: str
    phone: str


class EnterpriseOut(BaseModel):
    id: UUID
    name: str
    status: str


class MembershipOut(BaseModel):
    id: UUID
    enterprise: EnterpriseOut
    display_name: str
    position: str
    roles: list[str]


class OfficerRoleOut(BaseModel):
    role: str
    office: str


class OfficerOut(BaseModel):
    id: UUID
    roles: list[OfficerRoleOut]
    must_change_password: bool = Field(
        description="为 true 时只能先修改密码（POST /me/password），其他请求一律 403"
    )


class Me(BaseModel):
    person: PersonOut
    membership: MembershipOut | None = Field(description="当前代表的企业；关员为 null")
    memberships: list[MembershipOut]
    officer: OfficerOut | None = None


class SignedInOut(Me):
    token: str = Field(description="Authorization: Bearer")


class PasswordChange(Body):
    old: str = Field(max_length=256)
    new: str = Field(max_length=256, description="至少 10 个字符，不能是常见的或与本人有关的")


class MembershipChoice(Body):
    id: str = Field(max_length=64)


class SessionOut(BaseModel):
    id: UUID
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    ip: str | None
    user_agent: str | None
    current: bool


class SessionList(BaseModel):
    items: list[SessionOut]


# ---- lists


class CodeName(BaseModel):
    code: str
    name: str


class IdName(BaseModel):
    id: UUID
    name: str


class Lists(BaseModel):
    kinds: list[CodeName]
    categories: list[CodeName]
    importances: list[CodeName]
    offices: list[CodeName]
    executives: list[IdName] = Field(description="本企业的高管")


# ---- issues


class IssueBody(Body):
    kind: Code = ""
    category: Code = ""
    office: Code = ""
    title: str = Field(default="", max_length=400)
    description: str = Field(default="", max_length=20000)
    contact: str = Field(default="", max_length=200)
    importance: Code | None = Field(default=None, description="由高管提出的问题才可填")
    executive: str | None = Field(default=None, max_length=64, description="由哪位高管审核；只有一位时可不填")
    attachments: list[UUID] | None = Field(default=None, max_length=100, strict=False)


class IssueCreated(BaseModel):
    id: UUID
    number: str
    status: str | None


class IssueLine(BaseModel):
    model_config = ConfigDict(extra="allow")

    id: UUID
    number: str
    title: str
    kind: str
    category: str
    office: str
    status: str | None
    phase: str | None
    importance: str | None
    due_at: datetime | None


class IssueList(BaseModel):
    items: list[IssueLine]
    next: str | None = Field(description="下一页的 after；没有更多时为 null")


class IssueDetail(IssueLine):
    """Everything one may read about an issue, with its answers, evaluations, changes and timeline."""

    description: str


class TimelineOut(BaseModel):
    model_config = ConfigDict(extra="allow")

    items: list[dict[str, Any]]


class Diagram(BaseModel):
    xml: str = Field(description="BPMN 2.0 XML")
    active: list[str] = Field(description="当前所在环节的元素编号")
    done: list[str] = Field(description="已经过的环节")


class IssueState(BaseModel):
    id: UUID
    status: str | None


# ---- registrations


class RegistrationBody(Body):
    name: str = Field(default="", max_length=400, description="企业名称")
    uscc: str = Field(default="", max_length=64, description="统一社会信用代码")
    uscc_confirmed: bool = Field(
        default=False, description="校验位不正确的代码，已核对与营业执照一致；由海关再核对"
    )
    customs_code: str = Field(default="", max_length=64, description="海关注册编码")
    address: str = Field(default="", max_length=800)
    legal_person: str = Field(default="", max_length=200, description="法定代表人")
    contact: str = Field(default="", max_length=200, description="联系人，注册后的企业管理员")
    phone: Phone
    code: str = Field(max_length=32, description="以 purpose=register 取得的验证码")
    challenge: str = Field(max_length=64)
    office: Code = Field(default="", description="注册地海关")
    licence: str = Field(default="", max_length=64, description="已上传的营业执照的编号")


class RegistrationCreated(BaseModel):
    id: UUID
    number: str
    status: str | None


class RegistrationLine(BaseModel):
    model_config = ConfigDict(extra="allow")

    id: UUID
    number: str
    status: str | None
    phase: str | None
    office: str
    round: int
    due_at: datetime | None


class RegistrationList(BaseModel):
    items: list[RegistrationLine]
    next: str | None = Field(description="下一页的 after；没有更多时为 null")


class RegistrationDetail(RegistrationLine):
    """What was typed, the licence, what changed from round to round, and what the last review said."""

    reason: str = Field(description="最近一次审核的理由")


# ---- attachments


class AttachmentOut(BaseModel):
    id: UUID
    name: str
    size: int
    type: str


# ---- tasks

View = Literal["mine", "claimable", "done"]


class TaskIssue(BaseModel):
    id: UUID
    number: str
    title: str
    status: str | None


class TaskLine(BaseModel):
    model_config = ConfigDict(extra="allow")

    id: UUID
    element_id: str
    name: str
    issue: TaskIssue | None
    subject: str | None = None
    due_at: datetime | None
    claimed_by: UUID | None
    version: int


class TaskList(BaseModel):
    items: list[TaskLine]
    next: str | None


class TaskDetail(TaskLine):
    form: dict[str, Any] = Field(description="form-js 表单")
    values: dict[str, Any] = Field(description="各项的起始值")
    draft: dict[str, Any] | None = Field(description="已保存的草稿")


class TaskHolder(BaseModel):
    id: UUID
    claimed_by: UUID | None
    version: int


class DraftBody(Body):
    answers: dict[str, Any]


class DraftSaved(BaseModel):
    saved_at: datetime


class HandOverBody(Body):
    to: str = Field(max_length=64, description="接手人的编号")


class Colleagues(BaseModel):
    items: list[IdName]


class CompleteBody(Body):
    answers: dict[str, Any] = Field(default_factory=dict)
    version: int | None = Field(default=None, ge=1, le=2**31 - 1, description="读到任务时的 version")


class Completed(BaseModel):
    issue: IssueState | None
    registration: IssueState | None = Field(default=None, description="企业注册的任务才有")
    next: list[TaskLine] = Field(description="现在轮到我办的任务")


# ---- demo


class InboxMessage(BaseModel):
    channel: str
    to: str
    template: str
    text: str
    code: str | None
    at: datetime


class DemoPerson(BaseModel):
    name: str
    phone: str
    roles: list[str]
    enterprise: str | None
    office: str | None
    password: str | None

"""Issues."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from api.closed import Answer, answer, says
from api.json.body import Body, Code
from api.json.schemas.parts import (
    AnsweredField,
    AttachmentOut,
    ChangeOut,
    DoneTaskOut,
    EnterpriseRef,
    OpenTaskOut,
    PersonRef,
)

STATUS = "状态，用来显示；文字由流程图决定"
PHASE = "draft、review、customs、enterprise、answered 或 closed，供程序判断"
OUTCOME = "cleared（清零）或 withdrawn（撤回）；未结束为 null"


class IssueBody(Body):
    """Besides these, whatever else the form of the first step asks, by its keys."""

    model_config = ConfigDict(extra="allow", strict=True)

    kind: Code = Field(default="", description="问题类型，GET /lists 的代码")
    category: Code = Field(default="", description="业务类别，GET /lists 的代码")
    office: Code = Field(default="", description="受理海关，4 位代码")
    title: str = Field(default="", max_length=400, description="标题")
    description: str = Field(default="", max_length=20000, description="问题描述")
    contact: str = Field(default="", max_length=200, description="联系方式")
    importance: Code | None = Field(default=None, description="重要性；由高管提出的问题才可填")
    executive: str | None = Field(
        default=None, max_length=64, description="由哪位高管审核（人员编号）；只有一位时可不填"
    )
    attachments: list[Annotated[UUID, Field(strict=False)]] | None = Field(
        default=None, max_length=100, description="已上传附件的编号"
    )


@answer
class IssueState(Answer):
    """Where an issue stands."""

    id: UUID = says("问题编号，用在网址里")
    status: str | None = says(STATUS)
    phase: str | None = says(PHASE)


@answer
class IssueCreated(IssueState):
    """A draft."""

    number: str = says("问题编号，给人看的，如 QL2301…")


@answer
class IssueLine(Answer):
    """One issue in a list."""

    id: UUID = says("问题编号，用在网址里")
    number: str = says("问题编号，给人看的，如 QL2301…")
    title: str = says("标题")
    status: str | None = says(STATUS)
    phase: str | None = says(PHASE)
    kind: str = says("问题类型的代码")
    category: str = says("业务类别的代码")
    importance: str | None = says("重要性的代码")
    office: str = says("受理海关，4 位代码")
    office_name: str = says("受理海关的名称")
    enterprise_id: UUID = says("企业编号")
    enterprise_name: str = says("企业名称")
    submitter_id: UUID = says("提出人（人员编号）")
    submitter_name: str = says("提出人的姓名")
    created_at: datetime = says("起草时间")
    submitted_at: datetime | None = says("提交海关的时间")
    due_at: datetime | None = says("海关答复的期限")
    overdue_at: datetime | None = says("何时逾期")
    closed_at: datetime | None = says("结束时间")
    outcome: str | None = says(OUTCOME)
    round: int = says("重新办理的次数")
    my_task_id: UUID | None = says("其中在我名下的任务；没有为 null")


@answer
class IssueList(Answer):
    """One page."""

    items: list[IssueLine] = says("这一页的问题")
    next: str | None = says("下一页的 after；没有更多时为 null")


@answer
class IssueAnswerOut(Answer):
    """Customs' answer of one round."""

    round: int = says("第几次办理，从 0 起")
    answer: str = says("答复")
    office: str = says("答复的海关，4 位代码")
    office_name: str = says("答复的海关的名称")
    answered_by: PersonRef | None = says("答复人")
    answered_at: datetime = says("答复时间")
    attachments: list[AttachmentOut] = says("答复的附件")


@answer
class EvaluationOut(Answer):
    """What somebody says of an answer."""

    round: int = says("评价的是第几次办理，从 0 起")
    person: PersonRef | None = says("评价人")
    rating: int | None = says("1 至 4，各是什么意思见评价的表单；未评价为 null")
    comment: str = says("意见")
    reopen: bool = says("要求重新办理")
    at: datetime = says("评价时间")


@answer
class IssueDetail(Answer):
    """Everything one may read about an issue; its history is at /issues/{id}/timeline."""

    id: UUID = says("问题编号，用在网址里")
    number: str = says("问题编号，给人看的，如 QL2301…")
    title: str = says("标题")
    description: str = says("问题描述")
    contact: str = says("联系方式")
    kind: str = says("问题类型的代码")
    category: str = says("业务类别的代码")
    importance: str | None = says("重要性的代码")
    office: str = says("受理海关，4 位代码")
    office_name: str = says("受理海关的名称")
    enterprise: EnterpriseRef = says("提出问题的企业")
    submitter: PersonRef | None = says("提出人")
    executive: PersonRef | None = says("审核的高管")
    handler: PersonRef | None = says("经办关员")
    status: str | None = says(STATUS)
    phase: str | None = says(PHASE)
    round: int = says("重新办理的次数")
    transfers: int = says("转办的次数")
    outcome: str | None = says(OUTCOME)
    raised_by_executive: bool = says("由高管提出，不需要审核")
    created_at: datetime = says("起草时间")
    submitted_at: datetime | None = says("提交海关的时间")
    due_at: datetime | None = says("海关答复的期限")
    paused_at: datetime | None = says("从何时起暂停计时（等企业补充）；没有暂停为 null")
    first_claimed_at: datetime | None = says("海关首次认领的时间")
    answered_at: datetime | None = says("最近一次答复的时间")
    overdue_at: datetime | None = says("何时逾期")
    closed_at: datetime | None = says("结束时间")
    attachments: list[AttachmentOut] = says("问题的附件")
    fields: list[AnsweredField] = says("问题的表单里另外问到的各项，最后一次所填")
    answers: list[IssueAnswerOut] = says("历次答复")
    evaluations: list[EvaluationOut] = says("历次评价")
    changes: list[ChangeOut] = says("提出人以外的人改过什么")
    tasks: list[OpenTaskOut] = says("等待办理的任务")
    done_tasks: list[DoneTaskOut] = says("已完成的任务和所填内容")
    other_answers: list[DoneTaskOut] = says("其中只记在任务里、没有写入其他栏目的")
    may_withdraw: bool = says("我现在可以撤回")

"""Tasks: lists of them, one with its form, and what is done with it."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from api.closed import Answer, answer, says
from api.json.body import Body
from api.json.schemas.issues import IssueState
from api.json.schemas.lists import IdName
from api.json.schemas.parts import FORM
from api.json.schemas.registrations import RegistrationState

View = Literal["mine", "claimable", "done"]


@answer
class BriefIssue(Answer):
    """The issue that a task is about, in a few words."""

    id: UUID = says("问题编号，用在网址里")
    number: str = says("问题编号，给人看的，如 QL2301…")
    title: str = says("标题")
    status: str | None = says("状态，用来显示")


@answer
class NextSubject(BriefIssue):
    """What the next task is about; a registration is titled by the enterprise's name."""

    phase: str | None = says("阶段，供程序判断")


@answer
class TaskIssue(NextSubject):
    """The issue that a task is about, as lists show it."""

    office: str = says("受理海关，4 位代码")
    category: str = says("业务类别的代码")
    importance: str | None = says("重要性的代码")
    round: int = says("重新办理的次数")


@answer
class TaskRegistration(Answer):
    """The registration that a task is about, as lists show it."""

    id: UUID = says("注册的编号，用在网址里")
    number: str = says("申请编号，给人看的，如 ZC2301…")
    status: str | None = says("状态，用来显示")
    phase: str | None = says("阶段，供程序判断")
    office: str = says("注册地海关，4 位代码")
    office_name: str = says("注册地海关的名称")
    enterprise_name: str = says("企业名称")
    round: int = says("补正的次数")


@answer
class TaskLine(Answer):
    """One task in a list."""

    id: UUID = says("任务编号")
    element_id: str = says("在流程图里的元素编号")
    name: str = says("任务名称")
    issue: TaskIssue | None = says("关于哪个问题；不是关于问题的任务为 null")
    registration: TaskRegistration | None = says("关于哪份企业注册；不是关于注册的任务为 null")
    subject: str = says("关于什么，一句话")
    due_at: datetime | None = says("办理期限")
    claimed_by: UUID | None = says("谁在办理（人员编号）；待认领为 null")
    claimed_at: datetime | None = says("认领时间")
    version: int = says("认领、退回、移交时增大；提交时带回")
    created_at: datetime = says("从何时起等待办理")
    completed_at: datetime | None = says("完成时间")


@answer
class TaskList(Answer):
    """One page."""

    items: list[TaskLine] = says("这一页的任务")
    next: str | None = says("下一页的 after；没有更多时为 null")


@answer
class OptionOut(Answer):
    """One thing to choose in a field."""

    value: str = says("用来提交")
    label: str = says("用来显示")


@answer
class TaskDetail(TaskLine):
    """One task to work on."""

    state: str = says("ready（待办）、completed（办完了）或 cancelled（已取消）")
    form: dict[str, Any] = says("form-js 表单", open_by="form-js 的表单格式")
    values: dict[str, Any] = says("各项的起始值", open_by=FORM)
    options: dict[str, list[OptionOut]] = says("从名单选择的各项：可以选什么")
    draft: dict[str, Any] | None = says("我保存的草稿", open_by=FORM)
    draft_saved_at: datetime | None = says("草稿保存的时间")
    answers: dict[str, Any] | None = says("完成时所填；未完成为 null", open_by=FORM)
    may_claim: bool = says("我可以认领")
    may_release: bool = says("我可以退回待认领")


@answer
class TaskHolder(Answer):
    """Who has the task now."""

    id: UUID = says("任务编号")
    claimed_by: UUID | None = says("谁在办理（人员编号）；待认领为 null")
    version: int = says("现在的版本")


class DraftBody(Body):
    answers: dict[str, Any] = Field(description="已填的各项，不检查；键由表单决定")


@answer
class DraftSaved(Answer):
    """It is kept."""

    saved_at: datetime = says("保存的时间")


class HandOverBody(Body):
    to: str = Field(max_length=64, description="接手人（人员编号）")


@answer
class Colleagues(Answer):
    """Whom a task may be handed to."""

    items: list[IdName] = says("可以接手的人")


class CompleteBody(Body):
    answers: dict[str, Any] = Field(default_factory=dict, description="各项的回答；键由表单决定")
    version: int | None = Field(default=None, ge=1, le=2**31 - 1, description="读到任务时的 version")


@answer
class NextTask(Answer):
    """A task that is mine now."""

    id: UUID = says("任务编号")
    element_id: str = says("在流程图里的元素编号")
    name: str = says("任务名称")
    issue: NextSubject | None = says("关于哪个问题；不是关于问题的任务为 null")
    registration: NextSubject | None = says("关于哪份企业注册；不是关于注册的任务为 null")
    due_at: datetime | None = says("办理期限")
    claimed_by: UUID | None = says("我的人员编号")
    version: int = says("提交时带回")


@answer
class Completed(Answer):
    """What came of a submit."""

    issue: IssueState | None = says("问题现在的状态；任务不是关于问题的为 null")
    registration: RegistrationState | None = says("企业注册现在的状态；任务不是关于注册的为 null")
    next: list[NextTask] = says("现在轮到我办的任务")

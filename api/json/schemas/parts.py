"""What answers about issues, registrations and tasks have in common."""

from datetime import datetime
from typing import Any
from uuid import UUID

from api.closed import Answer, answer, says

FORM = "由流程图里这一环节的表单决定"


@answer
class PersonRef(Answer):
    """A person, as this reader's enterprise calls them."""

    id: UUID = says("人员编号")
    name: str = says("姓名")


@answer
class EnterpriseRef(Answer):
    """An enterprise."""

    id: UUID = says("企业编号")
    name: str = says("企业名称")


@answer
class AttachmentOut(Answer):
    """A file; its content is at /attachments/{id}."""

    id: UUID = says("附件编号，用来提交")
    name: str = says("文件名")
    size: int = says("字节数")
    type: str = says("媒体类型，如 application/pdf")
    pages: int = says("可以看的页数，见 /attachments/{id}/pages/{page}；0 为只能下载")


@answer
class UploadedFile(AttachmentOut):
    """A file as whoever uploads it gets to know it."""

    hint: str | None = says("上传人应当知道的事，例如 PDF 有密码；没有时为 null")


@answer
class AnsweredField(Answer):
    """One field of a form that somebody answered."""

    key: str = says("这一项的键，来自表单")
    label: str = says("这一项的名称，来自表单")
    kind: str = says("这一项的种类，如 textfield、select、filepicker")
    value: Any = says("所填的值；附件是编号的列表", open_by=FORM)
    text: str = says("所填的值，用来显示")


@answer
class OpenTaskOut(Answer):
    """A task that is open."""

    id: UUID = says("任务编号")
    element_id: str = says("在流程图里的元素编号")
    name: str = says("任务名称")
    claimed_by: UUID | None = says("谁在办理（人员编号）；待认领为 null")
    claimed_by_name: str | None = says("办理人的姓名")
    due_at: datetime | None = says("办理期限")
    created_at: datetime = says("从何时起等待办理")
    version: int = says("提交时带回")
    is_mine: bool = says("在我名下")
    may_claim: bool = says("我可以认领")


@answer
class DoneTaskOut(Answer):
    """A task that was completed."""

    task_id: UUID = says("任务编号")
    element_id: str = says("在流程图里的元素编号")
    name: str = says("任务名称")
    completed_at: datetime = says("完成时间")
    completed_by: UUID | None = says("谁完成的（人员编号）")
    completed_by_name: str | None = says("完成人的姓名")
    answers: list[AnsweredField] = says("逐项所填")
    is_generic: bool = says("所填内容只在这里，没有写入其他栏目")


@answer
class ChangeOut(Answer):
    """One field that somebody changed; before and after as they are shown."""

    field: str = says("哪一项")
    label: str = says("这一项的名称")
    before: str = says("修改前")
    after: str = says("修改后")
    actor_id: UUID = says("谁改的（人员编号）")
    actor_name: str = says("修改人的姓名")
    at: datetime = says("修改时间")


@answer
class EntryOut(Answer):
    """One line of a history."""

    id: int = says("记录编号，越来越大")
    at: datetime = says("时间")
    kind: str = says("发生了什么，如 task_completed")
    text: str = says("一句话，用来显示")
    element_id: str | None = says("在流程图里的元素编号")
    element_name: str | None = says("这一环节的名称")
    task_id: UUID | None = says("任务编号")
    actor_id: UUID | None = says("谁（人员编号）；系统为 null")
    actor_name: str | None = says("姓名")
    waited_s: float | None = says("这一步等待了多少秒")
    is_quiet: bool = says("只有要看全部细节的人才关心")
    answers: list[AnsweredField] = says("完成任务时逐项所填")


@answer
class TimelineOut(Answer):
    """Everything that happened."""

    items: list[EntryOut] = says("最早的在前")


@answer
class Diagram(Answer):
    """The process as it is drawn, and where it stands."""

    xml: str = says("BPMN 2.0 XML")
    active: list[str] = says("当前所在环节的元素编号")
    done: list[str] = says("已经过的环节的元素编号")

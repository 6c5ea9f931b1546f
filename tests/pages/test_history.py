"""办理过程 in words: what was done with its decision and files, what has a place of its own, and how long something waits."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from api.pages.history import tell_history, tell_waiting
from domain.models import Attachment
from tasks.details import OpenTask
from tasks.timeline import Answer, Entry

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
FILE = Attachment(
    id=UUID(int=3),
    name="合同.pdf",
    media_type="application/pdf",
    size=1,
    sha256="",
    stored_as="x",
    uploader_id=UUID(int=4),
    created_at=NOW,
)
ENTRY = Entry(
    id=1,
    at=NOW,
    kind="task_completed",
    text="完成“审核问题”",
    element_id="review_issue",
    element_name="审核问题",
    task_id=UUID(int=1),
    actor_id=UUID(int=2),
    actor_name="王强",
    waited_s=7200,
    is_quiet=False,
    answers=(
        Answer("decision", "审核意见", "radio", "submit", "提交海关"),
        Answer("title", "标题", "textfield", "题", "题"),
        Answer("contract", "合同", "filepicker", [str(FILE.id)], "合同.pdf"),
    ),
)


def test_a_step_is_told_with_its_decision_its_files_and_nothing_that_stands_elsewhere() -> None:
    quiet = replace(ENTRY, is_quiet=True)
    by_timer = replace(ENTRY, actor_id=None, actor_name=None, waited_s=59, answers=())
    [done, fired] = tell_history([ENTRY, quiet, by_timer], {FILE.id: FILE}, {"title"})
    assert (done.kind, done.what, done.who, done.waited) == (
        "done",
        "完成“审核问题”：提交海关",
        "王强",
        "用时 2 小时",
    )
    assert [(line.label, list(line.files)) for line in done.answers] == [("合同", [FILE])]
    assert (fired.kind, fired.what, fired.who, fired.waited) == ("system", "完成“审核问题”", "", "")


def test_what_is_waited_for_says_for_how_long() -> None:
    task = OpenTask(UUID(int=1), "answer_issue", "答复问题", None, None, None, NOW, 1, False, False)
    taken = replace(task, claimed_by=UUID(int=2), claimed_by_name="陈刚")
    told = [tell_waiting([task], NOW + timedelta(seconds=30)), tell_waiting([taken], NOW + timedelta(days=2))]
    assert [(one.what, one.who, one.waited) for [one] in told] == [
        ("等待：答复问题", "还没有人认领", "刚刚开始"),
        ("等待：答复问题", "陈刚", "已等待 2 天"),
    ]

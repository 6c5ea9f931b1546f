"""Issues and the audit log as Excel files. Every text is written as text: what begins with = + - @ stays what somebody typed."""

import io
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from api.pages.entry_names import entry_name
from api.pages.wording import to_local
from domain.lists import LIST_NAMES
from domain.sheets import new_book

EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LONGEST_CELL = 32_767  # Excel's own limit
COLUMNS = (
    ("问题编号", "number", 20),
    ("标题", "title", 48),
    ("状态", "status", 13),
    ("重要性", "importance", 9),
    ("问题类型", "kind", 13),
    ("业务类别", "category", 18),
    ("受理海关", "office_name", 18),
    ("提出企业", "enterprise_name", 32),
    ("经办人", "submitter_name", 12),
    ("提出时间", "created_at", 18),
    ("提交海关时间", "submitted_at", 18),
    ("答复期限", "due_at", 18),
    ("期限情况", "due", 18),
    ("办结时间", "closed_at", 18),
    ("办理轮次", "round", 9),
)


AUDIT_COLUMNS = (
    ("时间", "at", 18),
    ("谁", "who", 12),
    ("操作人编号", "actor_id", 38),
    ("做了什么", "action_name", 20),
    ("对象", "about_name", 16),
    ("对象编号", "about_id", 38),
    ("之前", "before_text", 40),
    ("之后", "after_text", 40),
    ("从哪里", "ip", 16),
    ("登录编号", "session_id", 38),
    ("封存批次", "sealed_in", 10),
    ("记录编号", "id", 38),
)
Columns = Sequence[tuple[str, str, int]]


def write_issues(lines: Sequence[Mapping[str, Any]], cut_at: int | None = None) -> bytes:
    """One sheet with a line an issue, and a column for each field that forms asked besides; `cut_at` says how many were written
    when there were more."""
    asked = {key: label for line in lines for key, (label, _) in line.get("answers", {}).items()}
    shown = [
        {
            **line,
            "due_at": _day(line.get("due_at")),
            **{f"answers.{key}": text for key, (_, text) in line.get("answers", {}).items()},
            "due": line["due"].words if line.get("due") else None,
            "round": int(line.get("round") or 0) + 1,
            **{key: entry_name(line.get(key), key) for key in LIST_NAMES},
        }
        for line in lines
    ]
    columns = (*COLUMNS, *((label, f"answers.{key}", 24) for key, label in asked.items()))
    return _write_sheet(
        "问题", columns, shown, f"只导出了前 {cut_at} 件，请缩小筛选范围。" if cut_at else None
    )


def write_audit(lines: Sequence[Mapping[str, Any]], cut_at: int | None = None) -> bytes:
    """One sheet with a line a record of the audit log; `cut_at` as above."""
    note = f"只导出了前 {cut_at} 条，请缩小筛选范围。" if cut_at else None
    return _write_sheet("审计记录", AUDIT_COLUMNS, lines, note)


def _write_sheet(name: str, columns: Columns, lines: Sequence[Mapping[str, Any]], note: str | None) -> bytes:
    buffer = io.BytesIO()
    with new_book(buffer) as book:
        sheet = book.add_worksheet(name)
        head = book.add_format({"bold": True, "bg_color": "#E9F0F9", "border": 1, "border_color": "#D5DCE6"})
        plain = book.add_format({"valign": "top", "text_wrap": True})
        formats = {
            datetime: book.add_format({"valign": "top", "num_format": "yyyy-mm-dd hh:mm"}),
            date: book.add_format({"valign": "top", "num_format": "yyyy-mm-dd"}),
        }
        for column, (title, _, width) in enumerate(columns):
            sheet.set_column(column, column, width)
            sheet.write_string(0, column, title, head)
        for row, line in enumerate(lines, 1):
            for column, (_, key, _) in enumerate(columns):
                _write(sheet, row, column, line.get(key), plain, formats)
        if note is not None:
            sheet.write_string(len(lines) + 1, 0, note, plain)
        sheet.freeze_panes(1, 2)
        sheet.autofilter(0, 0, max(1, len(lines)), len(columns) - 1)
    return buffer.getvalue()


def _day(at: datetime | None) -> date | None:
    local = to_local(at)
    return local.date() if local else None


def _write(
    sheet: Any, row: int, column: int, value: Any, plain: Any, formats: Mapping[type[date], Any]
) -> None:
    if isinstance(value, int):
        sheet.write_number(row, column, value, plain)
    elif isinstance(value, datetime):
        local = to_local(value)
        assert local is not None
        sheet.write_datetime(row, column, local.replace(tzinfo=None), formats[datetime])
    elif isinstance(value, date):
        sheet.write_datetime(row, column, datetime.combine(value, time()), formats[date])
    elif value:
        sheet.write_string(row, column, str(value)[:LONGEST_CELL], plain)

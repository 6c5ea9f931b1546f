"""Issues as an Excel file. Every text is written as text: what begins with = + - @ stays what somebody typed."""

import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import xlsxwriter

from api.pages.wording import to_local

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


def write_issues(lines: Sequence[Mapping[str, Any]], cut_at: int | None = None) -> bytes:
    """One sheet with a line an issue; `cut_at` says how many were written when there were more."""
    buffer = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(buffer, options) as book:
        sheet = book.add_worksheet("问题")
        head = book.add_format({"bold": True, "bg_color": "#E9F0F9", "border": 1, "border_color": "#D5DCE6"})
        plain = book.add_format({"valign": "top", "text_wrap": True})
        moment = book.add_format({"valign": "top", "num_format": "yyyy-mm-dd hh:mm"})
        for column, (name, _, width) in enumerate(COLUMNS):
            sheet.set_column(column, column, width)
            sheet.write_string(0, column, name, head)
        for row, line in enumerate(lines, 1):
            for column, (_, key, _) in enumerate(COLUMNS):
                _write(sheet, row, column, key, line.get(key), plain, moment)
        if cut_at is not None:
            sheet.write_string(len(lines) + 1, 0, f"只导出了前 {cut_at} 件，请缩小筛选范围。", plain)
        sheet.freeze_panes(1, 2)
        sheet.autofilter(0, 0, max(1, len(lines)), len(COLUMNS) - 1)
    return buffer.getvalue()


def _write(sheet: Any, row: int, column: int, key: str, value: Any, plain: Any, moment: Any) -> None:
    if key == "due":
        value = value.words if value else None
    if key == "round":
        sheet.write_number(row, column, int(value or 0) + 1, plain)
    elif isinstance(value, datetime):
        local = to_local(value)
        assert local is not None
        sheet.write_datetime(row, column, local.replace(tzinfo=None), moment)
    elif value:
        sheet.write_string(row, column, str(value), plain)

"""The Excel file holds what the list shows, and nothing in it is a formula."""

import io
from datetime import UTC, datetime
from zipfile import ZipFile

import pytest

from api.pages.export import COLUMNS, write_issues
from api.pages.wording import Due

LINE = {
    "number": "QL23012026000001",
    "title": "归类",
    "status": "海关办理中",
    "created_at": datetime(2026, 3, 2, 1, 0, tzinfo=UTC),
    "due": Due(datetime(2026, 3, 6, tzinfo=UTC), "剩 4 个工作日", "ok"),
    "round": 0,
}


def read_parts(content: bytes) -> str:
    """The sheet and the texts in it, as XML."""
    with ZipFile(io.BytesIO(content)) as book:
        return book.read("xl/worksheets/sheet1.xml").decode() + book.read("xl/sharedStrings.xml").decode()


@pytest.mark.parametrize("text", ["=1+1", "=HYPERLINK(A1)", "+1", "-2", "@SUM(1)", "http://x.example"])
def test_no_text_becomes_a_formula_a_number_or_a_link(text: str) -> None:
    parts = read_parts(write_issues([{**LINE, "title": text}]))
    assert f"<t>{text}</t>" in parts
    assert "<f>" not in parts
    assert "<hyperlink" not in parts


def test_every_column_has_a_heading_and_times_are_beijings() -> None:
    parts = read_parts(write_issues([LINE]))
    for name, _, _ in COLUMNS:
        assert name in parts
    assert "剩 4 个工作日" in parts
    assert "46083.375" in parts, "9:00 in Beijing on 2 March 2026, as Excel counts days"


def test_a_list_that_was_cut_says_so() -> None:
    assert "只导出了前 1 件" in read_parts(write_issues([LINE], cut_at=1))

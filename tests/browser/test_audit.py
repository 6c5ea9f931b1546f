"""The auditor looks at what others have done, narrows it down, opens a record, and takes the list away as a file."""

from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl import load_workbook
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.served import Served
from tests.browser.somebody import Somebody


@pytest.fixture
def somebody(
    server: Served,
    new_context: Callable[..., BrowserContext],
    shot: Callable[..., Path],
    violations: Callable[[Page], list[str]],
) -> Callable[[str], Somebody]:
    """`somebody("13800000108")`: that person, at a browser nobody else uses."""
    return lambda phone: Somebody(new_context(), server.url, phone, shot, violations)


def test_the_auditor_finds_a_sign_in_and_exports_it(
    somebody: Callable[[str], Somebody], tmp_path: Path
) -> None:
    somebody("13800000009").sign_in()  # two enterprises: one is chosen
    auditor = somebody("13800000108").sign_in()
    page = auditor.page
    page.get_by_role("navigation", name="主要功能").get_by_role("link", name="审计").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("审计")
    page.get_by_label("谁（姓名、手机号码或编号）").fill("罗天成")
    page.get_by_label("做了什么").select_option(label="登录")
    page.get_by_role("button", name="筛选").click()
    row = page.get_by_role("row").filter(has_text="罗天成").first
    row.get_by_text("详情").click()
    expect(row.get_by_text("浏览器")).to_be_visible()
    auditor.look("audit")
    with page.expect_download() as download:
        page.get_by_role("link", name="导出 Excel").click()
    download.value.save_as(tmp_path / "audit.xlsx")
    cells = [
        row[3].value for row in load_workbook(tmp_path / "audit.xlsx").worksheets[0].iter_rows(min_row=2)
    ]
    assert cells and set(cells) == {"登录"}

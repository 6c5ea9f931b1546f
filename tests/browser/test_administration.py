"""A system administrator adds an officer, a security administrator gives the role, the officer begins; and the other pages."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.served import Served
from tests.browser.somebody import Somebody

SYSTEM, SECURITY, NEW, ADMIN_OF_HAIYUE = "13800000106", "13800000107", "13800000131", "13800000007"
OWN_PASSWORD = "蓝色茶壶 跑 在云上 47"
# 国办发明电〔2024〕12号, as published.
NOTICE = """一、元旦：1月1日（周三）放假1天，不调休。
二、春节：1月28日（农历除夕、周二）至2月4日（农历正月初七、周二）放假调休，共8天。1月26日（周日）、2月8日（周六）上班。
三、清明节：4月4日（周五）至6日（周日）放假，共3天。
四、劳动节：5月1日（周四）至5日（周一）放假调休，共5天。4月27日（周日）上班。
五、端午节：5月31日（周六）至6月2日（周一）放假，共3天。
六、国庆节、中秋节：10月1日（周三）至8日（周三）放假调休，共8天。9月28日（周日）、10月11日（周六）上班。"""


@pytest.fixture
def somebody(
    server: Served,
    new_context: Callable[..., BrowserContext],
    shot: Callable[..., Path],
    violations: Callable[[Page], list[str]],
) -> Callable[[str], Somebody]:
    return lambda phone: Somebody(new_context(), server.url, phone, shot, violations)


def test_an_officer_comes_begins_and_leaves(somebody: Callable[[str], Somebody]) -> None:
    system, security = somebody(SYSTEM).sign_in(), somebody(SECURITY).sign_in()
    password = add_officer(system)
    give_role(security)
    officer = somebody(NEW)
    begin(officer, password)
    officer.page.get_by_role("link", name=re.compile("待认领")).click()
    officer.page.get_by_role("button", name=re.compile("^认领 ")).first.click()
    expect(officer.page.get_by_role("heading", level=1)).not_to_have_text("待办")
    disable(system)
    officer.go("/tasks")
    expect(officer.page.get_by_label("手机号码")).to_be_visible()


def add_officer(system: Somebody) -> str:
    page = system.page
    expect(page.get_by_role("heading", level=1)).to_have_text("机构")
    system.look("admin-offices")
    page.get_by_role("link", name="昆山海关").click()
    system.look("admin-office")
    page.get_by_role("navigation", name="系统管理").get_by_role("link", name="关员").click()
    page.get_by_role("link", name="添加关员").click()
    system.press("添加")
    expect(page.get_by_role("heading", name="有 3 处需要修改")).to_be_visible()
    system.look("admin-officer-errors")
    page.get_by_label("姓名").fill("钱程")
    page.get_by_label("手机号码").fill(NEW)
    page.get_by_label("所属单位").select_option("2301")
    system.press("添加")
    system.confirm("账号已添加")
    system.look("admin-officer-password")
    return page.locator(".initial-password").inner_text()


def give_role(security: Somebody) -> None:
    page = security.page
    page.get_by_label("姓名，或手机号码的至少 4 位").fill("钱程")
    security.press("查找")
    page.get_by_role("link", name="钱程").click()
    page.get_by_label("角色").select_option("handler")
    security.press("授予")
    expect(page.get_by_text("角色已授予")).to_be_visible()
    security.look("admin-roles")


def begin(officer: Somebody, password: str) -> None:
    officer.sign_in(password=password)
    page = officer.page
    expect(page.get_by_role("heading", name="请设置您自己的密码")).to_be_visible()
    page.get_by_label("现在的密码").fill(password)
    page.get_by_label("新密码", exact=True).fill(OWN_PASSWORD)
    page.get_by_label("再填写一次新密码").fill(OWN_PASSWORD)
    officer.press("修改密码")
    officer.go("/tasks")
    expect(page.get_by_role("heading", level=1)).to_have_text("待办")


def disable(system: Somebody) -> None:
    page = system.page
    page.get_by_role("link", name="回到关员").click()
    system.look("admin-officers")
    page.get_by_role("link", name="钱程").click()
    system.look("admin-officer")
    page.get_by_role("button", name="停用钱程的账号").click()
    expect(page.get_by_text("已认领的 1 件已退回待认领")).to_be_visible()


def test_lists_holidays_files_and_the_state_of_the_system(somebody: Callable[[str], Somebody]) -> None:
    system = somebody(SYSTEM).sign_in()
    page = system.page
    tabs = page.get_by_role("navigation", name="系统管理")
    tabs.get_by_role("link", name="列表").click()
    page.get_by_label("名称", exact=False).last.fill("跨关区协调")
    system.press("添加")
    row = page.get_by_role("row").filter(has_text="跨关区协调")
    row.get_by_text("改名").click()
    system.look("admin-list")
    row.get_by_role("button", name="停用").click()
    page.get_by_role("link", name="导入和导出").click()
    upload = {
        "name": "问题类型.csv",
        "mimeType": "text/csv",
        "buffer": "代码,名称,状态\n,政策建议,可选\n没有,x,\n".encode(),
    }
    page.get_by_label("Excel 或 CSV 文件").set_input_files(upload)  # type: ignore[arg-type]  # Playwright's FilePayload
    system.press("上传并检查")
    expect(page.get_by_text("有 1 行有误，没有导入任何内容")).to_be_visible()
    system.look("admin-sheet")
    tabs.get_by_role("link", name="节假日").click()
    system.look("admin-holidays")
    page.locator("a[href='/system/holidays/hours']").click()
    page.locator("#f-closes").fill("18:00")
    system.look("admin-office-hours")
    system.press("检查")
    expect(page.get_by_text("13:30–18:00")).to_be_visible()
    system.look("admin-office-hours-check")
    system.press("保存")
    expect(page.get_by_text("正在按新的办公时间重新计算")).to_be_visible()
    page.get_by_role("link", name="2025 年", exact=True).click()
    page.get_by_label("放假和调休安排").fill(NOTICE)
    system.press("检查")
    expect(page.get_by_role("heading", name="检查 2025 年的安排")).to_be_visible()
    system.look("admin-holidays-check")
    tabs.get_by_role("link", name="运行").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("运行")
    system.look("admin-running")
    system.go("/system/messages")
    system.look("admin-messages")
    system.page.get_by_role("row").nth(1).get_by_role("link").click()
    system.look("admin-message")
    system.go("/system/messages/channels")
    system.look("admin-message-routes")


def test_sign_ins_sessions_and_a_suspended_enterprise(somebody: Callable[[str], Somebody]) -> None:
    member, security = somebody(ADMIN_OF_HAIYUE).sign_in(), somebody(SECURITY).sign_in()
    page = security.page
    tabs = page.get_by_role("navigation", name="安全管理")
    tabs.get_by_role("link", name="登录记录").click()
    security.look("admin-sign-ins")
    tabs.get_by_role("link", name="在线会话").click()
    security.look("admin-sessions")
    tabs.get_by_role("link", name="企业").click()
    page.get_by_role("link", name="连云港海岳供应链管理有限公司").click()
    page.get_by_label("暂停原因").fill("企业名称变更，等待重新核对资料")
    security.look("admin-enterprise")
    security.press("暂停使用")
    member.go("/issues")
    expect(member.page.get_by_text("贵企业已被海关暂停使用。")).to_be_visible()
    member.look("suspended")
    security.press("恢复使用")
    member.go("/issues")
    expect(member.page.get_by_text("贵企业已被海关暂停使用。")).to_be_hidden()

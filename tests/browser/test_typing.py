"""What people paste and press: a number with marks that nobody sees, Enter in a line, Ctrl+Enter; with a script and without."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.served import Served
from tests.browser.somebody import Somebody

TITLE = "暂时进境的展览品能否延期复运出境"
PHONE, ADMIN = "13800000001", "13800000003"


@pytest.fixture
def somebody(
    server: Served,
    new_context: Callable[..., BrowserContext],
    shot: Callable[..., Path],
    violations: Callable[[Page], list[str]],
) -> Callable[..., Somebody]:
    """`somebody(PHONE)`: that person, at a browser nobody else uses; options are the browser's."""
    return lambda phone, **options: Somebody(new_context(**options), server.url, phone, shot, violations)


def paste(page: Page, text: str) -> None:
    """Into the field that has the focus, as from another program."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    page.keyboard.press("Control+V")


def lend(one: Somebody, other: Somebody) -> None:
    """The session of one browser to another: signing in again would send another code."""
    for cookie in one.page.context.cookies(one.url):
        name, value = cookie.get("name", ""), cookie.get("value", "")
        other.page.context.add_cookies([{"name": name, "value": value, "url": one.url}])


def test_a_phone_and_a_code_pasted_with_invisible_marks_sign_in(somebody: Callable[..., Somebody]) -> None:
    one = somebody(PHONE)
    page = one.page
    one.go("/sign-in")
    page.get_by_label("手机号码").focus()
    paste(page, f"\u202d{PHONE[:3]} {PHONE[3:7]}\u2013{PHONE[7:]}\u202c")
    seen = one.codes()
    page.keyboard.press("Enter")  # a form to sign in with keeps it
    expect(page.get_by_role("heading", name="填写验证码")).to_be_visible()
    page.get_by_label("6 位验证码").focus()
    paste(page, f"\u200b{one.new_code(seen)}\ufeff")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="问题管理")).to_be_visible()


def test_enter_goes_to_the_next_field_and_ctrl_enter_sends(somebody: Callable[..., Somebody]) -> None:
    executive = somebody(PHONE).sign_in()
    page = executive.page
    executive.go("/issues/new")
    executive.fill(kind="政策咨询", category="税收征管", office="2301")
    title = page.get_by_label(re.compile("^标题"))
    title.focus()
    paste(page, f"\u202e{TITLE}\u202c\u200b")
    page.keyboard.press("Enter")
    description = page.get_by_label(re.compile("^问题描述"))
    expect(description).to_be_focused()
    page.keyboard.type("第一行")
    page.keyboard.press("Enter")
    page.keyboard.type("第二行")
    expect(description).to_have_value("第一行\n第二行")
    contact = page.get_by_label(re.compile("^联系方式"))
    contact.focus()
    for _ in range(3):  # held down, it goes one field on
        page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    expect(page.locator('[data-field="attachments"] input[type="file"]')).to_be_focused()
    assert "/done" not in page.url
    executive.fill(importance="一般")
    page.locator('[data-field="importance"] input:checked').press("Enter")  # the last one: it stays
    expect(page.locator('[data-field="importance"] input:checked')).to_be_focused()
    expect(page.locator("[data-saved]")).to_contain_text("自动保存")
    page.keyboard.press("Escape")
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="键盘操作")).to_contain_text("填写时提交")
    executive.look("keys-of-a-form")
    page.keyboard.press("Escape")
    contact.press("Control+Enter")
    executive.confirm("已提交海关")
    page.get_by_role("link", name="看这个问题").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLE)


def test_enter_without_a_script_saves_the_draft(somebody: Callable[..., Somebody]) -> None:
    executive = somebody(PHONE).sign_in()
    plain = somebody(PHONE, java_script_enabled=False)
    lend(executive, plain)
    page = plain.page
    plain.go("/issues/new")
    page.get_by_label(re.compile("^问题类型")).select_option("政策咨询")
    page.get_by_label(re.compile("^受理海关")).select_option("2301")
    page.get_by_label(re.compile("^标题")).fill("只按了回车")
    page.get_by_label(re.compile("^标题")).press("Enter")
    expect(page).to_have_url(re.compile("/tasks/[0-9a-f-]{36}$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("填写问题")
    expect(page.get_by_label(re.compile("^标题"))).to_have_value("只按了回车")


@pytest.mark.parametrize("with_script", [True, False])
def test_enter_does_not_hand_a_role_over(somebody: Callable[..., Somebody], with_script: bool) -> None:
    """What gives or takes a right wants its button."""
    admin = somebody(ADMIN).sign_in()
    one = somebody(ADMIN, java_script_enabled=with_script)
    lend(admin, one)
    one.go("/members/hand-over")
    choice = one.page.locator("main form select")
    choice.select_option(index=1)
    choice.press("Enter")
    one.page.wait_for_timeout(200)
    expect(one.page).to_have_url(re.compile("/members/hand-over$"))
    one.page.reload()
    expect(one.page.get_by_role("button", name="请对方接任")).to_be_visible()

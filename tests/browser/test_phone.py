"""The WeChat version on phones: an issue asked, returned, corrected, reviewed, answered at the desk, reopened and cleared; a
browser without scripts; the admin's users; an officer who strays in."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.phone_user import IN_WECHAT, PHONE, SMALL, PhoneUser
from tests.browser.served import Served
from tests.browser.somebody import Somebody

TITLE = "保税料件短少怎样办理核销"
QUESTION = "手册核销时发现保税料件比账面少 120 公斤，系生产损耗超过备案。请问怎样补充申报，是否需要补税？"
ANSWER = "请先向主管海关变更单耗，短少部分按内销补税后再核销。"


@pytest.fixture
def phone_user(
    server: Served,
    browser: Browser,
    shot: Callable[..., Path],
    violations: Callable[[Page], list[str]],
) -> Iterator[Callable[..., PhoneUser]]:
    """`phone_user("13800000004")`: that person with a phone nobody else uses; `scripts=False`: an old browser at 360 pixels."""
    contexts: list[BrowserContext] = []

    def take(phone: str, *, scripts: bool = True) -> PhoneUser:
        context = browser.new_context(
            viewport=PHONE if scripts else SMALL,
            user_agent=IN_WECHAT if scripts else None,
            java_script_enabled=scripts,
            has_touch=True,
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
        )
        contexts.append(context)
        return PhoneUser(context, server.url, phone, shot, violations)

    yield take
    for context in contexts:
        context.close()


@pytest.fixture
def handler(
    server: Served,
    new_context: Callable[..., BrowserContext],
    shot: Callable[..., Path],
    violations: Callable[[Page], list[str]],
) -> Somebody:
    """A handler at the desk of 昆山海关."""
    return Somebody(new_context(), server.url, "13800000121", shot, violations)


def test_asked_returned_reviewed_reopened_and_cleared(
    phone_user: Callable[..., PhoneUser], handler: Somebody
) -> None:
    submitter = phone_user("13800000004").sign_in(look=True)
    executive = phone_user("13800000001").sign_in()
    ask(submitter)
    review(executive, submitter)
    handler.sign_in()
    answer(handler)
    reopen(submitter)
    answer(handler)
    for person in (submitter, executive):
        person.open_issue(TITLE)
        person.fill(rating=1)
        person.press("提交评价")
        person.confirm("已提交评价")
    submitter.look("w-evaluated")
    submitter.open_issue(TITLE)
    submitter.see_status("已清零")
    expect(submitter.page.get_by_text("第 2 轮", exact=False).first).to_be_visible()
    submitter.look("w-issue-cleared")


def ask(submitter: PhoneUser) -> None:
    page = submitter.page
    submitter.look("w-issues")
    page.get_by_role("navigation", name="主要功能").get_by_role("link", name="提问").click()
    submitter.look("w-issue-new")
    submitter.press("提交高管审核")
    expect(page.get_by_role("heading", name=re.compile("处需要修改"))).to_be_visible()
    submitter.look("w-issue-new-errors")
    submitter.fill(
        kind="政策咨询", category="加工贸易与保税", office="2325", title=TITLE, description="怎么核销？"
    )
    submitter.fill(executive=executive_of(page, "周明远"))
    expect(page.locator("[data-saved]")).to_contain_text("自动保存")
    assert "/w/tasks/" in page.url, "the draft has its own address on the phone"
    submitter.press("提交高管审核")
    submitter.confirm("已提交高管审核")
    submitter.look("w-asked")


def executive_of(page: Page, name: str) -> str:
    """The value of this executive among those to choose from."""
    field = page.locator('[data-field="executive"]')
    option = field.locator("option, label").filter(has_text=name).first
    return option.get_attribute("value") or option.locator("input").get_attribute("value") or ""


def review(executive: PhoneUser, submitter: PhoneUser) -> None:
    executive.go("/tasks")
    executive.look("w-tasks")
    executive.open_task(TITLE)
    executive.look("w-review")
    executive.fill(decision="return", comment="请写明短少的数量。")
    executive.press("退回经办人")
    executive.confirm("已退回经办人")
    submitter.open_task(TITLE)
    expect(submitter.page.get_by_text("请写明短少的数量。").first).to_be_visible()
    submitter.fill(description=QUESTION)
    submitter.press("提交高管审核")
    submitter.confirm("已提交高管审核")
    executive.open_task(TITLE)
    executive.fill(decision="submit", importance="重要")
    executive.press("提交海关")
    executive.confirm("已提交海关")
    submitter.go("/notices")
    expect(submitter.page.get_by_text("问题已提交海关").first).to_be_visible()
    submitter.look("w-notices")


def answer(handler: Somebody) -> None:
    handler.open_task(TITLE, claim=True)
    handler.fill(decision="answer", answer=ANSWER)
    handler.press("答复企业")
    handler.confirm("已答复企业")


def reopen(submitter: PhoneUser) -> None:
    submitter.open_issue(TITLE)
    submitter.see_status("已完成")
    submitter.look("w-answered")
    submitter.fill(rating=3, comment="没有说明怎样变更单耗。", reopen=True)
    submitter.press("提交评价")
    submitter.confirm("已提交评价")


def test_an_old_browser_without_scripts_asks_and_withdraws(phone_user: Callable[..., PhoneUser]) -> None:
    submitter = phone_user("13800000004", scripts=False).sign_in()
    title = "退运货物的保证金怎样退还"
    submitter.go("/issues/new")
    submitter.fill(kind="业务办理", category="税收征管", office="2325", title=title, description=QUESTION)
    submitter.fill(executive=executive_of(submitter.page, "周明远"))
    submitter.press("提交高管审核")
    submitter.confirm("已提交高管审核")
    submitter.open_issue(title)
    submitter.see_status("高管未审核")
    submitter.page.get_by_text("撤回这个问题").click()
    submitter.press("确认撤回")
    submitter.open_issue(title)
    submitter.see_status("已撤回")


def test_the_admin_keeps_users_on_the_phone(phone_user: Callable[..., PhoneUser]) -> None:
    admin = phone_user("13800000003").sign_in()
    admin.go("/me")
    admin.look("w-me")
    admin.page.get_by_role("link", name="用户管理").click()
    admin.look("w-members")
    admin.page.get_by_role("link", name=re.compile("^添加")).last.click()
    admin.look("w-member-new")
    admin.fill(name="卫东", phone="13900003456")
    admin.press("添加")
    expect(admin.page.get_by_role("status").filter(has_text="卫东")).to_be_visible()
    admin.page.get_by_role("link", name=re.compile("卫东")).click()
    admin.look("w-member")
    admin.page.get_by_role("link", name="停用").click()
    admin.look("w-member-leave")
    admin.press("停用")
    expect(admin.page.get_by_text("已停用").first).to_be_visible()
    for name, path in (
        ("w-sessions", "/account/sessions"),
        ("w-phone", "/account/phone"),
        ("w-message-settings", "/account/messages"),
    ):
        admin.go(path)
        admin.look(name)


def test_an_officer_is_sent_to_the_desk(handler: Somebody) -> None:
    handler.sign_in()
    handler.go("/w/issues")
    expect(handler.page.get_by_text("请在电脑上打开网页版")).to_be_visible()

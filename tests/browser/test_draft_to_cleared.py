"""One issue from draft to cleared, as four different people, each at a browser of their own."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.served import Served
from tests.browser.somebody import Somebody

TITLE = "进口设备随附软件的价格是否计入完税价格"
CLEARER = "进口贴片机随附控制软件的费用是否应计入完税价格"
QUESTION = (
    "我公司 2026 年 9 月从日本进口一台贴片机，合同约定控制软件许可费 12 万美元另行支付，按年结算。\n\n"
    "报关时未将这笔费用计入完税价格。请问：\n1. 该软件许可费是否应计入完税价格？\n2. 如应计入，应当在什么时候、通过什么方式申报？"
)
ANSWER = (
    "您好！根据《中华人民共和国海关确定进出口货物计税价格办法》，与进口货物有关、并作为向境内销售条件的特许权使用费应当计入计税价格。\n\n"
    "贵公司的控制软件为设备运行所必需，许可费应当计入。请在每次支付之日起 30 日内向申报地海关办理补充申报，并附合同和付款凭证。"
)


@pytest.fixture
def somebody(
    server: Served,
    new_context: Callable[..., BrowserContext],
    shot: Callable[..., Path],
    violations: Callable[[Page], list[str]],
) -> Callable[[str], Somebody]:
    """`somebody("13800000004")`: that person, at a browser nobody else uses."""
    return lambda phone: Somebody(new_context(), server.url, phone, shot, violations)


def test_four_people_take_an_issue_from_draft_to_cleared(somebody: Callable[[str], Somebody]) -> None:
    submitter = somebody("13800000004").sign_in(look=True)
    raise_issue(submitter)
    executive = somebody("13800000001").sign_in()
    review_issue(executive)
    handler = somebody("13800000111").sign_in()
    claim_and_hand_over(handler)
    colleague = somebody("13800000112").sign_in()
    answer_issue(colleague)
    evaluate(submitter, executive)


def raise_issue(submitter: Somebody) -> None:
    page = submitter.page
    submitter.look("issues-enterprise")
    page.get_by_role("link", name="新建问题").click()
    submitter.look("issue-new")
    submitter.press("提交高管审核")
    expect(page.get_by_role("heading", name="有 6 处需要修改")).to_be_visible()
    submitter.look("issue-new-errors")
    page.get_by_role("link", name="请填写“标题”。").click()
    expect(page.get_by_label(re.compile("^标题"))).to_be_focused()
    submitter.fill(
        kind="政策咨询", category="税收征管", title=TITLE, description=QUESTION, executive=executive_of(page)
    )
    submitter.fill(office="2301")
    expect(page.locator("[data-saved]")).to_contain_text("自动保存")
    assert re.search(r"/tasks/[0-9a-f-]{36}$", page.url), "the draft has an address of its own now"
    page.reload()
    expect(page.get_by_label(re.compile("^标题"))).to_have_value(TITLE)
    submitter.look("issue-draft")
    submitter.press("提交高管审核")
    submitter.confirm("已提交高管审核")
    submitter.look("done-submitted")
    page.get_by_role("link", name="看这个问题").click()
    submitter.see_status("高管未审核")
    expect(page.get_by_text("撤回这个问题")).to_be_visible()
    submitter.look("issue-in-review")


def executive_of(page: Page) -> str:
    return page.locator('[data-field="executive"] option', has_text="周明远").get_attribute("value") or ""


def review_issue(executive: Somebody) -> None:
    executive.go("/tasks")
    executive.look("tasks-executive")
    executive.open_task(TITLE)
    executive.look("review")
    executive.fill(title=CLEARER, decision="submit")
    executive.press("提交海关")
    expect(executive.page.get_by_role("link", name=re.compile("请选择“重要性”"))).to_be_visible()
    expect(executive.page.get_by_label(re.compile("^标题"))).to_have_value(CLEARER)
    executive.fill(importance="重要")
    executive.press("提交海关")
    executive.confirm("已提交海关")
    expect(executive.page.get_by_text("答复期限是")).to_be_visible()
    executive.look("done-to-customs")


def claim_and_hand_over(handler: Somebody) -> None:
    page = handler.page
    handler.go("/tasks?view=claimable")
    handler.look("tasks-claimable")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="键盘操作")).to_be_visible()
    handler.look("keys")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("j")
    expect(page.locator("tr.current")).to_have_count(1)
    handler.open_task(CLEARER, claim=True)
    handler.fill(decision="answer")
    handler.look("answer")
    page.get_by_text("不由我办？退回或转交").click()
    page.get_by_label("转交给同事").select_option(label="许安然")
    handler.press("转交")
    expect(page.get_by_role("heading", name="待办")).to_be_visible()


def answer_issue(colleague: Somebody) -> None:
    colleague.open_task(CLEARER)
    colleague.fill(decision="answer", answer=ANSWER)
    colleague.press("答复企业")
    colleague.confirm("已答复企业")
    colleague.look("done-answered")


def evaluate(submitter: Somebody, executive: Somebody) -> None:
    page = submitter.page
    submitter.open_issue(CLEARER)
    submitter.see_status("已完成")
    expect(page.locator(".answer")).to_contain_text(ANSWER[:30])
    submitter.look("issue-to-evaluate")
    submitter.fill(rating=2)
    submitter.press("提交评价")
    expect(page.get_by_role("link", name="请填写“补充说明”。")).to_be_visible()
    submitter.fill(comment="还没有付款，先按这个意见办理。")
    submitter.press("提交评价")
    submitter.confirm("已提交评价")
    executive.open_issue(CLEARER)
    executive.fill(rating=1)
    executive.press("提交评价")
    executive.confirm("已提交评价")
    expect(executive.page.get_by_text("这个问题已清零")).to_be_visible()
    executive.look("done-cleared")
    executive.open_issue(CLEARER)
    executive.see_status("已清零")
    see_history(executive)


def see_history(executive: Somebody) -> None:
    page = executive.page
    changes = page.locator("table.compare")
    expect(changes.locator("ins").first).to_be_visible()
    page.get_by_text("看完整的流程图").click()
    expect(page.locator(".djs-element.is-done").first).to_be_attached()
    executive.look("issue-cleared")
    page.emulate_media(media="print")
    expect(page.locator(".masthead")).to_be_hidden()
    executive.look("issue-print")
    page.emulate_media(media="screen")

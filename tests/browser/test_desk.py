"""The desk comforts of a handler: marks, filters with a name, templates, similar answers, who else is looking, keys."""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote_plus

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.served import Served
from tests.browser.somebody import Somebody

TITLE = "随附控制软件的许可费能否分期计入完税价格"
FIRST = "软件许可费计入完税价格以后如何分期申报"
ANSWER = "许可费应当在每次支付之日起 30 日内办理补充申报。"
TEMPLATE = "特许权使用费补充申报"
LAW = "根据《中华人民共和国海关确定进出口货物计税价格办法》，特许权使用费应当计入计税价格。"


@pytest.fixture
def somebody(
    server: Served,
    new_context: Callable[..., BrowserContext],
    shot: Callable[..., Path],
    violations: Callable[[Page], list[str]],
) -> Callable[[str], Somebody]:
    """`somebody("13800000111")`: that person, at a browser nobody else uses."""
    return lambda phone: Somebody(new_context(), server.url, phone, shot, violations)


def test_a_handler_works_at_the_desk(somebody: Callable[[str], Somebody]) -> None:
    executive = somebody("13800000001").sign_in()
    for title in (FIRST, TITLE):
        raise_issue(executive, title)
    handler, colleague = somebody("13800000111").sign_in(), somebody("13800000112").sign_in()
    read_notices(handler)
    answer_first(colleague)
    keep_filter(handler)
    make_template(handler)
    write_answer(handler, colleague)


def raise_issue(executive: Somebody, title: str) -> None:
    executive.go("/issues/new")
    executive.fill(kind="政策咨询", category="税收征管", office="2301", title=title, description="请予明确。")
    executive.fill(importance="紧急")
    executive.press("提交海关")
    executive.confirm("已提交海关")


def read_notices(handler: Somebody) -> None:
    """The bell counts them; opening the issue reads one; the rest is marked at once. How one is told is one's own choice."""
    page = handler.page
    bell = page.locator("a.bell")
    expect(bell).to_contain_text("条未读")
    bell.click()
    handler.look("notices")
    page.get_by_role("listitem").filter(has_text=FIRST).get_by_role(
        "link", name=re.compile("看这个问题")
    ).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(FIRST)
    handler.go("/notices")
    expect(page.get_by_role("listitem").filter(has_text=FIRST).get_by_text("未读")).to_have_count(0)
    handler.press("全部标为已读")
    expect(bell).not_to_contain_text("条未读")
    page.get_by_role("main").get_by_role("link", name="消息设置").click()
    page.get_by_role("group", name="时限提醒").get_by_label("邮件").uncheck()
    page.get_by_label("从", exact=True).fill("21:00")
    page.get_by_label("到", exact=True).fill("08:00")
    handler.press("保存")
    expect(page.get_by_role("status")).to_contain_text("已保存")
    page.get_by_label("换一个邮箱").fill("handler@example.cn")
    handler.press("发送确认邮件")
    expect(page.get_by_text("待确认")).to_be_visible()
    handler.look("message-settings")


def answer_first(colleague: Somebody) -> None:
    colleague.open_task(FIRST, claim=True)
    colleague.fill(decision="answer", answer=ANSWER)
    colleague.press("答复企业")
    colleague.confirm("已答复企业")


def keep_filter(handler: Somebody) -> None:
    page = handler.page
    handler.go("/issues")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="键盘操作")).to_contain_text("搜索")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.get_by_label("业务类别").select_option("税收征管")
    expect(page.get_by_text("正在查看：税收征管")).to_be_visible()
    page.get_by_role("link", name=re.compile("^海关办理")).click()
    expect(page.get_by_role("link", name=re.compile("^海关办理"))).to_have_attribute("aria-current", "page")
    expect(page.locator("#export")).to_have_attribute("href", re.compile("phase=customs"))
    page.get_by_label("排序").select_option("due")
    expect(page).to_have_url(re.compile("(?=.*phase=customs)(?=.*sort=due)"))
    page.get_by_text("保存当前筛选").click()
    page.get_by_label("筛选的名称").fill("税收征管，急的在前")
    handler.press("保存")
    expect(page.get_by_role("link", name="税收征管，急的在前")).to_have_attribute("aria-current", "true")
    row = page.get_by_role("row").filter(has_text=TITLE)
    expect(row.locator(".unread")).to_have_text("新")
    handler.look("issues-kept-filter")
    row.get_by_role("link", name=TITLE).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLE)
    handler.go("/issues?category=税收征管&phase=customs")
    expect(page.get_by_role("row").filter(has_text=TITLE).locator(".unread")).to_have_count(0)


def make_template(handler: Somebody) -> None:
    page = handler.page
    handler.go("/tasks")
    page.get_by_role("link", name="答复模板").click()
    handler.look("templates-none")
    page.get_by_role("link", name="新建模板").first.click()
    handler.press("保存模板")
    handler.look("template-errors")
    page.get_by_label("模板名称").fill(TEMPLATE)
    page.get_by_label("模板内容").fill(LAW)
    page.get_by_label("连云港海关共用").check()
    handler.press("保存模板")
    expect(page.get_by_role("heading", name="连云港海关共用")).to_be_visible()
    handler.look("answer-templates")


def write_answer(handler: Somebody, colleague: Somebody) -> None:
    page = handler.page
    handler.open_task(TITLE, claim=True)
    expect(page.get_by_role("heading", name="答复问题", exact=True)).to_be_visible()
    colleague.open_issue(TITLE)
    expect(colleague.page.locator("[data-presence]")).to_contain_text("秦海波")
    page.locator("[data-presence]").dispatch_event("presence")
    expect(page.locator("[data-presence]")).to_contain_text("许安然")
    similar = page.locator("section", has=page.get_by_role("heading", name="类似的已答复问题"))
    expect(similar.get_by_role("link", name=re.compile(FIRST))).to_be_visible()
    similar.get_by_role("listitem").filter(has_text=FIRST).get_by_text("看答复").click()
    similar.get_by_role("button", name="引用到答复").first.click()
    answer = page.get_by_label(re.compile("^答复内容"))
    expect(answer).to_have_value(ANSWER)
    expect(page.get_by_label("答复企业")).to_be_checked()
    answer.evaluate("field => field.setSelectionRange(0, 0)")
    page.get_by_label("答复模板").select_option(label=TEMPLATE)
    with page.expect_response(lambda response: LAW in unquote_plus(response.request.post_data or "")):
        handler.press("插入模板")
        expect(answer).to_have_value(LAW + ANSWER)
    expect(page.locator("[data-saved]")).to_contain_text("自动保存")
    handler.look("answer-desk")
    page.reload()
    expect(answer).to_have_value(LAW + ANSWER)
    handler.press("答复企业")
    handler.confirm("已答复企业")

"""One issue that goes back and forth: returned by the executive, transferred to another office, supplemented, reopened; and one
withdrawn."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.served import Served
from tests.browser.somebody import Somebody
from tests.domain.files.samples import picture

TITLE = "跨境电商退货商品重新上架需要办理什么手续"
QUESTION = (
    "我公司为跨境电商零售进口企业代理报关。近期有 37 票订单因消费者拒收退回区内，商品完好。\n"
    "请问退货后重新上架销售，需要向海关办理哪些手续，有无时限？"
)
PNG = picture("PNG")


@pytest.fixture
def somebody(
    server: Served,
    new_context: Callable[..., BrowserContext],
    shot: Callable[..., Path],
    violations: Callable[[Page], list[str]],
) -> Callable[[str], Somebody]:
    """`somebody("13800000007")`: that person, at a browser nobody else uses."""
    return lambda phone: Somebody(new_context(), server.url, phone, shot, violations)


def test_returned_transferred_supplemented_and_reopened(
    somebody: Callable[[str], Somebody], tmp_path: Path
) -> None:
    submitter, executive = somebody("13800000007").sign_in(), somebody("13800000006").sign_in()
    return_and_rework(submitter, executive)
    first, second = somebody("13800000111").sign_in(), somebody("13800000121").sign_in()
    transfer(first)
    ask_and_supply(second, submitter, tmp_path)
    second.open_task(TITLE)
    expect(second.page.get_by_text("补充了 37 票订单的清单。").first).to_be_visible()
    second.look("answer-supplemented")
    second.fill(decision="answer", answer="退货商品应当自放行之日起 30 日内以原状运回原监管场所。")
    second.press("答复企业")
    second.confirm("已答复企业")
    reopen(submitter)
    second.open_task(TITLE, claim=True)
    expect(second.page.get_by_text("没有说明重新上架的手续。").first).to_be_visible()
    second.fill(decision="answer", answer="重新上架无需另行申报，凭退货申报单在系统内恢复底账即可。")
    second.press("答复企业")
    for person in (submitter, executive):
        person.open_issue(TITLE)
        person.fill(rating=1)
        person.press("提交评价")
        person.confirm("已提交评价")
    submitter.open_issue(TITLE)
    submitter.see_status("已清零")
    expect(submitter.page.get_by_text("第 2 轮", exact=False).first).to_be_visible()
    submitter.look("issue-two-rounds")


def return_and_rework(submitter: Somebody, executive: Somebody) -> None:
    submitter.go("/issues/new")
    submitter.fill(
        kind="政策咨询", category="跨境电商", office="2301", title=TITLE, description="退货怎么办？"
    )
    submitter.press("提交高管审核")
    submitter.confirm("已提交高管审核")
    executive.open_task(TITLE)
    executive.fill(decision="return", comment="请写明订单数量和希望海关答复的问题。")
    executive.press("退回经办人")
    executive.confirm("已退回经办人")
    executive.look("done-returned")
    submitter.open_task(TITLE)
    expect(submitter.page.get_by_text("请写明订单数量和希望海关答复的问题。").first).to_be_visible()
    submitter.look("rework")
    submitter.fill(description=QUESTION)
    submitter.press("提交高管审核")
    submitter.confirm("已提交高管审核")
    executive.open_task(TITLE)
    executive.fill(decision="submit", importance="一般")
    executive.press("提交海关")
    executive.confirm("已提交海关")


def transfer(handler: Somebody) -> None:
    handler.open_task(TITLE, claim=True)
    handler.fill(decision="transfer", office="2301", reason="退货在昆山综合保税区办理。")
    handler.press("转其他海关办理")
    expect(handler.page.get_by_role("heading", name="有 1 处需要修改")).to_be_visible()
    expect(handler.page.get_by_label(re.compile("^转办理由"))).to_have_value("退货在昆山综合保税区办理。")
    handler.fill(office="2325")
    handler.press("转其他海关办理")
    handler.confirm("已转其他海关办理")
    handler.look("done-transferred")
    handler.page.go_back()
    expect(
        handler.page.get_by_text("这一步已经办结")
    ).to_be_visible()  # no question whether to send the mistake again


def ask_and_supply(handler: Somebody, submitter: Somebody, folder: Path) -> None:
    handler.open_task(TITLE, claim=True)
    handler.fill(decision="ask_enterprise", question="请提供 37 票订单的清单和退货照片。")
    handler.press("请企业补充材料")
    handler.look("done-asked")
    submitter.open_task(TITLE)
    expect(submitter.page.get_by_text("请提供 37 票订单的清单和退货照片。").first).to_be_visible()
    submitter.fill(information="补充了 37 票订单的清单。")
    picture, disguised = folder / "退货照片.png", folder / "清单.pdf"
    picture.write_bytes(PNG)
    disguised.write_bytes(b"MZ this is no PDF")
    submitter.page.locator('input[type="file"]').set_input_files(picture)
    expect(submitter.page.get_by_text("已上传")).to_be_visible()
    submitter.page.locator('input[type="file"]').set_input_files(disguised)
    expect(submitter.page.get_by_role("alert").filter(has_text="清单.pdf").first).to_be_visible()
    submitter.page.get_by_role("button", name="移除 清单.pdf").click()
    submitter.look("supply")
    submitter.press("提交补充情况")
    submitter.page.get_by_role("link", name="看这个问题").click()
    expect(submitter.page.get_by_role("link", name=re.compile("退货照片.png"))).to_be_visible()


def reopen(submitter: Somebody) -> None:
    submitter.open_issue(TITLE)
    submitter.fill(rating=3, comment="没有说明重新上架的手续。", reopen=True)
    submitter.look("evaluate-reopen")
    submitter.press("提交评价")
    submitter.confirm("已提交评价")
    submitter.page.get_by_role("link", name="看这个问题").click()
    submitter.see_status("重新办理")


def test_an_issue_is_withdrawn_and_errors_have_pages_of_their_own(
    somebody: Callable[[str], Somebody],
) -> None:
    executive = somebody("13800000002").sign_in()
    page = executive.page
    title = "出口货物被布控查验的平均等待时间能否公布"
    executive.go("/issues/new")
    executive.fill(kind="意见建议", category="通关监管", office="2325", title=title, description="希望公布。")
    executive.fill(importance="一般")
    executive.press("提交海关")
    executive.confirm("已提交海关")
    page.get_by_role("link", name="看这个问题").click()
    page.get_by_text("撤回这个问题").click()
    executive.press("确认撤回")
    executive.confirm("问题已撤回")
    executive.look("done-withdrawn")
    page.get_by_role("link", name="看这个问题").click()
    executive.see_status("已撤回")
    executive.go("/tasks?view=done")
    executive.look("tasks-done")
    executive.go("/issues?q=没有这样的问题")
    executive.look("issues-none")
    executive.go("/issues/00000000-0000-7000-8000-000000000000")
    expect(page.get_by_role("heading", name="没有找到这个页面")).to_be_visible()
    executive.look("error-404")


def test_somebody_of_two_enterprises_chooses_and_switches(somebody: Callable[[str], Somebody]) -> None:
    broker = somebody("13800000009")
    page = broker.page
    broker.sign_in()
    expect(page.get_by_role("heading", name="您要代表哪家企业办事？")).to_be_visible()
    broker.look("choose-enterprise")
    broker.press("连云港海岳供应链管理有限公司")
    account = page.locator("details.account")
    expect(account).to_contain_text("连云港海岳供应链管理有限公司")
    account.locator("summary").click()
    broker.look("account")
    broker.press("切换到：江苏云泽精密电子有限公司")
    expect(account).to_contain_text("江苏云泽精密电子有限公司")
    account.locator("summary").click()
    broker.press("退出登录")
    expect(page.get_by_role("heading", name="登录")).to_be_visible()
    broker.go("/dev/inbox")
    broker.look("inbox")

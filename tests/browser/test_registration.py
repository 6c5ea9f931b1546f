"""An enterprise comes in without a card: registered with a real picture, signed in while it waits, refused to ask, returned,
corrected, approved, and asking; and the registrar's side of the same."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from domain.demo.people import LICENCE
from tests.browser.served import Served
from tests.browser.somebody import Somebody

NAME = "昆山启衡光电有限公司"
PHONE = "13911110001"
USCC = "91320583MA26QH001P"
REASON = "营业执照上的住所与填写的注册地址不一致，请核对后修改。"


@pytest.fixture
def somebody(
    server: Served,
    new_context: Callable[..., BrowserContext],
    shot: Callable[..., Path],
    violations: Callable[[Page], list[str]],
) -> Callable[[str], Somebody]:
    """`somebody("13800000123")`: that person, at a browser nobody else uses."""
    return lambda phone: Somebody(new_context(), server.url, phone, shot, violations)


def test_registered_without_a_card(somebody: Callable[[str], Somebody]) -> None:
    applicant, registrar = somebody(PHONE), somebody("13800000123").sign_in()
    start(applicant)
    fill_in(applicant)
    check_and_send(applicant)
    wait_for_approval(applicant)
    return_it(registrar)
    correct(applicant)
    approve(registrar)
    ask(applicant)


def start(applicant: Somebody) -> None:
    """From the sign-in page to the form."""
    page = applicant.page
    applicant.go("/sign-in")
    page.get_by_role("link", name="新企业注册").click()
    applicant.look("register-choose")
    page.get_by_role("link", name="有卡用户注册").click()
    expect(page.get_by_role("button", name="读取卡内信息")).to_be_visible()
    page.get_by_role("link", name="按无卡用户注册").click()
    page.get_by_label("手机号码").fill("123")
    applicant.press("获取验证码")
    expect(page.get_by_role("alert")).to_contain_text("11 位手机号码")
    applicant.look("register-phone-refused")
    page.get_by_label("手机号码").fill(applicant.phone)
    seen = applicant.codes()
    applicant.press("获取验证码")
    applicant.look("register-code")
    page.get_by_label("6 位验证码").fill(applicant.new_code(seen))
    applicant.press("下一步")
    applicant.confirm("填写企业信息")


def fill_in(applicant: Somebody) -> None:
    """With mistakes first: what was typed and the picture stay."""
    page = applicant.page
    page.locator('input[type="file"]').set_input_files(LICENCE)
    expect(page.get_by_text("已上传")).to_be_visible()
    applicant.fill(name=NAME, uscc=USCC[:-1] + "Q", customs_code="32239", contact="陶然", office="2325")
    applicant.press("下一步：核对")
    expect(page.get_by_role("alert")).to_contain_text("处需要修改")
    expect(page.get_by_label("企业名称")).to_have_value(NAME)
    expect(page.get_by_role("link", name="licence.png")).to_be_visible()
    applicant.look("register-mistakes")
    applicant.fill(
        uscc=USCC, customs_code="3223940Q77", legal_person="启明", address="江苏省昆山市前进中路 1 号"
    )
    applicant.look("register-form")
    applicant.press("下一步：核对")
    applicant.confirm("核对并提交")


def check_and_send(applicant: Somebody) -> None:
    """Back and forward lose nothing; a double click sends once."""
    page = applicant.page
    expect(page.get_by_text(USCC)).to_be_visible()
    expect(page.locator(".licence img")).to_have_js_property("naturalWidth", 760)
    applicant.look("register-check")
    page.go_back()
    expect(page.get_by_label("企业名称")).to_have_value(NAME)
    page.go_forward()
    applicant.confirm("核对并提交")
    page.get_by_role("button", name="提交注册申请").dblclick()
    applicant.confirm("注册申请已提交")
    expect(page.locator(".big-number")).to_have_text(re.compile(r"^ZC2325\d{10}$"))
    number = page.locator(".big-number").inner_text()
    applicant.look("register-done")
    page.go_back()
    expect(page.locator(".big-number")).to_have_text(number)


def wait_for_approval(applicant: Somebody) -> None:
    """The state is on top of the pages; an executive may be added; asking is refused with the reason."""
    page = applicant.sign_in().page
    applicant.go("/issues")
    notice = page.get_by_role("region", name="企业注册的状态")
    expect(notice).to_contain_text("企业注册待审核")
    applicant.look("registration-waiting")
    page.get_by_role("link", name="用户管理").click()
    page.get_by_role("link", name="添加企业高管").first.click()
    page.get_by_label("姓名").fill("启明")
    page.get_by_label("手机号码").fill("13911110002")
    applicant.press("添加")
    expect(page.get_by_role("status")).to_contain_text("已添加启明")
    applicant.go("/issues/new")
    expect(page.get_by_text("尚未通过海关审核，暂时不能提出问题")).to_be_visible()
    applicant.look("registration-no-questions-yet")


def return_it(registrar: Somebody) -> None:
    """The registrar finds it, reads the licence beside what was typed, and returns it."""
    page = registrar.page
    registrar.go("/registrations")
    expect(page.get_by_role("link", name=NAME)).to_be_visible()
    registrar.look("registrations")
    registrar.open_task(NAME, claim=True)
    registrar.confirm("审核注册")
    expect(page.locator(".licence img")).to_have_js_property("naturalWidth", 760)
    registrar.look("registration-review")
    registrar.fill(decision="return")
    registrar.press("退回补正")
    expect(page.get_by_role("alert")).to_contain_text("理由")
    registrar.fill(reason=REASON)
    registrar.press("退回补正")
    registrar.confirm("已退回补正")
    registrar.look("registration-returned-done")


def correct(applicant: Somebody) -> None:
    """Why it was returned stands on top; corrected and sent again."""
    page = applicant.page
    applicant.go("/issues")
    expect(page.get_by_role("region", name="企业注册的状态")).to_contain_text(REASON)
    applicant.look("registration-returned")
    page.get_by_role("link", name="查看并修改").click()
    applicant.look("registration-own")
    page.get_by_role("link", name="去修改").click()
    applicant.confirm("修改注册信息")
    applicant.look("registration-correct")
    applicant.fill(address="江苏省昆山市前进东路 8 号")
    applicant.press("再次提交")
    applicant.confirm("已再次提交")


def approve(registrar: Somebody) -> None:
    """What changed stands first; approved."""
    page = registrar.page
    registrar.open_task(NAME, claim=True)
    expect(page.get_by_role("heading", name="比上一次提交改了什么")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="注册地址")).to_contain_text("前进东路 8 号")
    registrar.look("registration-review-again")
    registrar.fill(decision="approve")
    registrar.press("通过")
    registrar.confirm("已通过")
    page.get_by_role("link", name="看这份申请").click()
    registrar.see_status("已通过")
    registrar.look("registration-approved")


def ask(applicant: Somebody) -> None:
    """Nobody signs in again: the notice is gone and a question goes to the executive added meanwhile."""
    page = applicant.page
    applicant.go("/issues/new")
    expect(page.get_by_role("region", name="企业注册的状态")).to_be_hidden()
    applicant.fill(
        kind="业务办理",
        category="通关监管",
        office="2325",
        title="首次进口设备需要办理哪些备案",
        description="我司刚刚完成注册，计划下月进口两台检测设备，请问需要提前办理哪些备案手续？",
    )
    applicant.press("提交高管审核")
    applicant.confirm("已提交高管审核")

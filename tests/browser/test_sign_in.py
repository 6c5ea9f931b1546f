"""Getting in and staying in charge of one's account, before a server that asks for the captcha: waiting instead of the picture,
another number, another password, where one is signed in, and help for who lost the number."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.served import Served
from tests.browser.somebody import PASSWORD, Shot, Somebody, Violations

NEW_PASSWORD = "limestone.heron+7"


@pytest.fixture(scope="module")
def guarded() -> Iterator[Served]:
    """A demo with the captcha on, and without a ration of waits: many people wait within a minute here."""
    served = Served(
        QINGLING_CAPTCHA="true",
        QINGLING_CAPTCHA_WAIT_S="2",
        QINGLING_CAPTCHA_WAITS_PER_IP_HOUR="0",
    )
    try:
        served.start()
        yield served
    finally:
        served.stop()


@pytest.fixture
def visitor(
    guarded: Served, new_context: Callable[..., BrowserContext], shot: Shot, violations: Violations
) -> Callable[[str], Somebody]:
    """Somebody with this phone at a browser of their own."""
    return lambda phone: Somebody(new_context(), guarded.url, phone, shot, violations)


def ask_for_code(somebody: Somebody, *, look: str | None = None) -> list[str]:
    """The first step by waiting; the codes there were before."""
    page = somebody.page
    somebody.go("/sign-in" + ("?officer=true" if somebody.is_officer else ""))
    if look:
        expect(page.get_by_role("img", name=re.compile("有 5 个字符的图片"))).to_be_visible()
        somebody.look(look)
    page.get_by_label("手机号码").fill(somebody.phone)
    somebody.press("不看图片，改为等待")
    expect(page.get_by_text("不用看图片了")).to_be_visible()
    if look:
        somebody.look(f"{look}-wait")
    seen = somebody.codes()
    expect(page.get_by_role("button", name="获取验证码")).to_be_enabled(timeout=10_000)
    somebody.press("获取验证码")
    expect(page.get_by_role("heading", name="填写验证码")).to_be_visible()
    return seen


def enter(somebody: Somebody, password: str = PASSWORD, *, look: str | None = None) -> Somebody:
    seen = ask_for_code(somebody, look=look)
    somebody.page.get_by_label("6 位验证码").fill(somebody.new_code(seen))
    if somebody.is_officer:
        somebody.page.get_by_label("密码").fill(password)
    somebody.press("登录")
    expect(somebody.page.get_by_role("heading", name="填写验证码")).to_be_hidden()
    return somebody


def test_who_cannot_read_the_picture_waits_and_a_wrong_answer_shows_another_one(
    visitor: Callable[[str], Somebody],
) -> None:
    member = visitor("13800000005")
    member.go("/sign-in")
    member.page.get_by_label("手机号码").fill(member.phone)
    member.page.get_by_label("图片里的 5 个字符").fill("WRONG")
    picture = member.page.get_by_role("img", name=re.compile("字符的图片")).get_attribute("src")
    member.page.keyboard.press("Enter")
    expect(member.page.get_by_role("alert")).to_contain_text("图片里的字符填得不对")
    expect(member.page.get_by_label("手机号码")).to_have_value(member.phone)
    assert member.page.get_by_role("img", name=re.compile("字符的图片")).get_attribute("src") != picture
    member.look("captcha-wrong")
    enter(member, look="captcha")
    expect(member.page.get_by_role("heading", level=1)).to_have_text("问题管理")


def test_a_member_changes_the_number_and_signs_out_elsewhere(visitor: Callable[[str], Somebody]) -> None:
    here, elsewhere = enter(visitor("13800000008")), enter(visitor("13800000008"))
    here.go("/account/sessions")
    expect(here.page.get_by_role("row")).to_have_count(3)
    here.look("my-sessions")
    here.press("退出其他所有登录")
    expect(here.page.get_by_role("status")).to_have_text("已退出 1 处登录。")
    elsewhere.go("/issues")
    expect(elsewhere.page).to_have_url(re.compile("/sign-in"))

    here.go("/account/phone")
    here.page.get_by_label("新的手机号码").fill("13700000008")
    here.look("change-phone")
    old, seen = here.codes(), here.codes("13700000008")
    here.press("获取两个验证码")
    expect(here.page.get_by_label("原号码收到的验证码")).to_be_visible()
    here.look("change-phone-codes")
    here.page.get_by_label("原号码收到的验证码").fill(here.new_code(old))
    here.page.get_by_label("新号码收到的验证码").fill(here.new_code(seen, "13700000008"))
    here.press("更换手机号")
    here.confirm("手机号码已更换")
    here.look("change-phone-done")
    enter(visitor("13700000008"))


def test_an_officer_changes_the_password(visitor: Callable[[str], Somebody]) -> None:
    officer = enter(visitor("13800000112"))
    officer.go("/account/password")
    officer.page.get_by_label("原密码").fill(PASSWORD)
    for label in ("新密码", "再填写一次新密码"):
        officer.page.get_by_label(label, exact=True).fill("woaini1314520")
    officer.press("修改密码")
    expect(officer.page.get_by_role("alert")).to_contain_text("太容易被猜到")
    officer.look("change-password")
    officer.page.get_by_label("原密码").fill(PASSWORD)
    for label in ("新密码", "再填写一次新密码"):
        officer.page.get_by_label(label, exact=True).fill(NEW_PASSWORD)
    officer.press("修改密码")
    officer.confirm("密码已修改")
    enter(visitor("13800000112"), NEW_PASSWORD)


def test_who_lost_the_number_is_helped_by_the_registrar(visitor: Callable[[str], Somebody]) -> None:
    member = visitor("13800000004")
    page = member.page
    member.go("/sign-in")
    page.get_by_role("link", name="手机号码换了或丢了？").click()
    member.look("help")
    page.get_by_label("姓名").fill("陆一鸣")
    page.get_by_label("原来的手机号码").fill(member.phone)
    page.get_by_label("新的手机号码").fill("13700000004")
    page.get_by_label("企业名称或海关单位").fill("江苏云泽精密电子有限公司")
    page.get_by_label("去哪里核实身份").select_option("2300")
    member.press("不看图片，改为等待")
    expect(page.get_by_label("姓名")).to_have_value("陆一鸣")
    seen = member.codes("13700000004")
    expect(page.get_by_role("button", name="获取验证码")).to_be_enabled(timeout=10_000)
    member.press("获取验证码")
    expect(page.get_by_label("6 位验证码")).to_be_visible()
    member.look("help-code")
    page.get_by_label("6 位验证码").fill(member.new_code(seen, "13700000004"))
    member.press("提交申请")
    member.confirm("申请已提交")
    member.look("help-done")

    registrar = enter(visitor("13800000101"))
    registrar.page.get_by_role("link", name="换手机号申请").click()
    registrar.look("phone-requests")
    registrar.page.get_by_role("link", name="陆一鸣").click()
    registrar.look("phone-request")
    registrar.press("提交")
    expect(registrar.page.get_by_role("alert")).to_be_visible()
    registrar.look("phone-request-errors")
    registrar.page.get_by_label("是本人，更换为新号码").check()
    registrar.page.get_by_label("核实情况或原因").fill("看过身份证原件和任职证明，照片与本人一致。")
    registrar.press("提交")
    expect(registrar.page.get_by_role("status")).to_contain_text("手机号码已更换")
    enter(visitor("13700000004"))

"""The doors of the WeChat version on a phone, with WeChat's user agent and a strict WeChat behind it: binding, in again by
openid, links that were replayed or stolen, unbinding, signing out, registering."""

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from domain.demo.people import LICENCE
from tests.browser.phone import IN_HAND, OnPhone, serve_with
from tests.browser.served import Served
from tests.browser.somebody import Shot, Violations
from tests.wechat.fake_wechat import FakeWechat

TANG, HAN, NEW = "oTang-0123456789abcdef", "oHan-0123456789abcdef", "oNew-0123456789abcdef"
USCC = "91320583MA26QH1171"
MINE = "/me/wechat"


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """A phone."""
    return {**browser_context_args, **IN_HAND}


@pytest.fixture(scope="module")
def wechat() -> Iterator[FakeWechat]:
    with FakeWechat() as wechat:
        yield wechat


@pytest.fixture(scope="module")
def served(wechat: FakeWechat) -> Iterator[Served]:
    served = serve_with(wechat)
    try:
        served.start()
        yield served
    finally:
        served.stop()


@pytest.fixture
def on_phone(
    served: Served,
    wechat: FakeWechat,
    new_context: Callable[..., BrowserContext],
    shot: Shot,
    violations: Violations,
) -> Callable[[str, str], OnPhone]:
    """`on_phone("13800000005", TANG)`: that person's phone, with that WeChat."""
    return lambda phone, openid: OnPhone(new_context, served, wechat, phone, openid, shot, violations)


def bind(somebody: OnPhone, *, look: bool = False) -> None:
    """From the menu's 绑定与注册 to being signed in."""
    somebody.go("/bind")
    expect(somebody.page.get_by_role("heading", name="绑定与注册")).to_be_visible()
    if look:
        somebody.look("wechat-bind")
    somebody.page.get_by_label("手机号码").fill(somebody.phone)
    somebody.take_code("绑定")


def test_bound_once_and_from_then_on_in_by_openid(on_phone: Callable[[str, str], OnPhone]) -> None:
    tang = on_phone("13800000005", TANG)
    bind(tang, look=True)
    tang.go(MINE)
    expect(tang.page.get_by_text("绑定时间")).to_be_visible()
    tang.look("wechat-mine")
    again = on_phone("13800000005", TANG)
    again.go("")
    expect(again.page).not_to_have_url(re.compile("sign-in|bind"))
    again.go(MINE)
    expect(again.page.get_by_text("绑定时间")).to_be_visible()
    sign_out(again)
    unbind(tang)


def sign_out(somebody: OnPhone) -> None:
    """Out, and not in again before they ask for it."""
    somebody.press("退出登录")
    expect(somebody.page.get_by_text("您已退出登录")).to_be_visible()
    somebody.look("wechat-signed-out")
    somebody.go("")
    expect(somebody.page.get_by_role("heading", name="登录", exact=True)).to_be_visible()
    somebody.tap("微信登录")
    expect(somebody.page.get_by_role("heading", name="登录", exact=True)).to_be_hidden()


def unbind(somebody: OnPhone) -> None:
    """No longer: the next time they are asked who they are."""
    somebody.go(MINE)
    somebody.press("解除绑定")
    expect(somebody.page.get_by_text("您已退出登录")).to_be_visible()
    somebody.tap("微信登录")
    expect(somebody.page.get_by_role("heading", name="绑定与注册")).to_be_visible()


def test_links_that_were_used_or_stolen_show_nothing_of_anybody(
    on_phone: Callable[[str, str], OnPhone], wechat: FakeWechat
) -> None:
    han, thief = on_phone("13800000006", HAN), on_phone("13900009999", "oThief-0123456789abcdef")
    bind(han)
    backs: list[str] = []
    han.page.on(
        "request", lambda request: backs.append(request.url) if "/w/enter/back" in request.url else None
    )
    han.page.context.clear_cookies()
    han.go(MINE)
    expect(han.page.get_by_text("绑定时间")).to_be_visible()
    [back] = backs
    path = urlsplit(back).path.removeprefix("/w") + "?" + urlsplit(back).query
    thief.go(path)
    expect(thief.page.get_by_role("heading", name="没有登录")).to_be_visible()
    expect(thief.page.get_by_text("韩志强")).to_have_count(0)
    thief.look("wechat-stolen-link")
    thief.tap("微信登录")
    expect(thief.page.get_by_role("heading", name="绑定与注册")).to_be_visible()
    thief.go(path)
    expect(thief.page.get_by_role("heading", name="绑定与注册")).to_be_visible()
    thief.go(MINE)
    expect(thief.page.get_by_role("heading", name="绑定与注册")).to_be_visible()
    han.go(path)
    expect(han.page.get_by_role("heading", name="没有登录")).to_be_hidden()


def test_wechat_does_not_answer_and_phone_and_code_do(
    on_phone: Callable[[str, str], OnPhone], wechat: FakeWechat
) -> None:
    somebody = on_phone("13800000008", "oShao-0123456789abcdef")
    wechat.misbehave("sns/oauth2/access_token", "drop")
    somebody.go(MINE)
    expect(somebody.page.get_by_text("微信暂时没有应答")).to_be_visible()
    wechat.misbehave("sns/oauth2/access_token", None)
    assert all("503" in one for one in somebody.complaints), "the page says so, and so does its status"
    somebody.complaints.clear()
    somebody.tap("用手机验证码登录")
    somebody.look("wechat-sign-in")
    somebody.page.get_by_label("手机号码").fill(somebody.phone)
    somebody.take_code("登录")
    expect(somebody.page.get_by_text("您还没有绑定微信")).to_be_visible()
    somebody.look("wechat-not-bound")


def play_album(page: Page, media_id: str) -> None:
    """WeChat's script, as far as a page uses it: its album has one picture, which WeChat calls by this id once it has it."""
    script = f"""
        window.wx = {{
            ready(call) {{ this.isReady = call; }}, error() {{}},
            config(signed) {{ if (signed.appId && signed.signature.length === 40) setTimeout(() => this.isReady()); }},
            chooseImage({{ success }}) {{ success({{ localIds: ["weixin://1"] }}); }},
            uploadImage({{ success }}) {{ success({{ serverId: "{media_id}" }}); }},
        }};"""
    page.route(
        "https://res.wx.qq.com/**",
        lambda route: route.fulfill(body=script, content_type="text/javascript"),
    )


def test_registered_on_a_phone(on_phone: Callable[[str, str], OnPhone], wechat: FakeWechat) -> None:
    somebody = on_phone("13911112222", NEW)
    play_album(somebody.page, "M-licence")
    somebody.go("/bind")
    somebody.tap("新企业注册")
    somebody.look("wechat-register")
    somebody.tap("开始注册")
    somebody.page.get_by_label("手机号码").fill(somebody.phone)
    somebody.take_code("下一步")
    somebody.confirm("填写企业信息")
    somebody.press("下一步")
    expect(somebody.page.get_by_role("alert")).to_contain_text("处需要修改")
    somebody.look("wechat-register-mistakes")
    somebody.fill(name="昆山启明精密有限公司", uscc=USCC, customs_code="3223940Q78")
    somebody.press("下一步")
    somebody.tap("上一页")
    expect(somebody.page.get_by_label("企业名称")).to_have_value("昆山启明精密有限公司")
    somebody.look("wechat-register-form")
    somebody.press("下一步")
    somebody.fill(address="江苏省昆山市前进中路 8 号", legal_person="启明", contact="陶然")
    somebody.press("下一步")
    somebody.fill(office="2325")
    somebody.press("下一步")
    wechat.media["M-licence"] = (LICENCE.read_bytes(), "image/png")
    somebody.press("拍照或从相册选图")
    expect(somebody.page.get_by_text("已上传")).to_be_visible()
    assert wechat.count("media/get") == 1, "the picture came from WeChat"
    somebody.look("wechat-register-licence")
    somebody.press("下一步：核对")
    expect(somebody.page.get_by_text("这个微信与上面的手机号绑定")).to_be_visible()
    somebody.look("wechat-register-check")
    somebody.press("提交注册申请")
    somebody.confirm("注册申请已提交")
    somebody.look("wechat-register-done")
    somebody.go(MINE)
    expect(somebody.page.get_by_text("企业注册待审核")).to_be_visible()
    expect(somebody.page.get_by_text("绑定时间")).to_be_visible()
    somebody.look("wechat-waiting")

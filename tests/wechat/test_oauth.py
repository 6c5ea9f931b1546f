"""Who opens a page: the way to WeChat and back, and codes that are used, old or none."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.wechat.conftest import OPENID, Clock
from tests.wechat.fake_wechat import SECRET, FakeWechat
from wechat.client import WechatClient
from wechat.exceptions import WechatCodeRefused, WechatSnapshot, WechatUnavailable
from wechat.http import WechatApp
from wechat.oauth import authorize_url, exchange_code

BACK = "https://qingling.example.cn/w/sign-in?next=%2Fw%2Fissues"
STATE = "0123456789abcdef"


async def test_there_and_back(client: WechatClient, wechat: FakeWechat, app: WechatApp) -> None:
    wechat.visitor = OPENID
    async with httpx.AsyncClient() as browser:
        answer = await browser.get(authorize_url(app, BACK, STATE))
    assert answer.status_code == 302
    back = urlsplit(answer.headers["location"])
    query = parse_qs(back.query)
    assert f"{back.scheme}://{back.netloc}{back.path}" == "https://qingling.example.cn/w/sign-in"
    assert (query["state"], query["next"]) == ([STATE], ["/w/issues"])
    assert await exchange_code(client.api, query["code"][0]) == OPENID


def test_the_address_is_as_wechat_wants_it(app: WechatApp) -> None:
    url = authorize_url(app, BACK, STATE)
    names = [pair.split("=")[0] for pair in urlsplit(url).query.split("&")]
    assert names == ["appid", "redirect_uri", "response_type", "scope", "state"]
    assert url.endswith(f"&state={STATE}#wechat_redirect") and "scope=snsapi_base" in url


@pytest.mark.parametrize(
    "state", ["", "short", "x" * 129, "with-hyphen-0000000", "0123456789abcdef&x=1", "状态" * 10]
)
def test_a_state_that_wechat_would_not_give_back_is_refused(app: WechatApp, state: str) -> None:
    with pytest.raises(ValueError, match="state"):
        authorize_url(app, BACK, state)


async def test_a_code_is_good_once(client: WechatClient, wechat: FakeWechat) -> None:
    code = wechat.give_code(OPENID)
    assert await exchange_code(client.api, code) == OPENID
    with pytest.raises(WechatCodeRefused) as refused:
        await exchange_code(client.api, code)
    assert refused.value.code == "40163"
    assert refused.value.message == "微信登录已失效，请回到公众号重新打开页面。"


async def test_an_old_or_invented_code_is_refused(
    client: WechatClient, wechat: FakeWechat, clock: Clock
) -> None:
    old = wechat.give_code(OPENID)
    clock.wait(seconds=301)
    for code in (old, "0" * 32):
        with pytest.raises(WechatCodeRefused) as refused:
            await exchange_code(client.api, code)
        assert refused.value.code == "40029"


@pytest.mark.parametrize(
    "code", ["", "short", "x" * 513, "a b c d e f g h", "code\r\nX: y00000", "代码" * 10, "../../../../x"]
)
async def test_what_is_no_code_is_never_sent(client: WechatClient, wechat: FakeWechat, code: str) -> None:
    with pytest.raises(WechatCodeRefused):
        await exchange_code(client.api, code)
    assert wechat.count("access_token") == 0


@pytest.mark.parametrize("code", [40029, 40163, 40226, 41008, 42003])
async def test_each_code_about_the_code(client: WechatClient, wechat: FakeWechat, code: int) -> None:
    wechat.answer_next("sns/oauth2/access_token", code)
    with pytest.raises(WechatCodeRefused):
        await exchange_code(client.api, wechat.give_code(OPENID))


@pytest.mark.parametrize("code", [-1, 45011, 40125, 40013, 987654])
async def test_any_other_code_is_not_the_visitors(
    client: WechatClient, wechat: FakeWechat, code: int
) -> None:
    wechat.answer_next("sns/oauth2/access_token", code)
    with pytest.raises(WechatUnavailable) as unavailable:
        await exchange_code(client.api, wechat.give_code(OPENID))
    assert unavailable.value.reason == str(code)
    assert SECRET not in f"{unavailable.value!r} {unavailable.value.details}"


@pytest.mark.parametrize("fault", ["drop", "garbled", "status 502", "silent"])
async def test_no_answer_is_not_the_visitors_either(
    start: Callable[..., WechatClient], wechat: FakeWechat, fault: str
) -> None:
    wechat.misbehave("sns/oauth2/access_token", fault)
    with pytest.raises(WechatUnavailable):
        await exchange_code(start(timeout_s=0.5).api, wechat.give_code(OPENID))


async def test_a_snapshot_is_nobody(client: WechatClient, wechat: FakeWechat) -> None:
    wechat.snapshot = True
    with pytest.raises(WechatSnapshot):
        await exchange_code(client.api, wechat.give_code(OPENID))


async def test_an_answer_without_an_openid_is_none(client: WechatClient, wechat: FakeWechat) -> None:
    for openid in ("", "o\r\nx", "o" * 65):
        wechat._codes["c" * 32] = (openid or " ", wechat.clock())
        wechat._used.clear()
        with pytest.raises(WechatUnavailable, match="微信暂时没有应答"):
            await exchange_code(client.api, "c" * 32)

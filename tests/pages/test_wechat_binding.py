"""Whose WeChat it is: bound once by phone and code, unbound, signed out of."""

import re

from tests.api.conftest import World
from tests.pages.conftest import Visitor
from tests.pages.in_wechat import OTHERS, account, bind, enter, fake, in_wechat, phone, read_code, scalar
from tests.wechat.fake_wechat import FakeWechat

__all__ = ["account", "fake", "phone"]

STAFF_PHONE = "13900000001"


class TestBinding:
    """Phone and code, once."""

    async def test_a_known_phone_is_bound_and_goes_on(
        self, account: World, phone: Visitor, fake: FakeWechat
    ) -> None:
        await enter(phone, fake, "/w/me/wechat")
        await phone.send("/w/bind/code", {"phone": STAFF_PHONE})
        assert phone.address == "/w/bind/code" and "如果" in phone.html
        answers = {"challenge": phone.hidden("challenge"), "code": await read_code(account)}
        await phone.send("/w/bind", answers)
        assert (phone.status, phone.address) == (200, "/w/me/wechat") and "解除绑定" in phone.html
        actions = await scalar(
            account, "SELECT array_agg(action ORDER BY id) FROM audit_record WHERE action LIKE '%wechat%'"
        )
        assert actions == ["bind_wechat"]
        assert await scalar(account, "SELECT count(*) FROM wechat_visit WHERE openid IS NOT NULL") == 0
        again = in_wechat(account)
        await enter(again, fake, "/w/me/wechat")
        assert again.address == "/w/me/wechat", "from now on by openid"

    async def test_an_unknown_phone_sees_the_same_pages(
        self, account: World, phone: Visitor, fake: FakeWechat
    ) -> None:
        pages: list[str] = []
        for number in (STAFF_PHONE, "13799999999"):
            visitor = in_wechat(account)
            await enter(visitor, fake)
            await visitor.send("/w/bind/code", {"phone": number})
            wrong = {"challenge": visitor.hidden("challenge"), "code": "000000"}
            shown = visitor.html
            await visitor.send("/w/bind", wrong)
            assert visitor.status in (401, 422)
            pages.append(_without_names(shown) + _without_names(visitor.html))
        assert pages[0] == pages[1]
        assert "新企业注册" in pages[0]

    async def test_a_code_of_another_browser_binds_nothing(
        self, account: World, phone: Visitor, fake: FakeWechat
    ) -> None:
        await enter(phone, fake)
        await phone.send("/w/bind/code", {"phone": STAFF_PHONE})
        challenge, code = phone.hidden("challenge"), await read_code(account)
        fake.visitor = OTHERS
        thief = in_wechat(account)
        await enter(thief, fake)
        await thief.send("/w/bind", {"challenge": challenge, "code": code})
        assert thief.address == "/w/bind"
        assert await scalar(account, "SELECT count(*) FROM wechat_binding") == 0

    async def test_without_wechat_having_said_who_it_is_nothing_is_bound(
        self, account: World, phone: Visitor, fake: FakeWechat
    ) -> None:
        answer = await phone.client.get("/w/bind")
        assert answer.headers["location"].startswith("/w/enter?again=true")
        ordinary = Visitor(account.client())
        await ordinary.open("/w/bind")
        assert ordinary.address == "/w/sign-in"


def _without_names(html: str) -> str:
    html = re.sub(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}|[0-9a-f]{64}", "*", html)
    return re.sub(r"1[0-9]{2}\*{4}[0-9]{4}|1[0-9]{10}|\+861[0-9]{10}", "phone", html)


class TestLeaving:
    """Unbinding and signing out."""

    async def test_unbinding_signs_out_what_wechat_signed_in_and_nothing_else(
        self, account: World, phone: Visitor, fake: FakeWechat
    ) -> None:
        await bind(account)
        await enter(phone, fake, "/w/me/wechat")
        await phone.send("/w/me/wechat/unbind", {})
        assert phone.address == "/w/sign-in" and "您已退出登录" in phone.html
        assert (await account.client("staff").get("/api/v1/me")).status_code == 200
        await phone.open("/w/me/wechat")
        assert phone.address == "/w/sign-in", "WeChat is not asked before somebody wants it"
        await enter(phone, fake, "/w/enter?again=true")
        assert phone.address == "/w/bind"

    async def test_unbinding_at_another_browser_goes_on_there(
        self, account: World, phone: Visitor, fake: FakeWechat
    ) -> None:
        await bind(account)
        await enter(phone, fake, "/w/me/wechat")
        desk = Visitor(account.browser("staff"))
        for page in ("/account/sessions", "/w/account/sessions", "/account/messages"):
            assert 'href="/w/me/wechat"' in await desk.open(page), "signing out is not enough"
        await desk.open("/w/me/wechat")
        await desk.send("/w/me/wechat/unbind", {})
        assert desk.address == "/w/me/wechat" and "已解除绑定" in desk.html
        assert 'href="/w/me/wechat"' not in await desk.open("/account/sessions")
        answer = await phone.client.get("/w/me/wechat")
        assert answer.status_code == 303 and "/w/enter" in answer.headers["location"]

    async def test_who_signs_out_in_wechat_stays_out_until_they_ask(
        self, account: World, phone: Visitor, fake: FakeWechat
    ) -> None:
        await bind(account)
        await enter(phone, fake, "/w/me/wechat")
        await phone.send("/w/sign-out", {})
        assert phone.address == "/w/sign-in" and "微信登录" in phone.html
        for address in ("/w", "/w/me/wechat", "/w/enter"):
            await phone.open(address)
            assert phone.address == "/w/sign-in"
        await enter(phone, fake, "/w/enter?again=true&next=/w/me/wechat")
        assert phone.address == "/w/me/wechat"
        phone.client.cookies.delete("qingling_session")
        answer = await phone.client.get("/w/me/wechat")
        assert "/w/enter" in answer.headers["location"], "it was asked for, and holds again"

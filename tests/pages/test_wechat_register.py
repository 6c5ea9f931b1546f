"""Registering an enterprise on a phone, and pictures that WeChat takes."""

import hashlib
import re
from html import unescape
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.api.applying import add_applicant
from tests.api.conftest import World
from tests.api.test_json_life import PNG
from tests.pages.conftest import Visitor
from tests.pages.in_wechat import (
    account,
    enter,
    fake,
    phone,
    scalar,
    with_agent,
)
from tests.tasks.applicants import make_uscc
from tests.wechat.fake_wechat import FakeWechat

__all__ = ["account", "fake", "phone"]


class TestRegistering:
    """The no-card registration, a few questions a page; always approved by customs."""

    async def begin(self, world: World, visitor: Visitor) -> str:
        """The phone proved; where the form is."""
        applicant = add_applicant(world)
        await visitor.send("/w/register/phone", {"phone": applicant.phone})
        assert "填写验证码" in visitor.html and visitor.address.startswith("/w/register/")
        address = visitor.address.removesuffix("/code")
        await visitor.send(visitor.address, {"code": applicant.pigeons.code})
        assert visitor.address == address and "第 1 页，共 4 页" in visitor.html
        return address

    async def fill(self, visitor: Visitor, address: str) -> None:
        """Page by page, to the one on which everything is checked."""
        first = {"name": "昆山新禾机电有限公司", "uscc": make_uscc(), "customs_code": "3223940Q77"}
        await visitor.send(f"{address}?page=1", first)
        assert "第 2 页" in visitor.html and 'name="address"' in visitor.html
        assert 'name="uscc"' not in visitor.html
        second = {"address": "昆山市前进中路 1 号", "legal_person": "孟凡", "contact": "顾盼"}
        await visitor.send(f"{address}?page=2", second)
        await visitor.send(f"{address}?page=3", {"office": "2301"})
        assert "第 4 页" in visitor.html and "下一步：核对" in visitor.html
        await visitor.send(f"{address}?page=4", {}, files={"licence.replace": ("执照.png", PNG)})
        assert visitor.address == f"{address}/check", visitor.html

    async def test_who_registers_in_wechat_is_bound_and_waits_for_approval(
        self, account: World, phone: Visitor, fake: FakeWechat
    ) -> None:
        await phone.open("/w/register")
        assert "都由海关审核" in phone.html
        begin = re.search(r'class="button" href="([^"]+)"', phone.html)
        assert begin is not None
        await enter(phone, fake, unescape(begin[1]))
        assert phone.address == "/w/register/phone"
        address = await self.begin(account, phone)
        await self.fill(phone, address)
        assert "昆山新禾机电有限公司" in phone.html and "这个微信与上面的手机号绑定" in phone.html
        await phone.send(f"{address}/send", {})
        assert phone.address == f"{address}/done" and "已绑定微信" in phone.html
        row = await scalar(account, "SELECT row_to_json(r) FROM registration r")
        assert (row["route"], row["phase"]) == ("wechat", "customs")
        await enter(phone, fake, "/w/me/wechat")
        assert "企业注册待审核" in phone.html and "昆山新禾机电有限公司" in phone.html

    async def test_mistakes_stay_on_their_page_and_nothing_typed_is_lost(
        self, account: World, phone: Visitor, fake: FakeWechat
    ) -> None:
        await enter(phone, fake, "/w/enter?next=/w/register/phone")
        address = await self.begin(account, phone)
        await phone.send(f"{address}?page=1", {"name": "甲公司", "uscc": "12", "customs_code": "3223940Q77"})
        assert "第 1 页" in phone.html and "有 1 处需要修改" in phone.html and "甲公司" in phone.html
        await phone.send(f"{address}?page=2", {"address": "某路", "legal_person": "", "contact": "顾盼"})
        assert "第 2 页" in phone.html and "某路" in phone.html
        await phone.open(f"{address}/check")
        assert "第 1 页" in phone.html and "有 1 处需要修改" in phone.html
        await phone.open(f"{address}?page=2")
        assert "某路" in phone.html and "顾盼" in phone.html

    async def test_the_draft_keeps_what_other_pages_said(
        self, account: World, phone: Visitor, fake: FakeWechat
    ) -> None:
        await enter(phone, fake, "/w/enter?next=/w/register/phone")
        address = await self.begin(account, phone)
        await phone.send(
            f"{address}?page=1", {"name": "甲公司", "uscc": make_uscc(), "customs_code": "3223940Q77"}
        )
        saved = await phone.client.post(
            f"{address}/draft?page=2",
            data={"csrf_token": phone.hidden("csrf_token"), "contact": "顾盼", "name": "乙公司"},
        )
        assert saved.status_code == 200 and set(saved.json()["fields"]) >= {"name", "contact"}
        await phone.open(f"{address}?page=1")
        assert "甲公司" in phone.html and "乙公司" not in phone.html

    async def test_on_an_ordinary_phone_it_works_without_wechat(self, account: World) -> None:
        visitor = Visitor(account.client())
        await visitor.open("/w/register")
        assert 'href="/w/register/phone"' in visitor.html
        await visitor.open("/w/register/phone")
        address = await self.begin(account, visitor)
        await self.fill(visitor, address)
        await visitor.send(f"{address}/send", {})
        assert visitor.address == f"{address}/done" and "已绑定微信" not in visitor.html
        assert await scalar(account, "SELECT route FROM registration") == "web"
        assert await scalar(account, "SELECT count(*) FROM wechat_binding") == 0


class TestPictures:
    """Chosen in WeChat, fetched by us, an upload like any other."""

    async def reach_file_field(self, account: World, phone: Visitor, fake: FakeWechat) -> str:
        await enter(phone, fake, "/w/enter?next=/w/register/phone")
        address = await TestRegistering().begin(account, phone)
        await phone.open(f"{address}?page=4")
        found = re.search(r'data-wechat="([^"]+)"', phone.html)
        assert found is not None
        return unescape(found[1])

    async def pick(self, phone: Visitor, address: str, media_id: str) -> httpx.Response:
        return await phone.client.post(
            address,
            data={"media_id": media_id, "csrf_token": phone.hidden("csrf_token")},
            headers={"accept": "application/json"},
        )

    async def test_only_pages_with_a_file_field_in_wechat_may_load_its_script(
        self, account: World, phone: Visitor, fake: FakeWechat
    ) -> None:
        await self.reach_file_field(account, phone, fake)
        address = phone.address
        for page, loads in ((f"{address}?page=4", True), ("/w/register", False)):
            answer = await phone.client.get(page)
            policy = answer.headers["content-security-policy"]
            assert ("https://res.wx.qq.com" in policy) == loads == ("jweixin" in answer.text)
            assert "unsafe" not in policy
        phone.client.headers["user-agent"] = "Mozilla/5.0 Safari"
        answer = await phone.client.get(f"{address}?page=4")
        assert "res.wx.qq.com" not in answer.headers["content-security-policy"] + answer.text
        assert "data-wechat" not in answer.text and 'type="file"' in answer.text

    async def test_a_page_of_ours_is_signed_and_nobody_elses(
        self, account: World, phone: Visitor, fake: FakeWechat
    ) -> None:
        page = "http://127.0.0.1:8000/w/register/7?page=4"
        signed = (await phone.client.get("/w/wechat/signature", params={"url": page})).json()
        ticket = (await account.app.state.wired.wechat.client.get_ticket()).encode()
        text_ = b"jsapi_ticket=%s&noncestr=%s&timestamp=%d&url=%s" % (
            ticket,
            signed["nonceStr"].encode(),
            signed["timestamp"],
            page.encode(),
        )
        assert signed["signature"] == hashlib.new("sha1", text_, usedforsecurity=False).hexdigest()
        for stranger in ("https://evil.example/w/", "http://127.0.0.1:8000.evil.example/w/", "/w/", ""):
            answer = await phone.client.get("/w/wechat/signature", params={"url": stranger})
            assert answer.status_code == 404

    async def test_the_licence_comes_from_wechat(
        self, account: World, phone: Visitor, fake: FakeWechat
    ) -> None:
        address = await self.reach_file_field(account, phone, fake)
        fake.media["M-1"] = (PNG, "image/png")
        answer = await self.pick(phone, address, "M-1")
        assert answer.status_code == 201
        assert answer.json() | {"id": ""} == {
            "id": "",
            "name": "微信图片.png",
            "size": len(PNG),
            "type": "image/png",
            "pages": 1,
            "hint": None,
        }

    @pytest.mark.parametrize(
        ("media", "status"),
        [
            (None, 422),
            ((b"<svg/>", "image/svg+xml"), 422),
            ((b"MZ not a picture", "image/png"), 422),
            ((b"\x89PNG" + b"0" * (10 * 1024 * 1024 + 1), "image/png"), 422),
        ],
    )
    async def test_what_is_gone_or_no_picture_is_refused(
        self, account: World, phone: Visitor, fake: FakeWechat, media: Any, status: int
    ) -> None:
        address = await self.reach_file_field(account, phone, fake)
        if media:
            fake.media["M-1"] = media
        answer = await self.pick(phone, address, "M-1")
        assert answer.status_code == status and answer.json()["detail"]
        assert await scalar(account, "SELECT count(*) FROM attachment") == 0

    async def test_nobody_has_anything_fetched_without_a_form_of_their_own(
        self, account: World, phone: Visitor, fake: FakeWechat
    ) -> None:
        await self.reach_file_field(account, phone, fake)
        fake.media["M-1"] = (PNG, "image/png")
        for address, status in (
            ("/w/wechat/pictures", 401),
            (f"/w/wechat/pictures?challenge={uuid4()}", 404),
        ):
            assert (await self.pick(phone, address, "M-1")).status_code == status
        assert fake.count("media/get") == 0

    async def test_a_member_keeps_a_picture_and_an_officer_does_not(
        self, account: World, fake: FakeWechat
    ) -> None:
        fake.media["M-1"] = (PNG, "image/png")
        for name, status in (("staff", 201), ("handler", 403)):
            visitor = Visitor(with_agent(account.browser(name)))
            await visitor.open("/account/sessions")
            assert (await self.pick(visitor, "/w/wechat/pictures", "M-1")).status_code == status

    async def test_a_silent_wechat_is_told(self, account: World, phone: Visitor, fake: FakeWechat) -> None:
        address = await self.reach_file_field(account, phone, fake)
        fake.misbehave("media/get", "drop")
        assert (await self.pick(phone, address, "M-1")).status_code == 503

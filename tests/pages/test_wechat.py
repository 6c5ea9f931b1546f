"""The WeChat version's doors as a browser in WeChat meets them: in by openid, binding, unbinding, signing out, registering; what
somebody else's link, a replayed one, and a WeChat that does not answer come to."""

import hashlib
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.pool import QueuePool

from api.phone import find_phone
from api.wechat import WechatDoor
from domain.wechat_bindings import bind_wechat
from messages.sealing import Sealer
from tests.api.applying import add_applicant
from tests.api.conftest import World
from tests.api.test_json_life import PNG
from tests.api.wechat_account import with_wechat
from tests.pages.conftest import Visitor
from tests.tasks.applicants import make_uscc
from tests.wechat.fake_wechat import FakeWechat

IN_WECHAT = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126.0 Mobile MicroMessenger/8.0.50"
MINE, OTHERS = "oAbCdEf-0123456789_staff", "oAbCdEf-0123456789_other"
TEMPLATES = Path(__file__).parents[2] / "api" / "templates"
STAFF_PHONE = "13900000001"


@pytest.fixture
def fake() -> Iterator[FakeWechat]:
    with FakeWechat() as fake:
        fake.visitor = MINE
        yield fake


@pytest.fixture
async def account(world: World, fake: FakeWechat) -> AsyncIterator[World]:
    async with with_wechat(world, fake):
        yield world


@pytest.fixture
def phone(account: World) -> Visitor:
    return in_wechat(account)


def in_wechat(world: World) -> Visitor:
    """A browser in WeChat that nobody has signed in at."""
    return Visitor(_with_agent(world.client()))


def _with_agent(client: httpx.AsyncClient) -> httpx.AsyncClient:
    client.headers["user-agent"] = IN_WECHAT
    return client


async def bind(world: World, name: str = "staff", openid: str = MINE) -> None:
    async with world.wired.sessions.begin() as session:
        await bind_wechat(session, world.people[name], openid, datetime.now(UTC), actor=None)


async def leave(phone: Visitor, fake: FakeWechat, address: str = "/w/enter") -> str:
    """As far as WeChat, and where WeChat sends the browser back to; `address` leads there, perhaps by the way."""
    answer = await phone.client.get(address)
    for _ in range(4):
        place = urlsplit(answer.headers["location"])
        if place.path == "/connect/oauth2/authorize":
            back = fake.authorize(dict(parse_qsl(place.query)))
            assert back is not None, "WeChat shows an error of its own"
            return back
        answer = await phone.client.get(answer.headers["location"])
    raise AssertionError("this does not lead to WeChat")


async def enter(phone: Visitor, fake: FakeWechat, address: str = "/w/enter") -> str:
    """There and back; the page's HTML."""
    return await phone.open(await leave(phone, fake, address))


async def read_code(world: World) -> str:
    """The digits of the code that was queued last."""
    async with world.wired.sessions() as session:
        row = (await session.execute(text(CODE))).one()
    code = Sealer(world.wired.settings.pepper).open(row.secret, row.id)
    assert code is not None
    return code


CODE = "SELECT id, secret FROM message WHERE is_code AND secret IS NOT NULL ORDER BY id DESC LIMIT 1"


async def scalar(world: World, statement: str, **values: Any) -> Any:
    async with world.wired.sessions() as session:
        return await session.scalar(text(statement), values)


class TestEntering:
    """By openid."""

    async def test_whose_wechat_it_is_gets_to_the_page_wanted(
        self, account: World, phone: Visitor, fake: FakeWechat
    ) -> None:
        await bind(account)
        await enter(phone, fake, "/w/me/wechat")
        assert (phone.status, phone.address) == (200, "/w/me/wechat")
        assert "解除绑定" in phone.html and "staff" in phone.html
        assert await scalar(account, "SELECT openid FROM sign_in_session ORDER BY id DESC LIMIT 1") == MINE

    async def test_the_first_page_of_the_menu_leads_in_too(
        self, account: World, phone: Visitor, fake: FakeWechat
    ) -> None:
        await bind(account)
        await enter(phone, fake, "/w")
        assert phone.status == 200 and phone.address.endswith("/issues")

    async def test_nothing_but_our_own_phone_pages_is_gone_on_to(
        self, account: World, phone: Visitor, fake: FakeWechat
    ) -> None:
        await bind(account)
        for onward in ("https://evil.example", "//evil.example", "/w/../system", "/sign-out", "/w/sign-out"):
            back = await leave(phone, fake, f"/w/enter?again=true&next={onward}")
            answer = await phone.client.get(back)
            assert answer.status_code == 303
            assert answer.headers["location"].startswith("/w") and "evil" not in answer.headers["location"]
            assert "sign-out" not in answer.headers["location"]

    async def test_an_unbound_openid_is_asked_who_they_are_and_stays_on_the_server(
        self, account: World, phone: Visitor, fake: FakeWechat
    ) -> None:
        await enter(phone, fake, "/w/me/wechat")
        assert phone.address == "/w/bind" and "已经是用户：绑定" in phone.html
        assert MINE not in phone.html and MINE not in str(phone.client.cookies)

    async def test_an_ordinary_phone_browser_signs_in_by_code(self, account: World) -> None:
        visitor = Visitor(account.client())
        await visitor.open("/w/me/wechat")
        assert visitor.address == "/w/sign-in" and "微信登录" not in visitor.html
        await visitor.open("/w/enter?next=/w/me/wechat")
        assert visitor.address == "/w/sign-in"

    async def test_with_several_enterprises_one_is_chosen_on_the_phone(
        self, account: World, phone: Visitor, fake: FakeWechat
    ) -> None:
        await bind(account)
        async with account.wired.sessions.begin() as session:
            await session.execute(
                SECOND, {"person": account.people["staff"], "enterprise": account.enterprises["theirs"]}
            )
        await enter(phone, fake, "/w/me/wechat")
        assert phone.address == "/w/sign-in/membership" and "ours公司" in phone.html
        chosen = await scalar(
            account,
            "SELECT m.id FROM membership m JOIN enterprise e ON e.id = m.enterprise_id WHERE e.name = 'ours公司'"
            " AND person_id = :person",
            person=account.people["staff"],
        )
        await phone.send("/w/sign-in/membership", {"membership": str(chosen), "next": "/w/me/wechat"})
        assert phone.address == "/w/me/wechat"

    async def test_who_is_disabled_and_officers_are_told_and_not_let_in(
        self, account: World, phone: Visitor, fake: FakeWechat
    ) -> None:
        await bind(account, "handler")
        await enter(phone, fake)
        assert phone.status == 403 and "关员请在电脑上" in phone.html
        assert "qingling_session" not in phone.client.cookies
        assert await scalar(account, "SELECT count(*) FROM audit_record WHERE action = 'fail_wechat'") == 1

    async def test_an_officer_who_is_signed_in_is_sent_to_the_desk(self, account: World) -> None:
        officer = Visitor(_with_agent(account.browser("handler")))
        await officer.open("/w/me/wechat")
        assert officer.status == 403


SECOND = text("""
    INSERT INTO membership (id, person_id, enterprise_id, display_name, position, roles, active, created_at)
    VALUES (gen_random_uuid(), :person, :enterprise, '', '', '{customs_affairs}', true, now())
""")


async def test_what_has_no_phone_version_is_the_desks_and_never_another_site(account: World) -> None:
    staff = Visitor(_with_agent(account.browser("staff")))
    for asked, led in (
        ("/w/account/cards?added=1", "/account/cards?added=1"),
        ("/w//evil.example", "/evil.example"),
        ("/w/%5C%5Cevil.example", "/evil.example"),
        ("/w/%2F%2Fevil.example", "/evil.example"),
    ):
        answer = await staff.client.get(asked)
        assert (answer.status_code, answer.headers["location"]) == (303, led)


class TestState:
    """What comes back from WeChat is good once, and for who left."""

    async def test_a_replayed_link_shows_nothing_and_begins_anew(
        self, account: World, phone: Visitor, fake: FakeWechat
    ) -> None:
        await bind(account)
        back = await leave(phone, fake)
        await phone.open(back)
        phone.client.cookies.delete("qingling_session")
        answer = await phone.client.get(back)
        assert (answer.status_code, answer.headers["location"]) == (303, "/w/enter")
        assert "set-cookie" not in answer.headers

    async def test_a_stolen_link_shows_another_nothing_of_anybody(
        self, account: World, phone: Visitor, fake: FakeWechat
    ) -> None:
        await bind(account)
        stolen = await leave(phone, fake, "/w/me/wechat")
        fake.visitor = OTHERS
        thief = in_wechat(account)
        answer = await thief.client.get(stolen)
        assert answer.status_code == 403 and "请重新进入" in answer.text and "staff" not in answer.text
        await enter(thief, fake)
        assert thief.address == "/w/bind", "the thief is asked who they are themselves"
        answer = await thief.client.get(stolen)
        assert answer.headers["location"] == "/w/enter"
        assert await scalar(account, "SELECT count(*) FROM sign_in_session WHERE openid IS NOT NULL") == 0

    @pytest.mark.parametrize("state", ["", "0" * 64, "%00", "x" * 199])
    async def test_a_made_up_state_begins_anew(
        self, account: World, phone: Visitor, fake: FakeWechat, state: str
    ) -> None:
        await leave(phone, fake)
        answer = await phone.client.get(f"/w/enter/back?code={fake.give_code(MINE)}&state={state}")
        assert answer.status_code in (303, 400)
        assert answer.headers.get("location", "/w/enter") == "/w/enter"
        assert fake.count("sns/oauth2/access_token") == 0

    async def test_who_has_signed_in_meanwhile_goes_on(
        self, account: World, phone: Visitor, fake: FakeWechat
    ) -> None:
        await bind(account)
        back = await leave(phone, fake)
        await phone.open(back)
        answer = await phone.client.get(back)
        assert answer.headers["location"] == "/w"


class TestWechatFails:
    """Each way is named, and phone and code are offered."""

    async def test_a_used_or_old_code(self, account: World, phone: Visitor, fake: FakeWechat) -> None:
        await bind(account)
        for code in (40029, 40163):
            fake.answer_next("sns/oauth2/access_token", code)
            await enter(phone, fake, "/w/enter?next=/w/me/wechat")
            assert phone.status == 401 and "微信登录已失效" in phone.html
            assert 'href="/w/sign-in?next=%2Fw%2Fme%2Fwechat"' in phone.html

    async def test_no_code_at_all(self, account: World, phone: Visitor, fake: FakeWechat) -> None:
        back = await leave(phone, fake)
        state = parse_qs(urlsplit(back).query)["state"][0]
        await phone.open(f"/w/enter/back?state={state}")
        assert phone.status == 401 and "微信登录已失效" in phone.html

    @pytest.mark.parametrize("fault", ["drop", "status 502", "garbled"])
    async def test_a_wechat_that_does_not_answer(
        self, account: World, phone: Visitor, fake: FakeWechat, fault: str
    ) -> None:
        fake.misbehave("sns/oauth2/access_token", fault)
        await enter(phone, fake)
        assert phone.status == 503 and "微信暂时没有应答" in phone.html and "验证码登录" in phone.html

    async def test_no_transaction_is_open_while_wechat_is_asked(
        self, account: World, phone: Visitor, fake: FakeWechat
    ) -> None:
        await bind(account)
        pool = account.wired.database.pool
        assert isinstance(pool, QueuePool)
        busy: list[int] = []

        class Watched(WechatDoor):
            async def find_openid(self, code: str) -> str:
                busy.append(pool.checkedout())
                return await super().find_openid(code)

        wired = account.app.state.wired
        door = Watched(wired.wechat.client, wired.wechat.origin, wired.wechat.keys)
        account.app.state.wired = replace(wired, wechat=door)
        await enter(phone, fake, "/w/me/wechat")
        assert (phone.address, busy) == ("/w/me/wechat", [0])

    async def test_a_silent_wechat_is_not_waited_for_long(self, world: World, fake: FakeWechat) -> None:
        fake.misbehave("sns/oauth2/access_token", "silent")
        async with with_wechat(world, fake, timeout_s=0.3):
            phone = in_wechat(world)
            await enter(phone, fake)
            assert phone.status == 503

    async def test_a_snapshot_page(self, account: World, phone: Visitor, fake: FakeWechat) -> None:
        fake.snapshot = True
        await enter(phone, fake)
        assert phone.status == 403 and "快照页" in phone.html


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
        await desk.open("/w/me/wechat")
        await desk.send("/w/me/wechat/unbind", {})
        assert desk.address == "/w/me/wechat" and "已解除绑定" in desk.html
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


def test_what_is_for_the_desk_only_has_no_phone_version_though_an_id_would_fit_there() -> None:
    assert find_phone("/issues/export?q=1") == "/issues/export?q=1"
    assert find_phone("/issues/01a21268-20cd-7c81-9a9f-909bc46c653d").startswith("/w/issues/")


def test_links_on_phone_pages_lead_to_phone_pages_where_there_are_such() -> None:
    strays: set[str] = set()
    for template in (TEMPLATES / "w").rglob("*.html"):
        for address in re.findall(r'(?:href|action)="(/[^"{]*)', template.read_text()):
            if not address.startswith("/w") and find_phone(address) != address:
                strays.add(f"{template.name}: {address}")
    assert strays == set()


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
            visitor = Visitor(_with_agent(account.browser(name)))
            await visitor.open("/account/sessions")
            assert (await self.pick(visitor, "/w/wechat/pictures", "M-1")).status_code == status

    async def test_a_silent_wechat_is_told(self, account: World, phone: Visitor, fake: FakeWechat) -> None:
        address = await self.reach_file_field(account, phone, fake)
        fake.misbehave("media/get", "drop")
        assert (await self.pick(phone, address, "M-1")).status_code == 503

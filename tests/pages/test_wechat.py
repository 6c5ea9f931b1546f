"""Into the WeChat version by openid: what somebody else's link, a replayed one, and a WeChat that does not answer come to."""

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text
from sqlalchemy.pool import QueuePool

from api.wechat import WechatDoor
from tests.api.conftest import World
from tests.api.wechat_account import with_wechat
from tests.pages.conftest import Visitor
from tests.pages.in_wechat import (
    MINE,
    OTHERS,
    account,
    bind,
    enter,
    fake,
    in_wechat,
    leave,
    phone,
    scalar,
    with_agent,
)
from tests.wechat.fake_wechat import FakeWechat

__all__ = ["account", "fake", "phone"]


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
        officer = Visitor(with_agent(account.browser("handler")))
        await officer.open("/w/me/wechat")
        assert officer.status == 403


SECOND = text("""
    INSERT INTO membership (id, person_id, enterprise_id, display_name, position, roles, active, created_at)
    VALUES (gen_random_uuid(), :person, :enterprise, '', '', '{customs_affairs}', true, now())
""")


async def test_what_has_no_phone_version_is_the_desks_and_never_another_site(account: World) -> None:
    staff = Visitor(with_agent(account.browser("staff")))
    answer = await staff.client.get("/w/account/cards?added=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/account/cards?added=1")
    for asked in ("/w//evil.example", "/w/%5C%5Cevil.example", "/w/%2F%2Fevil.example"):
        answer = await staff.client.get(asked)
        assert (answer.status_code, answer.headers.get("location")) == (404, None)


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

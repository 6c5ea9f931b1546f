"""Pages with a card on them, as a script fills them in: registering, signing in, one's cards, the registrar's and the security
administrator's; what is said where cards are closed, and where there is no script."""

import re
from base64 import b64decode
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy import text

from db.ids import uuid7
from domain.models import Officer, OfficerRole, Person
from domain.sessions import SessionLimits, start_session
from tests.api.applying import add_applicant
from tests.api.carding import make_card, trust
from tests.api.conftest import ORIGIN
from tests.cardauth.pki import SoftCard
from tests.domain.conftest import Pigeons
from tests.pages.conftest import Visitor, World
from tests.tasks.applicants import make_uscc

AGENT = "http://127.0.0.1:61580"


class CardVisitor(Visitor):
    """A browser whose script has read a card: it fills in the reader's form."""

    pigeons: Pigeons
    phone: str

    async def read_card(self, card: SoftCard, address: str, purpose: str, **fields: Any) -> str:
        """Ask for a challenge as the page's script does, and post what the card signed."""
        headers = {"x-csrf-token": self.hidden("csrf_token") or ""}
        asked = await self.client.post("/api/v1/card/challenge", json={"purpose": purpose}, headers=headers)
        assert asked.status_code == 201, asked.text
        nonce = b64decode(asked.json()["nonce"])
        token = orjson.dumps(card.token(ORIGIN, nonce)).decode()
        return await self.send(address, {"challenge": asked.json()["challenge"], "token": token, **fields})


def add_visitor(world: World) -> CardVisitor:
    applicant = add_applicant(world)
    visitor = CardVisitor(applicant.client)
    visitor.pigeons, visitor.phone = applicant.pigeons, applicant.phone
    return visitor


async def read_facts(world: World, card: SoftCard) -> CardVisitor:
    """A visitor who looks at what the card says."""
    visitor = add_visitor(world)
    await visitor.open("/register/card")
    await visitor.read_card(card, "/register/card", "register")
    return visitor


async def register(world: World, card: SoftCard) -> CardVisitor:
    visitor = await read_facts(world, card)
    await visitor.send(visitor.address, {"phone": visitor.phone, "office": "2301", "contact": "苏小青"})
    assert visitor.address.endswith("/code"), visitor.html
    await visitor.send(visitor.address, {"code": visitor.pigeons.code})
    return visitor


async def scalar(world: World, statement: str, **parameters: Any) -> Any:
    async with world.wired.sessions() as session:
        return await session.scalar(text(statement), parameters)


# Registering


async def test_registering_with_a_card_needs_no_typing_and_no_approval(world: World) -> None:
    uscc = make_uscc()
    card = make_card(trust(world), uscc=uscc, enterprise_name="苏州<b>恒川</b>有限公司", holder="方远")
    visitor = await read_facts(world, card)
    assert "苏州&lt;b&gt;恒川" in visitor.html and uscc in visitor.html and "方远" in visitor.html
    assert 'name="uscc"' not in visitor.html and 'name="name"' not in visitor.html
    assert 'value="13900000001"' in visitor.html, "the card's own number, to confirm or change"
    await visitor.send(visitor.address, {"phone": visitor.phone, "office": "2301", "contact": "苏小青"})
    await visitor.send(visitor.address, {"code": visitor.pigeons.code})
    assert visitor.address.endswith("/done") and "注册成功" in visitor.html
    done = visitor.address
    await visitor.open("/issues/new")
    assert visitor.address == "/issues/new", "signed in, and may raise issues"
    await visitor.open(done.removesuffix("/done"))
    assert visitor.address == done, "the steps behind lead to the end"
    assert await scalar(world, "SELECT count(*) FROM registration WHERE route = 'card'") == 1


async def test_what_a_page_sends_beside_the_card_changes_nothing_of_the_enterprise(world: World) -> None:
    uscc = make_uscc()
    visitor = await read_facts(world, make_card(trust(world), uscc=uscc))
    forged = {"uscc": make_uscc(), "name": "冒名公司", "facts": "{}"}
    await visitor.send(visitor.address, {"phone": visitor.phone, "office": "2301", **forged})
    await visitor.send(visitor.address, {"code": visitor.pigeons.code, **forged})
    assert await scalar(world, "SELECT name FROM enterprise WHERE uscc = :uscc", uscc=uscc) == (
        "连云港测试贸易有限公司"
    )


async def test_mistakes_keep_what_was_typed(world: World) -> None:
    visitor = await read_facts(world, make_card(trust(world), customs_code="9999960Q11"))
    await visitor.send(visitor.address, {"phone": "12", "contact": "苏小青", "office": "2301"})
    assert visitor.status == 422 and "11 位手机号码" in visitor.html
    assert 'value="12"' in visitor.html and 'value="苏小青"' in visitor.html
    address = visitor.address
    await visitor.send(address, {"phone": visitor.phone, "contact": "苏小青", "office": ""})
    assert visitor.address == f"{address}/code", "the office chosen before stays"
    await visitor.send(visitor.address, {"code": "000 00x"})
    assert visitor.status == 422 and "验证码不正确" in visitor.html


async def test_a_visit_belongs_to_one_browser_for_half_an_hour(world: World) -> None:
    visitor = await read_facts(world, make_card(trust(world)))
    stranger = Visitor(world.client())
    for path in ("", "/code", "/done"):
        await stranger.open(visitor.address + path)
        assert stranger.address == "/register/card", path
    async with world.wired.sessions() as session:
        await session.execute(text("UPDATE card_visit SET opened_at = opened_at - interval '31 minutes'"))
        await session.commit()
    await visitor.open(visitor.address)
    assert visitor.address == "/register/card" and "重新读卡" in visitor.html


async def test_an_enterprise_that_exists_goes_to_its_registrar(world: World) -> None:
    pki, uscc = trust(world), make_uscc()
    await register(world, make_card(pki, uscc=uscc))
    visitor = await read_facts(world, make_card(pki, uscc=uscc, card_kind="操作员卡", holder="陆知行"))
    assert "这家企业已经注册" in visitor.html and "苏小青" not in visitor.html
    await visitor.send(visitor.address, {"phone": visitor.phone, "office": "2301", "contact": "陆知行"})
    await visitor.send(visitor.address, {"code": visitor.pigeons.code})
    assert "绑卡申请已提交" in visitor.html
    await visitor.open("/issues")
    assert visitor.address == "/sign-in", "nobody is signed in by a request"

    registrar = Visitor(world.browser("registrar"))
    await registrar.open("/card-requests")
    assert "陆知行" in registrar.html
    one = re.findall(r"/card-requests/[0-9a-f-]{36}", registrar.html)[0]
    await registrar.open(one)
    assert "苏小青" in registrar.html and "还不是用户" in registrar.html
    await registrar.send(one, {"reason": ""})
    assert registrar.status == 422 and "请选择是否绑定" in registrar.html
    await registrar.send(one, {"decision": "bind", "reason": "看了身份证和介绍信。"})
    assert registrar.address == "/card-requests" and "成为企业管理员" in registrar.html
    await registrar.open(one)
    assert registrar.status == 404


async def test_a_bound_card_is_told_to_sign_in(world: World) -> None:
    card = make_card(trust(world))
    await register(world, card)
    again = await read_facts(world, card)
    assert again.address == "/register/card" and "已经绑定过，不用再注册" in again.html


# Signing in


async def test_a_card_signs_in_and_goes_where_one_wanted_to(world: World) -> None:
    card = make_card(trust(world))
    await register(world, card)
    visitor = CardVisitor(world.client())
    await visitor.open("/sign-in/card?next=/members")
    await visitor.read_card(card, "/sign-in/card", "sign_in", next="/members")
    assert visitor.address == "/members" and visitor.status == 200
    await visitor.open("/sign-in/card")
    assert visitor.address != "/sign-in/card", "whoever has signed in goes on"


async def test_a_card_nobody_has_bound_is_refused_on_the_same_page(world: World) -> None:
    visitor = CardVisitor(world.client())
    card = make_card(trust(world))
    await visitor.open("/sign-in/card")
    await visitor.read_card(card, "/sign-in/card", "sign_in", next="//evil.example")
    assert visitor.status == 422 and "登录没有成功" in visitor.html and "evil" not in visitor.html
    await visitor.send("/sign-in/card", {"challenge": "", "token": "{"})
    assert visitor.status == 422 and "重新刷卡" in visitor.html


async def test_only_pages_with_a_reader_may_talk_to_the_agent(world: World) -> None:
    trust(world)
    client = world.client()
    for address, may in (("/sign-in/card", True), ("/register/card", True), ("/sign-in", False)):
        policy = (await client.get(address)).headers["content-security-policy"]
        assert (AGENT in policy) == may, address
        assert "script-src 'self';" in policy
    own = (await world.browser("admin").get("/account/cards")).headers["content-security-policy"]
    assert f"connect-src 'self' {AGENT};" in own


async def test_without_a_script_the_page_says_what_is_needed_and_the_other_ways(world: World) -> None:
    trust(world)
    visitor = Visitor(world.client())
    await visitor.open("/sign-in/card")
    assert "您的浏览器没有启用脚本" in visitor.html and "用手机和验证码登录" in visitor.html
    await visitor.open("/register/card")
    assert "您的浏览器没有启用脚本" in visitor.html and "/register/phone" in visitor.html
    await visitor.open("/sign-in/card/help")
    assert visitor.status == 200 and "card-agent.toml" in visitor.html


async def test_where_the_trust_list_is_missing_the_tab_says_so_and_administration_is_told(
    world: World,
) -> None:
    visitor = Visitor(world.client())
    for address in ("/sign-in/card", "/register/card"):
        html = await visitor.open(address)
        assert "暂时不能使用" in html and "data-card-reader" not in html, address
    await visitor.open("/sign-in")
    assert "获取验证码" in visitor.html
    keeper = Visitor(await add_officer(world, "system_admin"))
    await keeper.open("/system/running")
    assert "插卡登录和插卡注册已停止" in keeper.html and "目录 ca" in keeper.html
    trust(world)
    assert "已停止" not in await keeper.open("/system/running")


async def add_officer(world: World, role: str) -> Any:
    """A browser of a new officer with this role at the top office."""
    now = datetime.now(UTC)
    async with world.wired.sessions() as session:
        person = Person(id=uuid7(), name=role, phone="+8613900000099", created_at=now)
        session.add(person)
        await session.flush()
        officer = Officer(person_id=person.id, password_hash="-", created_at=now)
        session.add(officer)
        await session.flush()
        session.add(OfficerRole(officer_id=officer.id, role=role, office="2300"))
        world.tokens[role] = await start_session(
            session,
            person.id,
            membership_id=None,
            officer_id=officer.id,
            ip=None,
            user_agent=None,
            limits=SessionLimits(),
            now=now,
        )
        await session.commit()
    return world.browser(role)


# The cards that are bound


async def test_an_officer_binds_reports_lost_and_a_security_administrator_lifts(world: World) -> None:
    card = make_card(trust(world), enterprise_name="南京海关", card_kind="操作员卡", holder="何静")
    officer = CardVisitor(world.browser("handler"))
    await officer.open("/account/cards")
    assert "还没有绑定卡" in officer.html and "我的卡" in officer.html
    await officer.read_card(card, "/account/cards", "bind")
    assert officer.address == "/account/cards" and "卡已绑定" in officer.html
    id_ = UUID(re.findall(r"/account/cards/([0-9a-f-]{36})", officer.html)[0])
    await officer.open(f"/account/cards/{id_}")
    await officer.send(f"/account/cards/{id_}/block", {"reason": ""})
    assert officer.status == 422 and "挂失原因" in officer.html
    await officer.send(f"/account/cards/{id_}/block", {"reason": "落在出租车上"})
    assert "卡已挂失" in officer.html
    await officer.open(f"/account/cards/{id_}")
    await officer.send(f"/account/cards/{id_}/unbind", {"csrf_token": officer.hidden("csrf_token") or ""})
    assert officer.status == 422 and "解除挂失以后才能解绑" in officer.html

    keeper = Visitor(await add_officer(world, "security_admin"))
    await keeper.open("/security/cards?blocked=true&q=何静")
    assert str(id_) in keeper.html
    await keeper.open(f"/security/cards/{id_}")
    assert "落在出租车上" in keeper.html
    await keeper.send(f"/security/cards/{id_}/lift", {})
    assert keeper.address == "/security/cards" and "已解除挂失" in keeper.html
    await keeper.open(f"/security/cards/{id_}")
    await keeper.send(f"/security/cards/{id_}/block", {"reason": " "})
    assert keeper.status == 422
    await keeper.send(f"/security/cards/{id_}/block", {"reason": "来电"})
    assert "已挂失" in keeper.html
    await keeper.open("/security/sign-ins")
    assert keeper.status == 200


async def test_an_admin_sees_and_unbinds_the_cards_of_the_enterprise(world: World) -> None:
    card = make_card(trust(world))
    visitor = await register(world, card)
    await visitor.open("/account/cards")
    assert "苏小青（您本人）" in visitor.html
    address = re.findall(r"/account/cards/[0-9a-f-]{36}", visitor.html)[0]
    stranger = Visitor(world.browser("admin"))
    assert (await stranger.open(address)) and stranger.status == 404
    await visitor.open(address)
    await visitor.send(f"{address}/unbind", {})
    assert "卡已解绑" in visitor.html
    fresh = CardVisitor(world.client())
    await fresh.open("/sign-in/card")
    await fresh.read_card(card, "/sign-in/card", "sign_in")
    assert fresh.status == 422


@pytest.mark.parametrize("name", ["staff", "executive"])
async def test_members_without_cards_are_not_offered_any(world: World, name: str) -> None:
    visitor = Visitor(world.browser(name))
    await visitor.open("/issues")
    assert "/account/cards" not in visitor.html
    await visitor.open("/account/cards")
    assert visitor.status == 403


async def test_failures_with_a_card_stand_among_the_sign_ins(world: World) -> None:
    card = make_card(trust(world))
    visitor = CardVisitor(world.client())
    await visitor.open("/sign-in/card")
    await visitor.read_card(card, "/sign-in/card", "sign_in")
    keeper = Visitor(await add_officer(world, "security_admin"))
    await keeper.open("/security/sign-ins?outcome=failed")
    assert "没有绑定的卡" in keeper.html and "插卡" in keeper.html

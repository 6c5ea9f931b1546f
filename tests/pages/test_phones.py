"""The pages about numbers and about where one is signed in, by a browser without JavaScript."""

import re

import pytest

from tests.api.conftest import World
from tests.api.test_phones import NEW, Mailbox, readable
from tests.pages.conftest import Visitor


@pytest.fixture
def open_world(world: World) -> tuple[World, Mailbox]:
    return readable(world)


async def test_a_person_changes_the_number_with_two_codes(open_world: tuple[World, Mailbox]) -> None:
    world, mailbox = open_world
    staff = Visitor(world.browser("staff"))
    await staff.open("/account/phone")
    html = await staff.send("/account/phone/codes", {"phone": "123"})
    assert staff.status == 422 and '<a href="#f-phone">请输入 11 位手机号码。</a>' in html
    assert 'value="123"' in html
    await staff.send("/account/phone/codes", {"phone": NEW})
    kept = {name: staff.hidden(name) for name in ("old_challenge", "new_challenge")}
    codes = {"old_code": "000000", "new_code": mailbox.codes["change_phone_new"]}
    html = await staff.send("/account/phone", {**kept, **codes, "phone": NEW})
    assert staff.status == 422 and "#f-old_code" in html and "#f-new_code" not in html
    codes["old_code"] = mailbox.codes["change_phone_old"]
    html = await staff.send("/account/phone", {**kept, **codes, "phone": NEW})
    assert staff.address == "/account/phone/done" and "137****5678" in html


LOST = {"name": "staff", "old_phone": "13900000001", "phone": NEW, "place": "ours公司", "office": "2301"}


async def test_who_lost_the_number_asks_from_the_sign_in_page_and_the_registrar_changes_it(
    open_world: tuple[World, Mailbox],
) -> None:
    world, mailbox = open_world
    visitor = Visitor(world.client())
    assert 'href="/sign-in/help"' in await visitor.open("/sign-in")
    html = await visitor.open("/sign-in/help")
    assert "身份证原件" in html and "注册审核员" in html
    html = await visitor.send("/sign-in/help", {**LOST, "name": ""})
    assert visitor.status == 422 and 'href="#f-name"' in html and 'value="ours公司"' in html
    html = await visitor.send("/sign-in/help", LOST)
    assert "填写新号码的验证码" in html
    challenge = visitor.hidden("challenge")
    html = await visitor.send("/sign-in/help/send", {**LOST, "challenge": challenge, "code": "000000"})
    assert visitor.status == 422 and 'href="#f-code"' in html
    code = mailbox.codes["lost_phone"]
    html = await visitor.send("/sign-in/help/send", {**LOST, "challenge": challenge, "code": code})
    assert "申请已提交" in html

    registrar = Visitor(world.browser("registrar"))
    html = await registrar.open("/phone-requests")
    found = re.search(r'href="(/phone-requests/[0-9a-f-]{36})"', html)
    assert found and 'aria-current="page"' in html
    html = await registrar.open(found[1])
    assert "13900000001" in html and "ours公司" in html
    html = await registrar.send(found[1], {"decision": "", "reason": "看过"})
    assert registrar.status == 422 and 'href="#f-decision"' in html and "看过</textarea>" in html
    html = await registrar.send(found[1], {"decision": "change", "reason": "看过身份证原件"})
    assert "手机号码已更换" in html
    staff = Visitor(world.browser("staff"))
    await staff.open("/issues")
    assert staff.address == "/sign-in"


@pytest.mark.parametrize("name", ["handler", "staff", "elsewhere"])
async def test_others_see_no_requests(open_world: tuple[World, Mailbox], name: str) -> None:
    visitor = Visitor(open_world[0].browser(name))
    await visitor.open("/phone-requests")
    assert visitor.status == 403


async def test_ones_sessions_are_listed_and_ended(world: World) -> None:
    staff = Visitor(world.browser("staff"))
    html = await staff.open("/account/sessions")
    assert html.count("这一处") == 1 and "退出其他所有登录" not in html


async def test_a_session_of_somebody_else_is_not_ended(world: World) -> None:
    handler = Visitor(world.browser("handler"))
    await handler.open("/account/sessions")
    theirs = handler.hidden("session_id")
    staff = Visitor(world.browser("staff"))
    await staff.open("/account/sessions")
    html = await staff.send("/account/sessions/end", {"session_id": theirs})
    assert "那一处登录已经结束了" in html
    await handler.open("/tasks")
    assert handler.address == "/tasks"


async def test_ending_this_session_leads_to_the_sign_in_page(world: World) -> None:
    staff = Visitor(world.browser("staff"))
    await staff.open("/account/sessions")
    await staff.send("/account/sessions/end", {"session_id": staff.hidden("session_id")})
    assert staff.address == "/sign-in"

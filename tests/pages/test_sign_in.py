"""Signing in by the pages, without JavaScript: the captcha, every limit with the time to wait, and no word about who exists."""

import re
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from api.app import create_app
from tests.api.conftest import World
from tests.api.test_captcha import with_captcha
from tests.domain.test_captcha import Easel
from tests.pages.conftest import Visitor

KNOWN, UNKNOWN = "13900000001", "13612345678"


def visit(world: World) -> Visitor:
    return Visitor(world.client())


@pytest.fixture
def guarded(world: World) -> tuple[World, Easel]:
    return with_captcha(world, waits_per_ip_hour=1)


async def look(visitor: Visitor, easel: Easel) -> str:
    """Load the picture of the page at hand, as a browser does, and read it."""
    found = re.search(r'<img src="(/sign-in/captcha\.png\?\w+)"', visitor.html)
    assert found, visitor.html
    answer = await visitor.client.get(found[1])
    assert answer.headers["content-type"] == "image/png"
    return easel.drawn[-1]


async def test_the_picture_is_read_once_and_sending_again_needs_none(guarded: tuple[World, Easel]) -> None:
    world, easel = guarded
    visitor = visit(world)
    await visitor.open("/sign-in")
    html = await visitor.send("/sign-in/code", {"phone": KNOWN, "captcha": await look(visitor, easel)})
    assert "填写验证码" in html and visitor.address == "/sign-in/code"
    html = await visitor.send("/sign-in/code", {"phone": KNOWN})
    assert re.search(r"操作过于频繁，请在 (60|59|58) 秒后再试。", html)
    assert visitor.status == 429


async def test_a_wrong_answer_keeps_the_phone_and_shows_a_new_picture(guarded: tuple[World, Easel]) -> None:
    world, easel = guarded
    visitor = visit(world)
    await visitor.open("/sign-in")
    first = await look(visitor, easel)
    html = await visitor.send("/sign-in/code", {"phone": KNOWN, "captcha": "WRONG"})
    assert visitor.status == 422
    assert '<a href="#f-captcha">图片里的字符填得不对，请按新图片填写。</a>' in html
    assert f'value="{KNOWN}"' in html
    assert await look(visitor, easel) != first
    html = await visitor.send("/sign-in/code", {"phone": KNOWN, "captcha": easel.drawn[-1]})
    assert visitor.address == "/sign-in/code" and visitor.status == 200


async def test_without_an_answer_it_is_asked_for(guarded: tuple[World, Easel]) -> None:
    visitor = visit(guarded[0])
    await visitor.open("/sign-in")
    html = await visitor.send("/sign-in/code", {"phone": KNOWN, "captcha": ""})
    assert '<a href="#f-captcha">请填写图片里的字符。</a>' in html


async def test_another_picture_may_be_asked_for_and_the_phone_stays(guarded: tuple[World, Easel]) -> None:
    visitor = visit(guarded[0])
    await visitor.open("/sign-in?officer=true")
    html = await visitor.send("/sign-in/code", {"phone": KNOWN, "captcha_wish": "new", "officer": "true"})
    assert visitor.status == 200 and f'value="{KNOWN}"' in html
    assert 'name="officer" value="true"' in html and "error-summary" not in html


async def test_whoever_cannot_read_it_waits_instead(guarded: tuple[World, Easel]) -> None:
    world, _ = guarded
    visitor = visit(world)
    await visitor.open("/sign-in")
    html = await visitor.send("/sign-in/code", {"phone": KNOWN, "captcha_wish": "wait"})
    assert re.search(r"请等 (30|29) 秒", html) and '<img src="/sign-in/captcha' not in html
    html = await visitor.send("/sign-in/code", {"phone": KNOWN})
    assert visitor.status == 422 and "还要等" in html
    async with world.wired.sessions() as session:
        await session.execute(text("UPDATE captcha SET ready_at = ready_at - interval '31 s'"))
        await session.commit()
    html = await visitor.send("/sign-in/code", {"phone": KNOWN})
    assert visitor.address == "/sign-in/code" and visitor.status == 200
    other = visit(world)
    await other.open("/sign-in")
    html = await other.send("/sign-in/code", {"phone": KNOWN, "captcha_wish": "wait"})
    assert other.status == 429 and "12360" in html and '<img src="/sign-in/captcha' in html


async def ask(world: World, phone: str = KNOWN) -> Visitor:
    visitor = visit(world)
    await visitor.open("/sign-in")
    await visitor.send("/sign-in/code", {"phone": phone})
    return visitor


def limited(world: World, **limits: Any) -> World:
    """The same world with only these limits."""
    off: dict[str, Any] = dict.fromkeys(
        ("per_phone_hour", "per_phone_day", "per_ip_hour", "per_ip_day", "per_day"), 0
    )
    wired = replace(
        world.wired, code_limits=replace(world.wired.code_limits, **{**off, "resend_s": (), **limits})
    )
    return replace(world, wired=wired, app=create_app(wired))


async def test_known_and_unknown_phones_see_the_same_pages(world: World) -> None:
    world = limited(world)
    seen = []
    for phone in (KNOWN, UNKNOWN):
        visitor = await ask(world, phone)
        challenge = visitor.hidden("challenge")
        code = {"challenge": challenge, "code": "000000"}
        pages = [
            visitor.html,
            await visitor.send("/sign-in", code),
            await visitor.send("/sign-in", {**code, "password": "x", "officer": "true"}),
        ]
        masked = f"{phone[:3]}****{phone[-4:]}"
        changing = rf"{challenge}|{visitor.hidden('csrf_token')}|{phone}|{re.escape(masked)}|[0-9a-f]{{64}}"
        seen.append([re.sub(changing, "", page) for page in pages])
    assert seen[0] == seen[1]


async def test_whoever_gets_no_code_is_told_what_to_do(world: World) -> None:
    for phone in (KNOWN, UNKNOWN):
        visitor = visit(world)
        await visitor.open("/sign-in")
        html = await visitor.send("/sign-in/code", {"phone": phone})
        assert "一直收不到的，可能是短信服务暂时有问题，请过十分钟再试；急事请拨打 12360。" in html
        assert '<a href="/sign-in/card">插卡登录</a>' in html

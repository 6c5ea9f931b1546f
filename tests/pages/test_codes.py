"""One-time codes on the pages of signing in and of registering: what a code is refused for is said in words, with the time to
wait for the next one; and each flood is refused with the time to wait."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import text

from api.app import create_app
from tests.pages.conftest import Visitor, World

KNOWN, OTHER = "13900000001", "13900000002"
OFF: dict[str, Any] = {
    **dict.fromkeys(("per_phone_hour", "per_phone_day", "per_ip_hour", "per_ip_day", "per_day"), 0),
    "resend_s": (),
}
PLACES = {
    "sign_in": ("/sign-in", "/sign-in/code", "/sign-in"),
    "register": ("/register/phone", "/register/phone", "/register/{}/code"),
}
GENERAL = {
    "sign_in": "手机号、验证码或密码不正确，或验证码已失效。",
    "register": "手机号或验证码不正确，或验证码已失效。",
}


class Sink:
    """A sender of codes that keeps the last one."""

    code = ""

    async def __call__(self, _session: Any, *, code: str, **_: Any) -> None:
        self.code = code


@dataclass
class Desk:
    """One browser at one of the two places."""

    place: str
    world: World
    sink: Sink
    visitor: Visitor
    challenge: str = ""

    @property
    def code(self) -> str:
        """The code that was sent last."""
        return self.sink.code

    @property
    def wrong(self) -> str:
        """Another one."""
        return f"{(int(self.sink.code) + 1) % 1_000_000:06d}"

    def another_browser(self) -> "Desk":
        """The same place, seen from another browser."""
        return replace(self, visitor=Visitor(self.world.client()))

    async def ask(self, phone: str = KNOWN) -> str:
        """Ask for a code; the page that follows."""
        page, target, _ = PLACES[self.place]
        await self.visitor.open(page)
        html = await self.visitor.send(target, {"phone": phone})
        if self.visitor.status == 200:
            self.challenge = self.visitor.hidden("challenge") or self.visitor.address.split("/")[2]
        return html

    async def enter(self, code: str) -> str:
        """Fill in the code; the page that follows."""
        target = PLACES[self.place][2].format(self.challenge)
        return await self.visitor.send(target, {"challenge": self.challenge, "code": code})

    async def change(self, statement: str) -> None:
        """Let time pass, in the database."""
        async with self.world.wired.sessions.begin() as session:
            await session.execute(text(statement))


def desk_at(place: str, world: World, **limits: Any) -> Desk:
    sink = Sink()
    wired = replace(
        world.wired, code_limits=replace(world.wired.code_limits, **{**OFF, **limits}), send_code=sink
    )
    limited = replace(world, wired=wired, app=create_app(wired))
    return Desk(place, limited, sink, Visitor(limited.client()))


@pytest.fixture(params=PLACES)
def desk(request: pytest.FixtureRequest, world: World) -> Desk:
    """Without limits on asking: what is asked about is what becomes of a code."""
    return desk_at(request.param, world)


@pytest.mark.parametrize("place", PLACES)
async def test_five_guesses_burn_the_code_and_the_page_says_when_there_may_be_another(
    world: World, place: str
) -> None:
    desk = desk_at(place, world, resend_s=(60,))
    await desk.ask()
    for _ in range(4):
        assert GENERAL[place] in await desk.enter(desk.wrong) and desk.visitor.status == 422
    for code in (desk.wrong, desk.code):
        html = await desk.enter(code)
        assert desk.visitor.status == 422
        assert "验证码已填错 5 次，已作废，请在 60 秒后重新获取。" in html.replace("59 秒", "60 秒")
        assert 'data-resend="60"' in html.replace('"59"', '"60"'), "the button counts as well"


async def test_an_old_code_is_void_once_there_is_a_new_one(desk: Desk) -> None:
    await desk.ask()
    first, first_code = desk.challenge, desk.code
    await desk.ask()
    second, desk.challenge = desk.challenge, first
    html = await desk.enter(first_code)
    assert "已经发出新的验证码，这一个已作废，请重新获取。" in html and desk.visitor.status == 422
    desk.challenge = second
    await desk.enter(desk.code)
    assert desk.visitor.status == 200 and "验证码" not in desk.visitor.address


async def test_a_code_dies_after_five_minutes(desk: Desk) -> None:
    await desk.ask()
    await desk.change("UPDATE sign_in_challenge SET expires_at = now() - interval '1 s'")
    assert "验证码已过期，请重新获取。" in await desk.enter(desk.code)
    assert desk.visitor.status == 422


async def test_a_code_is_good_once(world: World) -> None:
    desk = desk_at("sign_in", world)
    await desk.ask()
    page = desk.visitor.html
    await desk.enter(desk.code)
    assert desk.visitor.address == "/issues"
    desk.visitor.html = page
    await desk.enter(desk.code)
    assert desk.visitor.address == "/issues", "whoever comes back to the page and sends it again is signed in"
    desk.visitor.client.cookies.delete("qingling_session")
    desk.visitor.html = page
    assert "这个验证码已经用过，请重新获取。" in await desk.enter(desk.code)
    assert desk.visitor.status == 422


async def test_a_registration_is_opened_by_its_code_once_and_found_open_by_a_second_click(
    world: World,
) -> None:
    desk = desk_at("register", world)
    await desk.ask("13611112222")
    page = desk.visitor.html
    for _ in range(2):
        await desk.enter(desk.code)
        assert desk.visitor.address == f"/register/{desk.challenge}" and "填写企业信息" in desk.visitor.html
        desk.visitor.html = page
    await desk.change("UPDATE registration_draft SET opened_at = opened_at - interval '25 hours'")
    assert "这个验证码已经用过，请重新获取。" in await desk.enter(desk.code)


async def test_the_right_code_in_another_browser_opens_nothing(desk: Desk) -> None:
    await desk.ask()
    thief = desk.another_browser()
    await thief.visitor.open("/sign-in")
    await thief.enter(desk.code)
    assert thief.visitor.address == PLACES[desk.place][0], "sent to where one asks for a code of one's own"
    await desk.enter(desk.code)
    assert desk.visitor.address in ("/issues", f"/register/{desk.challenge}"), (
        "and nobody else's try is counted"
    )


async def test_a_code_for_one_thing_is_good_for_no_other(desk: Desk) -> None:
    await desk.ask()
    other = "register" if desk.place == "sign_in" else "sign_in"
    target = PLACES[other][2].format(desk.challenge)
    await desk.visitor.send(target, {"challenge": desk.challenge, "code": desk.code})
    assert desk.visitor.address == PLACES[other][0]


FLOODS: dict[str, tuple[Any, str, str]] = {
    "resend_s": ((60,), KNOWN, "60 秒"),
    "per_phone_hour": (1, KNOWN, "60 分钟"),
    "per_phone_day": (1, KNOWN, "24 小时"),
    "per_ip_hour": (1, OTHER, "60 分钟"),
    "per_ip_day": (1, OTHER, "24 小时"),
    "per_day": (1, OTHER, "24 小时"),
}


@pytest.mark.parametrize("place", PLACES)
async def test_each_flood_is_refused_with_the_time_to_wait(world: World, place: str) -> None:
    for limit, (value, phone, words) in FLOODS.items():
        desk = desk_at(place, world, **{limit: value})
        await desk.change("DELETE FROM sign_in_challenge")
        await desk.ask()
        flood = desk.another_browser()
        page, target, _ = PLACES[place]
        await flood.visitor.open(page)
        sent = {"csrf_token": flood.visitor.hidden("csrf_token"), "phone": phone}
        answer = await flood.visitor.client.post(target, data=sent)
        assert answer.status_code == 429 and f'value="{phone}"' in answer.text, limit
        told = answer.text.replace("59 秒", "60 秒")
        assert f'<a href="#f-phone">操作过于频繁，请在 {words}后再试。</a>' in told, limit
        window_s = 60 if limit == "resend_s" else 86400 if limit.endswith("day") else 3600
        assert window_s - 10 <= int(answer.headers["retry-after"]) <= window_s, limit


async def test_ten_failures_lock_the_phone_everywhere(desk: Desk) -> None:
    for _ in range(2):
        await desk.ask()
        for _ in range(5):
            await desk.enter(desk.wrong)
    html = await desk.enter(desk.code)
    assert desk.visitor.status == 429 and "连续登录失败次数过多，请在 15 分钟后再试。" in html
    for place in PLACES:
        html = await replace(desk, place=place).ask()
        assert desk.visitor.status == 429 and "请在 15 分钟后再试。" in html, place
    await desk.ask(OTHER)
    assert desk.visitor.status == 200

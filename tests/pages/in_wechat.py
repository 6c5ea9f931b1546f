"""A browser in WeChat, the fake that stands for WeChat behind it, and the ways between the two."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from sqlalchemy import text

from domain.wechat_bindings import bind_wechat
from messages.sealing import Sealer
from tests.api.conftest import World
from tests.api.wechat_account import with_wechat
from tests.pages.conftest import Visitor
from tests.wechat.fake_wechat import FakeWechat

IN_WECHAT = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126.0 Mobile MicroMessenger/8.0.50"
MINE, OTHERS = "oAbCdEf-0123456789_staff", "oAbCdEf-0123456789_other"


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
    return Visitor(with_agent(world.client()))


def with_agent(client: httpx.AsyncClient) -> httpx.AsyncClient:
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

"""A WeChat for the test, a clock that the test moves, and clients as several processes would have them."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from db.session import make_sessions, sqlalchemy_url
from messages.sealing import Sealer
from tests.conftest import PostgresServer
from tests.wechat.fake_wechat import SECRET, SUBSCRIBE_ID, TEMPLATE_ID, FakeWechat
from wechat.client import WechatClient
from wechat.http import WechatApp, open_http
from wechat.notices import ApiWechatSender
from wechat.sender import Notice
from wechat.templates import WechatTemplates

OPENID = "oAbCdEf-0123456789_follower1"
TEMPLATES = f"""
[templates.issue_answered]
kind = "template"
id = "{TEMPLATE_ID}"

[templates.issue_answered.fields]
thing1 = {{ from = "title" }}
time2 = {{ from = "at" }}
phrase3 = {{ from = "status", otherwise = "已办结" }}
character_string4 = {{ from = "number" }}

[templates.issue_waiting]
kind = "subscribe"
id = "{SUBSCRIBE_ID}"

[templates.issue_waiting.fields]
thing1 = {{ from = "text" }}
const2 = {{ text = "企业", values = ["企业", "海关"] }}
"""


@dataclass
class Clock:
    """The time of the test, for us and for the fake."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def wait(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def clock(now: datetime) -> Clock:
    return Clock(now)


@pytest.fixture(scope="session")
def shared_database(postgres_server: PostgresServer, template: str) -> Iterator[str]:
    """One database for all tests of the room: each has an account of its own, and credentials belong to an account."""
    yield postgres_server.create("wechat", template)
    postgres_server.drop("wechat")


@pytest.fixture
def wechat(clock: Clock) -> Iterator[FakeWechat]:
    with FakeWechat(app_id=f"wx{uuid4().hex[:16]}", clock=lambda: clock.now.timestamp()) as wechat:
        wechat.follow(OPENID)
        yield wechat


@pytest.fixture
def app(wechat: FakeWechat) -> WechatApp:
    return WechatApp(wechat.app_id, SECRET, wechat.url, wechat.url, timeout_s=5.0)


@pytest.fixture
async def start(
    app: WechatApp, shared_database: str, clock: Clock
) -> AsyncIterator[Callable[..., WechatClient]]:
    """A client as a further process would have it: connections of its own, the same database."""
    async with AsyncExitStack() as stack:

        def start(**changed: Any) -> WechatClient:
            ours = WechatApp(**{**app.__dict__, **changed})
            engine = create_async_engine(sqlalchemy_url(shared_database), pool_size=2)
            stack.push_async_callback(engine.dispose)
            http = open_http(ours)
            stack.push_async_callback(http.aclose)
            return WechatClient(ours, http, make_sessions(engine), Sealer(b"server secret"), clock)

        yield start


@pytest.fixture
def client(start: Callable[..., WechatClient]) -> WechatClient:
    return start()


@pytest.fixture
def sender(client: WechatClient) -> ApiWechatSender:
    return ApiWechatSender(client, WechatTemplates.from_toml(TEMPLATES))


@pytest.fixture
def make_notice(now: datetime) -> Callable[..., Notice]:
    def make(**changed: Any) -> Notice:
        values: dict[str, Any] = {
            "message_id": UUID(int=7),
            "openid": OPENID,
            "template": "issue_answered",
            "at": now,
            "params": {"status": "已答复", "number": "2026-0007"},
            "title": "您的问题已有办理结果",
            "text": "出口退税的问题已有办理结果",
            "url": "https://qingling.example.cn/w/issues/7",
        }
        return Notice(**values | changed)

    return make

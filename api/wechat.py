"""WeChat as the web needs it: where to send browsers, whom they turn out to be, and the keys of what WeChat pushes."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from messages.sealing import Sealer
from settings import Settings
from wechat.callback import CallbackKeys
from wechat.client import WechatClient
from wechat.http import WechatApp, open_http
from wechat.oauth import authorize_url, exchange_code

BACK = "/w/enter/back"
USER_AGENT = "MicroMessenger"


@dataclass(frozen=True)
class WechatDoor:
    """The official account, and where people come back to from it. Without `keys` nothing is pushed to us."""

    client: WechatClient
    origin: str
    keys: CallbackKeys | None

    def authorize_url(self, state: str) -> str:
        """Where a browser in WeChat learns whose it is."""
        return authorize_url(self.client.app, f"{self.origin}{BACK}", state)

    async def find_openid(self, code: str) -> str:
        """Whose browser it is. Raises WechatCodeRefused, WechatSnapshot and WechatUnavailable."""
        return await exchange_code(self.client.api, code)


def is_in_wechat(request: Request) -> bool:
    """Whether this browser is WeChat's own, as it says."""
    return USER_AGENT in request.headers.get("user-agent", "")


@asynccontextmanager
async def open_wechat(
    settings: Settings, sessions: async_sessionmaker[AsyncSession], clock: Callable[[], datetime]
) -> AsyncIterator[WechatDoor | None]:
    """The account that the settings name, None without one; connections are closed when the block is left."""
    app = WechatApp.of(settings)
    if app is None:
        yield None
        return
    async with open_http(app) as http:
        client = WechatClient(app, http, sessions, Sealer(settings.pepper), clock)
        yield WechatDoor(client, settings.origin, CallbackKeys.of(settings))

"""The API with its token: added to every call, renewed once where WeChat does not take it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import httpx
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from sending import SendError, TryLater
from wechat.api import WechatApi
from wechat.codes import TOKEN_CODES
from wechat.credentials import Fetched, Sealing, SharedCredential
from wechat.http import WechatApp
from wechat.sender import PROVIDER

LIFETIME_MAX_S = 86400
INCOMPLETE = "微信的应答不完整"


class WechatClient:
    """What one process needs to talk to WeChat. `http` comes from `open_http`."""

    def __init__(
        self,
        app: WechatApp,
        http: httpx.AsyncClient,
        sessions: async_sessionmaker[AsyncSession],
        sealing: Sealing,
        read_clock: Callable[[], datetime],
    ) -> None:
        self.app = app
        self.api = WechatApi(app, http)

        def share(kind: str, fetch: Callable[[bool], Awaitable[Fetched]]) -> SharedCredential:
            return SharedCredential(app.app_id, kind, fetch, sessions, sealing, read_clock)

        self._token = share("access_token", self._fetch_token)
        self._ticket = share("jsapi_ticket", self._fetch_ticket)

    async def call(
        self,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
        sends: bool = False,
    ) -> dict[str, Any]:
        """As `WechatApi.call`, with the token. Raises SendError."""

        async def attempt(secrets: Mapping[str, str]) -> dict[str, Any]:
            return await self.api.call(path, body=body, secrets=secrets, params=params, sends=sends)

        token = await self._token.get()
        try:
            return await attempt({"access_token": token})
        except SendError as error:
            if error.code not in TOKEN_CODES:
                raise
        return await attempt({"access_token": await self.renew_token(token)})

    @asynccontextmanager
    async def download(
        self, path: str, params: Mapping[str, str], token: str
    ) -> AsyncIterator[httpx.Response]:
        """An answer that is perhaps no JSON, with this token. Raises SendError."""
        async with self.api.download(path, secrets={"access_token": token}, params=params) as response:
            yield response

    async def get_token(self) -> str:
        """The access token. Raises SendError."""
        return await self._token.get()

    async def renew_token(self, refused: str) -> str:
        """Another access token than this one, which WeChat did not take. Raises SendError."""
        return await self._token.get(refused=refused)

    async def get_ticket(self) -> str:
        """The ticket that signs pages for the JS-SDK. Raises SendError."""
        return await self._ticket.get()

    async def _fetch_token(self, force: bool) -> Fetched:
        body = {
            "grant_type": "client_credential",
            "appid": self.app.app_id,
            "secret": self.app.secret,
            "force_refresh": force,
        }
        return _read_fetched(await self.api.call("/cgi-bin/stable_token", body=body), "access_token")

    async def _fetch_ticket(self, _force: bool) -> Fetched:
        return _read_fetched(await self.call("/cgi-bin/ticket/getticket", params={"type": "jsapi"}), "ticket")


def _read_fetched(answer: Mapping[str, Any], name: str) -> Fetched:
    value, lifetime_s = answer.get(name), answer.get("expires_in")
    if not isinstance(value, str) or not value:
        raise TryLater(PROVIDER, "malformed", INCOMPLETE)
    if (
        not isinstance(lifetime_s, int)
        or isinstance(lifetime_s, bool)
        or not 0 < lifetime_s <= LIFETIME_MAX_S
    ):
        raise TryLater(PROVIDER, "malformed", INCOMPLETE)
    return Fetched(value, lifetime_s)

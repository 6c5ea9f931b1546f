"""HTTP to WeChat. WeChat wants its secrets in the query; httpx logs whole addresses and keeps them in its errors. So they are
put into the address by the transport, below everything that looks at it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import httpx

from settings import Settings

SECRETS = "qingling.secret_query"
IDLE_CONNECTIONS = 20


@dataclass(frozen=True)
class WechatApp:
    """The official account, and where its API is."""

    app_id: str
    secret: str = field(repr=False)
    api_url: str = "https://api.weixin.qq.com"
    open_url: str = "https://open.weixin.qq.com"
    timeout_s: float = 10.0

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """As the settings say; None where no account is named."""
        if settings.wechat_app_id is None or settings.wechat_secret is None:
            return None
        return cls(
            settings.wechat_app_id,
            settings.wechat_secret.get_secret_value(),
            settings.wechat_api_url,
            settings.wechat_open_url,
            settings.wechat_timeout_s,
        )


class SecretQuery(httpx.AsyncBaseTransport):
    """Adds what stands in the request's extension to its query, and hands it on."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        secrets: Mapping[str, str] = request.extensions.get(SECRETS, {})
        whole = httpx.Request(
            request.method,
            request.url.copy_merge_params(secrets),
            headers=request.headers,
            stream=request.stream,
            extensions=request.extensions,
        )
        return await self._transport.handle_async_request(whole)

    async def aclose(self) -> None:
        await self._transport.aclose()


def open_http(app: WechatApp) -> httpx.AsyncClient:
    """The client for `WechatApi`; the caller closes it."""
    limits = httpx.Limits(max_connections=IDLE_CONNECTIONS, max_keepalive_connections=IDLE_CONNECTIONS)
    return httpx.AsyncClient(
        transport=SecretQuery(httpx.AsyncHTTPTransport(limits=limits)),
        base_url=app.api_url,
        timeout=app.timeout_s,
        follow_redirects=False,
    )

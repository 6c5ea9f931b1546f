"""One call to WeChat's API, without a token: the total time limit, the answer's shape, and what its silence means."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from sending import OperatorNeeded, SendError, TryLater, Uncertain
from wechat.codes import explain
from wechat.http import SECRETS, WechatApp
from wechat.sender import PROVIDER

ANSWER_MAX_BYTES = 256 * 1024
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
NO_ANSWER = "微信没有应答"


class WechatApi:
    """The official account's API at one address."""

    def __init__(self, app: WechatApp, http: httpx.AsyncClient) -> None:
        self.app = app
        self._http = http

    async def call(
        self,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        secrets: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        sends: bool = False,
    ) -> dict[str, Any]:
        """POST where there is a body, else GET; the answer of a call that worked. Raises SendError.

        `sends`: the call may reach a person, so that no clear answer is Uncertain; otherwise it is to be tried later.
        """
        async with self._exchange(path, body, secrets, params, sends) as response:
            answer = await read_limited(response, ANSWER_MAX_BYTES)
        return read_answer(answer, sends=sends)

    @asynccontextmanager
    async def download(
        self, path: str, *, secrets: Mapping[str, str], params: Mapping[str, str]
    ) -> AsyncIterator[httpx.Response]:
        """An answer that is perhaps no JSON, to be read within the block. Raises SendError."""
        async with self._exchange(path, None, secrets, params, sends=False) as response:
            yield response

    @asynccontextmanager
    async def _exchange(
        self,
        path: str,
        body: Mapping[str, Any] | None,
        secrets: Mapping[str, str] | None,
        params: Mapping[str, str] | None,
        sends: bool,
    ) -> AsyncIterator[httpx.Response]:
        content = (
            None if body is None else json.dumps(body, ensure_ascii=False).encode()
        )  # \u escapes would show
        headers = {"content-type": "application/json; charset=utf-8"} if content is not None else None
        try:
            async with (
                asyncio.timeout(self.app.timeout_s),
                self._http.stream(
                    "GET" if content is None else "POST",
                    path,
                    params=params,
                    content=content,
                    headers=headers,
                    extensions={SECRETS: dict(secrets or {})},
                ) as response,
            ):
                if response.status_code != 200:
                    raise _explain_status(response.status_code, sends)
                yield response
        except NEVER_SENT as error:
            raise TryLater(PROVIDER, type(error).__name__, "连不上微信的服务器") from None
        except (httpx.HTTPError, httpx.StreamError, TimeoutError) as error:
            raise unclear(type(error).__name__, sends=sends) from None


async def read_limited(response: httpx.Response, limit: int) -> bytes | None:
    """The body, or None where it is longer than the limit."""
    body = bytearray()
    async for part in response.aiter_bytes(16 * 1024):
        body += part
        if len(body) > limit:
            return None
    return bytes(body)


def read_answer(content: bytes | None, *, sends: bool) -> dict[str, Any]:
    """The answer as a dictionary. Raises SendError for a code that is not 0, or where it is no answer at all."""
    try:
        answer = json.loads(content or b"")
    except (ValueError, RecursionError):
        raise unclear("malformed", sends=sends) from None
    code = answer.get("errcode", 0) if isinstance(answer, dict) else None
    if not isinstance(code, int) or isinstance(code, bool):
        raise unclear("malformed", sends=sends)
    if code != 0:
        raise explain(code, str(answer.get("errmsg", "")))
    return answer


def unclear(code: str, *, sends: bool) -> SendError:
    """No answer that says what happened."""
    return Uncertain(PROVIDER, code, NO_ANSWER) if sends else TryLater(PROVIDER, code, NO_ANSWER)


def _explain_status(status: int, sends: bool) -> SendError:
    if status == 429:
        return TryLater(PROVIDER, "http 429", "微信请我们慢一些", after_s=60)
    if 300 <= status < 500:
        return OperatorNeeded(PROVIDER, f"http {status}", "接口地址不对，或被中间的设备拦截")
    return unclear(f"http {status}", sends=sends)

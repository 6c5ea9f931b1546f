"""Calls of Tencent Cloud's API over the async client of its SDK, which signs (TC3-HMAC-SHA256) and sends by httpx.

What the SDK leaves open is closed here, seen in tencentcloud-sdk-python-common 3.1.195:
- it raises their errors for some exact content types only, and reads answers of any size: `_admit` decides what it gets to see;
- its timeout is one for each read, not for the whole call: there is a total one around it;
- it logs requests, with phones and codes, at level DEBUG: its logger is kept above that.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
from httpx import AsyncByteStream
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.sms.v20210111.sms_client_async import SmsClient

from sending import OperatorNeeded, SendError, TryLater, Uncertain
from sms.tencent_codes import PROVIDER, to_error

MAX_ANSWER_BYTES = 1024 * 1024
TOO_BUSY = (408, 425, 429)

NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
"""No connection was made, so nothing was sent. Every other failure of the transport may have come after the request had left."""

logging.getLogger("tencentcloud_sdk_common").setLevel(logging.INFO)


class TencentApi:
    """One account's calls. Opens connections in the event loop that first uses it, and belongs to it from then on."""

    def __init__(
        self, *, secret_id: str, secret_key: str, region: str, scheme: str, host: str, timeout_s: float
    ) -> None:
        profile = ClientProfile(httpProfile=HttpProfile(protocol=scheme, endpoint=host, keepAlive=True))
        self._timeout_s = timeout_s
        self._client = SmsClient(Credential(secret_id, secret_key), region, profile)
        # Connecting (a place in the pool, TCP, TLS) may take three quarters and fails before the total does: then it is certain.
        self._client.http_client.timeout = httpx.Timeout(timeout_s, connect=timeout_s / 4, pool=timeout_s / 4)
        self._client.http_client.event_hooks = {"response": [_admit]}

    async def call(self, action: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Their `Response`. Raises a SendError: NotSent where it is certain that nothing was done, Uncertain otherwise."""
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._client.call_and_deserialize(action, dict(params))
        except _Inadmissible as error:
            raise error.meaning from None  # it only carries the meaning
        except NEVER_LEFT as error:
            raise _explain_no_connection(error) from error
        except TimeoutError as error:
            raise Uncertain(PROVIDER, "Timeout", "服务商没有及时应答") from error
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise Uncertain(PROVIDER, type(error).__name__, "与服务商的连接中断") from error
        except TencentCloudSDKException:
            # Ours never get as far as raising their errors: this one is of the SDK's own making, before anything was sent.
            raise OperatorNeeded(PROVIDER, "SdkRefused", "软件包没有接受这次请求") from None
        except (ValueError, RecursionError):
            raise Uncertain(PROVIDER, "AnswerUnreadable", "服务商的应答不是 JSON") from None
        return _read_response(answer)

    async def close(self) -> None:
        await self._client.close()


def _explain_no_connection(error: BaseException) -> SendError:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    if cause is not None:
        return OperatorNeeded(PROVIDER, "CertificateUntrusted", "服务商的证书不受信任，请核对地址与代理")
    return TryLater(PROVIDER, type(error).__name__, "无法连接服务商")


def _read_response(answer: Any) -> Mapping[str, Any]:
    response = answer.get("Response") if isinstance(answer, dict) else None
    if not isinstance(response, dict):
        raise Uncertain(PROVIDER, "AnswerUnreadable", "服务商的应答缺少 Response")
    if "Error" in response:
        error = response["Error"]
        raise to_error(error.get("Code") if isinstance(error, dict) else None, response.get("RequestId"))
    return response


class _Inadmissible(Exception):
    """An answer that the SDK does not get to see, and how sending ends with it."""

    def __init__(self, meaning: SendError) -> None:
        super().__init__()
        self.meaning = meaning


async def _admit(response: httpx.Response) -> None:
    """The hook that every answer passes: only a 200 of limited size goes on, under a type for which the SDK just reads JSON."""
    if response.status_code != 200:
        raise _Inadmissible(_explain_status(response.status_code))
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise _Inadmissible(Uncertain(PROVIDER, "AnswerUnreadable", "服务商的应答被压缩，而我们没有要求"))
    assert isinstance(response.stream, AsyncByteStream)
    response.stream = _Limited(response.stream)
    response.headers["Content-Type"] = "application/json; looked-at-by=qingling"


def _explain_status(status: int) -> SendError:
    """Their API answers 200 whatever happened; anything else comes from something in between."""
    code = f"HTTP{status}"
    if status in TOO_BUSY:
        return TryLater(PROVIDER, code, "网关过忙，没有接受请求")
    if status >= 500:
        return Uncertain(PROVIDER, code, "网关出错，短信可能已经发出")
    return OperatorNeeded(PROVIDER, code, "网关拒绝了请求，请核对地址与代理")


class _Limited(AsyncByteStream):
    """An answer's bytes, up to the limit."""

    def __init__(self, stream: AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        total = 0
        async for chunk in self._stream:
            total += len(chunk)
            if total > MAX_ANSWER_BYTES:
                raise _Inadmissible(Uncertain(PROVIDER, "AnswerTooLarge", "服务商的应答过大"))
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()

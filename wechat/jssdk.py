"""What a page needs to use WeChat's JS-SDK: its signature; and the picture that somebody chose with it.

Signature: https://developers.weixin.qq.com/doc/service/guide/h5/jssdk.html, 附录1 (November 2026).
"""

import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha1

from sending import SendError
from wechat.api import read_answer, read_limited
from wechat.client import WechatClient
from wechat.codes import MEDIA_CODES, TOKEN_CODES
from wechat.exceptions import PictureGone, PictureRefused, WechatUnavailable

MEDIA_ID = re.compile(r"[A-Za-z0-9_-]{1,256}", re.ASCII)
PICTURES = ("image/jpeg", "image/png")


@dataclass(frozen=True)
class PageSignature:
    """`wx.config` takes these, and the AppID."""

    app_id: str
    timestamp: int
    nonce: str
    signature: str


@dataclass(frozen=True)
class Picture:
    """What somebody chose; its content is not looked at here."""

    content: bytes = field(repr=False)
    content_type: str


async def sign_page(client: WechatClient, url: str, now: datetime) -> PageSignature:
    """The signature for the page at exactly this address. Raises WechatUnavailable."""
    try:
        ticket = await client.get_ticket()
    except SendError as error:
        raise WechatUnavailable(error.code) from error
    timestamp, nonce = int(now.timestamp()), secrets.token_hex(8)
    return PageSignature(client.app.app_id, timestamp, nonce, sign_url(ticket, nonce, timestamp, url))


def sign_url(ticket: str, nonce: str, timestamp: int, url: str) -> str:
    """SHA-1 over the four, the address without its fragment."""
    page = url.partition("#")[0]
    text = f"jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}&url={page}"
    return sha1(text.encode(), usedforsecurity=False).hexdigest()


async def fetch_picture(client: WechatClient, media_id: str, max_bytes: int) -> Picture:
    """The picture that the page uploaded to WeChat. Raises PictureGone, PictureRefused and WechatUnavailable."""
    if not MEDIA_ID.fullmatch(media_id):
        raise PictureGone
    try:
        token = await client.get_token()
        try:
            return await _download(client, media_id, max_bytes, token)
        except SendError as error:
            if error.code not in TOKEN_CODES:
                raise
        return await _download(client, media_id, max_bytes, await client.renew_token(token))
    except SendError as error:
        if error.code in MEDIA_CODES:
            raise PictureGone from None
        raise WechatUnavailable(error.code) from error


async def _download(client: WechatClient, media_id: str, max_bytes: int, token: str) -> Picture:
    async with client.download("/cgi-bin/media/get", {"media_id": media_id}, token) as response:
        content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        content = await read_limited(response, max_bytes)
    if content_type in ("application/json", "text/plain"):  # an error; a video would be an address in JSON
        read_answer(content, sends=False)
    if content_type not in PICTURES or content == b"":
        raise PictureRefused("type")
    if content is None:
        raise PictureRefused("size")
    return Picture(content, content_type)

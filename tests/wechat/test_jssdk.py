"""Pages' signatures, and pictures chosen in WeChat."""

from collections.abc import Callable
from datetime import datetime
from hashlib import sha1

import pytest

from tests.wechat.fake_wechat import FakeWechat
from wechat.client import WechatClient
from wechat.exceptions import PictureGone, PictureRefused, WechatUnavailable
from wechat.jssdk import fetch_picture, sign_page, sign_url

JPEG = b"\xff\xd8\xff\xe0" + b"picture" * 100
MEDIA = "media/get"


def test_the_example_of_the_documentation() -> None:
    ticket = "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg"
    for url in ("http://mp.weixin.qq.com?params=value", "http://mp.weixin.qq.com?params=value#top"):
        signature = sign_url(ticket, "Wm3WZYTPz0wzccnW", 1414587457, url)
        assert signature == "0f9de62fce790f9a083d5c99e95740ceb90c27ed"


async def test_a_page_is_signed_with_the_shared_ticket(
    client: WechatClient, wechat: FakeWechat, now: datetime
) -> None:
    url = "https://qingling.example.cn/w/ask?x=1"
    first, second = await sign_page(client, url, now), await sign_page(client, url, now)
    assert wechat.count("getticket") == 1
    assert first.nonce != second.nonce
    assert (first.app_id, first.timestamp) == (wechat.app_id, int(now.timestamp()))
    ticket = await client.get_ticket()
    text = f"jsapi_ticket={ticket}&noncestr={first.nonce}&timestamp={first.timestamp}&url={url}"
    assert first.signature == sha1(text.encode()).hexdigest()


async def test_without_a_ticket_a_page_says_so(
    client: WechatClient, wechat: FakeWechat, now: datetime
) -> None:
    wechat.answer_next("getticket", 48001)
    with pytest.raises(WechatUnavailable) as unavailable:
        await sign_page(client, "https://qingling.example.cn/w", now)
    assert unavailable.value.reason == "48001"


async def test_a_picture_is_fetched(client: WechatClient, wechat: FakeWechat) -> None:
    wechat.media["m-1_A"] = (JPEG, "image/jpeg")
    picture = await fetch_picture(client, "m-1_A", 10_000)
    assert (picture.content, picture.content_type) == (JPEG, "image/jpeg")
    assert "picture" not in repr(picture.content_type) and "xff" not in repr(picture)


async def test_a_dead_token_is_renewed_for_a_picture_too(client: WechatClient, wechat: FakeWechat) -> None:
    wechat.media["m"] = (JPEG, "image/png")
    await client.get_token()
    wechat.kill_tokens()
    assert (await fetch_picture(client, "m", 10_000)).content == JPEG


@pytest.mark.parametrize(
    ("content", "content_type", "reason"),
    [
        (b"x" * 10_001, "image/jpeg", "size"),
        (b"x" * 3_000_000, "image/jpeg", "size"),
        (b"GIF89a", "image/gif", "type"),
        (b"<svg/>", "image/svg+xml", "type"),
        (b"video", "video/mp4", "type"),
        (b"", "image/jpeg", "type"),
        (b'{"video_url": "http://x"}', "application/json", "type"),
    ],
)
async def test_what_is_no_picture_or_too_large_is_refused(
    client: WechatClient, wechat: FakeWechat, content: bytes, content_type: str, reason: str
) -> None:
    wechat.media["m"] = (content, content_type)
    with pytest.raises(PictureRefused) as refused:
        await fetch_picture(client, "m", 10_000)
    assert refused.value.reason == reason


async def test_a_picture_that_is_gone(client: WechatClient, wechat: FakeWechat) -> None:
    for media_id in ("gone", "", "a b", "m&access_token=x", "媒体", "x" * 300):
        with pytest.raises(PictureGone):
            await fetch_picture(client, media_id, 10_000)
    assert wechat.count(MEDIA) == 1


@pytest.mark.parametrize("fault", ["drop", "status 502", "silent", "slow"])
async def test_wechat_does_not_answer(
    start: Callable[..., WechatClient], wechat: FakeWechat, fault: str
) -> None:
    wechat.media["m"] = (JPEG, "image/jpeg")
    wechat.misbehave(MEDIA, fault)
    with pytest.raises(WechatUnavailable):
        await fetch_picture(start(timeout_s=0.5), "m", 10_000)

"""What holds for every way to send a notice."""

from collections.abc import Callable
from uuid import UUID

import pytest

from sending import AddressRefused
from tests.wechat.conftest import OPENID
from tests.wechat.fake_wechat import SUBSCRIBE_ID, FakeWechat
from wechat.memory import MemoryWechatSender
from wechat.sender import Notice, WechatSender


@pytest.fixture(params=["template", "subscribe", "memory"])
def way(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def any_sender(way: str, request: pytest.FixtureRequest) -> WechatSender:
    if way == "memory":
        return MemoryWechatSender(followers={OPENID})
    wechat: FakeWechat = request.getfixturevalue("wechat")
    wechat.subscriptions.add((OPENID, SUBSCRIBE_ID))
    wechat.known.add("oStranger-000000")
    sender: WechatSender = request.getfixturevalue("sender")
    return sender


@pytest.fixture
def make(way: str, make_notice: Callable[..., Notice]) -> Callable[..., Notice]:
    template = "issue_waiting" if way == "subscribe" else "issue_answered"
    return lambda **changed: make_notice(template=template, **changed)


async def test_a_receipt_carries_a_reference(any_sender: WechatSender, make: Callable[..., Notice]) -> None:
    receipt = await any_sender.send(make())
    assert receipt.provider == "wechat"
    assert receipt.reference


async def test_a_repeat_has_the_same_receipt_and_another_notice_another(
    any_sender: WechatSender, make: Callable[..., Notice]
) -> None:
    first = await any_sender.send(make())
    assert await any_sender.send(make()) == first
    assert await any_sender.send(make(message_id=UUID(int=8))) != first


async def test_who_does_not_follow_is_not_reached(
    any_sender: WechatSender, make: Callable[..., Notice]
) -> None:
    with pytest.raises(AddressRefused) as refused:
        await any_sender.send(make(openid="oStranger-000000"))
    assert "oStranger" not in f"{refused.value} {refused.value!r}"


def test_a_notice_shows_nothing_of_its_content(make_notice: Callable[..., Notice]) -> None:
    shown = repr(make_notice())
    assert all(part not in shown for part in (OPENID, "办理结果", "2026-0007", "/w/issues"))

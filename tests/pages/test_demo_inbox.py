"""The demo's inbox as people look at it: each channel as it would show the message, found by channel and receiver."""

from datetime import UTC, datetime

from db.ids import uuid7
from messages.models import DemoInbox
from tests.pages.conftest import Visitor, World

MESSAGES = (
    ("sms", "13800000001", "您的验证码", "123456", "bubble"),
    ("mail", "13800000001@demo.invalid", "问题已受理", None, "letter"),
    ("wechat", "openid-1", "有问题等待您审核", None, "chat"),
)


async def test_each_channel_is_shown_in_its_way_and_found(world: World) -> None:
    now = datetime.now(UTC)
    async with world.wired.sessions.begin() as session:
        session.add_all(
            DemoInbox(message_id=uuid7(), channel=channel, to=to, template="t", text=words, code=code, at=now)
            for channel, to, words, code, _ in MESSAGES
        )
    nobody = Visitor(world.client())
    html = await nobody.open("/dev/inbox")
    for channel, to, words, _, css in MESSAGES:
        assert words in html and f'class="{css}"' in html
        for address in (f"/dev/inbox?channel={channel}", f"/dev/inbox?to={to}"):
            found = await nobody.open(address)
            assert words in found and found.count('class="received') == 1, address
    assert "123456" in await nobody.open("/dev/inbox?channel=sms")
    assert "还没有消息" in await nobody.open("/dev/inbox?channel=pigeon")

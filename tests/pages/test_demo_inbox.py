"""The demo's inbox as people look at it: each channel as it would show the message, found by channel and by whose it is."""

from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text

from messages.models import DemoInbox
from messages.outbox import NewMessage, enqueue
from messages.texts import Text
from tests.pages.conftest import Visitor, World

ISSUE = UUID(int=7)


async def receive(world: World, name: str, channel: str, to: str, **more: Any) -> None:
    """Somebody of the world is sent a message, and it has arrived there."""
    now = world.wired.read_clock()
    message = NewMessage(
        template="answered",
        text=Text("海关已答复", f"{channel}的内容"),
        person_id=world.people[name],
        params={"number": "QL2301000001", "title": "报关单退税"},
        instance_id=ISSUE,
        created_at=now,
    )
    async with world.wired.sessions.begin() as session:
        await enqueue(session, [message])
        session.add(
            DemoInbox(
                message_id=message.id,
                channel=channel,
                to=to,
                template="answered",
                text=message.text.text,
                at=now,
                **more,
            )
        )


async def test_each_channel_is_shown_in_its_way_and_found_by_whose_it_is(world: World) -> None:
    async with world.wired.sessions() as session:
        name, phone = (
            await session.execute(
                text("SELECT name, replace(phone, '+86', '') FROM person WHERE id = :id"),
                {"id": world.people["staff"]},
            )
        ).one()
    places = {"sms": phone, "mail": "staff@example.test", "wechat": "openid-1"}
    for channel, to in places.items():
        await receive(world, "staff", channel, to)
    await receive(world, "executive", "mail", "executive@example.test")
    nobody = Visitor(world.client())
    for receiver in (name, phone):
        html = await nobody.open(f"/dev/inbox?to={receiver}")
        assert html.count('class="received') == 3, "over whatever channel it went"
        assert html.count(f"<span>{name}</span>") == 3
        for css in ("bubble", "letter", "chat"):
            assert f'class="{css}"' in html
        assert "<h2>QL2301000001 报关单退税</h2>" in html, "a mail has the subject of its thread"
        assert "<h2>海关已答复</h2>" in html, "a notice in WeChat its title"
    for channel, to in places.items():
        found = 3 if to == phone else 1
        assert (await nobody.open(f"/dev/inbox?to={to}")).count('class="received') == found
        assert f"{channel}的内容" in await nobody.open(f"/dev/inbox?channel={channel}")
    assert (await nobody.open("/dev/inbox?channel=mail")).count('class="received') == 2


async def test_a_code_to_a_number_that_nobody_has_is_shown(world: World) -> None:
    async with world.wired.sessions.begin() as session:
        session.add(
            DemoInbox(
                message_id=uuid4(),
                channel="sms",
                to="19900000000",
                template="code",
                text="验证码",
                code="123456",
                at=world.wired.read_clock(),
            )
        )
    nobody = Visitor(world.client())
    html = await nobody.open("/dev/inbox?to=19900000000")
    assert "123456" in html and html.count('class="received') == 1
    assert "没有找到消息" in await nobody.open("/dev/inbox?channel=pigeon")

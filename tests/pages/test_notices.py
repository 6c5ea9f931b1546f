"""消息: the bell, the list, what marks a notice as read, and how somebody wants to be told."""

import re
from typing import Any
from uuid import UUID

from sqlalchemy import text

from messages.outbox import NewMessage, enqueue
from messages.texts import Text
from tests.pages.conftest import Visitor, World
from tests.pages.test_pages import bring_to_customs, visitor


def bell(html: str) -> int:
    """The count beside the bell; 0 where there is none."""
    found = re.search(r'class="bell".*?</a>', html)
    assert found, "no bell"
    count = re.search(r'class="count">(\d+)', found[0])
    return int(count[1]) if count else 0


async def tell(world: World, name: str, title: str, *, about: str | None = None) -> UUID:
    """Somebody is told something, perhaps about this issue's page."""
    message = NewMessage(
        template="test",
        text=Text(title, f"{title}的内容", channels=()),
        person_id=world.people[name],
        process="issue" if about else None,
        instance_id=UUID(about.rpartition("/")[2]) if about else None,
        created_at=world.wired.read_clock(),
    )
    async with world.wired.sessions.begin() as session:
        await enqueue(session, [message])
    return message.id


async def test_opening_an_issue_reads_what_it_is_about(world: World) -> None:
    issue = await bring_to_customs(world)
    handler, other = visitor(world, "handler"), visitor(world, "handler")
    told = bell(await handler.open("/tasks"))
    assert told > 0
    html = await handler.open("/notices")
    assert "有新问题待受理" in html and html.count('class="unread"') == told
    assert f'<a href="{issue}">' in html
    assert bell(await handler.open(issue)) == 0, "the page that reads them counts them no more"
    assert bell(await other.open("/notices")) == 0
    assert 'class="unread"' not in other.html and "有新问题待受理" in other.html
    assert "没有未读的消息" in await other.open("/notices?unread=true")


async def test_one_is_marked_and_then_all_that_were_seen(world: World) -> None:
    for title in ("第一件事", "第二件事"):
        await tell(world, "staff", title)
    staff, stranger = visitor(world, "staff"), visitor(world, "stranger")
    assert bell(await staff.open("/notices")) == 2
    seen = hidden(staff, "seen")
    _, first = re.findall(r'name="notice" value="([^"]+)"', staff.html)
    await stranger.open("/notices")
    await stranger.send("/notices/read", {"notice": first})
    assert bell(await staff.open("/notices")) == 2, "nobody else reads my notices"
    await staff.send("/notices/read", {"notice": first})
    assert bell(staff.html) == 1
    assert "第一件事" not in await staff.open("/notices?unread=true")
    await tell(world, "staff", "第三件事")
    await staff.send("/notices/read", {"seen": seen})
    assert bell(staff.html) == 1, "what came meanwhile stays unread"
    assert "第三件事" in await staff.open("/notices?unread=true")


async def test_what_one_may_not_open_is_a_text_without_a_way(world: World) -> None:
    issue = await bring_to_customs(world)
    await tell(world, "stranger", "曾经的问题", about=issue)
    html = await visitor(world, "stranger").open("/notices")
    assert "曾经的问题的内容" in html and issue not in html


async def test_pages_of_notices_follow_each_other(world: World) -> None:
    for number in range(23):
        await tell(world, "staff", f"第 {number} 件")
    staff = visitor(world, "staff")
    html = await staff.open("/notices")
    assert html.count('class="is-unread"') == 20 and "第 22 件" in html
    found = re.search(r'href="(/notices\?after=[^"]+)" rel="next"', html)
    assert found
    html = await staff.open(found[1].replace("&amp;", "&"))
    assert html.count('class="is-unread"') == 3 and "第 0 件" in html
    await staff.send("/notices/read", {"seen": hidden(staff, "seen")})
    assert bell(staff.html) == 0, "all of them can be marked from any page"


async def test_marking_one_leads_back_to_where_it_was_marked(world: World) -> None:
    for number in range(23):
        await tell(world, "staff", f"第 {number} 件")
    staff = visitor(world, "staff")
    await staff.open("/notices?unread=true")
    found = re.search(r'href="(/notices[^"]+)" rel="next"', staff.html)
    assert found
    await staff.open(found[1].replace("&amp;", "&"))
    where = {name: hidden(staff, name) for name in ("notice", "unread", "after")}
    html = await staff.send("/notices/read", where)
    assert html.count('class="is-unread"') == 2, "the same page of the unread ones, without it"


async def test_phones_have_them_too(world: World) -> None:
    issue = await bring_to_customs(world)
    staff = visitor(world, "staff")
    html = await staff.open("/w/notices")
    assert f'href="/w{issue}"' in html
    await staff.send("/w/notices/read", {"seen": hidden(staff, "seen")})
    assert staff.address == "/w/notices" and "未读消息" not in staff.html


def hidden(person: Visitor, name: str) -> str:
    value = person.hidden(name)
    assert value
    return value


def ticked(html: str) -> set[str]:
    return set(re.findall(r'name="on" value="([a-z.]+)" checked', html))


async def test_channels_and_quiet_hours_are_chosen(world: World) -> None:
    staff = visitor(world, "staff")
    everything = ticked(await staff.open("/account/messages"))
    assert len(everything) == 9
    await staff.send(
        "/account/messages",
        {"on": ["work.sms", "reminder.mail"], "quiet_from": "21:00", "quiet_to": "08:30"},
    )
    assert "消息设置已保存" in staff.html
    assert ticked(staff.html) == {"work.sms", "reminder.mail"}
    assert 'value="21:00"' in staff.html and 'value="08:30"' in staff.html
    assert ticked(await visitor(world, "executive").open("/account/messages")) == everything
    html = await staff.send("/account/messages", {"on": ["work.mail"], "quiet_from": "21:00", "quiet_to": ""})
    assert staff.status == 422 and "免打扰的开始和结束时间都要填写" in html
    assert ticked(html) == {"work.mail"} and 'value="21:00"' in html, "what was typed stays"
    assert ticked(await staff.open("/account/messages")) == {"work.sms", "reminder.mail"}, "nothing was saved"


async def test_officers_are_offered_no_wechat(world: World) -> None:
    html = await visitor(world, "handler").open("/account/messages")
    assert {value.partition(".")[2] for value in ticked(html)} == {"sms", "mail"}


async def test_a_mail_address_is_used_once_it_is_confirmed(world: World) -> None:
    handler = visitor(world, "handler")
    await handler.open("/account/messages")
    await handler.send("/account/mail", {"mail": "handler@@example.cn"})
    assert (
        handler.status == 422
        and "邮箱地址的写法不对" in handler.html
        and "handler@@example.cn" in handler.html
    )
    await handler.send("/account/mail", {"mail": "handler@example.cn"})
    assert "确认邮件已经发出" in handler.html and "待确认" in handler.html
    await handler.send("/account/mail", {"mail": "someone@example.cn"})
    assert handler.status == 422 and "刚刚发出" in handler.html, "nobody floods a mailbox from here"
    await handler.send("/account/mail/confirm", {"token": "0" * 64})
    assert handler.status == 422 and "已经失效" in handler.html
    link = await confirmation(world, "handler@example.cn")
    assert "确认这个邮箱" in await handler.open(link)
    assert "待确认" in await handler.open("/account/messages"), "opening the link is not confirming"
    await handler.open(link)
    await handler.send("/account/mail/confirm", {"token": hidden(handler, "token")})
    assert "邮箱已确认" in handler.html and "已确认</span>" in handler.html
    await handler.send("/account/mail/forget", {})
    assert "邮箱已删除" in handler.html and "handler@example.cn" not in handler.html


async def confirmation(world: World, address: str) -> str:
    async with world.wired.sessions() as session:
        body: Any = await session.scalar(
            text("SELECT text FROM message WHERE to_mail = :address ORDER BY id DESC LIMIT 1"),
            {"address": address},
        )
    found = re.search(r"https?://[^/]+(/account/mail/confirm\?token=[0-9a-f]+)", body)
    assert found, body
    return found[1]

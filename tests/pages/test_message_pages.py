"""系统管理 · 消息: what was sent, what was not and why, sending it again, and alarms; never whom it was for or what it said."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from api.pages.administration.messages import find_callbacks
from messages import alarms
from messages.models import Message, MessageAttempt
from tests.pages.conftest import Visitor, World
from tests.pages.test_administration import world
from tests.pages.test_pages import bring_to_customs, visitor

__all__ = ["world"]

SECRET = "只给本人看的内容"


async def add(world: World, template: str, state: str, **fields: Any) -> UUID:
    """A message in the log, with a try that failed where it failed."""
    now = datetime.now(UTC)
    given: dict[str, Any] = {
        "channel": "sms",
        "provider": "tencent",
        "created_at": now,
        "due_at": now,
        **fields,
    }
    message = Message(
        person_id=world.people["staff"], template=template, text=SECRET, title=SECRET, state=state, **given
    )
    async with world.wired.sessions.begin() as session:
        session.add(message)
        await session.flush()
        if state in ("failed", "uncertain"):
            outcome = {"failed": "operator", "uncertain": "uncertain"}[state]
            session.add(
                MessageAttempt(
                    message_id=message.id,
                    at=now,
                    ended_at=now,
                    channel="sms",
                    provider="tencent",
                    outcome=outcome,
                    code="FailedOperation.InsufficientBalanceInSmsPackage",
                    explanation="套餐包余额不足",
                )
            )
    return message.id


@pytest.fixture
def system(world: World) -> Visitor:
    return visitor(world, "system")


def listed(html: str) -> list[str]:
    """What the lines of the log are called."""
    return re.findall(r'class="title"[^>]*>([^<]+)</a>', html)


async def test_what_was_sent_is_named_by_its_title_and_found_by_its_kind(
    world: World, system: Visitor
) -> None:
    await add(world, "returned", "sent", process="issue")
    await add(world, "returned", "failed", process="registration", error="recipient_gone")
    await add(world, "code_sign_in", "sent", is_code=True)
    html = await system.open("/system/messages")
    titles = {"issue.returned": "问题已被高管退回", "registration.returned": "注册申请被退回补正"}
    for kind, title in {**titles, "code_sign_in": "登录验证码"}.items():
        assert f'<option value="{kind}" >{title}</option>' in html
        assert listed(await system.open(f"/system/messages?template={kind}")) == [title]
    assert "收件人已停用" in html


async def test_the_log_is_filtered_by_its_address(world: World, system: Visitor) -> None:
    await add(world, "answered", "sent")
    await add(world, "overdue", "failed", error="operator")
    await add(world, "returned", "sent", channel="mail", provider="smtp")
    today = datetime.now(UTC) + timedelta(hours=8)
    yesterday = today - timedelta(days=1)
    every = ["returned", "overdue", "answered"]
    for query, found in (
        ("", every),
        ("state=failed", ["overdue"]),
        ("channel=mail", ["returned"]),
        ("template=returned", ["returned"]),
        (f"since={today:%Y-%m-%d}&until={today:%Y-%m-%d}", every),
        ("since=yesterday", every),  # what is no day is left out
    ):
        assert listed(await system.open(f"/system/messages?{query}")) == found, query
    for query in ("template=nothing", "state=no-state", f"until={yesterday:%Y-%m-%d}"):
        assert "没有符合条件的消息" in await system.open(f"/system/messages?{query}"), query


async def test_the_messages_of_one_issue_are_found_by_its_number(world: World, system: Visitor) -> None:
    issue = await bring_to_customs(world)
    number = re.search(r"QL\d+", await visitor(world, "staff").open(issue))
    assert number
    await add(world, "elsewhere", "sent")
    html = await system.open(f"/system/messages?number={number[0].lower()}")
    assert "review_wanted" in html and number[0] in html and "elsewhere" not in html
    assert "没有符合条件的消息" in await system.open("/system/messages?number=QL0")


async def test_the_log_goes_on_page_by_page(world: World, system: Visitor) -> None:
    for number in range(52):
        await add(world, f"text{number:02}", "sent")
    html = await system.open("/system/messages?state=sent")
    assert html.count('class="main-cell"') == 50 and "text51" in html
    following = re.search(r'href="([^"]+)" rel="next"', html)
    assert following
    html = await system.open(following[1].replace("&amp;", "&"))
    assert html.count('class="main-cell"') == 2 and "text00" in html


async def test_one_message_tells_why_and_is_sent_again_once(world: World, system: Visitor) -> None:
    id_ = await add(world, "overdue", "failed", error="operator")
    html = await system.open(f"/system/messages/{id_}")
    assert "套餐包余额不足" in html and "需要管理员处理" in html
    await system.send(f"/system/messages/{id_}/again", {})
    assert system.status == 200 and "已安排重试" in system.html and "重新发送" not in system.html
    await system.send(f"/system/messages/{id_}/again", {})
    assert system.status == 409 and "已经重发" in system.html
    await system.open("/system/messages/00000000-0000-7000-8000-000000000000")
    assert system.status == 404


@pytest.mark.parametrize(
    ("waits_for", "words"),
    [("night", "夜间不发短信"), ("quiet", "免打扰时间"), ("office", "只在办公时间发给关员")],
)
async def test_what_waits_says_so_in_the_log(
    world: World, system: Visitor, waits_for: str, words: str
) -> None:
    id_ = await add(world, "overdue", "queued", waits_for=waits_for)
    assert words in await system.open("/system/messages?state=queued")
    assert words in await system.open(f"/system/messages/{id_}")


async def test_a_code_is_not_sent_again_and_doubt_is_told(world: World, system: Visitor) -> None:
    code = await add(world, "code_sign_in", "failed", is_code=True)
    html = await system.open(f"/system/messages/{code}")
    assert "验证码已经失效" in html and "重新发送" not in html
    unsure = await add(world, "answered", "uncertain")
    assert "可能收到两次" in await system.open(f"/system/messages/{unsure}")


async def test_nothing_of_the_person_is_shown(world: World, system: Visitor) -> None:
    id_ = await add(world, "overdue", "failed", to_phone="+8613911112222", to_mail="a@example.cn")
    for address in (
        "/system/messages",
        f"/system/messages/{id_}",
        "/system/messages/channels",
        "/system/running",
    ):
        html = await system.open(address)
        assert system.status == 200
        for word in (SECRET, "13911112222", "a@example.cn"):
            assert word not in html, f"{address} shows {word}"


async def test_an_alarm_is_seen_at_once_and_acknowledged_once(world: World, system: Visitor) -> None:
    assert "没有告警" in await system.open("/system/messages/channels")
    now = datetime.now(UTC)
    async with world.wired.sessions.begin() as session:
        for _ in range(2):
            await alarms.sound(session, ("sms", "tencent"), "InsufficientBalance", "套餐包余额不足", now)
    assert "1 个告警" in await system.open("/system/messages")
    assert "1 个告警" in await system.open("/system/running")
    html = await system.open("/system/messages/channels")
    assert "套餐包余额不足" in html and "共 2 次" in html
    action = re.search(r'action="(/system/messages/alarms/[^"]+)"', html)
    assert action
    await system.send(action[1], {})
    assert "已有人确认" in system.html and action[1] not in system.html
    await system.send(action[1], {})
    assert system.status == 409


async def test_channels_tell_how_they_do(world: World, system: Visitor) -> None:
    await add(world, "overdue", "failed")
    html = await system.open("/system/messages/channels")
    row = re.search(r"<tr>\s*<td class=\"main-cell\">.*?tencent.*?</tr>", html, re.DOTALL)
    assert row and "套餐包余额不足" in row[0]
    assert await figures(world) >= {"qingling_message_alarms_open 0.0"}


async def figures(world: World) -> set[str]:
    return set((await world.client().get("/metrics")).text.splitlines())


async def test_the_address_for_reports_is_shown_where_a_provider_calls_back(
    world: World, system: Visitor
) -> None:
    assert "回执地址" not in await system.open("/system/messages/channels")
    settings = world.wired.settings.model_copy(update={"sms_providers": ("tencent",)})
    [(name, address)] = find_callbacks(settings)
    answer = await world.client().post(address.removeprefix(settings.origin), content=b"[]")
    assert name == "tencent" and answer.status_code == 200

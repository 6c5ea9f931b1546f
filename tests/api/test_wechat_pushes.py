"""WeChat's pushes over HTTP: what is WeChat's is taken once, everything else is refused, and no log says who it was about."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from api import wechat_pushes
from api.wechat_pushes import ADDRESS
from domain.wechat_bindings import bind_wechat
from messages.models import Message, MessageAttempt
from tests.api.conftest import World
from tests.api.wechat_account import with_wechat
from tests.wechat.fake_wechat import APP_ID, FakeWechat
from tests.wechat.pushes import Pushing, event, wrap

MSGID = "2400000000000000001"
OPENID = "oAbCdEf-0123456789_follower1"
BOMB = """<?xml version="1.0"?><!DOCTYPE xml [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<xml><FromUserName>&b;</FromUserName></xml>"""


@pytest.fixture
def fake() -> Iterator[FakeWechat]:
    with FakeWechat() as fake:
        yield fake


@pytest.fixture
async def account(world: World, fake: FakeWechat) -> AsyncIterator[World]:
    async with with_wechat(world, fake), world.wired.sessions.begin() as session:
        await bind_wechat(session, world.people["staff"], OPENID, datetime.now(UTC), actor=None)
        await session.commit()
        yield world


async def push(
    world: World, xml: str, at: datetime | None = None, *, by: Pushing | None = None
) -> httpx.Response:
    query, body = (by or Pushing(APP_ID)).push(xml, at or datetime.now(UTC))
    return await post(world, query, body)


async def post(world: World, query: dict[str, str], body: bytes, kind: str = "text/xml") -> httpx.Response:
    return await world.client().post(ADDRESS, params=query, content=body, headers={"content-type": kind})


async def left_at(world: World) -> Any:
    async with world.wired.sessions() as session:
        return await session.scalar(
            text("SELECT unsubscribed_at FROM wechat_binding WHERE openid = :openid"), {"openid": OPENID}
        )


async def test_wechats_trial_of_the_address_is_answered(account: World) -> None:
    query = Pushing(APP_ID).query(datetime.now(UTC), echostr="5718927319")
    answer = await account.client().get(ADDRESS, params=query)
    assert (answer.status_code, answer.text) == (200, "5718927319")
    assert answer.headers["content-type"].startswith("text/plain")
    forged = await account.client().get(ADDRESS, params=query | {"signature": "0" * 40})
    assert (forged.status_code, forged.text) == (403, "")


async def test_who_leaves_and_comes_back_is_known(account: World) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    answer = await push(account, event("unsubscribe", now))
    assert (answer.status_code, answer.text) == (200, "success")
    assert await left_at(account) == now
    assert (await push(account, event("subscribe", now + timedelta(seconds=1)))).text == "success"
    assert await left_at(account) is None


async def test_a_plain_account_takes_plain_pushes(world: World, fake: FakeWechat) -> None:
    async with with_wechat(world, fake, aes_key=None):
        answer = await push(world, event("subscribe", datetime.now(UTC)), by=Pushing(APP_ID, aes_key=None))
        assert (answer.status_code, answer.text) == (200, "success")


async def test_with_a_key_nothing_is_taken_in_plain(account: World) -> None:
    answer = await push(account, event("unsubscribe", datetime.now(UTC)), by=Pushing(APP_ID, aes_key=None))
    assert answer.status_code == 403 and await left_at(account) is None


async def test_a_repeat_is_answered_the_same_and_changes_nothing(account: World) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    left = Pushing(APP_ID).push(event("unsubscribe", now), now)
    first = await post(account, *left)
    await push(account, event("subscribe", now))
    for again in (await post(account, *left), await push(account, event("unsubscribe", now))):
        assert (again.status_code, again.text) == (first.status_code, first.text) == (200, "success")
    assert await left_at(account) is None


async def test_what_wechat_says_of_an_earlier_moment_does_not_undo_a_later_one(account: World) -> None:
    now = datetime.now(UTC)
    await push(account, event("subscribe", now))
    await push(account, event("unsubscribe", now - timedelta(seconds=5)))
    assert await left_at(account) is None


@pytest.mark.parametrize("name", ["msg_signature", "timestamp", "nonce"])
async def test_a_forged_push_is_refused_without_a_reason(account: World, name: str) -> None:
    now = datetime.now(UTC)
    query, body = Pushing(APP_ID).push(event("unsubscribe", now), now)
    answer = await post(account, query | {name: "1" * 10}, body)
    assert (answer.status_code, answer.text) == (403, "")
    assert await left_at(account) is None


async def test_another_accounts_push_and_an_old_one_are_refused(account: World) -> None:
    now = datetime.now(UTC)
    stranger = Pushing("wxffffffffffffffff")
    assert (await push(account, event("unsubscribe", now), by=stranger)).status_code == 403
    old = now - timedelta(minutes=11)
    assert (await push(account, event("unsubscribe", old), old)).status_code == 403
    assert await left_at(account) is None


async def test_bombs_giants_and_garbage_are_refused(account: World) -> None:
    now = datetime.now(UTC)
    pushing = Pushing(APP_ID)
    assert (await push(account, BOMB)).status_code == 403
    query, _ = pushing.push(event("unsubscribe", now), now)
    for body in (BOMB.encode(), wrap("A" * 70_000), b"", b"\xff\xfe", b"<xml>" * 9000):
        assert (await post(account, query, body)).status_code == 403
    form = await post(account, query, b"a=b", "application/x-www-form-urlencoded")
    assert form.status_code == 403


async def test_words_typed_into_the_chat_are_taken_without_an_answer(account: World) -> None:
    now = datetime.now(UTC)
    said = (
        f"<xml><ToUserName>gh_1</ToUserName><FromUserName>{OPENID}</FromUserName>"
        f"<CreateTime>{int(now.timestamp())}</CreateTime><MsgType>text</MsgType>"
        "<Content>你好</Content><MsgId>1234567890123456</MsgId></xml>"
    )
    assert (await push(account, said)).text == "success"


async def test_what_became_of_a_template_message_is_written_down(account: World) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    async with account.wired.sessions.begin() as session:
        message = Message(
            person_id=account.people["staff"],
            template="answered",
            channels=["wechat"],
            state="sent",
            channel="wechat",
            provider="wechat",
            reference=MSGID,
            created_at=now,
            due_at=now,
        )
        session.add(message)
        await session.flush()
        session.add(
            MessageAttempt(
                message_id=message.id,
                at=now,
                channel="wechat",
                provider="wechat",
                reference=MSGID,
                outcome="accepted",
            )
        )
    inner = f"<MsgID>{MSGID}</MsgID><Status><![CDATA[success]]></Status>"
    assert (await push(account, event("TEMPLATESENDJOBFINISH", now, inner))).text == "success"
    async with account.wired.sessions() as session:
        row = (await session.execute(text("SELECT arrived, report_code FROM message"))).one()
    assert tuple(row) == (True, "success")


async def test_what_cannot_be_done_in_time_is_rolled_back_and_comes_again(
    account: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    monkeypatch.setattr(wechat_pushes, "ANSWERS_WITHIN_S", 0.2)
    async with account.wired.sessions.begin() as session:
        await session.execute(text("LOCK TABLE wechat_binding IN EXCLUSIVE MODE"))
        assert (await push(account, event("unsubscribe", now))).status_code == 503
    assert await left_at(account) is None
    monkeypatch.undo()
    assert (await push(account, event("unsubscribe", now))).text == "success"
    assert await left_at(account) == now


async def test_nobody_is_named_in_the_log(account: World, capsys: pytest.CaptureFixture[str]) -> None:
    from api.logs import configure_logging

    configure_logging(account.wired.settings.model_copy(update={"log_level": "DEBUG"}))
    now = datetime.now(UTC)
    await push(account, event("unsubscribe", now))
    query, body = Pushing(APP_ID).push(event("subscribe", now), now)
    await post(account, query | {"nonce": "x", "openid": OPENID}, body)
    written = capsys.readouterr().out
    assert "wechat.push_refused" in written and "Unsubscribed" in written
    assert OPENID not in written and query["nonce"] not in written


async def test_without_an_account_there_is_nothing(world: World) -> None:
    assert (await world.client().get(ADDRESS)).status_code == 404
    assert (await world.client().post(ADDRESS, content=b"<xml/>")).status_code == 404

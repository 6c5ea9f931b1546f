"""The token that all processes share: fetched by one, before it expires, and never forced more often than WeChat allows."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import NullPool

from db.session import make_sessions, sqlalchemy_url
from messages.sealing import Sealer
from sending import OperatorNeeded, TryLater
from tests.wechat.conftest import Clock
from tests.wechat.fake_wechat import FakeWechat
from wechat import credentials
from wechat.client import WechatClient
from wechat.credentials import CLAIM, Fetched, SharedCredential
from wechat.http import WechatApp

TOKEN = "stable_token"


@pytest.fixture
async def sessions(shared_database: str) -> AsyncIterator[async_sessionmaker[AsyncSession]]:
    engine = create_async_engine(sqlalchemy_url(shared_database), poolclass=NullPool)
    yield make_sessions(engine)
    await engine.dispose()


async def read_row(sessions: async_sessionmaker[AsyncSession], app: WechatApp, kind: str) -> Any:
    async with sessions() as session:
        statement = text("SELECT * FROM wechat_credential WHERE app_id = :app_id AND kind = :kind")
        return (await session.execute(statement, {"app_id": app.app_id, "kind": kind})).one()


async def test_many_processes_fetch_one_token_once(
    start: Callable[..., WechatClient], wechat: FakeWechat
) -> None:
    clients = [start() for _ in range(6)]
    tokens = await asyncio.gather(*(client.get_token() for client in clients for _ in range(5)))
    assert len(set(tokens)) == 1
    assert wechat.count(TOKEN) == 1


async def test_a_token_is_renewed_before_it_expires_and_used_meanwhile(
    client: WechatClient, wechat: FakeWechat, clock: Clock
) -> None:
    first = await client.get_token()
    clock.wait(seconds=7200 - 241)
    assert await client.get_token() == first
    assert wechat.count(TOKEN) == 1
    clock.wait(seconds=2)
    assert await client.get_token() != first
    assert wechat.count(TOKEN) == 2


async def test_while_another_process_renews_it_the_old_one_is_used(
    client: WechatClient,
    wechat: FakeWechat,
    clock: Clock,
    app: WechatApp,
    sessions: async_sessionmaker[AsyncSession],
) -> None:
    first = await client.get_token()
    clock.wait(seconds=7200 - 100)
    await claim_for_another(sessions, app, clock)
    assert await client.get_token() == first
    assert wechat.count(TOKEN) == 1


async def claim_for_another(sessions: async_sessionmaker[AsyncSession], app: WechatApp, clock: Clock) -> None:
    values = {"id": credentials.uuid7(), "app_id": app.app_id, "kind": "access_token"}
    async with sessions.begin() as session:
        until = clock.now + credentials.CLAIM_FOR
        seen = (await session.execute(credentials.READ, values)).one_or_none()
        claim = {**values, "now": clock.now, "until": until, "seen": seen.sealed if seen else None}
        assert (await session.execute(CLAIM, claim)).one()


async def test_a_claim_of_a_process_that_died_runs_out(
    client: WechatClient,
    wechat: FakeWechat,
    clock: Clock,
    app: WechatApp,
    sessions: async_sessionmaker[AsyncSession],
) -> None:
    await claim_for_another(sessions, app, clock)
    waiting = asyncio.create_task(client.get_token())
    while not wechat.count(TOKEN):  # the clock goes on while it waits
        clock.wait(seconds=5)
        await asyncio.sleep(0.01)
    assert await waiting
    assert wechat.count(TOKEN) == 1


async def test_nobody_waits_for_ever(
    client: WechatClient,
    clock: Clock,
    app: WechatApp,
    sessions: async_sessionmaker[AsyncSession],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(credentials, "WAIT_S", 0.2)
    await claim_for_another(sessions, app, clock)
    with pytest.raises(TryLater, match="token"):
        await client.get_token()


async def test_a_dead_token_is_forced_once_however_many_find_it_dead(
    start: Callable[..., WechatClient],
    wechat: FakeWechat,
    app: WechatApp,
    sessions: async_sessionmaker[AsyncSession],
) -> None:
    clients = [start() for _ in range(5)]
    dead = await clients[0].get_token()
    wechat.kill_tokens()
    menu = {"button": [{"type": "view", "name": "清零", "url": "https://qingling.example.cn/w"}]}
    await asyncio.gather(*(client.call("/cgi-bin/menu/create", body=menu) for client in clients))
    assert await clients[0].get_token() != dead
    assert (await read_row(sessions, app, "access_token")).forced_count == 1


async def test_a_token_that_another_process_has_renewed_is_simply_taken(
    start: Callable[..., WechatClient], wechat: FakeWechat, clock: Clock
) -> None:
    late, quick = start(), start()
    old = await late.get_token()
    clock.wait(seconds=7200 - 100)
    new = await quick.get_token()
    assert await late.renew_token(old) == new
    assert wechat.count(TOKEN) == 2


async def test_forcing_is_counted_over_the_day_and_kept_apart(
    client: WechatClient,
    wechat: FakeWechat,
    clock: Clock,
    app: WechatApp,
    sessions: async_sessionmaker[AsyncSession],
) -> None:
    token = await client.get_token()
    for _ in range(20):
        token = await client.renew_token(token)
        with pytest.raises(TryLater) as soon:
            await client.renew_token(token)
        assert soon.value.after_s == 30
        clock.wait(seconds=31)
    assert (await read_row(sessions, app, "access_token")).forced_count == 20
    with pytest.raises(OperatorNeeded, match="token"):
        await client.renew_token(token)
    clock.wait(hours=24)
    token = await client.get_token()
    assert await client.renew_token(token) != token
    assert (await read_row(sessions, app, "access_token")).forced_count == 1


async def test_a_failure_gives_the_claim_back(
    client: WechatClient,
    wechat: FakeWechat,
    app: WechatApp,
    sessions: async_sessionmaker[AsyncSession],
) -> None:
    wechat.answer_next(TOKEN, -1)
    with pytest.raises(TryLater, match="-1"):
        await client.get_token()
    assert (await read_row(sessions, app, "access_token")).renewing_until is None
    assert await client.get_token()


async def test_at_rest_it_is_sealed_and_another_key_fetches_anew(
    client: WechatClient,
    wechat: FakeWechat,
    app: WechatApp,
    clock: Clock,
    sessions: async_sessionmaker[AsyncSession],
) -> None:
    token = await client.get_token()
    row = await read_row(sessions, app, "access_token")
    assert token.encode() not in row.sealed
    assert row.expires_at == clock.now + timedelta(seconds=7200)

    async def fetch(_force: bool) -> Fetched:
        return Fetched("another", 7200)

    other = SharedCredential(app.app_id, "access_token", fetch, sessions, Sealer(b"another key"), clock)
    assert await other.get() == "another"
    assert wechat.count(TOKEN) == 1


async def test_the_ticket_is_shared_the_same_way(
    start: Callable[..., WechatClient], wechat: FakeWechat, clock: Clock
) -> None:
    clients = [start() for _ in range(4)]
    tickets = await asyncio.gather(*(client.get_ticket() for client in clients))
    assert len(set(tickets)) == wechat.count("getticket") == wechat.count(TOKEN) == 1
    clock.wait(seconds=7201)
    assert await clients[0].get_ticket() not in tickets


@pytest.mark.parametrize(
    "answer",
    [
        "{}",
        '{"access_token": 7, "expires_in": 7200}',
        '{"access_token": "", "expires_in": 1}',
        '{"access_token": "x"}',
        '{"access_token": "x", "expires_in": -1}',
        '{"access_token": "x", "expires_in": true}',
    ],
)
async def test_an_answer_without_a_token_is_none(
    client: WechatClient, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    async def call(*_: Any, **__: Any) -> Any:
        return json.loads(answer)

    monkeypatch.setattr(client.api, "call", call)
    with pytest.raises(TryLater, match="malformed"):
        await client.get_token()

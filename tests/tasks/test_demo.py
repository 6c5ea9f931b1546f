"""The demo plays through the real commands: every state is there, nothing lies in the future, nothing waits to be sent."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import NullPool

from db.session import make_sessions, sqlalchemy_url
from domain.demo.people import LICENCE
from domain.files.store import FolderStore
from domain.seed import seed
from engine.catalogue import read_folder
from engine.instances import Engine
from tasks.demo import play_demo
from tests.tasks.world import PROCESSES

STATUSES = {
    "草稿",
    "高管未审核",
    "高管已退回",
    "海关待受理",
    "海关办理中",
    "待企业补充",
    "已完成",
    "重新办理",
    "已清零",
    "已撤回",
}


@pytest.fixture
async def sessions(
    database_url: str, issue_engine: Engine, now: datetime
) -> AsyncIterator[async_sessionmaker[AsyncSession]]:
    database = create_async_engine(sqlalchemy_url(database_url), poolclass=NullPool)
    made = make_sessions(database)
    async with made.begin() as session:
        await seed(session)
        for key in ("issue", "registration"):
            await issue_engine.catalogue.deploy(
                session, key, read_folder(PROCESSES, key), actor=None, now=now
            )
    yield made
    await database.dispose()


async def test_the_demo_shows_every_state_and_all_of_it_in_the_past(
    sessions: async_sessionmaker[AsyncSession], issue_engine: Engine, now: datetime, tmp_path: Path
) -> None:
    store = FolderStore(tmp_path)
    count = await play_demo(sessions, issue_engine, store, now)
    assert 40 <= count <= 50
    assert await play_demo(sessions, issue_engine, store, now + timedelta(days=1)) == 0, (
        "the second time there is nothing to do"
    )

    async def ask(question: str) -> list[Any]:
        async with sessions() as session:
            return list((await session.execute(text(question))).all())

    assert {row.status for row in await ask("SELECT DISTINCT status FROM issue")} == STATUSES
    [(raised, last)] = await ask("SELECT (SELECT count(*) FROM issue), (SELECT max(at) FROM process_event)")
    assert raised == count and last <= now
    registered = await ask("SELECT status FROM registration ORDER BY status")
    assert [row.status for row in registered] == ["已退回", "已通过", "待审核"]
    [licence, *_] = await ask("SELECT stored_as FROM attachment ORDER BY id")
    assert await store.read(licence.stored_as) == LICENCE.read_bytes()
    assert await ask("SELECT FROM incident") == []
    assert await ask("SELECT FROM message WHERE state <> 'sent'") == []
    ways = await ask(
        "SELECT DISTINCT m.channels[1] AS first, d.channel FROM demo_inbox d JOIN message m ON m.id = d.id"
    )
    assert {("wechat", "wechat"), ("sms", "sms"), ("wechat", "sms"), ("wechat", "mail")} <= {
        (row.first, row.channel) for row in ways
    }
    assert await ask("SELECT FROM procrastinate_jobs WHERE status = 'todo'") == []
    [facts] = await ask("""
        SELECT count(*) FILTER (WHERE overdue_at IS NOT NULL) AS overdue, sum(transfers) AS transfers,
            max(round) AS round, count(DISTINCT enterprise_id) AS enterprises,
            count(*) FILTER (WHERE closed_at - answered_at >= interval '15 days') AS by_timer
        FROM issue
    """)
    assert facts.overdue >= 3 and facts.transfers >= 3 and facts.round == 1 and facts.enterprises == 2
    assert facts.by_timer >= 2
    [(unrated, changed)] = await ask(
        "SELECT (SELECT count(*) FROM evaluation WHERE rating IS NULL),"
        " (SELECT count(*) FROM issue_change WHERE field = 'title')"
    )
    assert unrated >= 2 and changed >= 1

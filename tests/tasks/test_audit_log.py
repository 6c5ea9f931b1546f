"""What an operator does with the audit log, by the program and by the job, on a database of its own."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from structlog.testing import capture_logs

from db.session import make_sessions, open_engine
from domain.audit import record
from domain.audit_chain import sealing_key
from domain.models import Person
from settings import Settings
from tasks.audit_log import ChainUnfit, NobodyMeant, erase_somebody, read_anchors, sign_again, verify_log
from tasks.jobs import seal_audit
from tasks.sealing import seal_all

ROOT = Path(__file__).parents[2]
PHONE = "+8613812345678"


@pytest.fixture
def settings() -> Settings:
    return Settings(demo=True, secret_key=SecretStr("a secret for this test"))


@pytest.fixture
async def sessions(database_url: str, settings: Settings) -> AsyncIterator[async_sessionmaker[AsyncSession]]:
    """Sessions that really commit; one person with one old and one new record, sealed."""
    database = open_engine(database_url, settings)
    sessions = make_sessions(database)
    now = datetime.now(UTC)
    async with sessions() as session:
        person = Person(name="张三", phone=PHONE, created_at=now)
        session.add(person)
        await session.flush()
        for at in (now - timedelta(days=200), now):
            await record(
                session,
                "edit_person",
                actor=None,
                about="person",
                about_id=person.id,
                after={"name": "张三"},
                now=at,
            )
        await session.commit()
    await seal_all(sessions, sealing_key(settings.pepper), now)
    yield sessions
    await database.dispose()


def run(database_url: str, settings: Settings, *arguments: str) -> "subprocess.CompletedProcess[str]":
    secret = settings.secret_key
    assert secret is not None
    environment = {
        **os.environ,
        "QINGLING_DATABASE_URL": database_url,
        "QINGLING_DEMO": "1",
        "QINGLING_SECRET_KEY": secret.get_secret_value(),
    }
    return subprocess.run(
        [sys.executable, "-m", "cli", "audit", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


async def test_the_program_verifies_erases_and_tells_what_it_finds(
    sessions: Any, database_url: str, settings: Settings, tmp_path: Path
) -> None:
    data = ("--data", str(tmp_path))
    whole = run(database_url, settings, "verify", *data)
    assert whole.returncode == 0, whole.stderr
    assert "没有发现问题。" in whole.stdout
    end = next(line for line in whole.stdout.splitlines() if line.startswith("链尾")).split("：")[1]
    erased = run(database_url, settings, "erase", "138 1234 5678", *data)
    assert erased.returncode == 0 and "已删除 1 项个人信息。另有 1 项依法须留存" in erased.stdout
    async with sessions() as session:
        await session.execute(text("SET LOCAL session_replication_role = replica"))
        await session.execute(text("UPDATE audit_record SET action = 'none' WHERE sealed_in = 1"))
        await session.commit()
    broken = run(database_url, settings, "verify", "--anchor", end, *data)
    assert broken.returncode == 1 and "被改动" in broken.stdout


async def test_erasing_goes_by_phone_or_by_id(sessions: Any, database_url: str, settings: Settings) -> None:
    assert "已删除 1 项" in await erase_somebody(settings, database_url, PHONE)
    assert "已删除 0 项" in await erase_somebody(settings, database_url, PHONE)
    with pytest.raises(NobodyMeant):
        await erase_somebody(settings, database_url, "张三")


async def test_a_new_secret_signs_only_what_is_otherwise_whole(
    sessions: Any, database_url: str, settings: Settings
) -> None:
    lines, is_whole = await verify_log(settings, database_url, {})
    assert is_whole
    end = read_anchors([next(line for line in lines if line.startswith("链尾")).split("：")[1]])
    changed = Settings(demo=True, secret_key=SecretStr("the secret that came after it"))
    lines, is_whole = await verify_log(changed, database_url, {})
    assert not is_whole and "QINGLING_SECRET_KEY" in lines[0]
    with pytest.raises(ChainUnfit):
        await sign_again(changed, database_url, {1: bytes(32)})
    assert "已重新签名" in await sign_again(changed, database_url, end)
    _, is_whole = await verify_log(changed, database_url, end)
    assert is_whole
    assert await seal_all(sessions, sealing_key(changed.pepper), datetime.now(UTC)) == 1


async def test_the_job_seals_and_tells_a_broken_end(
    sessions: Any, settings: Settings, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("tasks.sealing", "tasks.jobs"):  # loggers that were used already keep their first settings
        monkeypatch.setattr(f"{module}.log", structlog.get_logger(module))
    context: Any = SimpleNamespace(
        additional_context={"wired": SimpleNamespace(sessions=sessions, settings=settings)}
    )
    async with sessions() as session:
        await record(session, "add_office", actor=None, about="office", about_id="2301", now=now)
        await session.commit()
    with capture_logs() as logs:
        await seal_audit(context, int(now.timestamp()))
        assert [(one["event"], one["rows"], one["batch"]) for one in logs] == [("audit.sealed", 1, 2)]
        logs.clear()
        async with sessions() as session:
            await session.execute(text("UPDATE audit_head SET signature = ''"))
            await session.commit()
        await seal_audit(context, int(now.timestamp()))
        assert [(one["event"], one["log_level"]) for one in logs] == [("audit.chain_broken", "error")]

"""A database of its own with the product's real settings (fsync on), a few people signed in, and the application in
this process."""

import asyncio
import os
import platform
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import psycopg
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession

from api.app import create_app
from api.serving import settle_memory
from api.wired import Wired
from db.embedded import EmbeddedPostgres
from db.ids import uuid7
from db.migrate import prepare_database
from db.session import conninfo
from domain.models import Enterprise, Membership, Officer, OfficerRole, Person
from domain.sessions import SessionLimits, start_session
from settings import Settings
from wiring import open_parts, prepare

OFFICE = "2301"
QUESTION = ("进口设备零件归类有疑问，申报系统提示与历史申报不一致，请问应如何申报并需准备哪些单证？" * 150)[
    :5000
]
ANSWER = ("经核实，请依照《进出口税则》归类总规则一和六，按具有主要功能的部件归类，并补充品质说明。" * 150)[
    :5000
]
COUNTED = """
SELECT coalesce(sum(calls) FILTER (WHERE query !~* '^(begin|commit|rollback|set|show|select pg_stat)'), 0)::int,
    coalesce(sum(calls) FILTER (WHERE query ~* '^commit'), 0)::int
FROM pg_stat_statements JOIN pg_database d ON d.oid = dbid AND d.datname = current_database()
"""


@dataclass
class World:
    """The application in this process, and who is signed in to it."""

    settings: Settings
    database_url: str
    wired: Wired
    app: FastAPI
    people: dict[str, UUID] = field(default_factory=dict[str, UUID])
    tokens: dict[str, str] = field(default_factory=dict[str, str])

    @contextmanager
    def counting(self) -> Iterator[dict[str, int]]:
        """Statements (without BEGIN and COMMIT) and commits, as the server counted them, once the block is left."""
        counts = {"statements": 0, "commits": 0}
        with psycopg.connect(conninfo(self.database_url), autocommit=True) as server:
            server.execute("SELECT pg_stat_statements_reset()")
            yield counts
            row = server.execute(COUNTED).fetchone()
        assert row is not None
        counts["statements"], counts["commits"] = row


@contextmanager
def open_database() -> Iterator[tuple[Path, str]]:
    """A folder and the address of an embedded PostgreSQL in it that counts statements; both gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="qingling-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        counting = {"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.track": "top"}
        with EmbeddedPostgres(folder, settings=counting, dies_with_us=True) as server:
            yield folder, server.url


@asynccontextmanager
async def open_world(folder: Path, database_url: str, *, with_people: bool = True) -> AsyncIterator[World]:
    """The product on this database, its processes deployed, and people of every kind that the measurements need (unless they
    are there from before)."""
    settings = Settings(
        demo=True,
        data_dir=folder,
        database_url=database_url,
        secret_key=SecretStr("bench"),
        log_level="WARNING",
    )
    await asyncio.to_thread(prepare_database, database_url, demo=True)
    await prepare(settings, database_url, demo_data=False)
    with psycopg.connect(conninfo(database_url), autocommit=True) as server:
        server.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    async with open_parts(settings, database_url) as wired:
        world = World(settings, database_url, wired, create_app(wired))
        if with_people:
            async with wired.sessions() as session:
                await _add_people(session, world, datetime.now(UTC))
                await session.commit()
        settle_memory()  # as the served process does
        yield world


async def _add_people(session: AsyncSession, world: World, now: datetime) -> None:
    enterprise = Enterprise(name="测量用企业", uscc="91320000MA1BENCH01", status="approved", created_at=now)
    session.add(enterprise)
    for number, name in enumerate(("submitter", "executive", "handler"), start=1):
        person = Person(name=name, phone=f"+8613700000{number:03}", created_at=now)
        session.add(person)
        world.people[name] = person.id
    await session.flush()
    for name, role in (("submitter", "customs_affairs"), ("executive", "executive")):
        member = Membership(
            id=uuid7(),
            person_id=world.people[name],
            enterprise_id=enterprise.id,
            roles=[role],
            created_at=now,
        )
        session.add(member)
        await session.flush()
        world.tokens[name] = await _sign_in(session, world.people[name], member.id, None, now)
    officer = Officer(person_id=world.people["handler"], password_hash="-", created_at=now)
    session.add(officer)
    await session.flush()
    session.add(OfficerRole(officer_id=officer.id, role="handler", office=OFFICE))
    await session.flush()
    world.tokens["handler"] = await _sign_in(session, world.people["handler"], None, officer.id, now)


async def _sign_in(
    session: AsyncSession, person: UUID, membership: UUID | None, officer: UUID | None, now: datetime
) -> str:
    return await start_session(
        session,
        person,
        membership_id=membership,
        officer_id=officer,
        ip=None,
        user_agent=None,
        limits=SessionLimits(),
        now=now,
    )


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**30
    return {"cores": os.cpu_count(), "memory_gib": memory, "python": platform.python_version()}


async def settle() -> None:
    """Let what was scheduled run, so that it is not counted against the next measurement."""
    await asyncio.sleep(0.05)

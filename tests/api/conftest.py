"""The whole web application in this process on a real database, with a few people of every kind, signed in."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.app import create_app
from api.logs import configure_logging
from api.wired import Wired
from db.ids import uuid7
from domain.models import Enterprise, Membership, Officer, OfficerRole, Person
from domain.passwords import hash_password
from domain.sessions import SessionLimits, start_session
from settings import Settings
from tests.api.described import held_to
from wiring import open_parts, prepare

ORIGIN = "http://127.0.0.1:8000"
PASSWORD = "purple-Kettle 39"  # of every officer


@dataclass
class World:
    """The application and clients of the people in it, by name."""

    app: FastAPI
    wired: Wired
    people: dict[str, UUID] = field(default_factory=dict[str, UUID])
    tokens: dict[str, str] = field(default_factory=dict[str, str])
    enterprises: dict[str, UUID] = field(default_factory=dict[str, UUID])
    open_clients: list[httpx.AsyncClient] = field(default_factory=list[httpx.AsyncClient])

    def client(self, name: str | None = None, **options: Any) -> httpx.AsyncClient:
        """A program of this person's (Bearer), or nobody's."""
        headers = {"Authorization": f"Bearer {self.tokens[name]}"} if name else {}
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        hooks = held_to(self.app)
        client = httpx.AsyncClient(
            transport=transport, base_url=ORIGIN, headers=headers, event_hooks=hooks, **options
        )
        self.open_clients.append(client)
        return client

    def browser(self, name: str) -> httpx.AsyncClient:
        """The same person's browser: the cookie instead of the token."""
        client = self.client()
        client.cookies.set("qingling_session", self.tokens[name])
        return client


MEMBERS = {
    "staff": ("ours", ["customs_affairs"]),
    "executive": ("ours", ["executive"]),
    "admin": ("ours", ["enterprise_admin"]),
    "stranger": ("theirs", ["customs_affairs"]),
    "their_executive": ("theirs", ["executive"]),
    "waiting": ("pending", ["enterprise_admin"]),
}
OFFICERS = {
    "handler": [("handler", "2301")],
    "colleague": [("handler", "2301")],
    "elsewhere": [("handler", "2302")],
    "supervisor": [("supervisor", "2300")],
    "registrar": [("registrar", "2301")],
}


async def add_people(session: AsyncSession, world: World, now: datetime) -> None:
    """Three enterprises with their members, officers at two offices, and a session for each of them."""
    for name, status in (("ours", "approved"), ("theirs", "approved"), ("pending", "pending")):
        enterprise = Enterprise(
            name=f"{name}公司", uscc=f"9132000000000000{name[:2].upper()}", status=status, created_at=now
        )
        session.add(enterprise)
        world.enterprises[name] = enterprise.id
    for number, name in enumerate((*MEMBERS, *OFFICERS), start=1):
        person = Person(name=name, phone=f"+8613900000{number:03}", created_at=now)
        session.add(person)
        world.people[name] = person.id
    await session.flush()
    for name, (enterprise_name, roles) in MEMBERS.items():
        membership = Membership(
            id=uuid7(),
            person_id=world.people[name],
            enterprise_id=world.enterprises[enterprise_name],
            roles=roles,
            created_at=now,
        )
        session.add(membership)
        await session.flush()
        world.tokens[name] = await _sign_in(session, world.people[name], membership.id, None, now)
    password_hash = await asyncio.to_thread(hash_password, PASSWORD)
    for name, roles_at in OFFICERS.items():
        officer = Officer(person_id=world.people[name], password_hash=password_hash, created_at=now)
        session.add(officer)
        await session.flush()
        session.add_all(
            OfficerRole(officer_id=officer.id, role=role, office=office) for role, office in roles_at
        )
        await session.flush()
        world.tokens[name] = await _sign_in(session, world.people[name], None, officer.id, now)


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


def make_settings(tmp_path: Path, database_url: str, **values: Any) -> Settings:
    """Settings of a test's own server."""
    return Settings(
        demo=values.pop("demo", True),
        data_dir=tmp_path,
        database_url=database_url,
        secret_key=SecretStr("test"),
        **values,
    )


JUST_SIGNED_IN = text("UPDATE sign_in_session SET created_at = now(), last_seen_at = now()")

APPS: dict[str, FastAPI] = {}


def app_on(wired: Wired) -> FastAPI:
    """The application on these parts. FastAPI works its routes out when it is first asked, which takes longer than most tests:
    one application serves all tests with the same settings, one after the other."""
    key = wired.settings.model_dump_json(exclude={"data_dir", "database_url"})
    if key not in APPS:
        APPS[key] = create_app(wired)
    APPS[key].state.wired = wired
    return APPS[key]


@pytest.fixture(autouse=True)
def logs_as_served() -> None:
    """Logs as a server writes them."""
    configure_logging(Settings(log_level="WARNING"))


@pytest.fixture(scope="session")
def deployed(postgres_server: Any, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a database with first data and the processes, that others are copied from; one for each room that asks."""
    name = f"deployed{uuid4().hex[:6]}"
    url = postgres_server.create(name, template)
    settings = make_settings(tmp_path_factory.mktemp("deployed"), url)
    asyncio.run(prepare(settings, url, demo_data=False))
    yield name
    postgres_server.drop(name)


@dataclass(frozen=True)
class Peopled:
    """A database with these people in it, signed in; and its copies."""

    name: str
    people: Mapping[str, UUID]
    tokens: Mapping[str, str]
    enterprises: Mapping[str, UUID]


@pytest.fixture(scope="session")
def peopled(
    postgres_server: Any, deployed: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Peopled]:
    """What `world` begins with, made once: adding the people takes longer than most tests."""
    name = f"peopled{uuid4().hex[:6]}"
    url = postgres_server.create(name, deployed)
    settings = make_settings(tmp_path_factory.mktemp("peopled"), url)
    yield asyncio.run(_fill(name, settings, url))
    postgres_server.drop(name)


async def _fill(name: str, settings: Settings, url: str) -> Peopled:
    async with open_parts(settings, url) as wired:
        world = World(app_on(wired), wired)
        async with wired.sessions.begin() as session:
            await add_people(session, world, datetime.now(UTC))
    return Peopled(name, world.people, world.tokens, world.enterprises)


@pytest.fixture
async def world(postgres_server: Any, peopled: Peopled, tmp_path: Path) -> AsyncIterator[World]:
    """The application with its processes deployed; everything commits to a database of this test's own."""
    name = f"w{uuid4().hex[:8]}"
    database_url = postgres_server.create(name, peopled.name)
    settings = make_settings(tmp_path, database_url)
    async with open_parts(settings, database_url) as wired:
        world = World(
            app_on(wired), wired, dict(peopled.people), dict(peopled.tokens), dict(peopled.enterprises)
        )
        async with wired.sessions.begin() as session:
            await session.execute(JUST_SIGNED_IN)
        yield world
        for client in world.open_clients:
            await client.aclose()
    postgres_server.drop(name)

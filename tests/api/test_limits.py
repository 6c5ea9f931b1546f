"""A question that takes too long is ended with an answer that says what to narrow; one whose browser went away is ended at once,
and a command goes on to its end."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from api.app import create_app
from db.session import conninfo, make_sessions, open_engine
from tests.api.conftest import World

RUNNING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'"
    " AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()"
)
HTML = {"Accept": "text/html"}


@pytest.fixture
async def hasty(world: World) -> AsyncIterator[World]:
    """The same world with little patience."""
    settings = world.wired.settings.model_copy(update={"statement_timeout_s": 0.3, "lock_timeout_s": 0.2})
    database = open_engine(settings.database_url or "", settings)
    wired = replace(world.wired, settings=settings, database=database, sessions=make_sessions(database))
    world.wired, world.app = wired, create_app(wired)
    yield world
    await database.dispose()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists that take half a minute of the database's time."""

    async def sleep(session: Any, *_arguments: Any, **_options: Any) -> Any:
        await session.execute(text("SELECT pg_sleep(30)"))

    monkeypatch.setattr("tasks.issues.list_issues", sleep)
    monkeypatch.setattr("tasks.issues.raise_issue", sleep)


@pytest.mark.usefixtures("slow")
async def test_a_slow_question_is_told_what_to_narrow(hasty: World) -> None:
    client = hasty.client("staff")
    answer = await client.get("/api/v1/issues?q=x")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:qingling:too_slow"
    assert "0.3 秒" in answer.json()["detail"]
    assert "请缩小范围" in answer.json()["detail"]
    assert "retry-after" not in answer.headers
    page = await client.get("/issues?q=x", headers=HTML)
    assert page.status_code == 503
    assert "请缩小范围" in page.text
    assert (await client.get("/api/v1/me")).status_code == 200


@pytest.mark.usefixtures("slow")
async def test_a_slow_command_may_be_sent_again(hasty: World) -> None:
    body = {"office": "2301", "title": "t"}
    answer = await hasty.client("staff").post("/api/v1/issues", json=body)
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:qingling:busy")
    assert answer.headers["retry-after"]


async def test_a_held_lock_is_told_as_busy(hasty: World) -> None:
    with psycopg.connect(conninfo(hasty.wired.settings.database_url or "")) as other:
        other.execute("LOCK TABLE issue")
        answer = await hasty.client("staff").get("/api/v1/issues")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:qingling:busy")


class Leaving:
    """A client that sends its request and goes away when it is told to."""

    def __init__(self, world: World, method: str, path: str, body: bytes = b"") -> None:
        self.statuses: list[int] = []
        self._left = asyncio.Event()
        self._parts = [{"type": "http.request", "body": body, "more_body": False}]
        headers = {
            "host": "127.0.0.1",
            "authorization": f"Bearer {world.tokens['staff']}",
            "content-type": "application/json",
            "content-length": str(len(body)),
        }
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 8000),
            "state": {},
        }
        self.task = asyncio.create_task(world.app(scope, self._receive, self._send))

    def leave(self) -> None:
        """Close the connection."""
        self._left.set()

    async def _receive(self) -> Any:
        if self._parts:
            return self._parts.pop()
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.statuses.append(message["status"])


async def count_running(world: World, wanted: int) -> int:
    """How many slow statements run, once there are so many or after three seconds."""
    with psycopg.connect(conninfo(world.wired.settings.database_url or ""), autocommit=True) as server:
        running = -1
        for _ in range(60):
            row = server.execute(RUNNING).fetchone()
            running = row[0] if row else -1
            if running == wanted:
                break
            await asyncio.sleep(0.05)
        return running


@pytest.mark.usefixtures("slow")
async def test_who_closes_the_page_ends_its_statement(world: World) -> None:
    leaving = [Leaving(world, "GET", "/api/v1/issues?q=x") for _ in range(24)]
    pool = world.wired.settings.database_pool + world.wired.settings.database_pool_overflow
    assert await count_running(world, min(24, pool)) == min(24, pool)
    for one in leaving:
        one.leave()
    await asyncio.wait_for(asyncio.gather(*(one.task for one in leaving)), 5)
    assert await count_running(world, 0) == 0
    assert {status for one in leaving for status in one.statuses} == {499}
    assert (await world.client("staff").get("/api/v1/me")).status_code == 200


async def test_a_command_goes_on_though_its_sender_has_gone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.issues import raise_issue

    async def raise_slowly(session: Any, *arguments: Any, **options: Any) -> Any:
        await session.execute(text("SELECT pg_sleep(0.5)"))
        return await raise_issue(session, *arguments, **options)

    monkeypatch.setattr("tasks.issues.raise_issue", raise_slowly)
    office = (await world.client("staff").get("/api/v1/lists")).json()["offices"][0]["code"]
    body = f'{{"office": "{office}", "title": "kept all the same"}}'.encode()
    gone = Leaving(world, "POST", "/api/v1/issues", body)
    assert await count_running(world, 1) == 1
    gone.leave()
    await asyncio.wait_for(gone.task, 10)
    assert gone.statuses == [201]
    items = (await world.client("staff").get("/api/v1/issues")).json()["items"]
    assert [item["title"] for item in items] == ["kept all the same"]

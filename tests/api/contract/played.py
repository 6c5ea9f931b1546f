"""A day on which programs call every route of the contract: what each sent and got is its example in docs/contract.md."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import text

from tests.api.conftest import World
from tests.api.test_phones import Mailbox

BEGIN = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)  # Wednesday, 10:00 in Beijing
PAUSE = timedelta(minutes=2)  # between two requests: codes may be asked for again

NAMES = {
    "staff": "李敏",
    "executive": "周建国",
    "admin": "王芳",
    "handler": "陈立",
    "colleague": "赵倩",
    "registrar": "孙海",
    "supervisor": "吴涛",
    "elsewhere": "郑洁",
    "stranger": "冯磊",
    "their_executive": "许静",
    "waiting": "何洋",
}
ENTERPRISES = {
    "ours": ("连云港新港贸易有限公司", "91320700MA1QL0002C"),
    "theirs": ("江苏海州机电有限公司", "91320100MA0000011P"),
    "pending": ("连云港云台物流有限公司", "91320100MA0000012L"),
}


class Clock:
    """The server's clock: it goes on between two requests only."""

    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True)
class Example:
    """One request and its answer. `form` are the parts of a multipart body."""

    method: str
    address: str
    headers: Mapping[str, str]
    json: Any
    form: Mapping[str, str]
    status: int
    media: str
    answer: Any


@dataclass
class Day:
    """The world of the tests with names of people, on a day of its own; `examples` by method and path."""

    world: World
    clock: Clock
    mailbox: Mailbox
    examples: dict[tuple[str, str], Example] = field(default_factory=dict[tuple[str, str], Example])
    clients: dict[str | None, httpx.AsyncClient] = field(default_factory=dict[str | None, httpx.AsyncClient])

    def client(self, name: str | None) -> httpx.AsyncClient:
        """This person's program; of nobody one that knows nothing of earlier requests."""
        if name is None:
            return self.world.client()
        if name not in self.clients:
            self.clients[name] = self.world.client(name)
        return self.clients[name]

    async def say(
        self,
        name: str | None,
        method: str,
        path: str,
        *ids: str,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        file: tuple[str, bytes, str] | None = None,
    ) -> Any:
        """Ask, and keep the first of each route as its example. `path` has a `{}` for each id. What was answered."""
        self.clock.now += PAUSE
        address = path.format(*ids) + query

        options: dict[str, Any] = {"headers": {"User-Agent": "example/1", **(headers or {})}}
        if json is not None:
            options["json"] = json
        if form is not None or file is not None:
            options["data"] = form
        if file is not None:
            options["files"] = {"file": file}
        answer = await self.client(name).request(method, address, **options)
        assert answer.is_success, f"{method} {address}: {answer.status_code} {answer.text}"
        media = answer.headers.get("content-type", "").partition(";")[0]
        told = answer.json() if media == "application/json" else None
        shown = dict(form or {}) | ({"file": file[0]} if file else {})
        self.examples.setdefault(
            (method, path),
            Example(method, address, headers or {}, json, shown, answer.status_code, media, told),
        )
        return told

    async def execute(self, statement: str, **parameters: Any) -> None:
        """Set the stage."""
        async with self.world.wired.sessions.begin() as session:
            await session.execute(text(statement), parameters)

    async def look_up(self, statement: str) -> Any:
        """What no program is told."""
        async with self.world.wired.sessions() as session:
            return await session.scalar(text(statement))


async def begin_day(world: World) -> Day:
    """Everybody has signed in in the morning."""
    clock, mailbox = Clock(), Mailbox()
    world.app.state.wired = replace(world.wired, read_clock=clock, send_code=mailbox)
    day = Day(world, clock, mailbox)
    for name, shown in NAMES.items():
        await day.execute("UPDATE person SET name = :shown WHERE name = :name", name=name, shown=shown)
    for name, (shown, uscc) in ENTERPRISES.items():
        await day.execute(
            "UPDATE enterprise SET name = :shown, uscc = :uscc WHERE name = :name",
            name=f"{name}公司",
            shown=shown,
            uscc=uscc,
        )
    await day.execute("UPDATE membership SET created_at = :now", now=BEGIN - timedelta(days=200))
    await day.execute(
        "UPDATE sign_in_session SET created_at = :now, last_seen_at = :now, expires_at = :until",
        now=BEGIN,
        until=BEGIN + timedelta(days=7),
    )
    return day

"""(6) Sending: 10,000 SMS through the real worker in a process of its own. Its rate against a provider without a limit, against
one that keeps to the documented 3,000 calls a second (cloud.tencent.com/document/api/382/55981, November 2026), and at the pace
that is set unless an operator says otherwise; its memory; and pages and completions beside it, as ratios to the same without.
"""

import asyncio
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import psutil
import yaml
from sqlalchemy import text

from bench.program import Cast, claim_answer, raise_to_customs
from bench.throughput import BODY, ROOT, served
from bench.world import World
from db.ids import uuid7
from engine.catalogue import read_folder
from messages.outbox import NewMessage, enqueue
from messages.texts import Text, load_texts
from settings import Settings

MANY, EARLY = 10_000, 1_000
DOCUMENTED_A_SECOND = 3_000
PACED = 400
SAMPLES = 60
PEOPLE = 1_000
A_STEP = 2  # messages written by one step, and sent by one job
UNHURRIED = "1000000"  # messages a second: no pace at all
NOTICE = Text("您的问题已有办理结果", "您向海关反映的问题已有办理结果。", channels=("sms",))
PATIENCE_S = 300

ADD_PEOPLE = text("""
    INSERT INTO person (id, name, phone, created_at, active)
    SELECT id, '收件人', phone, now(), true FROM unnest(CAST(:ids AS uuid[]), CAST(:phones AS text[])) AS new(id, phone)
""")
UNSENT = text("SELECT count(*) FROM message WHERE title = :title AND state <> 'sent'")


@dataclass
class Sending:
    """A worker, the provider it sends to, and people to be told."""

    world: World
    people: list[UUID]
    worker: "subprocess.Popen[bytes]"
    address: str

    async def queue(self, many: int) -> None:
        """So many messages, a few in each transaction with their job, as steps write them."""
        for start in range(0, many, A_STEP):
            async with self.world.wired.sessions.begin() as session:
                await enqueue(
                    session, [self._new(number) for number in range(start, min(start + A_STEP, many))]
                )

    def _new(self, number: int) -> NewMessage:
        return NewMessage(
            template="answered",
            text=NOTICE,
            created_at=datetime.now(UTC),
            person_id=self.people[number % len(self.people)],
            process="issue",
        )

    async def wait(self) -> None:
        """Until everything is sent and recorded."""
        async with asyncio.timeout(PATIENCE_S):
            while await self.unsent():  # noqa: ASYNC110  (another process sends)
                await asyncio.sleep(0.1)

    async def unsent(self) -> int:
        async with self.world.wired.sessions() as session:
            return int(await session.scalar(UNSENT, {"title": NOTICE.title}) or 0)

    async def count(self) -> dict[str, int]:
        """What the provider has taken and refused."""
        async with httpx.AsyncClient() as client:
            return dict((await client.get(f"{self.address}/count")).json())

    async def rate(self, many: int) -> float:
        """Messages a second until the last is recorded, by a worker that does not see them come: it is halted meanwhile."""
        await self.queue(1)
        await self.wait()  # it is up
        self.worker.send_signal(signal.SIGSTOP)
        await self.queue(many)
        self.worker.send_signal(signal.SIGCONT)
        started = time.perf_counter()
        await self.wait()
        return many / (time.perf_counter() - started)

    @property
    def rss_mib(self) -> float:
        return round(psutil.Process(self.worker.pid).memory_info().rss / 2**20, 1)

    @property
    def cpu_s(self) -> float:
        times = psutil.Process(self.worker.pid).cpu_times()
        return times.user + times.system


async def measure(world: World, many: int = MANY, samples: int = SAMPLES) -> dict[str, Any]:
    """Rates, memory and latencies, and the ratios of those beside the sending."""
    people = await _add_people(world)
    figures: dict[str, Any] = {}
    early = many * EARLY // MANY
    async with _sending(world, people) as sending:
        await sending.rate(early)
        first_mib, cpu_s = sending.rss_mib, sending.cpu_s
        rate = await sending.rate(many - early)
        figures["provider without a limit"] = {
            "messages": many,
            "per_s": round(rate, 1),
            "worker_cpu_ms_each": round((sending.cpu_s - cpu_s) * 1000 / (many - early), 2),
            "share_of_documented_limit": round(rate / DOCUMENTED_A_SECOND, 3),
        }
        figures["the worker's memory"] = {
            f"after_{early}_mib": first_mib,
            f"after_{many}_mib": sending.rss_mib,
            "ratio": round(sending.rss_mib / first_mib, 3),
        }
    async with _sending(world, people, limit=DOCUMENTED_A_SECOND) as sending:
        rate = await sending.rate(many // 5)
        refused = (await sending.count())["refused"]
        figures["provider at its documented 3,000/s"] = {"per_s": round(rate, 1), "refused": refused}
    figures |= await _measure_beside(world, people, many, samples)
    return figures


async def _measure_beside(world: World, people: list[UUID], many: int, samples: int) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    pace = Settings.model_fields["messages_per_second"].default
    with served(world, 1) as port:
        cast = Cast.of(world)
        desk = Desk(cast, port)
        await desk.sample(5)  # warm
        async with _sending(world, people, pace=str(pace)) as sending:
            idle = [await desk.sample(samples)]
            await sending.queue(PACED if many == MANY else PACED // 5)
            before, started = (await sending.count())["taken"], time.perf_counter()
            paced = await desk.sample(samples)
            taken = (await sending.count())["taken"] - before
            figures[f"at the pace of {pace}/s that is set by default"] = {
                "per_s": round(taken / (time.perf_counter() - started), 1)
            }
            assert await sending.unsent(), "it was sending all the while"
        async with _sending(world, people) as sending:
            await sending.wait()
            await sending.queue(many)
            busy = await desk.sample(samples)
            figures["messages left when the last sample was taken"] = await sending.unsent()
            await sending.wait()
            idle.append(await desk.sample(samples))
    alone = Latency(
        [one for each in idle for one in each.page], [one for each in idle for one in each.completion]
    )
    figures["page and completion alone"] = alone.show()
    figures["beside sending at the default pace"] = paced.show() | paced.ratios(alone)
    figures["beside sending at full speed"] = busy.show() | busy.ratios(alone)
    return figures


@dataclass
class Latency:
    """Milliseconds of each request."""

    page: list[float] = field(default_factory=list[float])
    completion: list[float] = field(default_factory=list[float])

    def show(self) -> dict[str, Any]:
        """Medians, and what nineteen of twenty stay below."""
        return {
            "page_ms": round(statistics.median(self.page), 1),
            "page_p95_ms": round(statistics.quantiles(self.page, n=20)[-1], 1),
            "completion_ms": round(statistics.median(self.completion), 1),
            "completion_p95_ms": round(statistics.quantiles(self.completion, n=20)[-1], 1),
        }

    def ratios(self, alone: "Latency") -> dict[str, float]:
        """Of the medians."""
        return {
            "page_ratio": round(statistics.median(self.page) / statistics.median(alone.page), 2),
            "completion_ratio": round(
                statistics.median(self.completion) / statistics.median(alone.completion), 2
            ),
        }


@dataclass
class Desk:
    """Somebody who looks at the list of issues and somebody who answers one, in turn, each on a connection."""

    cast: Cast
    port: int

    async def sample(self, many: int) -> Latency:
        tasks = [await claim_answer(self.cast, await raise_to_customs(self.cast)) for _ in range(many)]
        found = Latency()
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        for task in tasks:
            page = self._request("GET", "/issues", self.cast.submitter.token)
            found.page.append(await _time(reader, writer, page))
            answer = self._request("POST", f"/api/v1/tasks/{task}/complete", self.cast.handler.token, BODY)
            found.completion.append(await _time(reader, writer, answer))
        writer.close()
        await writer.wait_closed()
        return found

    def _request(self, method: str, path: str, token: str, body: bytes = b"") -> bytes:
        return (
            f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n"
            f"idempotency-key: {uuid4()}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        ).encode() + body


async def _time(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> float:
    started = time.perf_counter()
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(int(length.split(b":")[1]))
    return (time.perf_counter() - started) * 1000


@asynccontextmanager
async def _sending(
    world: World, people: list[UUID], *, limit: float = 0, pace: str = UNHURRIED
) -> AsyncIterator[Sending]:
    """The product's worker on this database, and a provider for it."""
    with _process("bench.provider", str(limit), stdout=subprocess.PIPE) as provider:
        assert provider.stdout is not None
        address = (await asyncio.to_thread(provider.stdout.readline)).decode().strip()
        environment = {
            "QINGLING_DATABASE_URL": world.database_url,
            "QINGLING_DATA_DIR": str(world.settings.data_dir),
            "QINGLING_DEMO": "1",
            "QINGLING_SECRET_KEY": "bench",
            "QINGLING_LOG_LEVEL": "ERROR",
            "QINGLING_MESSAGES_PER_SECOND": pace,
            "QINGLING_SMS_PROVIDERS": "tencent",
            "QINGLING_SMS_TEMPLATES": str(_write_templates(world.settings.data_dir)),
            "QINGLING_SMS_TENCENT_SECRET_ID": "bench",
            "QINGLING_SMS_TENCENT_SECRET_KEY": "bench",
            "QINGLING_SMS_TENCENT_APP_ID": "1400006666",
            "QINGLING_SMS_TENCENT_SIGN": "南京海关",
            "QINGLING_SMS_TENCENT_ENDPOINT": address,
        }
        with _process("cli", "worker", environment=environment) as worker:
            yield Sending(world, people, worker, address)


@contextmanager
def _process(
    module: str, *arguments: str, environment: dict[str, str] | None = None, stdout: int | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=os.environ | (environment or {}),
        stdout=stdout,
    ) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


def _write_templates(folder: Path) -> Path:
    """Every text that goes by SMS, as if it were approved."""
    texts = load_texts(read_folder(ROOT / "processes", "issue")["issue/texts.yaml"])
    names = [name for name, one in texts.items() if "sms" in one.channels]
    path = folder / "sms.yaml"
    path.write_text(yaml.safe_dump({"tencent": {f"issue.{name}": {"id": "1001"} for name in names}}))
    return path


async def _add_people(world: World) -> list[UUID]:
    ids = [uuid7() for _ in range(PEOPLE)]
    phones = [f"+86136{number:08}" for number in range(PEOPLE)]
    async with world.wired.sessions.begin() as session:
        await session.execute(ADD_PEOPLE, {"ids": ids, "phones": phones})
    return ids

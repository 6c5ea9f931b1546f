"""(2) Completions a second over real sockets: 1, 4 and 16 clients against uvicorn with one worker process and with two, the
product and the hand-written twin in turn on the same pool of claimed tasks."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson

from bench import twin
from bench.program import Cast, claim_answer, raise_to_customs
from bench.world import ANSWER, World

CLIENTS = (1, 4, 16)
WORKERS = (1, 2)
TASKS_A_RUN = 240
ROOT = Path(__file__).parents[1]
BODY = orjson.dumps({"answers": {"decision": "answer", "answer": ANSWER}})
READY_TIMEOUT_S = 60


async def measure(world: World, tasks_a_run: int = TASKS_A_RUN) -> dict[str, Any]:
    """Completions a second by workers, clients and endpoint, and the ratio of ours to the twin."""
    cast = Cast.of(world)
    figures: dict[str, Any] = {}
    for workers in WORKERS:
        with served(world, workers) as port:
            for clients in CLIENTS:
                ours: list[float] = []
                by_hand: list[float] = []
                for _ in range(2):  # in turn: A B A B
                    ours.append(await _run(cast, port, clients, "/api/v1/tasks", tasks_a_run))
                    by_hand.append(await _run(cast, port, clients, twin.PATH, tasks_a_run))
                figures[f"{workers} worker(s), {clients} client(s)"] = {
                    "ours_per_s": round(max(ours), 1),
                    "by_hand_per_s": round(max(by_hand), 1),
                    "ratio": round(max(ours) / max(by_hand), 3),
                }
    return figures


async def _run(cast: Cast, port: int, clients: int, path: str, many: int) -> float:
    tasks = [await claim_answer(cast, await raise_to_customs(cast)) for _ in range(many)]
    shares = [tasks[number::clients] for number in range(clients)]
    started = time.perf_counter()
    await asyncio.gather(*(_complete_all(port, cast.handler.token, path, share) for share in shares))
    return many / (time.perf_counter() - started)


async def _complete_all(port: int, token: str, path: str, tasks: list[UUID]) -> None:
    """One client on one connection. HTTP by hand: a client library would take the processor from the server."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for task in tasks:
        writer.write(
            f"POST {path}/{task}/complete HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n"
            f"idempotency-key: {uuid4()}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(BODY)}\r\n\r\n".encode()
            + BODY
        )
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.split(b":")[1]))
    writer.close()
    await writer.wait_closed()


@contextmanager
def served(world: World, workers: int) -> Iterator[int]:
    """`workers` processes of the product and the twin on one listening socket; its port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1024)
        listener.set_inheritable(True)
        port = int(listener.getsockname()[1])
        command = [sys.executable, "-m", "bench.serve", str(listener.fileno()), world.database_url]
        servers = [
            subprocess.Popen(
                [*command, str(world.settings.data_dir)],
                cwd=ROOT,
                pass_fds=[listener.fileno()],
                env=os.environ,
            )
            for _ in range(workers)
        ]
        try:
            wait_for_answer(port)
            time.sleep(1.0 * workers)  # every process accepts: the first answer came from one of them
            yield port
        finally:
            for server in servers:
                server.send_signal(signal.SIGTERM)
            for server in servers:
                server.wait(timeout=30)


def wait_for_answer(port: int, path: str = "/healthz") -> None:
    """Until the server answers 200; TimeoutError when it does not."""
    request = f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n".encode()
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
                client.sendall(request)
                if b" 200 " in client.recv(64):
                    return
        except OSError:
            pass
        time.sleep(0.02)
    raise TimeoutError(f"nothing answers on port {port}")

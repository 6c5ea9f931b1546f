"""Processes: the socket people connect to, the web server on it, and the children of the all-in-one command.

The parent holds the listening socket and the embedded PostgreSQL and does nothing else; web processes and the worker are its
children. A child that dies is started again while connections wait in the socket's queue; when the parent dies, the
kernel ends the children at once, so that the port and the data folder are free.
"""

import contextlib
import ctypes
import gc
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import FrameType

import structlog
import uvicorn
from fastapi import FastAPI

from settings import Settings

log = structlog.get_logger(__name__)

PR_SET_PDEATHSIG = 1
BACKLOG = 2048
WATCH_INTERVAL_S = 0.1
LONGEST_PAUSE_S = 3.0


class PortTaken(Exception):
    """端口已被占用。"""


def bind(host: str, port: int) -> socket.socket:
    """The listening socket; connections wait in it until somebody serves them. Raises PortTaken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host.strip("[]"), port))
    except OSError as error:
        listener.close()
        raise PortTaken(
            f"不能在 {host}:{port} 上提供服务：{error.strerror}。请用 --port 换一个端口。"
        ) from error
    listener.listen(BACKLOG)
    listener.set_inheritable(True)
    return listener


async def serve_app(app: FastAPI, settings: Settings, listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT; then no new connections, and those under way get `stop_timeout_s` to end."""
    config = uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=list(settings.trusted_proxies),
        backlog=BACKLOG,
        timeout_graceful_shutdown=settings.stop_timeout_s,
    )
    settle_memory()
    await uvicorn.Server(config).serve(sockets=[listener])


def settle_memory() -> None:
    """Once everything is imported and built: what lives as long as the process is not looked through by the garbage
    collector again and again (8 % of the time of a completion)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def die_with_parent(parent: int) -> None:
    """For a child: ask the kernel to be killed when the parent is. Ends at once if it is gone already."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)


@dataclass
class Child:
    """One child: what it is, how it is started, and how often it has died of late."""

    name: str
    command: Sequence[str]
    sockets: Sequence[int] = ()
    process: "subprocess.Popen[bytes] | None" = None
    deaths: int = 0
    started_at: float = 0.0
    start_again_at: float = 0.0

    def start(self) -> None:
        """Start it; it imports what it needs and waits for `tell`."""
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, *self.command, "--parent", str(os.getpid())],
            stdin=subprocess.PIPE,
            pass_fds=tuple(self.sockets),
            start_new_session=True,  # Ctrl-C reaches the parent, which ends its children in order
        )

    def tell(self, database_url: str) -> None:
        """The database is ready: go."""
        assert self.process is not None and self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it died meanwhile: `watch` starts another one
            self.process.stdin.write(f"{database_url}\n".encode())
            self.process.stdin.close()

    def signal(self, number: int) -> None:
        """Send it a signal, if it is there."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)


@dataclass
class Fleet:
    """The children of one parent, from `start` to `stop`."""

    children: list[Child]
    stop_timeout_s: float
    database_url: str | None = None
    _stopping: bool = field(default=False)

    def start(self) -> None:
        """Start all; they wait until `release`. SIGTERM and SIGINT end the fleet from now on."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note_stop)
        for child in self.children:
            child.start()

    def _note_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    @property
    def stopping(self) -> bool:
        """Whether a signal to stop has come."""
        return self._stopping

    def release(self, database_url: str) -> None:
        """The database is ready: let all children serve."""
        self.database_url = database_url
        for child in self.children:
            child.tell(database_url)

    def watch(self) -> None:
        """Until a signal comes: start again what dies, ever more slowly when it dies at once."""
        while not self._stopping:
            self.look_after()
            time.sleep(WATCH_INTERVAL_S)

    def look_after(self) -> None:
        """One look at all children: what has died is started again, in its time."""
        for child in self.children:
            self._look_after(child)

    def _look_after(self, child: Child) -> None:
        now = time.monotonic()
        if child.process is not None:
            code = child.process.poll()
            if code is None:
                return
            child.deaths = child.deaths + 1 if now - child.started_at < LONGEST_PAUSE_S else 1
            child.start_again_at = now + min(LONGEST_PAUSE_S, 0.1 * 2 ** (child.deaths - 1))
            child.process = None
            log.error("process.died", process=child.name, code=code, deaths=child.deaths)
        if now >= child.start_again_at and self.database_url:
            child.start()
            child.tell(self.database_url)

    def stop(self) -> None:
        """End all cleanly: what is under way is finished; who takes too long is killed."""
        for child in self.children:
            child.signal(signal.SIGTERM)
        give_up_at = time.monotonic() + self.stop_timeout_s + 5
        for child in self.children:
            if child.process is None:
                continue
            try:
                child.process.wait(timeout=max(0.1, give_up_at - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.warning("process.killed", process=child.name)
                child.signal(signal.SIGKILL)
                child.process.wait()


def wait_for_word(parent: int | None) -> str | None:
    """For a child: wait until the parent says that the database is ready; its address. None when there is no parent."""
    if parent is None:
        return None
    die_with_parent(parent)
    word = sys.stdin.readline().strip()
    if not word:
        sys.exit(1)
    return word

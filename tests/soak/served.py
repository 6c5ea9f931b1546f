"""A served copy of the product to be killed: `python -m cli serve` in demo mode on a port and a folder of its own."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil

from db.binaries import located_cluster

ROOT = Path(__file__).parents[2]
READY_TIMEOUT_S = 90


def free_port() -> int:
    """A port of this machine that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Served:
    """The all-in-one command as its own process; may be killed and started again on the same folder."""

    def __init__(self, data_dir: Path, **settings: str) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._log = (data_dir.parent / f"{data_dir.name}.log").open("ab")

    def start(self) -> None:
        """Start it and wait until it answers; raises TimeoutError with its log when it does not."""
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "cli",
                "serve",
                "--port",
                str(self.port),
                "--data",
                str(self.data_dir),
                "--demo",
            ],
            cwd=ROOT,
            env={**os.environ, **self._settings},
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Until it answers that it is ready; TimeoutError with the end of its log when it does not."""
        assert self._process is not None
        deadline = time.monotonic() + READY_TIMEOUT_S
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.origin}/readyz", timeout=5).status_code == 200:
                    return
            if self._process.poll() is not None:
                break
            time.sleep(0.05)
        raise TimeoutError(Path(self._log.name).read_text()[-4000:])

    def kill(self) -> None:
        """kill -9 of the whole command, children included, whatever they were doing; PostgreSQL is left an orphan."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def kill_web(self) -> None:
        """kill -9 of the web process alone, as soon as there is one; the command has to start it again by itself."""
        assert self._process is not None
        deadline = time.monotonic() + READY_TIMEOUT_S
        while time.monotonic() < deadline:
            for child in psutil.Process(self._process.pid).children():
                with contextlib.suppress(psutil.Error):  # it died meanwhile
                    if "web" in child.cmdline():
                        child.kill()
                        return
            time.sleep(0.05)
        raise TimeoutError("there is no web process to kill")

    def kill_postgres(self) -> None:
        """kill -9 of the embedded PostgreSQL's main process; the supervisor has to bring it back."""
        os.kill(self.postgres_pid(), signal.SIGKILL)

    def postgres_pid(self) -> int:
        """The server of this folder, as its pid file tells; right after a kill there is none for a moment."""
        cluster = located_cluster(self.data_dir) or self.data_dir / "postgres"
        note = cluster / "data" / "postmaster.pid"
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not note.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        return int(note.read_text().split()[0])

    def stop(self) -> None:
        """End it as an operator would, and wait."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(timeout=60)
        self._log.close()
        if elsewhere := located_cluster(self.data_dir):
            shutil.rmtree(elsewhere)

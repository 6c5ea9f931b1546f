"""The product served as its users meet it: `serve` in demo mode, a process of its own, on a free port and a fresh folder."""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import ClassVar
from urllib.error import URLError
from urllib.request import urlopen

from db.embedded import end_server, find_server
from tests.conftest import make_quick_folder

ROOT = Path(__file__).parents[2]
READY_TIMEOUT_S = 120
STOP_TIMEOUT_S = 30
# Many people sign in within seconds; the limits have their own tests.
RELAXED = {
    "QINGLING_CODE_PER_PHONE_HOUR": "0",
    "QINGLING_CODE_PER_PHONE_DAY": "0",
    "QINGLING_CODE_RESEND_S": "0",
}


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def play_demo(shared: Path) -> Path:
    """A data folder with the demo in it and nobody running, played by the first process of a run that asks."""
    played = shared / "played"
    with (shared / "played.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not played.exists():
            folder = make_quick_folder("qingling-played-")
            command = [sys.executable, "-m", "cli", "demo", "--data", str(folder / "data")]
            subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
            copy_data(folder / "data", played)
            shutil.rmtree(folder)
    return played


def copy_data(source: Path, goal: Path) -> None:
    """A copy of a data folder that nobody is running on, with the same owners; where the old one's sockets are stays behind."""
    subprocess.run(["cp", "-a", source, goal], check=True)
    for name in ("postgres.sockets", "supervisor.lock"):
        (goal / name).unlink(missing_ok=True)


class Served:
    """A running copy. `url` is its address, `log` what it has said so far; `settings` are `QINGLING_…` variables of its own."""

    played: ClassVar[Path | None] = None

    def __init__(self, **settings: str) -> None:
        self._settings = settings
        self._folder = make_quick_folder("qingling-browser-")
        self._log_path = self._folder / "serve.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{free_port()}"

    @property
    def log(self) -> str:
        return self._log_path.read_text(errors="replace")

    def deploy(self, processes: Path) -> None:
        """Before it is started: make what lies in this folder the newest versions, as an analyst does."""
        self._copy_demo()
        command = [sys.executable, "-m", "cli", "deploy", "--folder", str(processes), "--demo"]
        command += ["--data", str(self._folder / "data")]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)

    def start(self) -> None:
        """Start it and wait until it is ready; fails with its log when it is not."""
        port = self.url.rpartition(":")[2]
        self._copy_demo()
        with self._log_path.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cli", "serve", "--port", port, "--data", str(self._folder / "data")],
                cwd=ROOT,
                env={
                    **os.environ,
                    **RELAXED,
                    "QINGLING_DEMO": "1",
                    "QINGLING_LOG_FORMAT": "text",
                    **self._settings,
                },
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        give_up_at = time.monotonic() + READY_TIMEOUT_S
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > give_up_at:
                raise AssertionError(f"the server did not become ready:\n{self.log[-4000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop it cleanly, by force if it does not, and remove everything it wrote."""
        if self._process:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if left := find_server(self._folder / "data" / "postgres"):
            end_server(left)
        shutil.rmtree(self._folder)

    def _copy_demo(self) -> None:
        if self.played and not (self._folder / "data").exists():
            copy_data(self.played, self._folder / "data")

    def _is_ready(self) -> bool:
        try:
            with urlopen(f"{self.url}/readyz", timeout=5) as answer:
                return answer.status == 200
        except (URLError, ConnectionError, TimeoutError):
            return False

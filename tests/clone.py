"""A clone of the project in a folder whose name has everything a person may put into one, served by its own `./dev run`."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from db.binaries import located_cluster
from db.embedded import end_server, find_server
from tests.browser.served import free_port

ROOT = Path(__file__).parents[1]
NAME = '清零 "a b" 100%'
NOT_TRACKED = (
    ".git",
    ".venv",
    ".cache",
    "var",
    "node_modules",
    "output",
    "__pycache__",
    ".ruff_cache",
    ".hypothesis",
)
STOP_TIMEOUT_S = 30


class Clone:
    """`folder` is the clone; with `set_up` it borrows what `./dev` has installed and built in this one."""

    def __init__(self, parent: Path, *, set_up: bool) -> None:
        self.parent, self.folder = parent, parent / NAME
        built = () if set_up else ("dist",)
        shutil.copytree(ROOT, self.folder, ignore=shutil.ignore_patterns(*NOT_TRACKED, *built), symlinks=True)
        if set_up:
            self._borrow()

    def _borrow(self) -> None:
        (self.folder / ".venv").symlink_to(sys.prefix)
        (self.folder / "ui" / "node_modules").symlink_to(ROOT / "ui" / "node_modules")
        stamps = shutil.copytree(ROOT / ".cache" / "dev", self.folder / ".cache" / "dev")
        installed = stamps / "packages"
        _, *inputs = installed.read_text().split("\n")
        installed.write_text("\n".join([str(self.folder), *inputs]))

    def run(self, timeout_s: float, **settings: str) -> tuple[str, int]:
        """Serve until the sign-in page is there, then stop: the page, and the exit code. What it said is in `log`."""
        port = free_port()
        home = {
            "HOME": str(self.parent),
            "XDG_CACHE_HOME": str(self.parent / "cache"),
            "LANG": "C",
            **settings,
        }
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("LC_", "QINGLING_"))
        }
        with (self.parent / "log").open("wb") as output:
            served = subprocess.Popen(
                [sys.executable, "dev", "run", "--port", str(port)],
                cwd=self.folder,
                env={**kept, **home},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            page = self._wait(served, f"http://127.0.0.1:{port}/sign-in", timeout_s)
            served.send_signal(signal.SIGTERM)
            return page, served.wait(STOP_TIMEOUT_S)
        finally:
            served.kill()
            served.wait()

    @property
    def log(self) -> str:
        return (self.parent / "log").read_text(errors="replace")

    def remove(self) -> None:
        """With the database, wherever it had to be put."""
        data = self.folder / "var"
        elsewhere = located_cluster(data)
        if left := find_server(elsewhere or data / "postgres"):
            end_server(left)
        if elsewhere:
            shutil.rmtree(elsewhere)
        shutil.rmtree(self.parent)

    def _wait(self, served: "subprocess.Popen[bytes]", address: str, timeout_s: float) -> str:
        give_up_at = time.monotonic() + timeout_s
        while True:
            assert served.poll() is None and time.monotonic() < give_up_at, self.log[-4000:]
            try:
                with urlopen(address, timeout=5) as answer:
                    return answer.read().decode()
            except (URLError, ConnectionError, TimeoutError):
                time.sleep(0.1)

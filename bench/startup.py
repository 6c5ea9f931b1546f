"""(4) Start-up: from the command to the first answer of /readyz, on a new folder (database made, demo data played) and
on it again."""

import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.throughput import ROOT, wait_for_answer


def measure() -> dict[str, float]:
    """Seconds."""
    with tempfile.TemporaryDirectory(prefix="qingling-bench-") as name:
        Path(name).chmod(0o711)
        return {
            "new folder, demo data included, s": _start(Path(name)),
            "the same folder again, s": _start(Path(name)),
        }


def _start(folder: Path) -> float:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    started = time.perf_counter()
    command = [
        sys.executable,
        "-m",
        "cli",
        "serve",
        "--port",
        str(port),
        "--data",
        str(folder / "data"),
        "--demo",
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as server:
        try:
            wait_for_answer(port, "/readyz")
            return round(time.perf_counter() - started, 2)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=60)

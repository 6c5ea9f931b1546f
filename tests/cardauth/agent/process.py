"""The agent as people run it: the real program, with a terminal of its own on which PINs are typed."""

import codecs
import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parents[3]
TIMEOUT_S = 30.0


class AgentProcess:
    """The program on a free port (`port`), until the end of the block. What it prints, prompts included, is in `screen`."""

    def __init__(
        self,
        *arguments: str,
        origins: Sequence[str] = (),
        port: int = 0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        allowed = [part for origin in origins for part in ("--origin", origin)]
        self._command = [
            *(sys.executable, "-m", "cardauth.agent", "--prompt", "terminal", "--port", str(port)),
            *allowed,
            *arguments,
        ]
        self._environment = {**os.environ, **(environment or {})}
        self.screen, self._ended = "", False
        self._printed = threading.Condition()

    def __enter__(self) -> Self:
        self._terminal, theirs = pty.openpty()
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, env=self._environment, stdin=theirs, stdout=theirs, stderr=theirs,
            preexec_fn=lambda: take_terminal(theirs),
        )  # fmt: skip
        os.close(theirs)
        self._reader = threading.Thread(target=self._read_terminal, daemon=True)
        self._reader.start()
        try:
            self.read_until("http://127.0.0.1:")
            self.port = int(self.read_until("\n"))
        except AssertionError:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """End it, and whatever it started."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._reader.join(TIMEOUT_S)
        os.close(self._terminal)

    def read_until(self, text: str) -> str:
        """What was printed up to this text; it then counts as read."""
        with self._printed:
            found = self._printed.wait_for(lambda: text in self.screen or self._ended, TIMEOUT_S)
            assert found and text in self.screen, f"{text} not in: {self.screen}"
            before, _, self.screen = self.screen.partition(text)
        return before

    def wait_for_prompt(self) -> str:
        """Until the PIN is asked for; what was on the screen before it."""
        return self.read_until("卡密码：")

    def _read_terminal(self) -> None:
        """All the time, so that the program never waits until somebody reads."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while data := self._read():
            with self._printed:
                self.screen += decoder.decode(data)
                self._printed.notify_all()
        with self._printed:
            self._ended = True
            self._printed.notify_all()

    def _read(self) -> bytes:
        try:
            return os.read(self._terminal, 65536)
        except OSError:  # the last process on the terminal has ended
            return b""

    def choose(self, number: int) -> None:
        """Choose a card, when there are several; the first is 1."""
        self.read_until("请输入卡的序号：")
        self._type(str(number))

    def type_pin(self, pin: str) -> str:
        """Wait until the PIN is asked for, and type it. What was on the screen before it."""
        shown = self.wait_for_prompt()
        self._wait_for_no_echo()
        self._type(pin)
        return shown

    def _wait_for_no_echo(self) -> None:
        while termios.tcgetattr(self._terminal)[3] & termios.ECHO:
            time.sleep(0.01)

    def _type(self, line: str) -> None:
        os.write(self._terminal, f"{line}\n".encode())

    def call(self, method: str, path: str, origin: str, body: Any = None) -> tuple[int, Any]:
        """A call as a page of this site makes it."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S * 2)
        with contextlib.closing(connection):
            headers = {"Origin": origin} | ({"Content-Type": "application/json"} if body is not None else {})
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())


def take_terminal(terminal: int) -> None:
    """In the new process: a session of its own, with this terminal (so that /dev/tty is it)."""
    import fcntl

    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

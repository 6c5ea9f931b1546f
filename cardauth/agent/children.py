"""The agent's side of its child processes: start, ask with a deadline, end whatever happens."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from time import monotonic
from types import TracebackType
from typing import Any, Self

from cardauth.agent.refusals import AgentRefusal, DriverFailed, TimedOut
from cardauth.agent.worker import OpenDriver, run_worker

SPAWN = multiprocessing.get_context("spawn")
END_TIMEOUT_S = 2.0
GOES_BY_ITSELF_S = 1.0
WATCH_TIMEOUT_S = 10.0


class Child:
    """A process that sends answers `(True, value)` or `(False, refusal)`; a `with` block ends it."""

    def __init__(self, run: Callable[..., None], *arguments: Any) -> None:
        self.answers, theirs = SPAWN.Pipe()
        self._process = SPAWN.Process(target=run, args=(theirs, *arguments), daemon=True)
        self._process.start()
        theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    @property
    def pid(self) -> int | None:
        return self._process.pid

    def read(self, died: type[AgentRefusal]) -> Any:
        """The answer that waits. Raises the refusal it is, or `died`."""
        try:
            is_done, value = self.answers.recv()
        except (EOFError, OSError) as error:
            raise died(detail=f"process ended with {self._process.exitcode}") from error
        if not is_done:
            raise value
        return value

    def end(self) -> None:
        """Gently; then, when it does not listen, by force."""
        self.answers.close()
        self._process.join(GOES_BY_ITSELF_S)
        for step in (self._process.terminate, self._process.kill):
            if self._process.is_alive():
                step()
                self._process.join(END_TIMEOUT_S)
        if not self._process.is_alive():
            self._process.close()


class CardWorker(Child):
    """The worker process of one request. All that it is asked together takes at most `budget_s` seconds."""

    def __init__(self, open_driver: OpenDriver, budget_s: float) -> None:
        pins, self._pins = SPAWN.Pipe(duplex=False)
        self._left_s = budget_s
        super().__init__(run_worker, pins, open_driver)
        pins.close()

    def take_pins(self) -> Connection:
        """The end that the PIN is written to: for the prompt process. Whoever takes it closes it here."""
        return self._pins

    def ask(self, name: str, *arguments: Any) -> Any:
        """Raises TimedOut, DriverFailed, and what the worker refuses."""
        started = monotonic()
        try:
            return self._ask(self._left_s, name, arguments)
        finally:
            self._left_s -= monotonic() - started

    def watch(self, *slots: str) -> None:
        """See that these cards are still there while a person types: this takes nothing from the budget. Raises like `ask`."""
        self._ask(WATCH_TIMEOUT_S, "expect", slots)

    def _ask(self, limit_s: float, name: str, arguments: tuple[Any, ...]) -> Any:
        try:
            self.answers.send((name, arguments))
            if not self.answers.poll(max(limit_s, 0)):
                raise TimedOut
        except OSError as error:
            raise DriverFailed(detail="the worker process is gone") from error
        return self.read(DriverFailed)

    def end(self) -> None:
        """With the pipe of the PIN."""
        self._pins.close()
        super().end()

"""What judging one file may unpack altogether, however documents are put into documents."""

from collections.abc import Iterator
from contextlib import contextmanager

from domain.files.unfit import TOO_MUCH, Unfit

MOST_BYTES = 256 * 1024 * 1024
DEEPEST = 4


class Budget:
    """Counts down over a file and everything inside it."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.bytes_left = most_bytes
        self._depth = 0

    def take(self, size: int) -> None:
        """So many bytes are unpacked. Raises Unfit."""
        self.bytes_left -= size
        if self.bytes_left < 0:
            raise Unfit(TOO_MUCH)

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """One document further in. Raises Unfit."""
        if self._depth >= DEEPEST:
            raise Unfit(TOO_MUCH)
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

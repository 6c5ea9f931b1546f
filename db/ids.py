"""Ids: UUID version 7 (RFC 9562 §5.7), made in Python, so that rows sort by when they were made and no SQL function is needed."""

import os
import threading
import time
from uuid import UUID

_lock = threading.Lock()
_last = 0


def uuid7() -> UUID:
    """A new id, greater than every id this process has made before (also when the clock steps back)."""
    global _last
    milliseconds, rest_ns = divmod(time.time_ns(), 1_000_000)
    tick = milliseconds << 12 | (rest_ns << 12) // 1_000_000  # 48 bits of milliseconds, 12 bits below them
    with _lock:
        tick = _last = max(tick, _last + 1)
    random = int.from_bytes(os.urandom(8)) & 0x3FFF_FFFF_FFFF_FFFF
    return UUID(int=(tick >> 12) << 80 | 0x7 << 76 | (tick & 0xFFF) << 64 | 0b10 << 62 | random)

"""How a child process of the agent lives: it writes no memory to disk, and does not outlive the agent."""

import multiprocessing
import os
import signal
import sys
import threading
from multiprocessing.connection import wait


def live_as_child() -> None:
    """To be called first in a child process."""
    leave_no_dump()
    if sys.platform != "win32":
        signal.signal(
            signal.SIGTERM, lambda *_: sys.exit(1)
        )  # what is open is closed: a terminal gets its echo back
    threading.Thread(target=end_with_parent, daemon=True).start()


def leave_no_dump() -> None:
    """A crash must not write the memory of this process to disk (where the system can be told so)."""
    try:
        import resource
    except ImportError:  # Windows writes none unless an administrator asks for it
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def end_with_parent() -> None:
    """When the agent is killed, a PIN window must not stay behind."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    wait([parent.sentinel])
    if sys.platform == "win32":
        os._exit(1)
    os.kill(os.getpid(), signal.SIGTERM)

"""Where the modules and programs are that tests with cards need: unpacked by `./dev test` below .cache/cards, or
installed on this machine.

Where they are not, the tests that need them are left out and say why; in CI they fail instead.
"""

import os
from pathlib import Path

import pytest

CACHE = Path(__file__).parents[3] / ".cache" / "cards"
ROOTS = (CACHE / "root", Path("/"))


def find(pattern: str) -> Path:
    """The first file that fits, below .cache/cards or on this machine. Leaves the test out when there is none."""
    for root in ROOTS:
        if found := sorted(root.glob(pattern)):
            return found[0]
    note = CACHE / "left-out"
    reason = note.read_text() if note.exists() else "`./dev test` fetches it; pytest alone does not"
    if os.environ.get("CI"):
        pytest.fail(f"{pattern} is missing: {reason}")
    pytest.skip(f"{pattern} is missing: {reason}")


def library_path() -> str:
    """What the unpacked modules need to find each other, for LD_LIBRARY_PATH."""
    folders = sorted((CACHE / "root").glob("usr/lib/*-linux-gnu*"))
    return os.pathsep.join([*map(str, folders), os.environ.get("LD_LIBRARY_PATH", "")]).strip(os.pathsep)

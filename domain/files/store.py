"""Where the bytes lie: a port, and a folder. What was made of a file lies beside it, under its name and a dash."""

import asyncio
import contextlib
import os
import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol


class AttachmentStore(Protocol):
    """A place for files under names of ours."""

    async def put(self, name: str, data: bytes) -> None: ...
    async def read(self, name: str) -> bytes: ...
    async def delete(self, name: str) -> None:
        """This file, and what was made of it."""
        ...

    def names(self, older_than: datetime) -> AsyncIterator[str]: ...


@dataclass(frozen=True)
class FolderStore:
    """A folder, in 256 subfolders; a file appears whole or not at all."""

    folder: Path

    async def put(self, name: str, data: bytes) -> None:
        await asyncio.to_thread(self._write, self._path(name), data)

    async def read(self, name: str) -> bytes:
        return await asyncio.to_thread(self._path(name).read_bytes)

    async def delete(self, name: str) -> None:
        await asyncio.to_thread(self._delete, self._path(name))

    async def names(self, older_than: datetime) -> AsyncIterator[str]:
        """Every stored file last written before this moment."""
        for path in await asyncio.to_thread(lambda: sorted(self.folder.glob("??/*"))):
            with contextlib.suppress(FileNotFoundError):  # another sweep was faster
                if path.stat().st_mtime < older_than.timestamp():
                    yield path.name

    def _path(self, name: str) -> Path:
        if not re.fullmatch(r"[0-9a-f]{32}(-[0-9a-z]+)?\.[a-z]{2,5}", name):
            raise ValueError(f"not a name of ours: {name!r}")
        return self.folder / name[30:32] / name

    @staticmethod
    def _delete(path: Path) -> None:
        for made in path.parent.glob(f"{path.name[:32]}-*"):
            made.unlink(missing_ok=True)
        path.unlink(missing_ok=True)

    @staticmethod
    def _write(path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.stem.partition('-')[0]}-{secrets.token_hex(4)}.part")
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)

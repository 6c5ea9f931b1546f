"""Scanning uploads for malware: the port, and ClamAV's daemon behind it (`clamd`, command INSTREAM, clamd(8)).

Without a configured scanner nothing is scanned; with one, a scanner that cannot be asked means no.
"""

import asyncio
import struct
from dataclasses import dataclass
from typing import Protocol

CHUNK = 64 * 1024


class ScannerUnavailable(Exception):
    """The scanner could not be asked; nothing may come in until it can."""


class Scanner(Protocol):
    """Looks into a file."""

    async def scan(self, data: bytes) -> str | None:
        """The name of what was found, None when clean. Raises ScannerUnavailable."""
        ...


@dataclass(frozen=True)
class ClamScanner:
    """ClamAV at `host:port`, or at the path of its socket."""

    address: str
    timeout_s: float = 30

    async def scan(self, data: bytes) -> str | None:
        try:
            async with asyncio.timeout(self.timeout_s):
                answer = await self._ask(data)
        except (OSError, TimeoutError, ValueError) as error:
            raise ScannerUnavailable(type(error).__name__) from error
        verdict = answer.removeprefix("stream:").strip()
        if verdict == "OK":
            return None
        if verdict.endswith("FOUND"):
            return verdict.removesuffix("FOUND").strip()
        raise ScannerUnavailable(verdict[:200])

    async def _ask(self, data: bytes) -> str:
        reader, writer = await self._connect()
        try:
            writer.write(b"zINSTREAM\0")
            for start in range(0, len(data), CHUNK):
                chunk = data[start : start + CHUNK]
                writer.write(struct.pack("!I", len(chunk)) + chunk)
                await writer.drain()
            writer.write(struct.pack("!I", 0))
            await writer.drain()
            return (await reader.readuntil(b"\0")).rstrip(b"\0").decode(errors="replace")
        except asyncio.IncompleteReadError as error:
            raise ValueError("the connection ended without an answer") from error
        finally:
            writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.address.startswith("/"):
            return await asyncio.open_unix_connection(self.address)
        host, _, port = self.address.rpartition(":")
        return await asyncio.open_connection(host.strip("[]"), int(port))

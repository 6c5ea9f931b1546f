"""`python -m bench.provider TAKEN_A_SECOND`: an SMS provider that costs next to nothing, so that what is measured is our worker.
It speaks Tencent Cloud's answers without looking at signatures; above its limit (0: none) it refuses as the real one does.

It prints its address. GET /count says how many it has taken, and how many it has refused.
"""

import asyncio
import sys
import time
from typing import cast
from uuid import uuid4

import orjson
import uvloop

REFUSED = {"Error": {"Code": "RequestLimitExceeded", "Message": "too many"}}
NO_REPORTS: dict[str, object] = {"PullSmsSendStatusSet": []}


class Provider(asyncio.Protocol):
    """One connection; all of them count together."""

    taken, refused, limit = 0, 0, 0.0
    room, filled_at = 0.0, time.monotonic()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class
        self._heard = b""

    def data_received(self, data: bytes) -> None:
        self._heard += data
        while b"\r\n\r\n" in self._heard:
            head, _, rest = self._heard.partition(b"\r\n\r\n")
            lines = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:] if b": " in line)
            length = int(lines.get(b"content-length", 0))
            if len(rest) < length:
                return
            self._heard = rest[length:]
            body = orjson.dumps(self._answer(head, lines.get(b"x-tc-action", b"")))
            self._transport.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
                % (len(body), body)
            )

    def _answer(self, head: bytes, action: bytes) -> dict[str, object]:
        if head.startswith(b"GET /count"):
            return {"taken": Provider.taken, "refused": Provider.refused}
        if action != b"sendsms":
            return {"Response": {**NO_REPORTS, "RequestId": str(uuid4())}}
        if not _has_room():
            Provider.refused += 1
            return {"Response": {**REFUSED, "RequestId": str(uuid4())}}
        Provider.taken += 1
        status = {"SerialNo": f"bench:{Provider.taken}", "Code": "Ok", "Message": "send success"}
        return {"Response": {"SendStatusSet": [status], "RequestId": str(uuid4())}}


def _has_room() -> bool:
    """A second's worth at most is saved up."""
    if not Provider.limit:
        return True
    now = time.monotonic()
    Provider.room = min(Provider.limit, Provider.room + (now - Provider.filled_at) * Provider.limit)
    Provider.filled_at = now
    if Provider.room < 1:
        return False
    Provider.room -= 1
    return True


async def serve(limit: float) -> None:
    """Until the process is ended."""
    Provider.limit = Provider.room = limit
    server = await asyncio.get_running_loop().create_server(Provider, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(float(sys.argv[1])))

"""Bodies that somebody we do not know sends: read up to a limit, and no further."""

from fastapi import Request


async def read_at_most(request: Request, most_bytes: int) -> bytes | None:
    """The whole body; None where it is longer."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > most_bytes:
            return None
    return bytes(body)

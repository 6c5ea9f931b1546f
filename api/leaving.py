"""Who closes the page ends what was being read for it: the statement at once, and the request with it.

Only reading requests of people who have signed in are ended, and only until their answer begins. A command goes on to its end
whoever has gone: what it has done, it has done once.
"""

import asyncio

import structlog
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

READING = frozenset({"GET", "HEAD"})
LOOK_AGAIN_S = 0.05
CLIENT_GONE = 499  # for the log: nobody is there to be told

log = structlog.get_logger(__name__)


class EndWhenGone:
    """Watches the connection of a reading request; cancelling it makes psycopg cancel the statement on the server."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in READING or _has_body(scope):
            await self.app(scope, receive, send)
            return
        watch = _Watch(scope, receive, send)
        watcher = asyncio.create_task(watch.wait_for_end(asyncio.current_task()))
        try:
            await self.app(scope, watch.receive, watch.send)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not watch.cut or task is None or task.uncancel() > 0:
                raise  # somebody else ends this process, too
            log.info("request.left", path=scope["path"])
            await Response(status_code=CLIENT_GONE)(scope, receive, send)
        finally:
            watcher.cancel()


class _Watch:
    """One request's connection: hands the application its (empty) body, and notices the end."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._body: Message | None = {"type": "http.request", "body": b"", "more_body": False}
        self._gone = asyncio.Event()
        self._answering = False
        self.cut = False

    async def wait_for_end(self, request: "asyncio.Task[object] | None") -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone.set()
        # Without an actor it may be a door (a ticket, a code that counts its tries): those go on to their end. Or it still waits
        # for a connection, and will have one.
        while self._scope.get("state", {}).get("actor") is None:  # noqa: ASYNC110  # nobody tells when it is set
            await asyncio.sleep(LOOK_AGAIN_S)
        if request is not None and not self._answering:
            self.cut = True
            request.cancel()

    async def receive(self) -> Message:
        """The body once, then the end when it has come."""
        body, self._body = self._body, None
        if body is not None:
            return body
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Noting that the answer has begun."""
        self._answering = True
        await self._send(message)


def _has_body(scope: Scope) -> bool:
    headers = dict(scope["headers"])
    return headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers

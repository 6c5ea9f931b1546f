"""HTTP on 127.0.0.1: the edge of the agent. What may be asked is decided in `guard`, what is done in `desk`.

Nothing that a request or an answer holds is logged: one line a call, with its path, the site and the code.
"""

import json
import logging
import os
import select
import socket
from base64 import b64decode
from binascii import Error as NotBase64
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import BoundedSemaphore
from typing import Any, Protocol

from cardauth.agent import guard
from cardauth.agent.desk import SignOrder
from cardauth.agent.prompt import PURPOSES
from cardauth.agent.refusals import AgentRefusal, BadRequest
from cardauth.agent.settings import AgentSettings

ADDRESS = "127.0.0.1"
NONCE_LENGTH = 32
LONGEST_CERTIFICATE = 8 * 1024
MOST_CONNECTIONS = 16
SOCKET_TIMEOUT_S = 10.0
PREFLIGHT_AGE_S = 600

log = logging.getLogger("qingling.card_agent")


class Answers(Protocol):
    """What the server hands calls to: `desk.Desk`."""

    def status(self) -> dict[str, Any]: ...
    def certificate(self, slot: str | None) -> dict[str, Any]: ...
    def sign(self, order: SignOrder) -> dict[str, str]: ...


class AgentServer(ThreadingHTTPServer):
    """The server; `serve_forever` until `shutdown`. Port 0 takes a free one (`server_port`). OSError: the port is taken."""

    daemon_threads = True
    allow_reuse_address = os.name != "nt"  # on Windows it would let another program take the same port

    def __init__(self, settings: AgentSettings, desk: Answers) -> None:
        self.origins, self.desk = frozenset(settings.origins), desk
        self._free = BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__((ADDRESS, settings.port), AgentHandler)

    def server_bind(self) -> None:
        """Alone on the port, and without asking a name server who we are."""
        if os.name == "nt":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)  # type: ignore[attr-defined]
        TCPServer.server_bind(self)
        self.server_name, self.server_port = ADDRESS, self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """In a thread of its own, as long as there are few."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A page that goes away is no event."""
        log.info("connection lost")


class AgentHandler(BaseHTTPRequestHandler):
    """One call; the connection is closed after it."""

    server: AgentServer  # type: ignore[assignment]
    timeout = SOCKET_TIMEOUT_S
    server_version = "qingling-card-agent"

    def version_string(self) -> str:
        """Without Python's version."""
        return self.server_version

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_GET  # noqa: N815

    def do_OPTIONS(self) -> None:
        """The browser asks whether a page may call."""
        origin = None
        try:
            origin = self._check_site()
            guard.check_plain(self.headers)
            guard.check_preflight(self.path, self.headers)
        except AgentRefusal as refusal:
            self._refuse(refusal, origin)
            return
        self._send_head(HTTPStatus.NO_CONTENT, origin)
        self.send_header("Access-Control-Allow-Methods", guard.ROUTES[self.path])
        self.send_header("Access-Control-Allow-Headers", "content-type")
        self.send_header("Access-Control-Max-Age", str(PREFLIGHT_AGE_S))
        if self.headers.get("Access-Control-Request-Private-Network") == "true":
            self.send_header("Access-Control-Allow-Private-Network", "true")
        self.end_headers()

    def _answer(self) -> None:
        origin = None
        try:
            origin = self._check_site()
            length = guard.check_call(self.command, self.path, self.headers)
            answer = self._call(origin, read_object(self.rfile.read(length)) if length else {})
        except AgentRefusal as refusal:
            self._refuse(refusal, origin)
        except TimeoutError:
            self._refuse(BadRequest(), origin)
        except Exception:  # the page gets a sentence, whatever happened; the program goes on
            log.exception("call failed")
            self._refuse(AgentRefusal(), origin)
        else:
            log.info("%s %s ok", self.path, origin)
            self._send_json(HTTPStatus.OK, answer, origin)

    def _check_site(self) -> str:
        guard.check_host(self.headers, self.server.server_port)
        return guard.check_origin(self.headers, self.server.origins)

    def _call(self, origin: str, body: dict[str, Any]) -> dict[str, Any]:
        desk = self.server.desk
        if self.path == "/status":
            return desk.status()
        purpose = read_purpose(body)
        if self.path == "/certificate":
            return desk.certificate(read_slot(body))
        nonce, certificate = read_nonce(body), read_certificate(body)
        return desk.sign(SignOrder(origin, purpose, nonce, certificate, self._is_gone))

    def _is_gone(self) -> bool:
        """Whether the browser has closed the connection: nobody waits for the answer any more."""
        try:
            readable, _, _ = select.select([self.connection], [], [], 0)
            return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)
        except OSError:
            return True

    def _refuse(self, refusal: AgentRefusal, origin: str | None) -> None:
        path = (
            self.path if self.path in guard.ROUTES else "(other)"
        )  # a log line holds nothing a stranger wrote
        log.info("%s %s %s %s", path, origin or "-", refusal.code, refusal.detail)
        self._send_json(refusal.status, refusal.as_json(), origin)

    def _send_json(self, status: int, answer: Any, origin: str | None) -> None:
        body = json.dumps(answer, ensure_ascii=False).encode()
        self._send_head(status, origin)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _send_head(self, status: int, origin: str | None) -> None:
        """Only a named site may read the answer."""
        self.close_connection = True
        self.send_response(status)
        self.send_header("Connection", "close")
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
        self.send_header("Vary", "Origin")
        if origin:
            self.send_header("Access-Control-Allow-Origin", origin)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What http.server itself refuses (no HTTP, too many headers): the same form as ours."""
        self._send_json(code, BadRequest().as_json(), None)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Calls are logged above, with what matters and nothing else."""


def read_object(body: bytes) -> dict[str, Any]:
    """A JSON object. Raises BadRequest."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequest from None
    if not isinstance(value, dict):
        raise BadRequest
    return value


def read_purpose(body: dict[str, Any]) -> str:
    """Raises BadRequest."""
    purpose = body.get("purpose")
    if not isinstance(purpose, str) or purpose not in PURPOSES:
        raise BadRequest
    return purpose


def read_slot(body: dict[str, Any]) -> str | None:
    """Raises BadRequest."""
    slot = body.get("slot")
    if slot is not None and not isinstance(slot, str):
        raise BadRequest
    return slot


def read_nonce(body: dict[str, Any]) -> bytes:
    """Raises BadRequest."""
    nonce = read_base64(body.get("nonce"))
    if len(nonce) != NONCE_LENGTH:
        raise BadRequest
    return nonce


def read_certificate(body: dict[str, Any]) -> bytes | None:
    """Raises BadRequest."""
    if body.get("certificate") is None:
        return None
    certificate = read_base64(body["certificate"])
    if not 0 < len(certificate) <= LONGEST_CERTIFICATE:
        raise BadRequest
    return certificate


def read_base64(text: Any) -> bytes:
    """Standard base64 with its padding. Raises BadRequest."""
    try:
        return b64decode(text, validate=True) if isinstance(text, str) else b""
    except (NotBase64, ValueError):
        raise BadRequest from None

"""Tencent Cloud's SMS API on this machine: a real HTTP server that checks signatures, judges like theirs, and fails on order.

    with FakeTencent() as tencent:
        tencent.account.templates["1001"] = Approved(2, for_codes=True)
        settings = Settings(sms_providers=["tencent"], **tencent.settings(templates_file))
        tencent.order(code="FailedOperation.PhoneNumberInBlacklist")   # for the next call
        tencent.standing = Order(wait_s=20)                            # for every call until it is None again

As a process of its own (`python -m tests.sms.fake_tencent --port 8081 --template 1001:2:code`) it is told what to play by POST
/control/order and /control/standing, and says at GET /control/taken what it took.
"""

import argparse
import json
import ssl
import sys
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import SHUT_RDWR, socket
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from tests.sms.fake_account import Approved, FakeAccount, Fault
from tests.sms.tc3 import find_fault

SECRET_ID = "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE"
SECRET_KEY = "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE"
JSON = "application/json"


@dataclass(frozen=True)
class Order:
    """What a call gets: a `code` for its number, a `fault` of the whole call, or these bytes; without any of them it is done as
    usual. Then it is answered after `wait_s`, with `trickle_s` between bytes, or not at all: `drop` cuts the connection."""

    code: str = ""
    fault: str = ""
    raw: bytes | None = None
    status: int = 200
    content_type: str | None = JSON
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    wait_s: float = 0
    trickle_s: float = 0
    drop: bool = False


@dataclass
class Answer:
    """What goes back."""

    body: bytes
    status: int = 200
    content_type: str | None = JSON
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    trickle_s: float = 0


class FakeTencent:
    """The server, in threads of its own, so that tests of any kind can use it; it accepts calls from `start` to `stop`."""

    def __init__(self, port: int = 0, certificate: Path | None = None) -> None:
        self.account = FakeAccount()
        self.secrets = {SECRET_ID: SECRET_KEY}
        self.orders: deque[Order] = deque()
        self.standing: Order | None = None
        self.calls: list[tuple[str, Any]] = []
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._server = _Server(self, port)
        self._scheme = "http"
        if certificate is not None:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self._scheme = "https"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        """Waits for everyone; raises what went wrong inside."""
        self.stopping.set()
        self._server.shutdown()
        self._server.cut()
        self._server.server_close()
        self._thread.join()
        if self._server.errors:
            raise self._server.errors[0]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def endpoint(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}"

    @property
    def connected(self) -> int:
        """How many connections there have been."""
        return self._server.connected

    def settings(self, templates: Path) -> dict[str, Any]:
        """What makes our settings reach this account."""
        return {
            "sms_templates": templates,
            "sms_tencent_secret_id": SECRET_ID,
            "sms_tencent_secret_key": SECRET_KEY,
            "sms_tencent_app_id": self.account.app_id,
            "sms_tencent_sign": self.account.sign,
            "sms_tencent_endpoint": self.endpoint,
        }

    def order(self, **order: Any) -> None:
        """For the next call that has no order yet."""
        self.orders.append(Order(**order))

    def respond(self, headers: Mapping[str, str], body: bytes) -> Answer | None:
        """One call, from its headers and body to what goes back; None cuts the connection."""
        with self._lock:
            order = self.orders.popleft() if self.orders else self.standing or Order()
            if order.raw is not None:
                answer = Answer(order.raw, order.status, order.content_type, order.headers)
            else:
                content = self._answer(headers, body, order)
                content = {"Response": {**content, "RequestId": str(uuid4())}}
                answer = Answer(json.dumps(content, ensure_ascii=False).encode())
        if order.wait_s:
            self.stopping.wait(order.wait_s)
        answer.trickle_s = order.trickle_s
        return None if order.drop else answer

    def _answer(self, headers: Mapping[str, str], body: bytes, order: Order) -> dict[str, Any]:
        try:
            self._check(headers, body)
            if order.fault:
                raise Fault(order.fault)
            request = json.loads(body)
            self.calls.append((headers["x-tc-action"], request))
            return self.account.act(headers["x-tc-action"], request, order.code)
        except Fault as fault:
            return {
                "Error": {"Code": fault.code, "Message": f"{fault.code}: {body.decode(errors='replace')}"}
            }
        except ValueError:
            return {"Error": {"Code": "InvalidParameter", "Message": "not JSON"}}

    def _check(self, headers: Mapping[str, str], body: bytes) -> None:
        """What is the same for every product."""
        if not headers.get("content-type", "").startswith(JSON):
            raise Fault("InvalidParameter")
        if headers.get("x-tc-version") != "2021-01-11":
            raise Fault("NoSuchVersion")
        if headers.get("x-tc-region") not in ("ap-beijing", "ap-guangzhou", "ap-nanjing"):
            raise Fault("UnsupportedRegion")
        if not headers.get("x-tc-action"):
            raise Fault("MissingParameter")
        if fault := find_fault(headers, body, self.secrets, datetime.now(UTC)):
            raise Fault(fault)


class _Server(ThreadingHTTPServer):
    """Keeps its connections, to cut them at the end, and what went wrong in them."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, fake: FakeTencent, port: int) -> None:
        self.fake = fake
        self.errors: list[BaseException] = []
        self.connections: set[socket] = set()
        self.connected = 0
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        caught = sys.exception()
        if caught is not None and not isinstance(caught, ConnectionError):
            self.errors.append(caught)

    def cut(self) -> None:
        for connection in list(self.connections):
            try:
                connection.shutdown(SHUT_RDWR)
            except OSError:
                self.connections.discard(connection)  # it was gone already


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]

    def setup(self) -> None:
        self.server.connections.add(self.request)
        self.server.connected += 1
        super().setup()

    def finish(self) -> None:
        self.server.connections.discard(self.request)
        super().finish()

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:  # whoever called has died meanwhile
            self.close_connection = True
            return
        if self.path.startswith("/control/"):
            self._send(self._control(body))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.fake.respond(headers, body) if self.path in ("/", "/?") else Answer(b"", 404)
        if answer is None:
            self.close_connection = True
            self.connection.shutdown(SHUT_RDWR)
            return
        self._send(answer)

    def do_GET(self) -> None:
        taken = [asdict(each) for each in self.server.fake.account.taken]
        self._send(
            Answer(json.dumps(taken, default=str).encode(), 200 if self.path == "/control/taken" else 404)
        )

    def _control(self, body: bytes) -> Answer:
        order = json.loads(body)
        if self.path == "/control/order":
            self.server.fake.order(**order)
        else:
            self.server.fake.standing = Order(**order) if order else None
        return Answer(b"{}")

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        if answer.content_type is not None:
            self.send_header("Content-Type", answer.content_type)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if not answer.trickle_s:
            self.wfile.write(answer.body)
            return
        for byte in answer.body:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            if self.server.fake.stopping.wait(answer.trickle_s):
                return

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (its name is given)
        """Tests are quiet."""


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument(
        "--template", action="append", default=[], help="ID:PARAMETERS, or ID:PARAMETERS:code"
    )
    arguments = parser.parse_args()
    fake = FakeTencent(arguments.port)
    for template in arguments.template:
        id_, parameters, *code = template.split(":")
        fake.account.templates[id_] = Approved(int(parameters), bool(code))
    print(fake.endpoint, flush=True)
    fake.start().stopping.wait()


if __name__ == "__main__":
    main()

"""The agent over real sockets: what a browser, a foreign page and a broken client get. The desk behind it only records."""

import json
import logging
import socket
import time
from base64 import b64encode
from email.message import Message
from http.client import HTTPConnection
from typing import Any, NamedTuple

import pytest

from cardauth.agent.desk import SignOrder
from cardauth.agent.refusals import Busy, WrongPin
from cardauth.agent.server import MOST_CONNECTIONS, AgentHandler, AgentServer
from cardauth.agent.settings import AgentSettings
from tests.cardauth.agent.conftest import SITE, Serve
from tests.cardauth.agent.fakes import RecordingDesk

NONCE = b64encode(bytes(32)).decode()
SIGN = {"nonce": NONCE, "purpose": "sign_in", "certificate": None}


class Answer(NamedTuple):
    status: int
    headers: Message
    body: Any


def call(server: AgentServer, method: str, path: str, body: Any = None, **headers: str) -> Answer:
    """A call as a page of our site makes it, but for the headers named here; one set to "" is left out."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
    usual = {"Host": f"127.0.0.1:{server.server_port}", "Origin": SITE}
    if data is not None:
        usual |= {"Content-Type": "application/json", "Content-Length": str(len(data))}
    wanted = usual | {name.replace("_", "-"): value for name, value in headers.items()}
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in wanted.items():
            if value:
                connection.putheader(name, value)
        connection.endheaders(data)
        response = connection.getresponse()
        text = response.read()
        return Answer(response.status, response.headers, json.loads(text) if text else None)
    finally:
        connection.close()


def test_a_page_of_the_site_is_answered(serve: Serve) -> None:
    desk = RecordingDesk()
    answer = call(serve(desk), "GET", "/status")
    assert (answer.status, answer.body, desk.asked) == (200, {"state": "ready"}, ["status"])
    assert answer.headers["Access-Control-Allow-Origin"] == SITE
    assert (answer.headers["Cache-Control"], answer.headers["Vary"]) == ("no-store", "Origin")
    assert answer.headers["Server"] == "qingling-card-agent", "no version of Python"


def test_the_origin_that_is_signed_is_the_browsers(serve: Serve) -> None:
    desk = RecordingDesk()
    answer = call(serve(desk), "POST", "/sign", SIGN | {"origin": "https://evil.example"})
    assert answer.status == 200
    (order,) = desk.asked
    assert isinstance(order, SignOrder)
    assert (order.origin, order.nonce, order.purpose, order.certificate) == (SITE, bytes(32), "sign_in", None)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "", f"{SITE}.evil.example"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("GET", "/status", None), ("POST", "/sign", SIGN), ("OPTIONS", "/sign", None)],
)
def test_a_page_of_another_site_learns_nothing(
    serve: Serve, method: str, path: str, body: Any, origin: str
) -> None:
    desk = RecordingDesk()
    answer = call(serve(desk), method, path, body, Origin=origin, Access_Control_Request_Method="POST")
    assert (answer.status, answer.body["code"], desk.asked) == (403, "forbidden_origin", [])
    assert answer.headers["Access-Control-Allow-Origin"] is None


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_a_false_host_is_refused(serve: Serve, method: str) -> None:
    desk = RecordingDesk()
    answer = call(serve(desk), method, "/status", Host="rebound.evil.example:61580")
    assert (answer.status, answer.body["code"], desk.asked) == (421, "wrong_host", [])


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"]
)
def test_a_form_post_is_refused(serve: Serve, kind: str) -> None:
    desk = RecordingDesk()
    answer = call(serve(desk), "POST", "/sign", SIGN, Content_Type=kind)
    assert (answer.status, answer.body["code"], desk.asked) == (415, "not_json", [])


def test_a_websocket_is_refused(serve: Serve) -> None:
    desk = RecordingDesk()
    answer = call(
        serve(desk),
        "GET",
        "/status",
        Connection="Upgrade",
        Upgrade="websocket",
        Sec_WebSocket_Version="13",
        Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ==",
    )
    assert (answer.status, answer.body["code"], desk.asked) == (400, "bad_request", [])


def test_a_preflight_is_answered_for_the_site(serve: Serve) -> None:
    answer = call(serve(RecordingDesk()), "OPTIONS", "/sign", Access_Control_Request_Method="POST")
    assert (answer.status, answer.body) == (204, None)
    allowed = {
        name: answer.headers[f"Access-Control-Allow-{name}"]
        for name in ("Origin", "Methods", "Headers", "Private-Network")
    }
    assert allowed == {"Origin": SITE, "Methods": "POST", "Headers": "content-type", "Private-Network": None}


def test_a_preflight_into_the_private_network_is_answered(serve: Serve) -> None:
    answer = call(
        serve(RecordingDesk()),
        "OPTIONS",
        "/status",
        Access_Control_Request_Method="GET",
        Access_Control_Request_Private_Network="true",
    )
    assert (answer.status, answer.headers["Access-Control-Allow-Private-Network"]) == (204, "true")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"{",
        b"\xff\xfe",
        b"[" * 16000,
        {"nonce": NONCE},
        SIGN | {"purpose": "pay"},
        SIGN | {"purpose": ["sign_in"]},
        SIGN | {"nonce": ""},
        SIGN | {"nonce": 5},
        SIGN | {"nonce": NONCE[:-1]},
        SIGN | {"nonce": NONCE + "!"},
        SIGN | {"nonce": f" {NONCE}"},
        SIGN | {"nonce": b64encode(bytes(31)).decode()},
        SIGN | {"nonce": b64encode(bytes(33)).decode()},
        SIGN | {"nonce": "数"},
        SIGN | {"certificate": ""},
        SIGN | {"certificate": "?"},
        SIGN | {"certificate": b64encode(bytes(8193)).decode()},
    ],
)
def test_a_body_that_makes_no_sense_is_refused(serve: Serve, body: Any) -> None:
    desk = RecordingDesk()
    answer = call(serve(desk), "POST", "/sign", body)
    assert (answer.status, answer.body["code"], desk.asked) == (400, "bad_request", [])


def test_a_body_that_is_too_long_is_not_read(serve: Serve) -> None:
    answer = call(serve(RecordingDesk()), "POST", "/sign", b"", Content_Length="1000000")
    assert (answer.status, answer.body["code"]) == (413, "too_large")


def test_a_refusal_has_a_code_a_sentence_and_the_tries(serve: Serve) -> None:
    server = serve(RecordingDesk(WrongPin(tries="final")))
    answer = call(server, "POST", "/sign", SIGN)
    assert (answer.status, answer.body) == (
        422,
        {"code": "wrong_pin", "message": "卡密码不正确。", "tries": "final"},
    )
    assert answer.headers["Access-Control-Allow-Origin"] == SITE, "the page has to read it"
    assert call(serve(RecordingDesk(Busy())), "GET", "/status").status == 409


def test_a_failure_is_a_sentence_and_the_next_call_is_answered(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve(RecordingDesk(RuntimeError("out of order")))
    for _ in range(2):
        answer = call(server, "GET", "/status")
        assert (answer.status, answer.body["code"]) == (500, "failed")
    assert "out of order" in caplog.text


def test_the_log_holds_the_call_and_nothing_of_its_contents(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    certificate = b64encode(b"personal").decode()
    call(serve(RecordingDesk()), "POST", "/sign", SIGN | {"certificate": certificate, "pin": "123456"})
    assert f"/sign {SITE} ok" in caplog.text
    assert not any(secret in caplog.text for secret in (certificate, NONCE, "123456"))


def test_lines_of_a_request_cannot_write_lines_of_the_log(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    raw(serve(RecordingDesk()), b"GET /\x1b[31m%0d%0aevil HTTP/1.1\r\n\r\n")
    assert "\x1b" not in caplog.text


def raw(server: AgentServer, data: bytes) -> bytes:
    """What comes back for these bytes until the connection closes."""
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(4096), b""))


def sign_head(server: AgentServer, length: int) -> bytes:
    """The head of a call that may be read."""
    lines = (
        "POST /sign HTTP/1.1",
        f"Host: 127.0.0.1:{server.server_port}",
        f"Origin: {SITE}",
        "Content-Type: application/json",
        f"Content-Length: {length}",
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /status\r\n",
        b"GET /status HTTP/9.9\r\n\r\n",
        b"GET /" + b"x" * 70000 + b" HTTP/1.1\r\n\r\n",
        b"GET /status HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"BREW /status HTTP/1.1\r\n\r\n",
        b"POST /sign HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    ],
)
def test_what_is_no_call_of_a_browser_is_no_call(serve: Serve, data: bytes) -> None:
    desk = RecordingDesk()
    server = serve(desk)
    assert b" 200 " not in raw(server, data)
    assert desk.asked == []
    assert call(server, "GET", "/status").status == 200, "and the next one is answered"


def test_a_client_that_says_nothing_is_dropped(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AgentHandler, "timeout", 0.1)
    server = serve(RecordingDesk())
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as connection:
        assert connection.recv(1) == b""
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as connection:
        connection.sendall(sign_head(server, 9) + b"{")
        assert b" 400 " in connection.recv(4096)


def test_few_connections_at_once(serve: Serve) -> None:
    server = serve(RecordingDesk())
    address = ("127.0.0.1", server.server_port)
    idle = [socket.create_connection(address, timeout=10) for _ in range(MOST_CONNECTIONS)]
    while server._free._value:
        time.sleep(0.01)
    with socket.create_connection(address, timeout=10) as one_more:
        assert one_more.recv(1) == b""
    for connection in idle:
        connection.close()
    while not server._free._value:
        time.sleep(0.01)
    assert call(server, "GET", "/status").status == 200


def test_the_desk_learns_that_the_page_has_gone(serve: Serve) -> None:
    desk = RecordingDesk()
    seen: list[bool] = []

    def wait_for_the_page(order: SignOrder) -> dict[str, str]:
        seen.append(order.is_gone())
        connection.close()
        for _ in range(500):
            if order.is_gone():
                seen.append(True)
                break
            time.sleep(0.01)
        return {}

    desk.sign = wait_for_the_page
    server = serve(desk)
    body = json.dumps(SIGN).encode()
    connection = socket.create_connection(("127.0.0.1", server.server_port), timeout=10)
    connection.sendall(sign_head(server, len(body)) + body)
    for _ in range(500):
        if len(seen) == 2:
            break
        time.sleep(0.01)
    assert seen == [False, True]


def test_it_listens_on_this_machine_alone(serve: Serve) -> None:
    assert serve(RecordingDesk()).server_address[0] == "127.0.0.1"


def test_an_agent_that_is_started_again_gets_its_port_at_once() -> None:
    port = 0
    for _ in range(3):
        with AgentServer(AgentSettings(origins=(SITE,), port=port), RecordingDesk()) as server:
            port = server.server_port
            with socket.create_connection(("127.0.0.1", port), timeout=10) as page:
                page.sendall(b"GET / HTTP/1.1\r\n\r\n")
                server.handle_request()
                assert b" 421 " in page.recv(4096)
            while server._free._value < MOST_CONNECTIONS:
                time.sleep(0.01)


def test_a_second_agent_on_the_same_port_is_refused(serve: Serve) -> None:
    server = serve(RecordingDesk())
    with pytest.raises(OSError, match="in use"):
        AgentServer(AgentSettings(origins=(SITE,), port=server.server_port), RecordingDesk())

"""WeChat's API and its OAuth page on this machine, over real HTTP, as strict as its documents say: tokens live and die as
`stable_token`'s do, codes are good once, fields are held to their types, templates and followers are known or refused.

    with FakeWechat() as wechat:                 # for browser tests too: it runs in threads of its own
        wechat.follow(openid)                    # who is reached
        wechat.visitor = openid                  # who opens the pages
        wechat.answer_next("template/send", 45011)
        wechat.misbehave("template/send", "silent")
"""

import contextlib
import json
import re
import secrets
import socket
import sys
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

APP_ID, SECRET = "wx0123456789abcdef", "secret-of-the-account"
TEMPLATE_ID = "Tplate0000000000000000000000000000000000001"
SUBSCRIBE_ID = "Subscr0000000000000000000000000000000000001"
TOKEN_LIFETIME_S, OVERLAP_S, CODE_LIFETIME_S = 7200, 300, 300
FORCED_A_DAY, FORCED_APART_S = 20, 30

# Written apart from wechat/fields.py on purpose: one mistake is not to hide another.
HAN = "\u4e00-\u9fff"
LIMITS: dict[str, Callable[[str], bool]] = {
    "thing": lambda text: 0 < len(text) <= 20,
    "number": lambda text: bool(re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text)) and len(text) <= 32,
    "letter": lambda text: text.isascii() and text.isalpha() and len(text) <= 32,
    "symbol": lambda text: 0 < len(text) <= 5 and not any(char.isalnum() for char in text),
    "character_string": lambda text: 0 < len(text) <= 32 and text.isascii() and " " not in text,
    "time": lambda text: bool(re.search(r"[0-9]{1,2}:[0-9]{2}", text)) and not re.search("[T+]", text),
    "date": lambda text: (
        bool(re.match(r"[0-9]{4}[年/.-][0-9]{1,2}[月/.-][0-9]{1,2}", text)) and "T" not in text
    ),
    "amount": lambda text: bool(re.fullmatch(r"[¥￥$]?[0-9]{1,10}(\.[0-9]+)?元?", text)),
    "phone_number": lambda text: bool(re.fullmatch(r"[-+() 0-9]{1,17}", text)),
    "car_number": lambda text: 2 < len(text) <= 8,
    "name": lambda text: 0 < len(text) <= (10 if re.search(f"[{HAN}]", text) else 20),
    "phrase": lambda text: bool(re.fullmatch(f"[{HAN}]{{1,5}}", text)),
    "const": lambda text: text in ("企业", "海关"),
}


class ApiError(Exception):
    """An answer with a code."""

    def __init__(self, code: int, text: str) -> None:
        self.answer = {"errcode": code, "errmsg": f"{text} rid: {secrets.token_hex(4)}-{'0' * 8}-{'1' * 8}"}
        super().__init__(text)


@dataclass
class Sent:
    """A message that reached somebody."""

    path: str
    openid: str
    template_id: str
    values: dict[str, str]
    url: str
    msgid: int


@dataclass
class FakeWechat:
    """What it knows, what it was asked, and what it does wrong on order."""

    app_id: str = APP_ID
    secret: str = SECRET
    clock: Callable[[], float] = time.time
    visitor: str | None = None
    snapshot: bool = False
    followers: set[str] = field(default_factory=set[str])
    known: set[str] = field(default_factory=set[str])
    subscriptions: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    templates: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    media: dict[str, tuple[bytes, str]] = field(default_factory=dict[str, tuple[bytes, str]])
    sent: list[Sent] = field(default_factory=list[Sent])
    menu: dict[str, Any] | None = None
    asked: list[str] = field(default_factory=list[str])
    url: str = ""

    def __post_init__(self) -> None:
        self.templates.setdefault(TEMPLATE_ID, {"thing1", "time2", "phrase3", "character_string4"})
        self.templates.setdefault(SUBSCRIBE_ID, {"thing1", "const2"})
        self._tokens: dict[str, float] = {}
        self._current: tuple[str, float] | None = None
        self._forced: list[float] = []
        self._ticket: tuple[str, float] | None = None
        self._codes: dict[str, tuple[str, float]] = {}
        self._used: set[str] = set()
        self._orders: dict[str, deque[int]] = defaultdict(deque)
        self._faults: dict[str, str] = {}
        self._sent_by: dict[tuple[str, str], Sent] = {}
        self._lock = threading.Lock()
        self._released = threading.Event()

    def __enter__(self) -> Self:
        fake = self

        class Handler(_Handler):
            wechat = fake

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # What a test orders

    def follow(self, openid: str) -> None:
        """This person follows the account, and is reached."""
        with self._lock:
            self.known.add(openid)
            self.followers.add(openid)

    def unfollow(self, openid: str) -> None:
        """This person left."""
        with self._lock:
            self.followers.discard(openid)

    def answer_next(self, path_end: str, *codes: int) -> None:
        """The next calls of this path are answered with these codes."""
        self._orders[path_end].extend(codes)

    def misbehave(self, path_end: str, fault: str | None) -> None:
        """From now on: "silent", "slow", "drop", "garbled", "status 502" …, None: as it should."""
        if fault is None:
            self._faults.pop(path_end, None)
        else:
            self._faults[path_end] = fault

    def kill_tokens(self) -> None:
        """No token is taken any more, though `stable_token` goes on giving the same one."""
        with self._lock:
            self._tokens.clear()

    def give_code(self, openid: str) -> str:
        """A code, as the browser brings it."""
        code = secrets.token_hex(16)
        with self._lock:
            self._codes[code] = (openid, self.clock())
        return code

    def count(self, path_end: str) -> int:
        """How often this was asked."""
        return sum(path.endswith(path_end) for path in self.asked)

    # What it answers

    def fault_of(self, path: str) -> str | None:
        """What goes wrong on this path."""
        return next((fault for end, fault in self._faults.items() if path.endswith(end)), None)

    def answer(self, path: str, query: dict[str, str], body: bytes) -> dict[str, Any]:
        """One call of the API. Raises ApiError; KeyError for a path that is none."""
        with self._lock:
            self.asked.append(path)
            for end, codes in self._orders.items():
                if codes and path.endswith(end):
                    raise ApiError(codes.popleft(), "on order: openid oPlayed of data.thing1.value")
            act, needs_token = ACTIONS[path]
            if needs_token:
                self._check_token(query.get("access_token", ""))
            return act(self, query, body)

    def _check_token(self, token: str) -> None:
        if not token:
            raise ApiError(41001, "access_token missing")
        if self._tokens.get(token, 0) <= self.clock():
            raise ApiError(42001 if token in self._tokens else 40001, "invalid credential")

    def _stable_token(self, _query: dict[str, str], body: bytes) -> dict[str, Any]:
        asked, now = json.loads(body), self.clock()
        if asked["grant_type"] != "client_credential" or asked["appid"] != self.app_id:
            raise ApiError(40013, "invalid appid")
        if asked["secret"] != self.secret:
            raise ApiError(40125, "invalid appsecret")
        if asked.get("force_refresh"):
            self._force(now)
        elif self._current is None or self._current[1] - OVERLAP_S <= now:
            self._new_token(now)
        assert self._current is not None
        return {"access_token": self._current[0], "expires_in": int(self._current[1] - now)}

    def _force(self, now: float) -> None:
        today = [at for at in self._forced if at > now - 86400]
        if len(today) >= FORCED_A_DAY:
            raise ApiError(45009, "reach max api daily quota limit")
        if today and today[-1] > now - FORCED_APART_S:
            return
        self._forced.append(now)
        self._tokens.clear()
        self._new_token(now)

    def _new_token(self, now: float) -> None:
        token = f"{len(self._forced)}_{secrets.token_urlsafe(90)}"
        if self._current:
            self._tokens = {old: min(end, now + OVERLAP_S) for old, end in self._tokens.items()}
        self._current = (token, now + TOKEN_LIFETIME_S)
        self._tokens[token] = now + TOKEN_LIFETIME_S

    def _getticket(self, query: dict[str, str], _body: bytes) -> dict[str, Any]:
        if query.get("type") != "jsapi":
            raise ApiError(40097, "invalid args")
        now = self.clock()
        if self._ticket is None or self._ticket[1] <= now:
            self._ticket = (secrets.token_urlsafe(60), now + TOKEN_LIFETIME_S)
        return {
            "errcode": 0,
            "errmsg": "ok",
            "ticket": self._ticket[0],
            "expires_in": int(self._ticket[1] - now),
        }

    def _send(self, body: bytes) -> tuple[dict[str, Any], dict[str, str]]:
        message = json.loads(body)
        openid, template_id = message.get("touser", ""), message.get("template_id", "")
        if openid not in self.known:
            raise ApiError(40003, f"invalid openid {openid}")
        if template_id not in self.templates:
            raise ApiError(40037, "invalid template_id")
        values = {name: entry["value"] for name, entry in message["data"].items()}
        for name in sorted(values.keys() | self.templates[template_id]):
            kind = name.rstrip("0123456789")
            text = values.get(name)
            fits = isinstance(text, str) and name in self.templates[template_id] and LIMITS[kind](text)
            if not fits or any(ord(char) < 32 for char in text or ""):
                raise ApiError(47003, f"argument invalid! data.{name}.value invalid")
        return message, values

    def _template_send(self, _query: dict[str, str], body: bytes) -> dict[str, Any]:
        message, values = self._send(body)
        openid, client_id = message["touser"], message.get("client_msg_id") or secrets.token_hex(8)
        if len(client_id) > 32:
            raise ApiError(40097, "invalid client_msg_id")
        if openid not in self.followers:
            raise ApiError(43004, "require subscribe")
        known = self._sent_by.get((openid, client_id))
        if known is None:
            known = self._keep("template", message, values, message.get("url", ""))
            self._sent_by[openid, client_id] = known
        return {"errcode": 0, "errmsg": "ok", "msgid": known.msgid}

    def _bizsend(self, _query: dict[str, str], body: bytes) -> dict[str, Any]:
        message, values = self._send(body)
        if (message["touser"], message["template_id"]) not in self.subscriptions:
            raise ApiError(43101, "user refuse to accept the msg")
        self._keep("subscribe", message, values, message.get("page", ""))
        return {"errcode": 0, "errmsg": "ok"}

    def _keep(self, path: str, message: dict[str, Any], values: dict[str, str], url: str) -> Sent:
        msgid = 2_400_000_000_000_000_000 + len(self.sent)  # larger than 32 bits, as real ones are
        sent = Sent(path, message["touser"], message["template_id"], values, url, msgid)
        self.sent.append(sent)
        return sent

    def _create_menu(self, _query: dict[str, str], body: bytes) -> dict[str, Any]:
        menu = json.loads(body)
        if not 1 <= len(menu["button"]) <= 3:
            raise ApiError(40016, "invalid button size")
        for button in menu["button"]:
            if len(button["name"].encode()) > 16:
                raise ApiError(40018, "invalid button name size")
        self.menu = menu
        return {"errcode": 0, "errmsg": "ok"}

    def _access_token(self, query: dict[str, str], _body: bytes) -> dict[str, Any]:
        if query.get("appid") != self.app_id:
            raise ApiError(40013, "invalid appid")
        if query.get("secret") != self.secret:
            raise ApiError(40125, "invalid appsecret")
        code = query.get("code", "")
        if code in self._used:
            raise ApiError(40163, "code been used")
        openid, given_at = self._codes.pop(code, ("", 0.0))
        if not openid or given_at < self.clock() - CODE_LIFETIME_S:
            raise ApiError(40029, "invalid code")
        self._used.add(code)
        answer = {
            "access_token": secrets.token_urlsafe(60),
            "expires_in": 7200,
            "openid": openid,
            "scope": "snsapi_base",
        }
        return {**answer, "is_snapshotuser": 1} if self.snapshot else answer

    def _media(self, query: dict[str, str], _body: bytes) -> dict[str, Any]:
        if query.get("media_id") not in self.media:
            raise ApiError(40007, "invalid media_id")
        return {"media": query["media_id"]}

    def authorize(self, query: dict[str, str]) -> str | None:
        """Where the browser of the visitor goes; None where WeChat shows an error of its own."""
        right = {"appid": self.app_id, "response_type": "code", "scope": "snsapi_base"}
        if self.visitor is None or any(query.get(name) != value for name, value in right.items()):
            return None
        answer = urlencode({"code": self.give_code(self.visitor), "state": query.get("state", "")})
        back = query.get("redirect_uri", "")
        return f"{back}{'&' if '?' in back else '?'}{answer}"

    def wait_released(self, seconds: float | None = None) -> bool:
        """Until the test is over, or for so long."""
        return self._released.wait(seconds)


ACTIONS: dict[str, tuple[Callable[[FakeWechat, dict[str, str], bytes], dict[str, Any]], bool]] = {
    "/cgi-bin/stable_token": (FakeWechat._stable_token, False),
    "/cgi-bin/ticket/getticket": (FakeWechat._getticket, True),
    "/cgi-bin/message/template/send": (FakeWechat._template_send, True),
    "/cgi-bin/message/subscribe/bizsend": (FakeWechat._bizsend, True),
    "/cgi-bin/menu/create": (FakeWechat._create_menu, True),
    "/cgi-bin/media/get": (FakeWechat._media, True),
    "/sns/oauth2/access_token": (FakeWechat._access_token, False),
}


class _Server(ThreadingHTTPServer):
    """Says nothing of callers who die in the middle of a call."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    wechat: FakeWechat
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Says nothing: a query holds secrets."""

    def _answer(self) -> None:
        address = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:  # whoever asked has died meanwhile
            self.close_connection = True
            return
        if address.path == "/connect/oauth2/authorize":
            self._redirect(self.wechat.authorize(query))
            return
        with contextlib.suppress(OSError):  # whoever asked has gone
            self._play(address.path, query, body)

    def _redirect(self, target: str | None) -> None:
        self.send_response(302 if target else 400)
        if target:
            self.send_header("location", target)
        self.send_header("content-length", "0")
        self.end_headers()

    def _play(self, path: str, query: dict[str, str], body: bytes) -> None:
        fault = self.wechat.fault_of(path)
        if fault == "silent":
            self.wechat.asked.append(path)
            self.wechat.wait_released()
        if fault in ("silent", "drop"):
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        try:
            answer = self.wechat.answer(path, query, body)
        except ApiError as error:
            answer = error.answer
        except KeyError:
            self._write(404, "text/plain", b"no such interface")
            return
        if "media" in answer:
            content, content_type = self.wechat.media[str(answer["media"])]
        else:
            content, content_type = json.dumps(answer).encode(), "application/json; encoding=utf-8"
        if fault == "garbled":
            content = b"<html>\xff"
        status = int(fault.removeprefix("status ")) if fault and fault.startswith("status") else 200
        self._write(status, content_type, content, slow=fault == "slow")

    def _write(self, status: int, content_type: str, content: bytes, *, slow: bool = False) -> None:
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        if not slow:
            self.wfile.write(content)
            return
        for n in range(len(content)):  # a byte now and then keeps every single timeout
            self.wfile.write(content[n : n + 1])
            if self.wechat.wait_released(0.02):
                return

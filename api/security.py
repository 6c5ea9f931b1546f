"""What every request passes before a route sees it: the Host, the size of its body, where it was sent from; what every
answer carries (a strict content security policy); and the cookies and CSRF tokens of browsers.

Two proofs are asked of a browser's unsafe request: it comes from our own pages (`Sec-Fetch-Site`, `Origin`), and it
carries the token that only our pages could read. A Bearer token proves both by being there.
"""

import hmac
import secrets
from hashlib import sha256
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from fastapi import Depends, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.answers import problem_body
from errors import Refusal
from settings import Settings

SESSION_COOKIE = "qingling_session"
BROWSER_COOKIE = "qingling_browser"
SIGNED_OUT_COOKIE = "qingling_signed_out"
CSRF_FIELD = "csrf_token"
CSRF_HEADER = "x-csrf-token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_SITES = frozenset({"same-origin", "none"})
FOR_SERVERS = frozenset({"/sign-in/cas/callback"})  # CAS tells us there who has signed out
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})  # asked by address, not by name

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data: blob:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "frame-src": "'self'",
    "manifest-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}


def write_policy(parts: dict[str, str]) -> str:
    """A content security policy as its header."""
    return "; ".join(f"{name} {sources}" for name, sources in parts.items())


def agent_policy(agent: str) -> str:
    """The policy of a page that reads cards: its script may also talk to the agent (`http://127.0.0.1:port`)."""
    return write_policy(POLICY | {"connect-src": f"'self' {agent}"})


CONTENT_SECURITY_POLICY = write_policy(POLICY)
HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "cache-control": "no-store",
}


class ForgedRequest(Refusal):
    """页面已过期，或者请求不是从本系统的页面发出的，没有任何改动。请重新打开页面再试。"""

    heading: ClassVar[str | None] = "页面已过期"


class BadText(Refusal):
    """提交的内容里有不能保存的控制字符。"""


class Guard:
    """Refuses strange hosts, oversized bodies and requests that other sites had a browser send; adds the headers.

    An answer that sets one of the headers itself keeps its own.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.hosts = settings.hosts
        self.max_bytes = settings.request_max_bytes
        headers = dict(HEADERS)
        if settings.is_https:
            headers["strict-transport-security"] = "max-age=31536000; includeSubDomains"
        self.headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        send = self._with_headers(send)
        refusal = self._refuse(scope, headers)
        if refusal:
            await _send_problem(send, scope, *refusal)
        elif b"content-length" in headers or scope["method"] in SAFE_METHODS:
            await self.app(scope, receive, send)
        else:
            await self._pass_counted(scope, receive, send)

    def _refuse(self, scope: Scope, headers: dict[bytes, bytes]) -> tuple[int, str, str] | None:
        if host_name(headers.get(b"host", b"")) not in self.hosts and scope["path"] not in PROBES:
            return 421, "unknown_host", "这个网址不属于本系统。"
        if b"%00" in scope["query_string"] or "\0" in scope["path"]:
            return 400, "bad_text", "网址里有不能使用的控制字符。"
        length = headers.get(b"content-length", b"0")
        if not length.isdigit():
            return 400, "bad_length", "请求的长度不正确。"
        if int(length) > self.max_bytes:
            return 413, "too_large", f"提交的内容太大，最多 {self.max_bytes // (1024 * 1024)} MB。"
        if scope["method"] not in SAFE_METHODS and is_foreign(headers):
            return 403, "forged_request", (ForgedRequest.__doc__ or "").strip()
        return None

    def _with_headers(self, send: Send) -> Send:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(header for header in self.headers if header[0] not in present),
                ]
            await send(message)

        return send_with_headers

    async def _pass_counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A body of untold length: read up to the limit, then handed on in one piece."""
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self.max_bytes:
                await _send_problem(send, scope, 413, "too_large", "提交的内容太大。")
                return
        whole: Message | None = {"type": "http.request", "body": bytes(body), "more_body": False}

        async def receive_whole() -> Message:
            nonlocal whole
            message, whole = whole, None
            return message if message is not None else await receive()

        await self.app(scope, receive_whole, send)


def host_name(header: bytes) -> str:
    """The Host header without its port, in lower case."""
    host = header.decode("latin-1").lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def is_foreign(headers: dict[bytes, bytes]) -> bool:
    """Whether a browser says that another site made it send this; programs say nothing and are not foreign."""
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return site.decode("latin-1") not in OWN_SITES
    origin = headers.get(b"origin")
    if origin is None:
        return False
    return (
        urlsplit(origin.decode("latin-1")).netloc.lower()
        != headers.get(b"host", b"").decode("latin-1").lower()
    )


async def _send_problem(send: Send, scope: Scope, status: int, kind: str, detail: str) -> None:
    body = problem_body(status, kind, detail, request_id=scope.get("state", {}).get("request_id"))
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    if status == 413:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def bearer_token(request: Request) -> str | None:
    """The token of `Authorization: Bearer`, if there is one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def session_token(request: Request) -> str | None:
    """What proves who is asking: a program's Bearer token before a browser's cookie."""
    return bearer_token(request) or request.cookies.get(SESSION_COOKIE) or None


def client_ip(request: Request) -> str | None:
    """Where the request comes from, as uvicorn has worked it out (`trusted_proxies`)."""
    return request.client.host if request.client else None


def csrf_token(request: Request) -> str:
    """The token that our pages put into their forms and htmx headers; bound to the session, before it to the browser.

    Empty for a browser that has neither cookie: `give_browser_key` sets one before a form is shown.
    """
    bound_to = request.cookies.get(SESSION_COOKIE) or browser_key(request)
    return _sign(request, bound_to) if bound_to else ""


def browser_token(request: Request) -> str:
    """The same for a form that has to be good after somebody has signed in anew: bound to the browser alone."""
    return _sign(request, make_browser_key(request))


def _sign(request: Request, bound_to: str) -> str:
    settings: Settings = request.app.state.wired.settings
    return hmac.new(settings.pepper, b"csrf\0" + bound_to.encode(), sha256).hexdigest()


async def check_csrf(request: Request) -> None:
    """For every route: a browser's unsafe request carries the token (field or header). Raises ForgedRequest.

    JSON without a session needs none: another site cannot send it without a preflight, which nobody answers.
    """
    if request.method in SAFE_METHODS or bearer_token(request):
        return
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_form = content_type in ("application/x-www-form-urlencoded", "multipart/form-data")
    if not is_form and SESSION_COOKIE not in request.cookies:
        return
    given = request.headers.get(CSRF_HEADER)
    if is_form:
        form = request.state.form = await request.form()
        refuse_control_characters(
            [*form.keys(), *(value for value in form.values() if isinstance(value, str))]
        )
        field = form.get(CSRF_FIELD)
        given = given or (field if isinstance(field, str) else None)
    cookies = (request.cookies.get(SESSION_COOKIE), request.cookies.get(BROWSER_COOKIE))
    expected = [_sign(request, cookie) for cookie in cookies if cookie]
    if not expected and (request.url.path.startswith("/api/") or request.url.path in FOR_SERVERS):
        return  # a program that sends a form and has no cookie has nothing that could be abused
    if not any(hmac.compare_digest(one.encode(), (given or "").encode()) for one in expected):
        raise ForgedRequest


CsrfDep = Annotated[None, Depends(check_csrf)]


def refuse_control_characters(value: Any) -> None:
    """PostgreSQL keeps no NUL in texts. Raises BadText when one is anywhere in this JSON value."""
    if isinstance(value, str):
        if "\0" in value:
            raise BadText
    elif isinstance(value, dict):
        for name, part in value.items():
            refuse_control_characters(name)
            refuse_control_characters(part)
    elif isinstance(value, list):
        for part in value:
            refuse_control_characters(part)


def browser_key(request: Request) -> str | None:
    """The key of this browser before anyone has signed in; a code is bound to it."""
    return request.cookies.get(BROWSER_COOKIE) or getattr(request.state, "browser_key", None)


def make_browser_key(request: Request) -> str:
    """This browser's key; a new one when it has none. Then `give_browser_key` has to be called on the answer."""
    key = browser_key(request)
    if key is None:
        key = request.state.browser_key = secrets.token_urlsafe(24)
    return key


def give_browser_key(request: Request, response: Response) -> None:
    """Set the pre-session cookie if `make_browser_key` made one."""
    key = getattr(request.state, "browser_key", None)
    if key:
        _set_cookie(request, response, BROWSER_COOKIE, key)


def give_session(request: Request, response: Response, token: str) -> None:
    """Sign this browser in: the session cookie, until the browser or the session ends."""
    _set_cookie(request, response, SESSION_COOKIE, token)
    if SIGNED_OUT_COOKIE in request.cookies:
        response.delete_cookie(SIGNED_OUT_COOKIE, path="/")


def has_signed_out(request: Request) -> bool:
    """Whether somebody has signed out in this browser: WeChat does not sign them in again before they ask for it."""
    return SIGNED_OUT_COOKIE in request.cookies


def note_signed_out(request: Request, response: Response) -> None:
    """Remember it, until somebody signs in here or the browser ends."""
    _set_cookie(request, response, SIGNED_OUT_COOKIE, "1")


def take_session(request: Request, response: Response) -> None:
    """Remove the session cookie."""
    response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="lax", secure=_is_https(request))


def _set_cookie(request: Request, response: Response, name: str, value: str) -> None:
    response.set_cookie(name, value, path="/", httponly=True, samesite="lax", secure=_is_https(request))


def _is_https(request: Request) -> bool:
    settings: Settings = request.app.state.wired.settings
    return settings.is_https

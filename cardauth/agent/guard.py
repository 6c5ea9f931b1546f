"""Whether a request may be looked at at all: from a page of a named site, to this address, as JSON. Looks at headers
only.

A browser sets `Origin` and `Host` itself; a page cannot change them. JSON as content type makes it ask first (a
preflight), so that a plain form of another site never gets here. No request is answered to a page of any other site,
not even that it was refused (no CORS headers).
"""

from collections.abc import Collection
from email.message import Message

from cardauth.agent.refusals import (
    BadRequest,
    ForbiddenOrigin,
    NotFound,
    NotJson,
    TooLarge,
    WrongHost,
    WrongMethod,
)

ROUTES = {"/status": "GET", "/certificate": "POST", "/sign": "POST"}
LONGEST_BODY = 16 * 1024
"""Bytes: a certificate of 8 KiB in base64, and the rest."""


def check_host(headers: Message, port: int) -> None:
    """Refuse a name that somebody else's DNS points at this machine (DNS rebinding). Raises WrongHost."""
    if only(headers, "Host") not in (f"127.0.0.1:{port}", f"localhost:{port}"):
        raise WrongHost


def check_origin(headers: Message, allowed: Collection[str]) -> str:
    """The site that asks, exactly as it is named in the settings. Raises ForbiddenOrigin."""
    origin = only(headers, "Origin")
    if origin is None or origin == "null" or origin not in allowed:
        raise ForbiddenOrigin
    return origin


def check_call(method: str, path: str, headers: Message) -> int:
    """The length of the body of a call that may be read. Raises the refusal that fits."""
    if path not in ROUTES:
        raise NotFound
    if method != ROUTES[path]:
        raise WrongMethod
    check_plain(headers)
    if method == "GET":
        if headers.get("Content-Length", "0") != "0":
            raise BadRequest
        return 0
    kind = only(headers, "Content-Type") or ""
    if kind.split(";", 1)[0].strip().lower() != "application/json":
        raise NotJson
    return read_length(headers)


def check_plain(headers: Message) -> None:
    """Refuse what would go on after the answer: another protocol (WebSocket), or a body of unknown length. Raises BadRequest."""
    tokens = {
        token.strip().lower() for value in headers.get_all("Connection", []) for token in value.split(",")
    }
    if "Upgrade" in headers or "upgrade" in tokens or "Transfer-Encoding" in headers:
        raise BadRequest


def check_preflight(path: str, headers: Message) -> None:
    """Whether a page may go on to call this. Raises NotFound, WrongMethod."""
    if path not in ROUTES:
        raise NotFound
    if only(headers, "Access-Control-Request-Method") != ROUTES[path]:
        raise WrongMethod


def read_length(headers: Message) -> int:
    """Raises BadRequest, TooLarge."""
    length = only(headers, "Content-Length") or ""
    if not (length.isascii() and length.isdigit()):
        raise BadRequest
    if len(length) > len(str(LONGEST_BODY)) or int(length) > LONGEST_BODY:
        raise TooLarge
    return int(length)


def only(headers: Message, name: str) -> str | None:
    """The value of a header that stands there once; None when it is missing or repeated."""
    values = headers.get_all(name, [])
    return values[0] if len(values) == 1 else None

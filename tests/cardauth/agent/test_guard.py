"""Which requests the agent looks at: decided by headers alone."""

from email.message import Message

import pytest

from cardauth.agent import guard
from cardauth.agent.refusals import (
    AgentRefusal,
    BadRequest,
    ForbiddenOrigin,
    NotFound,
    NotJson,
    TooLarge,
    WrongHost,
    WrongMethod,
)

SITE = "https://qingling.example.cn"
JSON = ("Content-Type", "application/json")
LENGTH = ("Content-Length", "2")


def headers(*pairs: tuple[str, str]) -> Message:
    message = Message()
    for name, value in pairs:
        message.add_header(name, value)
    return message


@pytest.mark.parametrize("host", ["127.0.0.1:61580", "localhost:61580"])
def test_its_own_address_is_known(host: str) -> None:
    guard.check_host(headers(("Host", host)), 61580)


@pytest.mark.parametrize(
    "hosts",
    [
        [],
        ["evil.example:61580"],
        ["127.0.0.1"],
        ["127.0.0.1:80"],
        ["127.0.0.1:61580.evil.example"],
        ["localhost.evil.example:61580"],
        ["LOCALHOST:61580"],
        ["[::1]:61580"],
        ["0.0.0.0:61580"],
        ["127.0.0.1:61580", "evil.example"],
        ["127.0.0.1:61580", "127.0.0.1:61580"],
    ],
)
def test_any_other_host_is_refused(hosts: list[str]) -> None:
    with pytest.raises(WrongHost):
        guard.check_host(headers(*(("Host", host) for host in hosts)), 61580)


def test_a_named_site_is_let_in() -> None:
    assert guard.check_origin(headers(("Origin", SITE)), {SITE}) == SITE


@pytest.mark.parametrize(
    "origins",
    [
        [],
        ["null"],
        [""],
        ["https://evil.example"],
        [SITE.upper()],
        [f"{SITE}:443"],
        [f"{SITE}/"],
        [SITE.replace("https", "http")],
        [f"{SITE}.evil.example"],
        [f"https://evil.example/{SITE}"],
        [SITE, SITE],
        [SITE, "https://evil.example"],
    ],
)
def test_any_other_site_is_refused(origins: list[str]) -> None:
    with pytest.raises(ForbiddenOrigin):
        guard.check_origin(headers(*(("Origin", origin) for origin in origins)), {SITE})


def test_null_is_refused_even_where_it_is_named() -> None:
    with pytest.raises(ForbiddenOrigin):
        guard.check_origin(headers(("Origin", "null")), {"null"})


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_json_may_be_read(kind: str) -> None:
    assert guard.check_call("POST", "/sign", headers(("Content-Type", kind), LENGTH)) == 2


@pytest.mark.parametrize(
    ("refusal", "method", "path", "pairs"),
    [
        (NotFound, "GET", "/", ()),
        (NotFound, "GET", "/status?x=1", ()),
        (NotFound, "POST", "/sign/", (JSON, LENGTH)),
        (NotFound, "GET", "http://127.0.0.1:61580/status", ()),
        (WrongMethod, "GET", "/sign", ()),
        (WrongMethod, "POST", "/status", (JSON, LENGTH)),
        (WrongMethod, "HEAD", "/status", ()),
        (WrongMethod, "PUT", "/sign", (JSON, LENGTH)),
        (NotJson, "POST", "/sign", (LENGTH,)),
        (NotJson, "POST", "/sign", (("Content-Type", "text/plain"), LENGTH)),
        (NotJson, "POST", "/sign", (("Content-Type", "text/plain; application/json"), LENGTH)),
        (NotJson, "POST", "/sign", (("Content-Type", "application/x-www-form-urlencoded"), LENGTH)),
        (NotJson, "POST", "/sign", (("Content-Type", "multipart/form-data; boundary=x"), LENGTH)),
        (NotJson, "POST", "/sign", (JSON, JSON, LENGTH)),
        (BadRequest, "POST", "/sign", (JSON,)),
        (BadRequest, "POST", "/sign", (JSON, ("Content-Length", "-1"))),
        (BadRequest, "POST", "/sign", (JSON, ("Content-Length", "+2"))),
        (BadRequest, "POST", "/sign", (JSON, ("Content-Length", "²"))),
        (BadRequest, "POST", "/sign", (JSON, LENGTH, LENGTH)),
        (BadRequest, "POST", "/sign", (JSON, LENGTH, ("Transfer-Encoding", "chunked"))),
        (TooLarge, "POST", "/sign", (JSON, ("Content-Length", str(guard.LONGEST_BODY + 1)))),
        (TooLarge, "POST", "/sign", (JSON, ("Content-Length", "9" * 6000))),
        (BadRequest, "GET", "/status", (LENGTH,)),
        (BadRequest, "GET", "/status", (("Upgrade", "websocket"), ("Connection", "Upgrade"))),
        (BadRequest, "GET", "/status", (("Connection", "keep-alive, UPGRADE"),)),
        (BadRequest, "GET", "/status", (("Upgrade", "h2c"),)),
    ],
)
def test_what_no_page_of_ours_sends_is_refused(
    refusal: type[AgentRefusal], method: str, path: str, pairs: tuple[tuple[str, str], ...]
) -> None:
    with pytest.raises(refusal):
        guard.check_call(method, path, headers(*pairs))


@pytest.mark.parametrize(
    ("refusal", "path", "method"),
    [(NotFound, "/x", "GET"), (WrongMethod, "/sign", "GET"), (WrongMethod, "/status", "DELETE")],
)
def test_a_preflight_for_what_is_not_there(refusal: type[AgentRefusal], path: str, method: str) -> None:
    with pytest.raises(refusal):
        guard.check_preflight(path, headers(("Access-Control-Request-Method", method)))

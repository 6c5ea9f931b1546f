"""The CAS client against a strict server in this process: what is asked, what is taken, what is refused, what is a failure."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from cardauth import cas
from cardauth.cas import ANSWER_MAX_BYTES, USER, CasClient
from cardauth.exceptions import CasRefused, CasUnavailable
from tests.cardauth.fake_cas import CAS_URL, FakeCas, failure, success

SERVICE = "https://qingling.example.cn/sign-in/cas"
MAPPING = {"phone": "mobile", "name": "displayName", "account": USER}


@pytest.fixture
def fake() -> FakeCas:
    return FakeCas()


@pytest.fixture
async def client(fake: FakeCas) -> AsyncIterator[CasClient]:
    async with fake.client() as http:
        yield CasClient(CAS_URL, http, MAPPING)


async def fail(
    client: CasClient, kind: type[CasRefused] | type[CasUnavailable], ticket: str = "ST-1-x"
) -> str:
    with pytest.raises(kind) as refused:
        await client.validate(ticket, SERVICE)
    error = refused.value
    return error.code if isinstance(error, CasRefused) else error.reason


def test_addresses_carry_the_service(client: CasClient) -> None:
    quoted = "https%3A%2F%2Fqingling.example.cn%2Fsign-in%2Fcas"
    assert client.login_url(SERVICE) == f"{CAS_URL}/login?service={quoted}"
    assert client.logout_url(SERVICE) == f"{CAS_URL}/logout?service={quoted}"


@pytest.mark.parametrize(
    "url", ["", "cas.example.cn", "ftp://cas.example.cn", "https://", "https://a.cn/?x=1", "https://a.cn/#x"]
)
async def test_an_address_that_is_none_is_refused_at_once(url: str) -> None:
    async with FakeCas().client() as http:
        with pytest.raises(ValueError, match="address"):
            CasClient(url, http, {})


async def test_a_ticket_says_who_it_is(client: CasClient, fake: FakeCas) -> None:
    ticket = fake.give(
        SERVICE, "wang", {"mobile": ["13900000001"], "displayName": ["王小明"], "other": ["x"]}
    )
    principal = await client.validate(ticket, SERVICE)
    assert (principal.user, principal.ticket) == ("wang", ticket)
    assert principal.attributes == {"phone": "13900000001", "name": "王小明", "account": "wang"}
    assert "王" not in repr(principal) and ticket not in repr(principal)


async def test_what_the_server_does_not_send_is_not_there(client: CasClient, fake: FakeCas) -> None:
    principal = await client.validate(fake.give(SERVICE, "wang", {"displayName": [""]}), SERVICE)
    assert principal.attributes == {"account": "wang"}


async def test_a_ticket_is_good_once(client: CasClient, fake: FakeCas) -> None:
    ticket = fake.give(SERVICE, "wang")
    await client.validate(ticket, SERVICE)
    assert await fail(client, CasRefused, ticket) == "INVALID_TICKET"


async def test_a_ticket_for_another_service_is_refused(client: CasClient, fake: FakeCas) -> None:
    ticket = fake.give("https://other.example.cn/", "wang")
    assert await fail(client, CasRefused, ticket) == "INVALID_SERVICE"
    assert await fail(client, CasRefused, ticket) == "INVALID_TICKET"


@pytest.mark.parametrize(
    "ticket", ["", "x", "ST-", "PT-1-x", "ST-1 x", "ST-1\n", "ST-中文", "ST-" + "x" * 254]
)
async def test_what_is_no_service_ticket_is_not_even_asked_about(
    client: CasClient, fake: FakeCas, ticket: str
) -> None:
    assert await fail(client, CasRefused, ticket) == "INVALID_TICKET_SPEC"
    assert fake.asked == []


async def test_two_values_where_one_is_wanted_are_refused(client: CasClient, fake: FakeCas) -> None:
    ticket = fake.give(SERVICE, "wang", {"mobile": ["13900000001", "13900000002"]})
    assert "several values" in await fail(client, CasUnavailable, ticket)
    ticket = fake.give(SERVICE, "wang", {"other": ["1", "2"], "mobile": ["13900000001"] * 2})
    assert (await client.validate(ticket, SERVICE)).attributes["phone"] == "13900000001"


# Answers that are none


async def test_a_fault_of_the_server_is_not_the_persons(client: CasClient, fake: FakeCas) -> None:
    fake.answer = httpx.Response(200, text=failure("INTERNAL_ERROR"))
    assert await fail(client, CasUnavailable) == "INTERNAL_ERROR"


@pytest.mark.parametrize("code", ["INVALID_REQUEST", "UNAUTHORIZED_SERVICE", "INVALID_TICKET_SPEC"])
async def test_other_codes_are_told(client: CasClient, fake: FakeCas, code: str) -> None:
    fake.answer = httpx.Response(200, text=failure(code, "王小明"))
    assert await fail(client, CasRefused) == code


async def test_a_code_that_is_no_word_is_not_repeated(client: CasClient, fake: FakeCas) -> None:
    for code in ("王小明", "a b", "x" * 65, "", "1"):
        fake.answer = httpx.Response(200, text=failure(code))
        assert await fail(client, CasRefused) == "UNKNOWN"


@pytest.mark.parametrize("status", [204, 302, 400, 404, 500, 503])
async def test_another_status_is_no_answer_and_redirects_are_not_followed(
    client: CasClient, fake: FakeCas, status: int
) -> None:
    headers = {"location": "https://evil.example.cn/"}
    fake.answer = httpx.Response(status, headers=headers, text=success("wang"))
    assert await fail(client, CasUnavailable) == f"status {status}"
    assert len(fake.asked) == 1


async def test_an_answer_that_is_too_long_is_not_read_to_its_end(client: CasClient, fake: FakeCas) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 1000
            read.append(1000)

    read: list[int] = []
    fake.answer = httpx.Response(200, content=endless())
    assert await fail(client, CasUnavailable) == "answer too long"
    assert sum(read) <= ANSWER_MAX_BYTES + 4096


async def test_a_server_that_trickles_is_given_up(
    client: CasClient, fake: FakeCas, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def trickle() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.01)
            yield b" "

    monkeypatch.setattr(cas, "WHOLE_TIMEOUT_S", 0.05)
    fake.answer = httpx.Response(200, content=trickle())
    assert await fail(client, CasUnavailable) == "TimeoutError"


async def test_a_server_that_is_not_there() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(refuse)) as http:
        assert await fail(CasClient(CAS_URL, http, {}), CasUnavailable) == "ConnectError"


async def test_a_server_that_does_not_answer_in_time(fake: FakeCas) -> None:
    def stall(request: httpx.Request) -> httpx.Response:
        assert request.extensions["timeout"] == {"connect": 3.0, "read": 5.0, "write": 5.0, "pool": 5.0}
        raise httpx.ReadTimeout("too slow", request=request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(stall), timeout=None) as http:
        assert await fail(CasClient(CAS_URL, http, {}), CasUnavailable) == "ReadTimeout"

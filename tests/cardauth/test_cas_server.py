"""The CAS client against a real CAS server, django-mama-cas, that runs as its own process."""

import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from urllib.parse import parse_qs

import httpx
import pytest

from cardauth.cas import USER, CasClient
from cardauth.exceptions import CasRefused
from tests.cardauth.cas_process import Browser, running_cas


class Service:
    """The site that people sign in to: it takes the server's posts."""

    def __init__(self) -> None:
        posts: Queue[str] = Queue()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                posts.put(self.rfile.read(int(self.headers["content-length"])).decode())
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        self.posts = posts
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/sign-in/cas"


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    service = Service()
    thread = threading.Thread(target=service.server.serve_forever, args=(0.05,))
    thread.start()
    yield service
    service.server.shutdown()
    thread.join()
    service.server.server_close()


@pytest.fixture(scope="module")
def cas_url(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    origin = service.url.removesuffix("/sign-in/cas")
    with running_cas(tmp_path_factory.mktemp("cas"), origin) as url:
        yield url


@pytest.fixture
async def client(cas_url: str) -> AsyncIterator[CasClient]:
    async with httpx.AsyncClient() as http:
        yield CasClient(cas_url, http, {"phone": "mobile", "name": "displayName", "account": USER})


@pytest.fixture
def person() -> Iterator[Browser]:
    with Browser() as person:
        yield person


async def test_signing_in(client: CasClient, service: Service, person: Browser) -> None:
    ticket = person.sign_in(client.login_url(service.url))
    principal = await client.validate(ticket, service.url)
    assert (principal.user, principal.ticket) == ("wang", ticket)
    assert principal.attributes == {"phone": "13900000001", "name": "小明 王", "account": "wang"}


async def test_a_ticket_is_good_once_and_signing_in_again_gives_another(
    client: CasClient, service: Service, person: Browser
) -> None:
    ticket = person.sign_in(client.login_url(service.url))
    await client.validate(ticket, service.url)
    with pytest.raises(CasRefused) as refused:
        await client.validate(ticket, service.url)
    assert refused.value.code == "INVALID_TICKET"
    assert await client.validate(person.sign_in(client.login_url(service.url)), service.url)


async def test_a_ticket_for_another_service_is_refused(
    client: CasClient, service: Service, person: Browser
) -> None:
    other = service.url.replace("/sign-in/cas", "/other")
    ticket = person.sign_in(client.login_url(other))
    with pytest.raises(CasRefused) as refused:
        await client.validate(ticket, service.url)
    assert refused.value.code == "INVALID_SERVICE"


async def test_a_ticket_nobody_gave_is_refused(client: CasClient, service: Service) -> None:
    for ticket in ("ST-1700000000-" + "a" * 32, "ST-1"):
        with pytest.raises(CasRefused) as refused:
            await client.validate(ticket, service.url)
        assert refused.value.code == "INVALID_TICKET"


async def test_signing_out_there_tells_us_the_ticket(
    client: CasClient, service: Service, person: Browser
) -> None:
    ticket = person.sign_in(client.login_url(service.url))
    await client.validate(ticket, service.url)
    assert person.sign_out(client.logout_url(service.url)) == service.url
    [sent] = parse_qs(service.posts.get(timeout=10))["logoutRequest"]
    assert client.read_logout_request(sent) == ticket
    assert service.posts.empty()

"""Signing in through a real CAS server, django-mama-cas, end to end: pages over a socket, a browser at both, and the server's own
post that ends our session."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import uvicorn

from api.cas import CasDoor
from cardauth.cas import CasClient
from tests.cardauth.cas_process import Browser, running_cas
from tests.pages.conftest import World


@dataclass
class Site:
    """Our pages at an address of their own, whose tab leads to the CAS server; `staff` has an account with that phone there."""

    origin: str
    cas: CasClient
    there: Browser

    def browser(self) -> httpx.AsyncClient:
        """A new browser."""
        return httpx.AsyncClient(base_url=self.origin, headers={"accept": "text/html"}, timeout=10)

    async def leave(self, browser: httpx.AsyncClient, onward: str = "/tasks") -> str:
        """Press the button of the tab; CAS' page for signing in."""
        await browser.get("/sign-in/card")
        return (await browser.get(f"/sign-in/cas?next={onward}")).headers["location"]

    async def sign_in_there(self, login_url: str) -> str:
        """Name and password on CAS' page; the address with the ticket that it sends the browser back to."""
        ticket = await asyncio.to_thread(self.there.sign_in, login_url)
        [service] = parse_qs(urlsplit(login_url).query)["service"]
        return f"{service}&ticket={ticket}"

    async def sign_out_there(self) -> None:
        """Sign out on CAS' page; it posts to us before it answers."""
        await asyncio.to_thread(self.there.sign_out, self.cas.logout_url(f"{self.origin}/sign-in"))


@asynccontextmanager
async def serve(world: World, listener: socket.socket) -> AsyncIterator[None]:
    """The application on this socket, in this event loop."""
    config = uvicorn.Config(world.app, lifespan="off", ws="none", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            await asyncio.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        await serving


@pytest.fixture
async def site(world: World, tmp_path: Path) -> AsyncIterator[Site]:
    listener = socket.create_server(("127.0.0.1", 0))
    origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
    (tmp_path / "cas").mkdir()
    with running_cas(tmp_path / "cas", origin) as cas_url, Browser() as there:
        async with httpx.AsyncClient(timeout=10) as http, serve(world, listener):
            client = CasClient(cas_url, http, {"phone": "mobile"})
            wired = world.app.state.wired
            door = CasDoor(client, ends_at_cas=True, origin=origin, secret=wired.settings.pepper)
            world.app.state.wired = replace(wired, cas=door)
            yield Site(origin, client, there)


async def is_signed_in(browser: httpx.AsyncClient) -> bool:
    answer = await browser.get("/tasks")
    assert answer.status_code in (200, 303), answer.text
    return answer.status_code == 200


async def test_in_by_a_ticket_that_is_good_once_and_out_from_the_other_side(site: Site) -> None:
    async with site.browser() as browser, site.browser() as another:
        back = await site.sign_in_there(await site.leave(browser))
        answer = await browser.get(back)
        assert (answer.status_code, answer.headers["location"]) == (303, "/tasks")
        assert await is_signed_in(browser)
        browser.cookies.delete("qingling_session")
        assert (await browser.get(back)).status_code == 422, "the ticket again"
        assert not await is_signed_in(browser)
        back = await site.sign_in_there(await site.leave(another))
        assert (await another.get(back)).status_code == 303
        assert await is_signed_in(another)
        await site.sign_out_there()
        assert not await is_signed_in(another)


async def test_a_ticket_for_another_service_lets_nobody_in(site: Site) -> None:
    async with site.browser() as browser:
        [ours] = parse_qs(urlsplit(await site.leave(browser)).query)["service"]
        other = await site.sign_in_there(site.cas.login_url(f"{site.origin}/other?x=1"))
        [ticket] = parse_qs(urlsplit(other).query)["ticket"]
        answer = await browser.get(f"{ours}&ticket={ticket}")
        assert answer.status_code == 422 and "qingling_session" not in answer.headers.get("set-cookie", "")
        assert not await is_signed_in(browser)

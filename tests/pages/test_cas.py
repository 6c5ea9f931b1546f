"""Signing in through CAS on pages: there and back for one browser, whom it lets in, and single log-out in both directions."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import text

from api.cas import CasDoor
from cardauth.cas import CasClient
from tests.api.conftest import ORIGIN
from tests.cardauth.fake_cas import CAS_URL, FakeCas
from tests.pages.conftest import Visitor, World
from tests.tasks.applicants import make_uscc

NAMES = {"phone": "mobile", "uscc": "orgCode"}
PHONES = {"admin": "13900000003", "stranger": "13900000004", "handler": "13900000007"}


def open_door(world: World) -> FakeCas:
    """This server's tab leads to a CAS server from now on."""
    fake = FakeCas()
    client = CasClient(CAS_URL, fake.client(), NAMES)
    wired = world.app.state.wired
    door = CasDoor(client, ends_at_cas=True, origin=ORIGIN, secret=wired.settings.pepper)
    world.app.state.wired = replace(wired, cas=door)
    return fake


async def leave(visitor: Visitor, onward: str = "/") -> str:
    """Press the button of the tab; the service CAS is asked to send the browser back to."""
    await visitor.open(f"/sign-in/card?next={onward}")
    assert "去统一认证系统登录" in visitor.html and "data-card-reader" not in visitor.html
    answer = await visitor.client.get(f"/sign-in/cas?next={onward}")
    place = urlsplit(answer.headers["location"])
    assert f"{place.scheme}://{place.netloc}{place.path}" == f"{CAS_URL}/login"
    return parse_qs(place.query)["service"][0]


async def come_back(visitor: Visitor, service: str, ticket: str) -> httpx.Response:
    return await visitor.client.get(f"{service}&ticket={ticket}")


async def sign_in(
    world: World, fake: FakeCas, attributes: Mapping[str, list[str]], onward: str = "/"
) -> tuple[Visitor, httpx.Response, str]:
    visitor = Visitor(world.client())
    service = await leave(visitor, onward)
    ticket = fake.give(service, "wang", attributes)
    return visitor, await come_back(visitor, service, ticket), ticket


async def scalar(world: World, statement: str) -> Any:
    async with world.wired.sessions() as session:
        return await session.scalar(text(statement))


async def set_uscc(world: World, name: str) -> str:
    uscc = make_uscc()
    async with world.wired.sessions() as session:
        await session.execute(
            text("UPDATE enterprise SET uscc = :uscc WHERE name = :name"), {"uscc": uscc, "name": name}
        )
        await session.commit()
    return uscc


async def test_there_and_back_signs_in_and_goes_where_one_wanted_to(world: World) -> None:
    uscc = await set_uscc(world, "ours公司")
    _, answer, ticket = await sign_in(
        world, open_door(world), {"mobile": [PHONES["admin"]], "orgCode": [uscc]}, "/members"
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/members")
    assert "qingling_session" in answer.headers["set-cookie"]
    assert await scalar(world, "SELECT cas_ticket FROM sign_in_session ORDER BY id DESC LIMIT 1") == ticket


async def test_an_officer_without_uscc_is_an_officer(world: World) -> None:
    _, answer, _ = await sign_in(world, open_door(world), {"mobile": [PHONES["handler"]]})
    assert answer.status_code == 303
    assert await scalar(world, "SELECT officer_id FROM sign_in_session ORDER BY id DESC LIMIT 1") is not None


@pytest.mark.parametrize(
    "attributes",
    [
        {"mobile": ["13612345678"]},
        {},
        {"mobile": [PHONES["admin"]], "orgCode": ["91320100MA1TE0000T"]},
        {"mobile": [PHONES["handler"]], "orgCode": ["91320100MA1TE0000T"]},
    ],
)
async def test_whom_we_do_not_know_is_refused_and_recorded(
    world: World, attributes: dict[str, list[str]]
) -> None:
    _, answer, _ = await sign_in(world, open_door(world), attributes)
    assert answer.status_code == 422 and "没有对应到本系统的用户" in answer.text
    assert await scalar(world, "SELECT count(*) FROM audit_record WHERE action = 'fail_cas'") == 1


async def test_a_ticket_is_good_once_for_one_service_and_one_browser(world: World) -> None:
    fake = open_door(world)
    visitor = Visitor(world.client())
    service = await leave(visitor)
    ticket = fake.give(service, "wang", {"mobile": [PHONES["handler"]]})
    elsewhere = Visitor(world.client())
    await elsewhere.open("/sign-in")
    foreign = await come_back(elsewhere, service, ticket)
    assert foreign.status_code == 422 and "不是从本页开始的" in foreign.text
    assert fake.asked == [], "another browser's return is not even asked about"
    assert (await come_back(visitor, service, ticket)).status_code == 303
    again = Visitor(world.client())
    again.client.cookies = visitor.client.cookies
    again.client.cookies.delete("qingling_session")
    assert (await come_back(again, service, ticket)).status_code == 422
    other = fake.give("https://elsewhere.example.cn/", "wang", {"mobile": [PHONES["handler"]]})
    assert (await come_back(again, service, other)).status_code == 422
    forged = service.replace("next=%2F", "next=%2Fmembers")
    assert (await come_back(again, forged, ticket)).status_code == 422


async def test_a_server_that_does_not_answer_is_said_so(world: World) -> None:
    fake = open_door(world)
    fake.answer = httpx.Response(500)
    _, answer, _ = await sign_in(world, fake, {"mobile": [PHONES["handler"]]})
    assert answer.status_code == 422 and "暂时没有应答" in answer.text


async def test_signing_out_there_ends_the_session_here_and_only_that(world: World) -> None:
    fake = open_door(world)
    visitor, _, ticket = await sign_in(world, fake, {"mobile": [PHONES["handler"]]})
    fake.give("https://elsewhere.example.cn/", "somebody")  # tickets are numbered
    other, _, _ = await sign_in(world, fake, {"mobile": [PHONES["handler"]]})
    said = (
        '<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="1" Version="2.0">'
        f"<samlp:SessionIndex>{ticket}</samlp:SessionIndex></samlp:LogoutRequest>"
    )
    server = world.client()
    for nonsense in ("", "<a/>", said.replace(ticket, "ST-unknown-000000")):
        answer = await server.post("/sign-in/cas/callback", data={"logoutRequest": nonsense})
        assert answer.status_code == 200
    await visitor.open("/tasks")
    assert visitor.address == "/tasks"
    assert (await server.post("/sign-in/cas/callback", data={"logoutRequest": said})).status_code == 200
    await visitor.open("/tasks")
    assert visitor.address == "/sign-in"
    await other.open("/tasks")
    assert other.address == "/tasks"


async def test_signing_out_here_goes_on_to_cas(world: World) -> None:
    visitor, _, _ = await sign_in(world, open_door(world), {"mobile": [PHONES["handler"]]})
    await visitor.open("/tasks")
    body = {"csrf_token": visitor.hidden("csrf_token") or ""}
    answer = await visitor.client.post("/sign-out", data=body)
    assert answer.headers["location"].startswith(f"{CAS_URL}/logout?service=")
    by_code = Visitor(world.browser("handler"))
    await by_code.open("/tasks")
    body = {"csrf_token": by_code.hidden("csrf_token") or ""}
    assert (await by_code.client.post("/sign-out", data=body)).headers["location"] == "/sign-in"

"""Numbers by the JSON contract: changing one's own, asking for help without signing in, deciding at customs."""

from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from api.app import create_app
from tests.api.conftest import World

NEW = "13712345678"


class Mailbox:
    """A sender of codes that keeps the last one of each purpose."""

    def __init__(self) -> None:
        self.codes: dict[str, str] = {}

    async def __call__(self, session: Any, *, purpose: str, code: str, **_: Any) -> None:
        self.codes[purpose] = code


def readable(world: World) -> tuple[World, Mailbox]:
    """The same world, whose codes can be read and asked for at once."""
    mailbox = Mailbox()
    code_limits = replace(world.wired.code_limits, resend_s=(), per_phone_hour=0)
    wired = replace(world.wired, send_code=mailbox, code_limits=code_limits)
    return replace(world, wired=wired, app=create_app(wired)), mailbox


@pytest.fixture
def open_world(world: World) -> tuple[World, Mailbox]:
    return readable(world)


async def ask_change(client: httpx.AsyncClient, mailbox: Mailbox, phone: str = NEW) -> dict[str, str]:
    sent = await client.post("/api/v1/me/phone/codes", json={"phone": phone})
    assert sent.status_code == 202, sent.text
    return {
        "phone": phone,
        **sent.json(),
        "old_code": mailbox.codes["change_phone_old"],
        "new_code": mailbox.codes["change_phone_new"],
    }


async def test_a_person_changes_the_number(open_world: tuple[World, Mailbox]) -> None:
    world, mailbox = open_world
    client = world.client("staff")
    body = await ask_change(client, mailbox)
    assert (await client.post("/api/v1/me/phone", json=body)).status_code == 204
    assert (await client.get("/api/v1/me")).json()["person"]["phone"] == NEW
    async with world.wired.sessions() as session:
        told = (await session.execute(text("SELECT to_phone, template FROM message"))).all()
    assert [tuple(row) for row in told] == [("+8613900000001", "phone_left")]


async def test_wrong_codes_are_told_by_field_and_counted(open_world: tuple[World, Mailbox]) -> None:
    world, mailbox = open_world
    client = world.client("handler")
    body = await ask_change(client, mailbox)
    for _ in range(5):
        refused = await client.post("/api/v1/me/phone", json={**body, "old_code": "wrong!"})
        assert refused.status_code == 422 and list(refused.json()["errors"]) == ["old_code"]
    assert (await client.post("/api/v1/me/phone", json=body)).status_code == 422


async def test_two_at_once_get_the_number_once(open_world: tuple[World, Mailbox]) -> None:
    world, mailbox = open_world
    first = await ask_change(world.client("staff"), mailbox)
    other = world.client("executive")
    second = await ask_change(other, mailbox)
    # The second one's code to the new number voided the first one's: only who asked last can prove to hold it.
    assert (await world.client("staff").post("/api/v1/me/phone", json=first)).status_code == 422
    assert (await other.post("/api/v1/me/phone", json=second)).status_code == 204


async def request_help(world: World, mailbox: Mailbox, old_phone: str, **changed: str) -> httpx.Response:
    client = world.client()
    sent = await client.post("/api/v1/sign-in/lost-phone/code", json={"phone": NEW})
    body = {
        "name": "staff",
        "old_phone": old_phone,
        "phone": NEW,
        "place": "ours公司",
        "office": "2301",
        "challenge": sent.json()["challenge"],
        "code": mailbox.codes["lost_phone"],
        **changed,
    }
    return await client.post("/api/v1/sign-in/lost-phone", json=body)


async def test_a_lost_number_is_changed_by_the_registrar(open_world: tuple[World, Mailbox]) -> None:
    world, mailbox = open_world
    sent = await request_help(world, mailbox, "13900000001")
    assert sent.status_code == 201
    assert (await world.client("handler").get("/api/v1/phone-requests")).status_code == 403
    registrar = world.client("registrar")
    (item,) = (await registrar.get("/api/v1/phone-requests")).json()["items"]
    assert (item["old_phone"], item["person_name"]) == ("13900000001", "staff")
    address = f"/api/v1/phone-requests/{item['id']}/decide"
    refused = await registrar.post(address, json={"decision": "change", "reason": ""})
    assert (refused.status_code, list(refused.json()["errors"])) == (422, ["reason"])
    decided = await registrar.post(address, json={"decision": "change", "reason": "看过身份证原件"})
    assert decided.status_code == 204
    assert (await world.client("staff").get("/api/v1/me")).status_code == 401
    again = await registrar.post(address, json={"decision": "change", "reason": "再一次"})
    assert again.status_code == 404
    async with world.wired.sessions() as session:
        told = (await session.execute(text("SELECT to_phone, template FROM message ORDER BY template"))).all()
    assert [tuple(row) for row in told] == [
        (f"+86{NEW}", "phone_given"),
        ("+8613900000001", "phone_left"),
    ]


async def test_a_number_taken_meanwhile_leaves_the_request_open(open_world: tuple[World, Mailbox]) -> None:
    world, mailbox = open_world
    await request_help(world, mailbox, "13900000001")
    async with world.wired.sessions() as session:
        await session.execute(
            text("UPDATE person SET phone = :p WHERE name = 'executive'").bindparams(p=f"+86{NEW}")
        )
        await session.commit()
    registrar = world.client("registrar")
    (item,) = (await registrar.get("/api/v1/phone-requests")).json()["items"]
    address = f"/api/v1/phone-requests/{item['id']}/decide"
    refused = await registrar.post(address, json={"decision": "change", "reason": "看过身份证原件"})
    assert (refused.status_code, list(refused.json()["errors"])) == (422, ["phone"])
    assert len((await registrar.get("/api/v1/phone-requests")).json()["items"]) == 1


async def test_known_and_unknown_old_numbers_get_the_same_answer(open_world: tuple[World, Mailbox]) -> None:
    world, mailbox = open_world
    for phone in ("13900000001", "13612345678"):
        sent = await request_help(world, mailbox, phone)
        assert sent.status_code == 201 and set(sent.json()) == {"id"}

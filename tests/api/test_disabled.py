"""Disabled people are out at once: the next request of every session they have is refused, and signing in again too."""

import pytest
from sqlalchemy import text

from tests.api.conftest import PASSWORD, World
from tests.api.test_phones import readable

SWITCHES = {
    "person": ("staff", "UPDATE person SET active = false WHERE id = :id"),
    "officer": ("handler", "UPDATE officer SET active = false WHERE person_id = :id"),
}


async def switch_off(world: World, name: str, statement: str) -> None:
    async with world.wired.sessions() as session:
        await session.execute(text(statement), {"id": world.people[name]})
        await session.commit()


@pytest.mark.parametrize("what", SWITCHES)
async def test_a_disabled_person_or_officer_is_out_at_once_and_stays_out(world: World, what: str) -> None:
    world, mailbox = readable(world)
    name, statement = SWITCHES[what]
    client = world.client(name)
    phone = (await client.get("/api/v1/me")).json()["person"]["phone"]
    await switch_off(world, name, statement)
    for path in ("/me", "/tasks", "/issues", "/sessions"):
        assert (await client.get(f"/api/v1{path}")).status_code == 401, path
    nobody = world.client()
    sent = await nobody.post("/api/v1/sign-in/code", json={"phone": phone})
    body = {"challenge": sent.json()["challenge"], "phone": phone, "code": mailbox.codes["sign_in"]}
    for password in (None, PASSWORD):
        refused = await nobody.post("/api/v1/sign-in", json={**body, "password": password})
        assert refused.status_code == 401


async def test_a_disabled_member_acts_for_the_enterprise_no_more(world: World) -> None:
    client = world.client("staff")
    switch = "UPDATE membership SET active = false, suspended_at = now() WHERE person_id = :id"
    await switch_off(world, "staff", switch)
    body = {"kind": "政策咨询", "category": "税收征管", "office": "2301", "title": "x", "description": "y"}
    assert (await client.post("/api/v1/issues", json=body)).status_code in (401, 403)
    listed = await client.get("/api/v1/issues")
    assert listed.status_code == 401 or listed.json()["items"] == []
    assert (await client.get("/api/v1/members")).status_code in (401, 403)


async def test_nobody_raises_for_a_suspended_enterprise(world: World) -> None:
    client = world.client("staff")
    async with world.wired.sessions() as session:
        await session.execute(
            text("UPDATE enterprise SET status = 'suspended' WHERE id = :id"),
            {"id": world.enterprises["ours"]},
        )
        await session.commit()
    body = {"kind": "政策咨询", "category": "税收征管", "office": "2301", "title": "x", "description": "y"}
    assert (await client.post("/api/v1/issues", json=body)).status_code == 403

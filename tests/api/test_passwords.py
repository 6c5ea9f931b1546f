"""Officers change their password by the JSON contract, and reach nothing else while they must."""

from typing import Any

from fastapi.routing import APIRoute
from sqlalchemy import text

from api.deps import BEFORE_PASSWORD_CHANGE, OPEN
from tests.api.conftest import PASSWORD, World
from tests.api.test_routes import routes_of

GOOD = "limestone.heron+7"


async def make_change(world: World, name: str) -> None:
    async with world.wired.sessions() as session:
        await session.execute(
            text("UPDATE officer SET must_change_password = true WHERE person_id = :id"),
            {"id": world.people[name]},
        )
        await session.commit()


async def test_an_officer_changes_the_password(world: World) -> None:
    client = world.client("handler")
    answer = await client.post("/api/v1/me/password", json={"old": PASSWORD, "new": GOOD})
    assert answer.status_code == 204
    again = await client.post("/api/v1/me/password", json={"old": PASSWORD, "new": GOOD})
    assert (again.status_code, again.json()["field"]) == (422, "old")


async def test_what_is_wrong_is_told_by_field(world: World) -> None:
    answer = await world.client("handler").post(
        "/api/v1/me/password", json={"old": PASSWORD, "new": "woaini1314520"}
    )
    problem = answer.json()
    assert (answer.status_code, problem["field"]) == (422, "new")
    assert "太容易被猜到" in problem["detail"]


async def test_wrong_old_passwords_are_counted_although_they_are_refused(world: World) -> None:
    client = world.client("handler")
    for _ in range(5):
        answer = await client.post("/api/v1/me/password", json={"old": "wrong", "new": GOOD})
        assert answer.status_code == 422
    assert (await client.get("/api/v1/me")).status_code == 401


async def test_members_have_none(world: World) -> None:
    answer = await world.client("staff").post("/api/v1/me/password", json={"old": "x", "new": GOOD})
    assert answer.status_code == 403


async def test_an_officer_who_must_change_reaches_no_route_but_a_few(world: World) -> None:
    await make_change(world, "handler")
    client = world.client("handler")
    for method, path, route in routes_of(world):
        if path in OPEN | BEFORE_PASSWORD_CHANGE or not isinstance(route, APIRoute):
            continue
        answer: Any = await client.request(
            method, path.replace("{", "").replace("}", ""), json={}, headers={"accept": "application/json"}
        )
        assert answer.status_code == 403, f"{method} {path}: {answer.status_code}"
        assert answer.json()["type"].endswith("password_must_change"), f"{method} {path}"


async def test_after_the_change_everything_is_open_again(world: World) -> None:
    await make_change(world, "handler")
    client = world.client("handler")
    assert (await client.get("/api/v1/tasks")).status_code == 403
    assert (await client.post("/api/v1/me/password", json={"old": PASSWORD, "new": GOOD})).status_code == 204
    assert (await client.get("/api/v1/tasks")).status_code == 200
    assert (await client.get("/api/v1/me")).json()["officer"]["must_change_password"] is False


async def test_an_officer_who_must_change_can_sign_out(world: World) -> None:
    await make_change(world, "handler")
    client = world.client("handler")
    assert (await client.delete("/api/v1/sessions/current")).status_code == 204
    assert (await client.get("/api/v1/tasks")).status_code == 401

"""Notices and how somebody wants to be told, for programs."""

from typing import Any

from tests.api.conftest import World
from tests.api.test_json_life import raise_and_send


async def unread(client: Any) -> list[dict[str, Any]]:
    return (await client.get("/api/v1/notices?unread=true")).json()["items"]


async def test_notices_are_listed_with_what_they_are_about_and_marked(world: World) -> None:
    issue_id = await raise_and_send(world)
    executive, stranger = world.client("executive"), world.client("stranger")
    body = (await executive.get("/api/v1/notices")).json()
    assert body["unread"] == len(body["items"]) > 0 and body["next"] is None
    assert body["items"][-1]["title"] == "有问题等待您审核"
    assert body["items"][-1]["about"] == {"kind": "issue", "id": issue_id}
    assert await unread(stranger) == []
    first = body["items"][0]["id"]
    assert (await stranger.post("/api/v1/notices/read", json={"ids": [first]})).status_code == 204
    assert len(await unread(executive)) == len(body["items"])
    await executive.post("/api/v1/notices/read", json={"ids": [first, "no id"]})
    assert first not in {one["id"] for one in await unread(executive)}
    for wrong in ("", "1", "5:3:", "1:9:7,2", "0:1:", f"1:{2**63}:", "1:2:\u0663"):
        assert (await executive.post("/api/v1/notices/read", json={"seen": wrong})).status_code == 422
    await executive.post("/api/v1/notices/read", json={"seen": body["seen"]})
    assert await unread(executive) == []


async def test_pages_begin_after_the_last_one(world: World) -> None:
    await raise_and_send(world)
    handler = world.client("handler")
    whole = (await handler.get("/api/v1/notices")).json()["items"]
    page = (await handler.get("/api/v1/notices?limit=1")).json()
    assert [one["id"] for one in page["items"]] == [whole[0]["id"]]
    assert (page["next"] is None) == (len(whole) == 1)
    assert (await handler.get("/api/v1/notices?after=nowhere")).status_code == 404


async def test_choices_are_kept_and_wrong_ones_refused(world: World) -> None:
    staff = world.client("staff")
    now = (await staff.get("/api/v1/me/messages")).json()
    assert now["off"] == {} and now["quiet"] is None, "the demo keeps no quiet hours"
    assert now["mail"] is None and now["wechat"] is False and now["phone"].startswith("139")
    chosen = {"off": {"progress": ["sms", "mail"]}, "quiet": {"start": "22:00", "end": "07:00"}}
    assert (await staff.put("/api/v1/me/messages", json=chosen)).status_code == 204
    after = (await staff.get("/api/v1/me/messages")).json()
    assert (after["off"], after["quiet"]) == (chosen["off"], chosen["quiet"])
    for wrong in (
        {"off": {"account": ["sms"]}, "quiet": None},
        {"off": {"work": ["pigeon"]}, "quiet": None},
        {"off": {}, "quiet": {"start": "22:00", "end": "22:00"}},
        {"off": {}, "quiet": {"start": "25:00", "end": "07:00"}},
    ):
        assert (await staff.put("/api/v1/me/messages", json=wrong)).status_code == 422
    assert (await staff.get("/api/v1/me/messages")).json()["off"] == chosen["off"]


async def test_an_address_is_given_and_forgotten(world: World) -> None:
    staff = world.client("staff")
    assert (await staff.put("/api/v1/me/mail", json={"address": "a@example.cn"})).status_code == 202
    assert (await staff.get("/api/v1/me/messages")).json()["mail"] == {
        "address": "a@example.cn",
        "confirmed": False,
    }
    assert (await staff.post("/api/v1/me/mail/confirm", json={"token": "wrong"})).status_code == 409
    assert (await staff.delete("/api/v1/me/mail")).status_code == 204
    assert (await staff.get("/api/v1/me/messages")).json()["mail"] is None

"""用户管理 for programs: the contract's names, who may, and what other enterprises' admins do not see."""

import io
from typing import Any
from uuid import uuid4

import httpx
import pytest
import xlsxwriter
from sqlalchemy import text

from tests.api.conftest import World

NEW = {"name": "林小满", "phone": "13700000001", "position": "关务经理", "roles": ["customs_affairs"]}
QUESTION = {
    "kind": "政策咨询",
    "category": "减免税",
    "office": "2301",
    "title": "标题",
    "description": "描述",
}


async def add(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    answer = await client.post("/api/v1/members", json=NEW | fields)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def items(client: httpx.AsyncClient) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in (await client.get("/api/v1/members")).json()["items"]}


async def draft(world: World, who: str, title: str = "标题") -> dict[str, Any]:
    answer = await world.client(who).post("/api/v1/issues", json=QUESTION | {"title": title})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def tasks(world: World, who: str) -> list[str]:
    return [one["issue"]["title"] for one in (await world.client(who).get("/api/v1/tasks")).json()["items"]]


async def test_an_admin_keeps_the_members(world: World) -> None:
    admin = world.client("admin")
    assert set(await items(admin)) == {"staff", "executive", "admin"}
    added = await add(admin)
    assert added | {"id": 0, "person_id": 0, "created_at": 0} == NEW | {
        "id": 0,
        "person_id": 0,
        "created_at": 0,
        "state": "active",
    }
    address = f"/api/v1/members/{added['id']}"
    changed = (await admin.patch(address, json={"position": "部长", "roles": ["executive"]})).json()
    assert (changed["name"], changed["position"], changed["roles"]) == ("林小满", "部长", ["executive"])
    assert (await admin.post(f"{address}/suspend", json={})).json()["state"] == "suspended"
    assert (await admin.post(f"{address}/resume")).json()["state"] == "active"
    assert (await admin.delete(address)).status_code == 204
    assert (await admin.delete(address)).status_code == 204  # nothing more happens
    assert set(await items(admin)) == {"staff", "executive", "admin"}
    assert (await admin.get(address)).json()["state"] == "removed"


async def test_a_phone_is_not_the_admins_to_change(world: World) -> None:
    admin = world.client("admin")
    added = await add(admin)
    answer = await admin.patch(f"/api/v1/members/{added['id']}", json={"phone": "13700000002"})
    assert answer.status_code == 422 and "phone" in answer.json()["errors"]


async def test_members_may_be_added_while_the_registration_waits(world: World) -> None:
    assert (await add(world.client("waiting")))["state"] == "active"


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": " "}, "name"),
        ({"phone": "123"}, "phone"),
        ({"roles": []}, "roles"),
        ({"roles": ["enterprise_admin"]}, "roles"),
        ({"position": "职" * 60}, "position"),
        ({"name": "\ud800"}, None),
    ],
)
async def test_mistakes_are_told_by_field(world: World, fields: Any, wrong: str | None) -> None:
    if wrong is None:
        body = '{"name": "\\ud800", "phone": "13700000001", "roles": ["executive"]}'
        answer = await world.client("admin").post(
            "/api/v1/members", content=body, headers={"content-type": "application/json"}
        )
    else:
        answer = await world.client("admin").post("/api/v1/members", json=NEW | fields)
    assert answer.status_code == 422
    assert wrong is None or any(name.startswith(wrong) for name in answer.json()["errors"])


async def test_twice_the_same_phone_is_refused(world: World) -> None:
    admin = world.client("admin")
    await add(admin)
    answer = await admin.post("/api/v1/members", json=NEW)
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:qingling:member_exists"
    assert answer.json()["errors"] == {"phone": "这个手机号码已经是贵企业的用户。"}


@pytest.mark.parametrize("who", ["staff", "executive", "handler", "supervisor", "registrar"])
async def test_only_admins_keep_members(world: World, who: str) -> None:
    some = uuid4()
    client = world.client(who)
    for method, address in (
        ("GET", "/api/v1/members"),
        ("POST", "/api/v1/members"),
        ("GET", f"/api/v1/members/{some}"),
        ("PATCH", f"/api/v1/members/{some}"),
        ("DELETE", f"/api/v1/members/{some}"),
        ("GET", f"/api/v1/members/{some}/work"),
        ("POST", f"/api/v1/members/{some}/suspend"),
        ("POST", f"/api/v1/members/{some}/resume"),
        ("POST", "/api/v1/admin-offer"),
    ):
        body = NEW if (method, address) == ("POST", "/api/v1/members") else {"to": str(some), "roles": []}
        answer = await client.request(method, address, json={} if "members/" in address else body)
        assert answer.status_code == 403, f"{method} {address}"


async def test_other_enterprises_members_do_not_exist(world: World) -> None:
    theirs = (await add(world.client("waiting")))["id"]
    ours = world.client("admin")
    same = await ours.get(f"/api/v1/members/{uuid4()}")
    for method, address, body in (
        ("GET", f"/api/v1/members/{theirs}", None),
        ("PATCH", f"/api/v1/members/{theirs}", {"name": "甲"}),
        ("DELETE", f"/api/v1/members/{theirs}", None),
        ("GET", f"/api/v1/members/{theirs}/work", None),
        ("POST", f"/api/v1/members/{theirs}/suspend", {}),
        ("POST", f"/api/v1/members/{theirs}/resume", None),
        ("POST", "/api/v1/admin-offer", {"to": theirs, "roles": ["executive"]}),
    ):
        answer = await ours.request(method, address, json=body)
        assert answer.status_code == 404, f"{method} {address}: {answer.text}"
        assert answer.json()["detail"] == same.json()["detail"]


async def test_the_last_admin_cannot_go(world: World) -> None:
    admin = world.client("admin")
    me = (await items(admin))["admin"]["id"]
    for answer in (
        await admin.delete(f"/api/v1/members/{me}"),
        await admin.post(f"/api/v1/members/{me}/suspend", json={}),
    ):
        assert answer.status_code == 409 and answer.json()["type"] == "urn:qingling:last_admin"


async def test_a_suspended_member_is_out_at_once(world: World) -> None:
    admin, staff = world.client("admin"), world.client("staff")
    assert (await staff.get("/api/v1/me")).status_code == 200
    member = (await items(admin))["staff"]["id"]
    await admin.post(f"/api/v1/members/{member}/suspend", json={})
    assert (await staff.get("/api/v1/me")).status_code == 401


async def test_open_work_must_go_to_somebody(world: World) -> None:
    admin = world.client("admin")
    await draft(world, "staff")
    everybody = await items(admin)
    address = f"/api/v1/members/{everybody['staff']['id']}"
    work = (await admin.get(f"{address}/work")).json()["items"]
    assert [(one["issue"]["title"], one["review"], one["tasks"]) for one in work] == [
        ("标题", False, ["填写问题"])
    ]
    refused = await admin.delete(address)
    assert refused.status_code == 422 and set(refused.json()["errors"]) == {"work_to"}
    assert refused.json()["type"] == "urn:qingling:work_not_placed"
    assert (await items(admin))["staff"]["state"] == "active", "nothing has changed"
    assert (await world.client("staff").get("/api/v1/me")).status_code == 200
    gone = await admin.delete(address, params={"work_to": everybody["executive"]["id"]})
    assert gone.status_code == 204
    assert await tasks(world, "executive") == ["标题"]


async def test_the_admins_role_moves_when_it_is_accepted(world: World) -> None:
    admin, executive = world.client("admin"), world.client("executive")
    everybody = await items(admin)
    body = {"to": everybody["executive"]["id"], "roles": ["customs_affairs"]}
    assert (await executive.get("/api/v1/me/admin-offer")).json() == {"offer": None}
    assert (await admin.post("/api/v1/admin-offer", json=body)).status_code == 201
    offer = (await executive.get("/api/v1/me/admin-offer")).json()["offer"]
    assert (offer["from_name"], offer["roles"]) == ("admin", ["customs_affairs"])
    assert (
        await world.client("staff").post(f"/api/v1/me/admin-offer/{offer['id']}/accept")
    ).status_code == 409
    assert (await executive.get("/api/v1/members")).status_code == 403, "not yet"
    assert (await executive.post(f"/api/v1/me/admin-offer/{offer['id']}/accept")).status_code == 204
    assert (await admin.get("/api/v1/members")).status_code == 403
    after = await items(executive)
    assert after["admin"]["roles"] == ["customs_affairs"]
    assert after["executive"]["roles"] == ["enterprise_admin", "executive"]
    async with world.wired.sessions() as session:
        sent = (
            await session.execute(text("SELECT text FROM message WHERE template = 'admin_offered'"))
        ).scalars()
        assert ["admin请您接任ours公司的企业管理员" in one for one in sent] == [True]


async def test_an_offer_may_be_declined_cancelled_or_replaced(world: World) -> None:
    admin, executive = world.client("admin"), world.client("executive")
    everybody = await items(admin)
    body = {"to": everybody["executive"]["id"], "roles": ["customs_affairs"]}

    async def offer() -> str:
        return (await admin.post("/api/v1/admin-offer", json=body)).json()["id"]

    first = await offer()
    assert (await executive.post(f"/api/v1/me/admin-offer/{first}/decline")).status_code == 204
    second = await offer()
    assert (await admin.delete("/api/v1/admin-offer")).status_code == 204
    assert (await admin.delete("/api/v1/admin-offer")).status_code == 409
    third, fourth = await offer(), await offer()
    for gone in (first, second, third):
        answer = await executive.post(f"/api/v1/me/admin-offer/{gone}/accept")
        assert answer.status_code == 409 and answer.json()["type"] == "urn:qingling:offer_gone"
    await admin.post(f"/api/v1/members/{everybody['executive']['id']}/suspend", json={})
    await admin.post(f"/api/v1/members/{everybody['executive']['id']}/resume")
    assert (await admin.delete("/api/v1/admin-offer")).status_code == 409, f"{fourth} was taken back"


@pytest.mark.parametrize(
    ("to", "roles", "wrong"), [("admin", ["executive"], "to"), ("executive", [], "roles")]
)
async def test_an_offer_names_somebody_else_and_leaves_the_giver_a_role(
    world: World, to: str, roles: list[str], wrong: str
) -> None:
    admin = world.client("admin")
    body = {"to": (await items(admin))[to]["id"], "roles": roles}
    answer = await admin.post("/api/v1/admin-offer", json=body)
    assert answer.status_code == 422 and set(answer.json()["errors"]) == {wrong}


async def test_an_excel_file_is_checked_and_imported_as_asked(world: World) -> None:
    admin = world.client("admin")
    template = await admin.get("/api/v1/members/template")
    assert template.status_code == 200 and template.content.startswith(b"PK")
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(
            (
                ("姓名", "手机号码", "职务", "身份"),
                ("张三", "13700000001", "", "企业高管"),
                ("李四", "1", "", "企业高管"),
            )
        ):
            sheet.write_row(number, 0, row)

    async def send(add: str | None) -> httpx.Response:
        data = {"add": add} if add else {}
        return await admin.post("/api/v1/members/import", files={"file": buffer.getvalue()}, data=data)

    for add, added in ((None, 0), ("all", 0), ("right", 1)):
        answer = (await send(add)).json()
        assert answer["added"] == added
        assert [(one["line"], one["errors"]) for one in answer["lines"]] == [
            (2, {}),
            (3, {"phone": "请填写 11 位手机号码。"}),
        ]
    assert "张三" in await items(admin)
    assert (await send("some")).status_code == 422
    broken = await admin.post("/api/v1/members/import", files={"file": b"nothing"})
    assert (broken.status_code, broken.json()["type"]) == (422, "urn:qingling:sheet_refused")
    assert (await world.client("staff").get("/api/v1/members/template")).status_code == 403

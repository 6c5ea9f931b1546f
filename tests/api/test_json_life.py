"""An issue from draft to cleared by programs, with what they are told when they go wrong."""

from typing import Any

import httpx
import pytest
from sqlalchemy import text

from engine.exceptions import OperatorFailed
from tests.api.conftest import World
from tests.domain.files.samples import picture, two_colours

QUESTION = {
    "kind": "政策咨询",
    "category": "减免税",
    "office": "2301",
    "title": "减免税设备能否提前解除监管",
    "description": "我司一台进口设备尚在监管年限内，拟转让给同集团企业，请问如何办理？",
}
PNG = picture("PNG", two_colours((8, 8)))


async def find_task(
    client: httpx.AsyncClient, issue_id: str, element_id: str, view: str = "mine"
) -> dict[str, Any]:
    """This person's task of this issue."""
    items = (await client.get("/api/v1/tasks", params={"view": view})).json()["items"]
    return next(one for one in items if one["element_id"] == element_id and one["issue"]["id"] == issue_id)


async def complete(
    client: httpx.AsyncClient, task: dict[str, Any], answers: dict[str, Any], key: str | None = None
) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    body = {"answers": answers, "version": task["version"]}
    return await client.post(f"/api/v1/tasks/{task['id']}/complete", json=body, headers=headers)


async def raise_and_send(world: World) -> str:
    """An issue that waits at customs, unclaimed; its id."""
    staff, executive = world.client("staff"), world.client("executive")
    issue_id = (await staff.post("/api/v1/issues", json=QUESTION)).json()["id"]
    await complete(staff, await find_task(staff, issue_id, "draft_issue"), {"send": True})
    task = await find_task(executive, issue_id, "review_issue")
    sent = await complete(executive, task, {"decision": "submit", "importance": "重要"})
    assert sent.json()["issue"]["status"] == "海关待受理", sent.text
    return issue_id


async def test_an_issue_is_cleared(world: World) -> None:
    issue_id = await raise_and_send(world)
    staff, executive, handler = world.client("staff"), world.client("executive"), world.client("handler")
    task = await find_task(handler, issue_id, "answer_issue", "claimable")
    claimed = await handler.post(f"/api/v1/tasks/{task['id']}/claim")
    assert claimed.json()["version"] == task["version"] + 1
    answered = await complete(
        handler, claimed.json(), {"decision": "answer", "answer": "可以申请提前解除监管。"}
    )
    told = {"id": issue_id, "status": "已完成", "phase": "answered"}
    assert answered.json() == {"issue": told, "registration": None, "next": []}
    await complete(staff, await find_task(staff, issue_id, "evaluate_answer"), {"rating": 1})
    last = await complete(executive, await find_task(executive, issue_id, "evaluate_answer"), {"rating": 1})
    assert last.json()["issue"]["status"] == "已清零"
    detail = (await staff.get(f"/api/v1/issues/{issue_id}")).json()
    assert detail["answers"][0]["answer"] == "可以申请提前解除监管。"
    assert [one["rating"] for one in detail["evaluations"]] == [1, 1]
    timeline = (await staff.get(f"/api/v1/issues/{issue_id}/timeline")).json()["items"]
    assert {"task_completed", "task_claimed", "ended"} <= {one["kind"] for one in timeline}
    picture = (await handler.get(f"/api/v1/issues/{issue_id}/diagram")).json()
    assert "answer_issue" in picture["done"] and picture["xml"].startswith("<?xml")


async def test_a_question_is_asked_with_its_files(world: World) -> None:
    staff = world.client("staff")
    file_id = (await staff.post("/api/v1/attachments", files={"file": ("照片.png", PNG)})).json()["id"]
    asked = await staff.post("/api/v1/issues", json=QUESTION | {"attachments": [file_id]})
    assert asked.status_code == 201, asked.text
    detail = (await staff.get(f"/api/v1/issues/{asked.json()['id']}")).json()
    assert [one["id"] for one in detail["attachments"]] == [file_id]
    for wrong in (["nonsense"], [5], "x", [[file_id]]):
        refused = await staff.post("/api/v1/issues", json=QUESTION | {"attachments": wrong})
        assert refused.status_code == 422, wrong


async def test_the_same_submit_is_answered_the_same(world: World) -> None:
    staff = world.client("staff")
    issue_id = (await staff.post("/api/v1/issues", json=QUESTION)).json()["id"]
    task = await find_task(staff, issue_id, "draft_issue")
    first = await complete(staff, task, {"send": True}, key="once")
    again = await complete(staff, task, {"send": True}, key="once")
    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    assert (await complete(staff, task, {"send": True, "title": "别的"}, key="once")).status_code == 422
    late = await complete(staff, task, {"send": True})
    assert late.status_code == 409
    assert late.json()["by_person_name"] == "staff"


async def test_wrong_answers_are_named(world: World) -> None:
    issue_id = await raise_and_send(world)
    handler = world.client("handler")
    task = await find_task(handler, issue_id, "answer_issue", "claimable")
    await handler.post(f"/api/v1/tasks/{task['id']}/claim")
    refused = await complete(handler, {**task, "version": 2}, {"decision": "maybe", "nonsense": 1})
    assert refused.status_code == 422
    assert {"decision", "nonsense"} <= set(refused.json()["errors"])
    stale = await complete(handler, {**task, "version": 1}, {"decision": "answer", "answer": "好的，可以。"})
    assert stale.status_code == 409


async def test_the_second_to_claim_is_told_who_was_first(world: World) -> None:
    issue_id = await raise_and_send(world)
    task = await find_task(world.client("handler"), issue_id, "answer_issue", "claimable")
    await world.client("handler").post(f"/api/v1/tasks/{task['id']}/claim")
    late = await world.client("colleague").post(f"/api/v1/tasks/{task['id']}/claim")
    assert late.status_code == 409
    assert late.json()["type"] == "urn:qingling:task_already_claimed"
    assert late.json()["claimed_by_name"] == "handler"
    withdrawn = await world.client("staff").post(f"/api/v1/issues/{issue_id}/withdraw")
    assert withdrawn.status_code == 409


async def test_what_one_may_not_know_of_is_not_there(world: World) -> None:
    issue_id = await raise_and_send(world)
    task = await find_task(world.client("handler"), issue_id, "answer_issue", "claimable")
    for name in ("stranger", "their_executive", "elsewhere", "waiting", "registrar"):
        client = world.client(name)
        for path in (
            f"issues/{issue_id}",
            f"issues/{issue_id}/timeline",
            f"issues/{issue_id}/diagram",
            f"tasks/{task['id']}",
        ):
            assert (await client.get(f"/api/v1/{path}")).status_code == 404, (name, path)
        assert (await client.post(f"/api/v1/issues/{issue_id}/withdraw")).status_code == 404, name
        assert (await client.post(f"/api/v1/tasks/{task['id']}/claim")).status_code == 404, name
        assert (await complete(client, task, {})).status_code == 404, name


async def test_who_may_not_raise_issues_is_told_so(world: World) -> None:
    assert (await world.client("handler").post("/api/v1/issues", json=QUESTION)).status_code == 403
    waiting = await world.client("waiting").post("/api/v1/issues", json=QUESTION)
    assert waiting.status_code == 403
    assert waiting.json()["type"] == "urn:qingling:enterprise_not_approved"


async def test_a_step_that_breaks_is_recorded_and_loses_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    staff = world.client("staff")
    issue_id = (await staff.post("/api/v1/issues", json=QUESTION)).json()["id"]
    task = await find_task(staff, issue_id, "draft_issue")

    async def explode(*_arguments: object, **_options: object) -> None:
        failure = OperatorFailed("broken", "save_issue")
        failure.instance_id, failure.task_id, failure.command = task["issue"]["id"], task["id"], "complete"
        raise failure

    monkeypatch.setattr("api.json.tasks.complete", explode)
    failed = await complete(staff, task, {"send": True, "title": "改过的标题"})
    assert failed.status_code == 500
    assert failed.json()["draft_kept"] is True
    async with world.wired.sessions() as session:
        assert await session.scalar(text("SELECT count(*) FROM incident WHERE resolved_at IS NULL")) == 1
    kept = (await staff.get(f"/api/v1/tasks/{task['id']}")).json()
    assert kept["draft"] == {"send": True, "title": "改过的标题"}


async def test_attachments_are_judged_by_content(world: World) -> None:
    staff = world.client("staff")
    for name, data in (
        ("a.png", b"not a picture"),
        ("a.pdf", PNG),
        ("a.exe", b"MZ" + b"\0" * 100),
        ("empty.png", b""),
    ):
        refused = await staff.post("/api/v1/attachments", files={"file": (name, data)})
        assert refused.status_code == 422, name
        assert name in refused.json()["detail"]
    large = await staff.post("/api/v1/attachments", files={"file": ("large.png", PNG + b"\0" * 11_000_000)})
    assert large.status_code == 422
    kept = await staff.post("/api/v1/attachments", files={"file": ("营业执照.png", PNG)})
    assert kept.status_code == 201, kept.text
    file_id = kept.json()["id"]
    got = await staff.get(f"/api/v1/attachments/{file_id}")
    assert got.content == PNG
    assert got.headers["content-disposition"].startswith("attachment; filename*=UTF-8''%E8%90%A5")
    assert got.headers["x-content-type-options"] == "nosniff"
    assert (await world.client("stranger").get(f"/api/v1/attachments/{file_id}")).status_code == 404


async def test_sign_in_by_code(world: World) -> None:
    client = world.client()
    asked = await client.post("/api/v1/sign-in/code", json={"phone": "13900000001"})
    assert asked.status_code == 202
    unknown = await client.post("/api/v1/sign-in/code", json={"phone": "13777777777"})
    assert (unknown.status_code, set(unknown.json())) == (202, set(asked.json()))
    refused = await client.post(
        "/api/v1/sign-in", json={"challenge": asked.json()["challenge"], "phone": "13900000001", "code": "x"}
    )
    assert refused.status_code == 401
    again = await client.post("/api/v1/sign-in/code", json={"phone": "13900000001"})
    assert again.status_code == 429
    assert int(again.headers["retry-after"]) == again.json()["retry_after_s"] > 0


async def test_sessions_are_listed_and_ended(world: World) -> None:
    staff = world.client("staff")
    [session] = (await staff.get("/api/v1/sessions")).json()["items"]
    assert session["current"] is True
    assert (await world.client("stranger").delete(f"/api/v1/sessions/{session['id']}")).status_code == 404
    assert (await staff.delete("/api/v1/sessions/current")).status_code == 204
    assert (await staff.get("/api/v1/me")).status_code == 401


async def test_pages_of_a_list_hold_everything_once(world: World) -> None:
    staff = world.client("staff")
    raised = [
        (await staff.post("/api/v1/issues", json={**QUESTION, "title": f"第{n}号设备"})).json()["id"]
        for n in range(5)
    ]
    found: list[str] = []
    after: str | None = None
    while True:
        page = (
            await staff.get("/api/v1/issues", params={"limit": 2} | ({"after": after} if after else {}))
        ).json()
        found += [one["id"] for one in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert found == raised[::-1]
    assert (await staff.get("/api/v1/issues", params={"after": "nonsense"})).status_code in (404, 422)
    assert len((await staff.get("/api/v1/issues", params={"q": "第3号 设备"})).json()["items"]) == 1

"""Fields that an analyst adds to forms alone, by JSON: sent, carried, answered by key; strangers are refused by name."""

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text

from engine.catalogue import read_folder
from tests.api.applying import add_applicant
from tests.api.conftest import World
from tests.api.test_json_life import QUESTION, complete, find_task
from tests.tasks.added_fields import ANSWERS, TEXTS, add_fields

PROCESSES = Path(__file__).parents[2] / "processes"


async def deploy(world: World, process: str, forms: list[str]) -> None:
    files = add_fields(read_folder(PROCESSES, process), forms, list(ANSWERS))
    async with world.wired.sessions.begin() as session:
        await world.wired.engine.catalogue.deploy(session, process, files, actor=None, now=datetime.now(UTC))


async def test_a_question_with_added_fields_is_raised_reviewed_and_read(world: World) -> None:
    await deploy(world, "issue", ["draft_issue", "review_issue"])
    staff, executive, handler = world.client("staff"), world.client("executive"), world.client("handler")
    raised = await staff.post("/api/v1/issues", json={**QUESTION, **ANSWERS})
    assert raised.status_code == 201, raised.text
    issue_id = raised.json()["id"]
    await complete(staff, await find_task(staff, issue_id, "draft_issue"), {"send": True})
    task = await find_task(executive, issue_id, "review_issue")
    opened = (await executive.get(f"/api/v1/tasks/{task['id']}")).json()
    assert {key: opened["values"][key] for key in ANSWERS} == ANSWERS
    sent = await complete(
        executive, task, {"decision": "submit", "importance": "重要", "contract_no": "HT-9"}
    )
    assert sent.status_code == 200, sent.text
    detail = (await handler.get(f"/api/v1/issues/{issue_id}")).json()
    assert {one["key"]: one["text"] for one in detail["fields"]} == {**TEXTS, "contract_no": "HT-9"}
    assert {one["key"]: one["value"] for one in detail["fields"]} == {**ANSWERS, "contract_no": "HT-9"}
    assert [(one["label"], one["before"], one["after"]) for one in detail["changes"] if one["before"]] == [
        ("合同号", "HT-2026-0071", "HT-9")
    ]
    found = (await handler.get("/api/v1/issues", params={"q": "HT-9"})).json()["items"]
    assert [one["id"] for one in found] == [issue_id]


async def test_a_field_that_no_form_asks_is_refused_by_its_name(world: World) -> None:
    refused = await world.client("staff").post("/api/v1/issues", json={**QUESTION, "contract_no": "HT-1"})
    assert refused.status_code == 422
    assert refused.json()["errors"] == {"contract_no": "表单里没有名为“contract_no”的字段。"}
    async with world.wired.sessions() as session:
        assert await session.scalar(text("SELECT count(*) FROM issue")) == 0


async def test_a_registration_with_added_fields_is_sent_and_read(world: World) -> None:
    await deploy(world, "registration", ["correct_registration"])
    sent = await add_applicant(world).send(**ANSWERS)
    assert sent.status_code == 201, sent.text
    detail = (await world.client("registrar").get(f"/api/v1/registrations/{sent.json()['id']}")).json()
    assert {one["key"]: one["text"] for one in detail["fields"]} == TEXTS

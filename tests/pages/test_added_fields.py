"""Fields that an analyst has added to forms alone, without scripts: kept as a draft, sent, read, exported."""

import io
import re
from datetime import UTC, datetime
from pathlib import Path

import openpyxl

from engine.catalogue import read_folder
from tests.api.applying import add_applicant
from tests.pages.conftest import QUESTION, World
from tests.pages.test_pages import task_of, visitor
from tests.tasks.added_fields import add_fields

PROCESSES = Path(__file__).parents[2] / "processes"
ADDED = ["contract_no", "papers", "value_usd"]
TYPED = {"contract_no": "HT-2026-0071", "papers": ["bl", "invoice"], "value_usd": "125000.5"}


async def deploy(world: World, process: str, forms: list[str], *, required: bool = False) -> None:
    files = add_fields(read_folder(PROCESSES, process), forms, ADDED, required=required)
    async with world.wired.sessions.begin() as session:
        await world.wired.engine.catalogue.deploy(session, process, files, actor=None, now=datetime.now(UTC))


async def test_saved_as_a_draft_sent_reviewed_and_exported(world: World) -> None:
    await deploy(world, "issue", ["draft_issue", "review_issue"], required=True)
    staff = visitor(world, "staff")
    await staff.open("/issues/new")
    mistaken = {**QUESTION, **TYPED, "value_usd": "十万", "act": "save"}
    html = await staff.send("/issues/new", mistaken)
    assert staff.status == 200 and 'value="HT-2026-0071"' in html and 'value="十万"' in html
    task = staff.address
    html = await staff.send(task, {**QUESTION, **TYPED, "act": "send"})
    assert "已提交高管审核" in html, html
    executive = visitor(world, "executive")
    task = await task_of(executive)
    html = await executive.open(task)
    assert 'value="HT-2026-0071"' in html and html.count("checked") >= 2
    html = await executive.send(
        task, {**QUESTION, **TYPED, "decision": "submit", "importance": "一般", "contract_no": "HT-2"}
    )
    assert "已提交海关" in html
    handler = visitor(world, "handler")
    await handler.open("/tasks?view=claimable")
    found = re.search(r'action="(/tasks/[0-9a-f-]{36})/claim"', handler.html)
    assert found
    html = await handler.send(f"{found[1]}/claim", {})
    for text in ("合同号", "HT-2", "提单、发票", "125000.5"):
        assert text in html
    answer = await handler.client.get("/issues/export")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
    assert sheet is not None
    head, line = [[cell.value for cell in row] for row in sheet.iter_rows()]
    told = dict(zip(head, line, strict=True))
    assert (told["合同号"], told["手上有的单证"], told["货值（美元）"]) == ("HT-2", "提单、发票", "125000.5")


async def test_a_registration_asks_them_shows_them_and_keeps_them(world: World) -> None:
    await deploy(world, "registration", ["correct_registration"], required=True)
    applicant = add_applicant(world)
    refused = await applicant.send()
    assert refused.status_code == 422
    assert set(refused.json()["errors"]) == set(ADDED)
    sent = await applicant.client.post(
        "/api/v1/registrations",
        json=await applicant.body(contract_no="HT-1", papers=["bl"], value_usd=3),
    )
    assert sent.status_code == 201, sent.text
    registrar = visitor(world, "registrar")
    html = await registrar.open(f"/registrations/{sent.json()['id']}")
    assert "合同号" in html and "HT-1" in html and "提单" in html
    html = await registrar.open("/registrations?q=HT-1")
    assert "新禾" in html

"""Every way in, with what people paste between invisible marks: what is kept is what they meant, shown to them as it is kept; and
no text of the database turns the direction of writing."""

import re
from html import unescape
from typing import Any

import pytest
from sqlalchemy import text

from cleaning import drop_turning
from tests.api.applying import add_applicant
from tests.api.test_json_life import complete, find_task
from tests.pages.conftest import QUESTION, Visitor, World
from tests.pages.test_administration import officer_id, visitor
from tests.pages.test_administration import world as administered
from tests.pages.test_members import sheet
from tests.tasks.applicants import TYPED, make_uscc

world = administered


def pasted(value: str) -> str:
    """As it comes from a list of contacts, with a character of no width in its middle."""
    return f"\u202d{value[:2]}\u200b{value[2:]}\u202c"


def wide(code: str) -> str:
    """As an input method for Chinese writes it, in small letters, with dashes."""
    shifted = "".join(chr(ord(char) + 0xFEE0) for char in code.lower())
    return f"\u2066{shifted[:4]}－{shifted[4:8]}\u2013\ufeff{shifted[8:]}"


@pytest.fixture
async def unturned(world: World) -> Any:
    """Looks through every column that holds texts, after the test has filled them."""
    yield
    columns = text("""
        SELECT table_name, column_name FROM information_schema.columns
        WHERE table_schema = 'public' AND data_type IN ('text', 'character varying', 'jsonb', 'json', 'ARRAY')
            AND table_name IN (SELECT table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE')
    """)
    seen = 0
    async with world.wired.sessions() as session:
        for table, column in (await session.execute(columns)).all():
            values = await session.scalars(
                text(f'SELECT "{column}"::text FROM "{table}" WHERE "{column}" IS NOT NULL')
            )
            for value in values:
                seen += 1
                spelled = re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), value)
                assert drop_turning(spelled) == spelled, (table, column, ascii(value))
    assert seen > 100


async def read(world: World, statement: str) -> list[Any]:
    async with world.wired.sessions() as session:
        return [tuple(row) for row in await session.execute(text(statement))]


@pytest.mark.usefixtures("unturned")
async def test_a_question_and_its_answer_on_pages(world: World) -> None:
    staff = visitor(world, "staff")
    await staff.open("/issues/new")
    question = {name: pasted(value) for name, value in QUESTION.items() if name in ("title", "description")}
    html = await staff.send("/issues/new", {**question, "contact": pasted("010－6519 5114"), "act": "send"})
    assert staff.status == 422 and f'value="{QUESTION["title"]}"' in html and "\u202d" not in html
    html = await staff.send(
        "/issues/new", {**QUESTION, **question, "contact": pasted("张·三👩‍💻"), "act": "send"}
    )
    assert "已提交高管审核" in html
    assert await read(world, "SELECT title, contact FROM issue") == [(QUESTION["title"], "张·三👩‍💻")]


@pytest.mark.usefixtures("unturned")
async def test_a_question_and_its_answer_by_json(world: World) -> None:
    staff, executive, handler = world.client("staff"), world.client("executive"), world.client("handler")
    raised = await staff.post("/api/v1/issues", json={**QUESTION, "title": pasted("𠮷野家的税号")})
    issue_id = raised.json()["id"]
    assert (await staff.get(f"/api/v1/issues/{issue_id}")).json()["title"] == "𠮷野家的税号"
    task = await find_task(staff, issue_id, "draft_issue")
    kept = await staff.put(
        f"/api/v1/tasks/{task['id']}/draft", json={"answers": {"title": "\u202e税号\u202c"}}
    )
    assert kept.status_code < 300, kept.text
    await complete(staff, await find_task(staff, issue_id, "draft_issue"), {"send": True})
    review = await find_task(executive, issue_id, "review_issue")
    await complete(executive, review, {"decision": "submit", "importance": "一般"})
    task = await find_task(handler, issue_id, "answer_issue", "claimable")
    claimed = await handler.post(f"/api/v1/tasks/{task['id']}/claim")
    answer = "第一行\r\n\u202e第二行\u202c\u2028第三行"
    answered = await complete(handler, claimed.json(), {"decision": "answer", "answer": answer})
    assert answered.status_code == 200, answered.text
    assert await read(world, "SELECT text FROM issue_answer") == [("第一行\n第二行\n第三行",)]


@pytest.mark.usefixtures("unturned")
async def test_a_registration(world: World) -> None:
    applicant, uscc = add_applicant(world), make_uscc()
    phone = applicant.phone
    applicant.phone = f"\u202d{wide(phone)}\u202c"
    await applicant.ask()
    dirty = {
        "name": pasted(TYPED["name"]),
        "legal_person": pasted("孟·凡"),
        "address": pasted(TYPED["address"]),
    }
    body = await applicant.body(**dirty, customs_code=wide("3201960Q88"), uscc=wide(uscc))
    body["code"] = pasted(body["code"])
    sent = await applicant.client.post("/api/v1/registrations", json=body)
    assert sent.status_code == 201, sent.text
    assert await read(
        world,
        "SELECT e.name, e.uscc, e.customs_code, e.address, e.legal_person, p.phone FROM registration r "
        "JOIN enterprise e ON e.id = r.enterprise_id JOIN person p ON p.id = r.applicant_id",
    ) == [(TYPED["name"], uscc, "3201960Q88", TYPED["address"], "孟·凡", f"+86{phone}")]


@pytest.mark.usefixtures("unturned")
async def test_signing_in_and_changing_a_number(world: World) -> None:
    applicant = add_applicant(world, pasted("13900000001"))
    asked = await applicant.client.post("/api/v1/sign-in/code", json={"phone": applicant.phone})
    code = wide(applicant.pigeons.code)
    body = {"phone": applicant.phone, "challenge": asked.json()["challenge"], "code": code}
    assert (await applicant.client.post("/api/v1/sign-in", json=body)).status_code == 200
    nobody = Visitor(world.client())
    await nobody.open("/sign-in")
    html = await nobody.send("/sign-in/code", {"phone": pasted("1390000000")})
    assert 'value="1390000000"' in html, "refused, and shown as it was understood"
    await nobody.send("/sign-in/code", {"phone": pasted("13900000002")})
    assert "填写验证码" in nobody.html
    html = await nobody.open("/sign-in/help")
    lost = {
        "name": pasted("周明"),
        "old_phone": wide("13811112222"),
        "phone": "138",
        "place": pasted("某 公司"),
    }
    html = await nobody.send("/sign-in/help", lost)
    for kept in ("周明", "13811112222", "某 公司"):
        assert f'value="{kept}"' in html


@pytest.mark.usefixtures("unturned")
async def test_members_by_page_and_by_excel(world: World) -> None:
    admin = visitor(world, "admin")
    await admin.open("/members/new")
    new = {"name": pasted("林小满"), "phone": pasted("13700000001"), "position": pasted("经理")}
    await admin.send("/members/new", {**new, "roles": "customs_affairs"})
    await admin.open("/members/import")
    row = (pasted("欧阳·静"), wide("13700000002"), "\u200b", pasted("企业高管"))
    files = {"file": ("用户.xlsx", sheet(row), "application/octet-stream")}
    html = await admin.send("/members/import", {}, files=files)
    lines = admin.hidden("lines") or ""
    html = await admin.send(
        "/members/import/add", {"lines": lines.replace("欧阳", "\u202e欧阳"), "act": "all"}
    )
    assert "已添加 1 位用户" in html, html
    added = "SELECT display_name, position, phone FROM membership m JOIN person p ON p.id = m.person_id "
    assert await read(world, f"{added} WHERE phone LIKE '+86137%' AND display_name <> '' ORDER BY phone") == [
        ("林小满", "经理", "+8613700000001"),
        ("欧阳·静", "", "+8613700000002"),
    ]


@pytest.mark.usefixtures("unturned")
async def test_what_administrators_type_and_upload(world: World) -> None:
    system, security = visitor(world, "system"), visitor(world, "security")
    await system.open("/system/offices")
    office = {"code": wide("2340"), "name": pasted("测试海关"), "parent": "2300", "source": pasted("公告")}
    await system.send("/system/offices", office)
    await system.open("/system/lists/kind")
    await system.send("/system/lists/kind", {"name": pasted("其他问题")})
    await system.open("/system/officers/new")
    officer = {"name": pasted("邓·超"), "phone": wide("13600000001"), "office": "2301"}
    await system.send("/system/officers", officer)
    await system.open("/system/offices/sheet")
    csv = f"关区代码,单位名称,上级代码,状态,代码来源\r\n{wide('2341')},{pasted('又一海关')},{pasted('2300')},,\r\n"
    html = await system.send("/system/offices/sheet", {}, files={"file": ("a.csv", csv.encode(), "text/csv")})
    lines = re.search('<textarea name="lines" hidden>([^<]*)</textarea>', html)
    assert lines
    await system.send("/system/offices/sheet", {"lines": unescape(lines[1]).replace("又一", "\u202e又一")})
    await security.open("/security/enterprises")
    address = f"/security/enterprises/{world.enterprises['theirs']}"
    await security.open(address)
    await security.send(f"{address}/suspend", {"reason": pasted("信息不实")})
    offices = await read(
        world, "SELECT code, name, source FROM customs_office WHERE code LIKE '234%' ORDER BY code"
    )
    assert offices == [("2340", "测试海关", "公告"), ("2341", "又一海关", "")], html
    assert await read(world, "SELECT name FROM list_entry WHERE name LIKE '其他问%'") == [("其他问题",)]
    assert await read(world, "SELECT name FROM person WHERE phone = '+8613600000001'") == [("邓·超",)]
    suspended = await read(world, "SELECT suspended_for FROM enterprise WHERE suspended_for <> ''")
    assert suspended == [("信息不实",)]


@pytest.mark.usefixtures("unturned")
async def test_what_one_keeps_for_oneself(world: World) -> None:
    handler = visitor(world, "handler")
    await handler.open("/answer-templates/new")
    await handler.send(
        "/answer-templates/new", {"title": pasted("归类"), "text": "\u202e依据\u202c\r\n第二行"}
    )
    await handler.open("/issues")
    await handler.send("/issues/filters", {"name": pasted("急的"), "query": "sort=due"})
    await handler.open("/account/messages")
    await handler.send("/account/mail", {"mail": pasted("zhang‐san＠example.cn")})
    assert await read(world, "SELECT title, text FROM answer_template") == [("归类", "依据\n第二行")]
    assert await read(world, "SELECT name FROM saved_filter") == [("急的",)]
    assert await read(world, "SELECT address FROM person_mail") == [("zhang-san@example.cn",)]


async def test_staff_find_people_by_what_they_paste(world: World) -> None:
    system, security = visitor(world, "system"), visitor(world, "security")
    assert await officer_id(world, "handler") in await system.open(f"/system/officers?q={pasted('handler')}")
    found = await security.open(f"/security/enterprises?q={pasted('ours公司')}")
    assert "ours公司" in found and "theirs公司" not in found
    assert "ours公司" in await security.open(f"/security/enterprises?q={wide('91320000')}")

"""系统管理 and 安全管理 as administrators without JavaScript meet them; everybody else is refused."""

import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape

import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from openpyxl import load_workbook
from sqlalchemy import text

from db.ids import uuid7
from domain.models import Officer, OfficerRole, Person
from domain.office_hours import FIELDS
from domain.sessions import SessionLimits, start_session
from tests.pages.conftest import QUESTION, Visitor, World

ADMINISTRATORS = {
    "system": ("system_admin", "2300"),
    "security": ("security_admin", "2300"),
    "audit": ("auditor", "2300"),
}
SYSTEM_PAGES = (
    "/system/offices",
    "/system/officers",
    "/system/lists/kind",
    "/system/holidays",
    "/system/running",
)
SECURITY_PAGES = ("/security/roles", "/security/sign-ins", "/security/sessions", "/security/enterprises")


@pytest.fixture
async def world(world: World) -> World:
    """With the three administrators, signed in."""
    now = datetime.now(UTC)
    async with world.wired.sessions() as session:
        for number, (name, (role, office)) in enumerate(ADMINISTRATORS.items(), start=1):
            person = Person(name=name, phone=f"+8613700000{number:03}", created_at=now)
            session.add(person)
            await session.flush()
            officer = Officer(
                id=uuid7(), person_id=person.id, office=office, password_hash="-", created_at=now
            )
            session.add(officer)
            await session.flush()
            session.add(OfficerRole(officer_id=officer.id, role=role, office=office))
            world.people[name] = person.id
            world.tokens[name] = await start_session(
                session,
                person.id,
                membership_id=None,
                officer_id=officer.id,
                ip="10.1.2.3",
                user_agent="Mozilla/5.0 (Windows NT 10.0) Edg/120",
                limits=SessionLimits(),
                now=now,
            )
        await session.commit()
    return world


def visitor(world: World, name: str) -> Visitor:
    return Visitor(world.browser(name))


async def officer_id(world: World, name: str) -> str:
    async with world.wired.sessions() as session:
        statement = text("SELECT id FROM officer WHERE person_id = :id")
        return str(await session.scalar(statement, {"id": world.people[name]}))


def routes_of_administration(world: World) -> Iterator[tuple[str, str]]:
    for context in iter_route_contexts(world.app.routes):
        path = context.path or ""
        if isinstance(context.original_route, APIRoute) and path.startswith(("/system", "/security")):
            for method in (context.methods or set()) - {"HEAD"}:
                yield method, path


async def test_nobody_else_gets_in(world: World) -> None:
    routes = sorted(routes_of_administration(world))
    assert len(routes) > 30
    people = ("staff", "admin", "handler", "supervisor", "registrar", "audit", "system", "security")
    for name in people:
        person = visitor(world, name)
        await person.open("/system/offices" if name == "system" else "/security/roles")
        for method, path in routes:
            mine = path.startswith("/system") and name == "system"
            mine = mine or (path.startswith("/security") and name == "security")
            if mine:
                continue
            address = re.sub(r"\{[^}]+\}", str(uuid7()), path)
            if method == "GET":
                await person.open(address)
            else:
                await person.send(address, {})
            assert person.status == 403, f"{name} {method} {path}: {person.status}"


async def test_administrators_begin_in_their_own_section(world: World) -> None:
    for name, section, pages in (
        ("system", "系统管理", SYSTEM_PAGES),
        ("security", "安全管理", SECURITY_PAGES),
    ):
        person = visitor(world, name)
        await person.open("/")
        assert person.address == pages[0]
        for address in pages:
            html = await person.open(address)
            assert person.status == 200, address
            assert f'aria-current="page">{section}</a>' in html
            assert re.search(rf'href="{address.removesuffix("/kind")}" aria-current="page"', html), address


async def test_an_office_is_added_corrected_and_closed(world: World) -> None:
    system = visitor(world, "system")
    await system.open("/system/offices/new")
    html = await system.send("/system/offices", {"code": "23", "name": "新区海关", "parent": "2300"})
    assert system.status == 422 and 'href="#f-code"' in html and 'value="新区海关"' in html
    html = await system.send("/system/offices", {"code": "2340", "name": "新区海关", "parent": "2300"})
    assert "已添加" in html and "新区海关" in html
    html = await system.open("/system/offices/2340")
    assert "停用新区海关以后" in html and "没有未办结的问题" in html
    assert "已停用" in await system.send("/system/offices/2340/close", {})
    staff = visitor(world, "staff")
    assert "新区海关" not in await staff.open("/issues/new")
    await system.open("/system/offices/2340")
    await system.send("/system/offices/2340/reopen", {})
    assert "新区海关" in await staff.open("/issues/new")


async def test_an_officer_is_added_and_can_do_nothing_until_given_a_role(world: World) -> None:
    system = visitor(world, "system")
    await system.open("/system/officers/new")
    html = await system.send("/system/officers", {"name": "", "phone": "1", "office": ""})
    assert system.status == 422 and "有 3 处需要修改" in html
    html = await system.send("/system/officers", {"name": "钱新", "phone": "13988880001", "office": "2301"})
    password = re.search(r'initial-password">([a-z0-9-]{14})<', html)
    assert password, html
    assert password[1] not in await system.open("/system/officers?q=钱新")
    assert "还没有角色" in system.html and "待改初始密码" in system.html
    found = re.search(r"/system/officers/([0-9a-f-]{36})", system.html)
    assert found
    security = visitor(world, "security")
    await security.open(f"/security/roles/{found[1]}")
    html = await security.send(f"/security/roles/{found[1]}/give", {"role": "", "office": "2301"})
    assert security.status == 422 and 'href="#f-role"' in html
    html = await security.send(f"/security/roles/{found[1]}/give", {"role": "handler", "office": "2301"})
    assert "角色已授予" in html and "经办关员" in html


async def test_an_officer_without_a_role_can_set_the_password_and_nothing_else(world: World) -> None:
    async with world.wired.sessions.begin() as session:
        await session.execute(text("DELETE FROM officer_role WHERE role = 'registrar'"))
        await session.execute(text("UPDATE officer SET must_change_password = true"))
    nobody = visitor(world, "registrar")
    assert "请设置您自己的密码" in await nobody.open("/")
    await nobody.open("/system/offices")
    assert nobody.address == "/account/password"


async def test_two_administrators_roles_for_one_person_are_refused_on_the_form(world: World) -> None:
    security = visitor(world, "security")
    audit = await officer_id(world, "audit")
    await security.open(f"/security/roles/{audit}")
    html = await security.send(f"/security/roles/{audit}/give", {"role": "system_admin", "office": "2300"})
    assert security.status == 422 and "GB/T 22239-2019" in html
    system = await officer_id(world, "system")
    html = await security.send(f"/security/roles/{system}/take", {"role": "system_admin", "office": "2300"})
    assert security.status == 409 and "最后一位" in html
    own = await officer_id(world, "security")
    assert "这是您自己" in await security.open(f"/security/roles/{own}")


async def test_the_work_of_a_disabled_handler_goes_back_and_the_timeline_says_so(world: World) -> None:
    issue = await bring_to_customs(world)
    handler = visitor(world, "handler")
    await handler.open("/tasks?view=claimable")
    task = re.search(r'action="(/tasks/[0-9a-f-]{36})/claim"', handler.html)
    assert task
    await handler.send(f"{task[1]}/claim", {})
    system, id_ = visitor(world, "system"), await officer_id(world, "handler")
    await system.open(f"/system/officers/{id_}")
    html = await system.send(f"/system/officers/{id_}/disable", {})
    assert "已认领的 1 件已退回待认领" in html
    await handler.open("/tasks")
    assert handler.address == "/sign-in"
    colleague = visitor(world, "colleague")
    assert f'action="{task[1]}/claim"' in await colleague.open("/tasks?view=claimable")
    assert "handler不再办理" in await colleague.open(issue)


async def bring_to_customs(world: World) -> str:
    staff, executive = visitor(world, "staff"), visitor(world, "executive")
    await staff.open("/issues/new")
    html = await staff.send("/issues/new", {**QUESTION, "act": "send"})
    issue = re.search(r'href="(/issues/[0-9a-f-]{36})"', html)
    assert issue
    await executive.open("/tasks?view=mine")
    task = re.search(r'class="title" href="(/[^"#]+)', executive.html)
    assert task
    await executive.open(task[1])
    await executive.send(task[1], {**QUESTION, "decision": "submit", "importance": "一般"})
    return issue[1]


async def test_a_list_is_extended_renamed_ordered_and_cut(world: World) -> None:
    system, address = visitor(world, "system"), "/system/lists/kind"
    await system.open(address)
    assert "请填写“名称”" in await system.send(address, {"name": " "})
    assert "已添加" in await system.send(address, {"name": "跨关区协调"})
    html = await system.send(f"{address}/rename", {"code": "跨关区协调", "name": "投诉"})
    assert system.status == 422 and 'value="投诉"' in html
    await system.send(f"{address}/rename", {"code": "跨关区协调", "name": "跨区协调"})
    assert "原名 跨关区协调" in system.html
    await system.send(f"{address}/move", {"code": "跨关区协调", "way": "up"})
    assert system.html.index("<b>跨区协调") < system.html.index("<b>投诉")
    await system.send(f"{address}/switch", {"code": "投诉", "active": "false"})
    options = await visitor(world, "staff").open("/issues/new")
    assert 'value="跨关区协调"' in options and 'value="投诉"' not in options


async def test_a_year_is_read_back_before_it_is_kept(world: World) -> None:
    system, address = visitor(world, "system"), "/system/holidays/2031"
    assert "还不知道" in await system.open(address)
    html = await system.send(address, {"days": "元旦 1月1日", "act": "check"})
    assert system.status == 422 and "第 1 行" in html and "元旦 1月1日</textarea>" in html
    notice = (
        "一、元旦：1月1日（周三）放假，共1天。\n二、春节：1月22日至28日放假调休，共7天。1月19日（周日）上班。"
    )
    html = await system.send(address, {"days": notice, "act": "check"})
    assert "请对照通知核对 9 天" in html and "1月19日（周日）" in html and "只有 2 个节日" in html
    html = await system.send(address, {"days": notice, "act": "edit"})
    assert "至28日放假调休" in html
    html = await system.send(address, {"days": notice, "act": "save"})
    assert "正在按新的节假日" in html and "管理员录入的 9 天" in html
    assert "2031" not in await system.open("/system/holidays/3000") and system.status == 404


async def test_office_hours_are_changed_with_what_they_move_in_view(world: World) -> None:
    await bring_to_customs(world)
    system, address = visitor(world, "system"), "/system/holidays/hours"
    assert "09:00–12:00，13:30–17:30" in await system.open("/system/holidays")
    html = await system.open(address)
    assert [re.search(rf'name="{key}" value="([^"]*)"', html)[1] for key in FIELDS] == [  # type: ignore[index]
        "09:00",
        "12:00",
        "13:30",
        "17:30",
    ]
    refused = {"opens": "09:00", "break_from": "", "break_to": "13:30", "closes": "nie"}
    html = await system.send(address, {**refused, "act": "check"})
    assert (
        system.status == 422 and "上午下班和下午上班的时间都要填" in html and "请填写下午下班的时间" in html
    )
    through = {"opens": "08:30", "break_from": "", "break_to": "", "closes": "16:30"}
    html = await system.send(address, {**through, "act": "check"})
    assert "08:30–16:30" in html and "1 件</b>没有办结" in html
    assert 'value="08:30"' in await system.send(address, {**through, "act": "edit"})
    html = await system.send(address, {**through, "act": "save"})
    assert "按新的办公时间重新计算" in html and "08:30–16:30" in html
    await system.open(address)
    assert "已保存。" in await system.send(address, {**through, "act": "save"})
    assert "保存办公时间" in await visitor(world, "audit").open("/audit")


async def test_a_suspended_enterprise_reads_only(world: World) -> None:
    issue = await bring_to_customs(world)
    security, staff = visitor(world, "security"), visitor(world, "staff")
    await staff.open("/issues/new")
    form = staff.html
    address = f"/security/enterprises/{world.enterprises['ours']}"
    await security.open(address)
    assert "请填写“暂停原因”" in await security.send(f"{address}/suspend", {"reason": ""})
    assert "已暂停使用" in await security.send(f"{address}/suspend", {"reason": "走私嫌疑调查"})
    html = await staff.open(issue)
    assert staff.status == 200 and "走私嫌疑调查" in html
    assert "已被海关暂停使用" in await staff.open("/issues/new")
    staff.html = form
    await staff.send("/issues/new", {**QUESTION, "act": "send"})
    assert staff.status == 403
    program = world.client("staff")
    refused = await program.post("/api/v1/issues", json=QUESTION)
    assert refused.status_code == 403 and refused.json()["type"].endswith("enterprise_suspended")
    assert (await program.get("/api/v1/issues")).status_code == 200
    await security.open(address)
    await security.send(f"{address}/lift", {})
    assert "走私嫌疑调查" not in await staff.open(issue)
    await staff.open("/issues/new")
    await staff.send("/issues/new", {**QUESTION, "act": "send"})
    assert staff.status == 200


async def test_sessions_of_others_are_seen_and_ended(world: World) -> None:
    security, staff = visitor(world, "security"), visitor(world, "staff")
    assert "Edge，Windows 电脑" in await security.open("/security/sign-ins?q=system")
    html = await security.open("/security/sessions?q=staff")
    found = re.search(r'action="(/security/sessions/[0-9a-f-]{36})/end"', html)
    assert found
    assert "会话已结束" in await security.send(f"{found[1]}/end", {})
    await staff.open("/issues")
    assert staff.address == "/sign-in"
    html = await security.open("/security/sessions?q=handler")
    found = re.search(r'action="(/security/sessions/[0-9a-f-]{36})/end-all"', html)
    assert found
    assert "共结束 1 个会话" in await security.send(f"{found[1]}/end-all", {})


async def test_offices_go_out_as_a_file_and_come_back_changed(world: World) -> None:
    system, address = visitor(world, "system"), "/system/offices/sheet"
    await system.open(address)
    exported = await system.client.get(f"{address}/csv")
    assert "attachment" in exported.headers["content-disposition"]
    changed = exported.text.replace("昆山海关", "昆山综合海关") + "2351,新区海关,2399,,\n"
    html = await system.send(address, {}, files={"file": ("机构.csv", changed.encode(), "text/csv")})
    assert system.status == 422 and "有 1 行有误，没有导入任何内容" in html and "没有代码为 2399" in html
    changed = changed.replace("2399", "2300")
    html = await system.send(address, {}, files={"file": ("机构.csv", changed.encode(), "text/csv")})
    assert "新增 1 项，修改 1 项，15 项没有变化" in html
    lines = re.search(r'<textarea name="lines" hidden>([^<]*)</textarea>', html)
    assert lines
    html = await system.send(address, {"lines": unescape(lines[1])})
    assert "已导入" in html
    assert "昆山综合海关" in await system.open("/system/offices")
    html = await system.send(address, {"lines": "[[2]]"})
    assert system.status == 422 and "重新上传" in html
    excel = await system.client.get("/system/lists/kind/sheet/xlsx")
    assert excel.content.startswith(b"PK")
    html = await system.send("/system/lists/kind/sheet", {})
    assert system.status == 422 and "请选择要导入的" in html
    await system.open("/system/lists/nothing/sheet")
    assert system.status == 404


async def test_officers_go_out_as_a_file_and_new_ones_come_in_with_their_passwords(world: World) -> None:
    system, address = visitor(world, "system"), "/system/officers/sheet"
    await system.open(address)
    exported = await system.client.get(f"{address}/xlsx")
    rows = list(load_workbook(io.BytesIO(exported.content)).worksheets[0].iter_rows(values_only=True))
    assert rows[0][:3] == ("姓名", "手机号码", "所属单位代码") and "handler" in [row[0] for row in rows]
    sent = "姓名,手机号码,所属单位代码\n周新,13977770001,2301\n周二,13977770002,9999\n"
    html = await system.send(address, {}, files={"file": ("关员.csv", sent.encode(), "text/csv")})
    assert system.status == 422 and "没有代码为“9999”的受理单位" in html
    sent = sent.replace("9999", "2302")
    html = await system.send(address, {}, files={"file": ("关员.csv", sent.encode(), "text/csv")})
    assert "导入后将新增 2 项" in html and "初始密码</h2>" not in html
    lines = re.search(r'<textarea name="lines" hidden>([^<]*)</textarea>', html)
    assert lines
    html = await system.send(address, {"lines": unescape(lines[1])})
    assert len(re.findall(r'initial-password">[a-z0-9-]{14}<', html)) == 2
    assert "还没有角色" in await system.open("/system/officers?q=周新")


async def test_an_issue_shows_the_new_name_of_what_it_was_raised_with(world: World) -> None:
    issue = await bring_to_customs(world)
    system, staff = visitor(world, "system"), visitor(world, "staff")
    for list_name, code, name in (
        ("kind", "政策咨询", "政策法规咨询"),
        ("category", "税收征管", "关税征管"),
        ("importance", "一般", "普通"),
    ):
        await system.open(f"/system/lists/{list_name}")
        await system.send(f"/system/lists/{list_name}/rename", {"code": code, "name": name})
    html = await staff.open(issue)
    assert all(f"<dd>{name}</dd>" in html for name in ("政策法规咨询", "关税征管", "普通"))
    html = await staff.open("/issues")
    assert "关税征管</td>" in html and ">普通</span>" in html
    book = load_workbook(io.BytesIO((await staff.client.get("/issues/export")).content))
    texts = {str(cell.value) for row in book.worksheets[0].iter_rows() for cell in row}
    assert texts >= {"政策法规咨询", "关税征管", "普通"}
    program = (await world.client("staff").get("/api/v1/issues")).json()
    assert program["items"][0]["category"] == "税收征管", "programs get the code"

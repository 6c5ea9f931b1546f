"""用户管理 as an admin without JavaScript meets it: list, forms, leaving with work, handing over, the Excel file; and what
becomes of somebody who is put out of the enterprise they act for."""

import io
import re
from typing import Any

import pytest
import xlsxwriter
from sqlalchemy import text

from tests.pages.conftest import QUESTION, Visitor, World

NEW = {"name": "林小满", "phone": "13700000001", "position": "关务经理", "roles": "customs_affairs"}


def visitor(world: World, name: str) -> Visitor:
    return Visitor(world.browser(name))


async def member_id(world: World, name: str) -> str:
    async with world.wired.sessions() as session:
        found = await session.scalar(
            text(
                "SELECT m.id FROM membership m JOIN person p ON p.id = m.person_id WHERE p.name = :name"
                " OR m.display_name = :name ORDER BY m.created_at DESC LIMIT 1"
            ),
            {"name": name},
        )
    return str(found)


async def raise_draft(world: World, who: str) -> None:
    staff = visitor(world, who)
    await staff.open("/issues/new")
    html = await staff.send("/issues/new", {**QUESTION, "act": "save"})
    assert staff.status == 200, html


async def test_an_admin_adds_changes_suspends_and_resumes(world: World) -> None:
    admin = visitor(world, "admin")
    html = await admin.open("/members")
    assert 'href="/members" aria-current="page"' in html
    assert "executive" in html and "staff" not in re.sub(r"<[^>]*>", "", html)
    await admin.open("/members/new?role=customs_affairs")
    html = await admin.send("/members/new", NEW)
    assert "已添加林小满，现在就可以用手机号码登录。" in html and "tab=customs_affairs" in html
    address = f"/members/{await member_id(world, '林小满')}"
    html = await admin.open(address)
    assert 'name="phone"' not in html, "the phone is not the admin's to change"
    html = await admin.send(address, NEW | {"position": "关务总监", "phone": "13700000009"})
    assert "已保存林小满的信息。" in html and "关务总监" in html and "13700000001" in html
    html = await admin.open(f"{address}/leave?how=suspend")
    assert "没有还没办结的问题" in html
    html = await admin.send(f"{address}/leave", {"how": "suspend"})
    assert "已停用林小满" in html
    html = await admin.send(f"{address}/resume", {})
    assert "已恢复林小满" in html
    await admin.open(f"{address}/leave?how=remove")
    html = await admin.send(f"{address}/leave", {"how": "remove"})
    assert "已移除林小满。" in html and html.count("林小满") == 1
    assert "已经移除" in await admin.open(address)


async def test_mistakes_come_back_with_what_was_typed(world: World) -> None:
    admin = visitor(world, "admin")
    await admin.open("/members/new")
    html = await admin.send("/members/new", {"name": "", "phone": "12", "position": "部长", "roles": ""})
    assert admin.status == 422 and "有 3 处需要修改" in html
    assert 'value="部长"' in html and 'value="12"' in html and "请填写“姓名”。" in html
    html = await admin.send("/members/new", NEW | {"phone": "13900000001"})
    assert admin.status == 422 and "这个手机号码已经是贵企业的用户。" in html


async def test_while_the_registration_waits_members_are_added_and_told_why_not_to_ask(world: World) -> None:
    admin = visitor(world, "waiting")
    assert "审核通过以后才能提出问题" in await admin.open("/members")
    await admin.open("/members/new")
    assert "已添加林小满" in await admin.send("/members/new", NEW)


async def test_what_is_open_is_shown_and_goes_to_whom_the_admin_says(world: World) -> None:
    await raise_draft(world, "staff")
    admin = visitor(world, "admin")
    leave = f"/members/{await member_id(world, 'staff')}/leave"
    html = await admin.open(f"{leave}?how=remove")
    assert "经办的问题（1 件）" in html and QUESTION["title"] in html and "填写问题" in html
    html = await admin.send(leave, {"how": "remove", "work_to": ""})
    assert admin.status == 422 and "请选择由谁接手。" in html
    html = await admin.send(leave, {"how": "remove", "work_to": "nonsense"})
    assert admin.status == 422 and "请选择一位在用的用户。" in html
    html = await admin.send(leave, {"how": "remove", "work_to": await member_id(world, "executive")})
    assert "已移除staff。1 件没有办结的问题已经移交。" in html
    html = await admin.send(leave, {"how": "remove", "work_to": await member_id(world, "executive")})
    assert admin.status == 200, "sent twice it is done once"
    assert QUESTION["title"] in await visitor(world, "executive").open("/tasks")


async def test_a_suspended_members_work_may_wait_and_is_not_forgotten(world: World) -> None:
    await raise_draft(world, "staff")
    admin = visitor(world, "admin")
    leave = f"/members/{await member_id(world, 'staff')}/leave"
    await admin.open(f"{leave}?how=suspend")
    html = await admin.send(leave, {"how": "suspend"})
    assert "名下还有没办结的问题" in html and "staff（已停用）：1 件" in html
    html = await admin.open(f"{leave}?how=move")
    html = await admin.send(leave, {"how": "move", "work_to": await member_id(world, "executive")})
    assert "已移交staff名下没有办结的问题。" in html and "名下还有没办结的问题：" not in html


async def test_the_last_admin_is_led_to_hand_over(world: World) -> None:
    admin = visitor(world, "admin")
    leave = f"/members/{await member_id(world, 'admin')}/leave"
    html = await admin.open(f"{leave}?how=remove")
    assert "唯一的企业管理员" in html and 'href="/members/hand-over"' in html
    html = await admin.send(leave, {"how": "remove"})
    assert admin.status == 422 and "唯一的企业管理员" in html


async def test_the_admins_role_is_offered_and_accepted(world: World) -> None:
    admin, executive = visitor(world, "admin"), visitor(world, "executive")
    await admin.open("/members/hand-over")
    html = await admin.send("/members/hand-over", {"to": "", "roles": ""})
    assert admin.status == 422 and "有 2 处需要修改" in html
    chosen = {"to": await member_id(world, "executive"), "roles": "customs_affairs"}
    html = await admin.send("/members/hand-over", chosen)
    assert "已请executive接任企业管理员" in html and "等待对方答复" in html
    assert "取消移交，您仍是企业管理员" in (await admin.send("/members/hand-over/cancel", {}))
    await admin.open("/members/hand-over")
    await admin.send("/members/hand-over", chosen)
    assert "admin请您接任企业管理员" in await executive.open("/issues")
    html = await executive.open("/admin-offer")
    found = re.search(r'action="(/admin-offer/[0-9a-f-]+)"', html)
    assert found and "身份改为关务人员" in html
    html = await executive.send(found[1], {"act": "accept"})
    assert executive.address == "/members" and "用户管理" in html
    await admin.open("/members")
    assert admin.status == 403


@pytest.mark.parametrize("who", ["staff", "executive", "handler"])
async def test_only_the_admin_finds_it(world: World, who: str) -> None:
    person = visitor(world, who)
    assert "用户管理" not in await person.open("/tasks")
    for address in ("/members", "/members/new", "/members/import", "/members/hand-over"):
        await person.open(address)
        assert person.status == 403, address


def sheet(*rows: Any) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        page = book.add_worksheet()
        for number, row in enumerate((("姓名*", "手机号码*", "职务", "身份*"), *rows)):
            page.write_row(number, 0, row)
    return buffer.getvalue()


async def upload(admin: Visitor, data: bytes) -> str:
    await admin.open("/members/import")
    files = {"file": ("用户.xlsx", data, "application/octet-stream")}
    return await admin.send("/members/import", {}, files=files)


async def test_the_template_comes_as_a_file(world: World) -> None:
    answer = await world.browser("admin").get("/members/import/template.xlsx")
    assert answer.status_code == 200 and answer.content.startswith(b"PK")
    assert "attachment" in answer.headers["content-disposition"]


async def test_a_file_without_mistakes_is_imported_once(world: World) -> None:
    admin = visitor(world, "admin")
    html = await upload(
        admin, sheet(("张三", "13700000001", "", "企业高管"), ("李四", 13700000002, "部长", "关务人员"))
    )
    assert "全部正确" in html and "还没有添加任何人" in html
    assert "张三" not in await visitor(world, "admin").open("/members")
    sent = {"lines": admin.hidden("lines"), "act": "all"}
    page = admin.html
    html = await admin.send("/members/import/add", sent)
    assert "已添加 2 位用户" in html
    admin.html = page
    assert "已添加 2 位用户" in await admin.send("/members/import/add", sent), (
        "a second click changes nothing"
    )
    assert "张三" in await admin.open("/members?tab=executive")


async def test_wrong_lines_are_reported_and_the_right_ones_only_imported_when_chosen(world: World) -> None:
    admin = visitor(world, "admin")
    html = await upload(
        admin,
        sheet(
            ("张三", "13700000001", "", "企业高管"),
            ("", "12", "", "董事"),
            ("staff", "13900000001", "", "关务人员"),
        ),
    )
    assert admin.status == 422
    assert "共 3 行，1 行正确，2 行有误" in html and "第 3 行" in html and "请填写“姓名”。" in html
    assert "已经是贵企业的用户。" in html and "添加全部" not in html
    lines = admin.hidden("lines")
    html = await admin.send("/members/import/add", {"lines": lines, "act": "all"})
    assert admin.status == 422 and "还没有添加任何人" in html
    html = await admin.send("/members/import/add", {"lines": lines, "act": "right"})
    assert "已添加 1 位用户" in html and "第 3、4 行" in html


async def test_a_file_that_cannot_be_read_is_refused_on_the_form(world: World) -> None:
    admin = visitor(world, "admin")
    html = await upload(admin, b"nothing of the kind")
    assert admin.status == 422 and "这不是 Excel 文件" in html
    await admin.open("/members/import")
    html = await admin.send("/members/import", {})
    assert admin.status == 422 and "请选择要导入的 Excel 文件。" in html


@pytest.mark.parametrize(
    "lines", ["", "{}", "[]", "[[1]]", '[[2,"a","b","c",5,[]]]', "[1]", '[["2","","","","",[]]]']
)
async def test_lines_that_are_none_of_ours_are_refused(world: World, lines: str) -> None:
    admin = visitor(world, "admin")
    await upload(admin, sheet(("张三", "13700000001", "", "企业高管")))
    await admin.send("/members/import/add", {"lines": lines, "act": "right"})
    assert admin.status == 422


async def test_whoever_has_no_executive_is_led_to_add_one(world: World) -> None:
    async with world.wired.sessions() as session:
        await session.execute(
            text("UPDATE membership SET active = false, suspended_at = now() WHERE person_id = :id"),
            {"id": world.people["executive"]},
        )
        await session.commit()
    link = 'href="/members/new?role=executive"'
    for who, may in (("admin", True), ("staff", False)):
        person = visitor(world, who)
        await person.open("/issues/new")
        html = await person.send("/issues/new", {**QUESTION, "act": "send"})
        assert person.status == 422 and "在“用户管理”中添加企业高管" in html
        assert (link in html) is may
    assert link in await visitor(world, "admin").open("/members")


async def join_other(world: World, name: str, enterprise: str, role: str) -> None:
    async with world.wired.sessions() as session:
        await session.execute(
            text(
                "INSERT INTO membership (id, person_id, enterprise_id, display_name, position, roles, active, created_at)"
                " VALUES (gen_random_uuid(), :person, :enterprise, '', '', ARRAY[:role], true, now())"
            ),
            {"person": world.people[name], "enterprise": world.enterprises[enterprise], "role": role},
        )
        await session.commit()


async def test_whoever_is_put_out_chooses_another_enterprise_and_comes_back_to_the_page(world: World) -> None:
    await join_other(world, "staff", "theirs", "customs_affairs")
    person, admin = visitor(world, "staff"), visitor(world, "admin")
    html = await person.open("/issues")
    leave = f"/members/{await ours_of(world, 'staff')}/leave"
    await admin.open(f"{leave}?how=remove")
    await admin.send(leave, {"how": "remove"})
    for address in ("/issues", "/tasks", "/issues/new", "/issues/00000000-0000-7000-8000-000000000000"):
        html = await person.open(address)
        assert (person.status, person.address) == (200, "/sign-in/membership"), address
        assert f'name="next" value="{address}"' in html
    assert "theirs公司" in html and "ours公司" not in html
    await person.open("/tasks")
    found = re.search(r'name="membership" value="([0-9a-f-]+)"', person.html)
    assert found
    html = await person.send("/sign-in/membership", {"membership": found[1], "next": "/tasks"})
    assert person.address == "/tasks" and "theirs公司" in html


async def ours_of(world: World, name: str) -> str:
    async with world.wired.sessions() as session:
        found = await session.scalar(
            text("SELECT id FROM membership WHERE person_id = :person AND enterprise_id = :enterprise"),
            {"person": world.people[name], "enterprise": world.enterprises["ours"]},
        )
    return str(found)


async def test_whoever_has_no_other_enterprise_is_signed_out(world: World) -> None:
    person, admin = visitor(world, "staff"), visitor(world, "admin")
    leave = f"/members/{await ours_of(world, 'staff')}/leave"
    await admin.open(f"{leave}?how=suspend")
    await admin.send(leave, {"how": "suspend"})
    await person.open("/issues")
    assert person.address == "/sign-in"

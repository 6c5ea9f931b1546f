"""Nothing that was typed is lost: whatever a form comes to nothing for, it is shown again, and sent again with one click where
that can help."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from sqlalchemy import text

from domain.sessions import SessionLimits, start_session
from tests.pages.conftest import QUESTION, Visitor, World

LONG = "第一行：设备序列号 A-01。\n第二行：<b>请</b>尽快答复。"
TYPED = {**QUESTION, "description": LONG, "act": "send"}


def visitor(world: World, name: str) -> Visitor:
    return Visitor(world.browser(name))


async def change(world: World, statement: str, **parameters: Any) -> None:
    async with world.wired.sessions.begin() as session:
        await session.execute(text(statement), parameters)


async def end_session(world: World, name: str) -> None:
    statement = "UPDATE sign_in_session SET ended_at = now() WHERE person_id = :id"
    await change(world, statement, id=world.people[name])


async def sign_in_anew(world: World, person: Visitor, name: str) -> None:
    """What the sign-in page in another tab of this browser leaves: a new cookie."""
    async with world.wired.sessions.begin() as session:
        membership = text("SELECT id FROM membership WHERE person_id = :id")
        token = await start_session(
            session,
            world.people[name],
            membership_id=await session.scalar(membership, {"id": world.people[name]}),
            officer_id=None,
            ip=None,
            user_agent=None,
            limits=SessionLimits(),
            now=datetime.now(UTC),
        )
    person.client.cookies.set("qingling_session", token)


def hidden_fields(html: str) -> Iterator[tuple[str, str]]:
    """The hidden fields of the last form on the page, as a browser sends them."""
    form = html[html.rindex("<form") :]
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form):
        yield name, unescape(value)


async def send_again(person: Visitor) -> str:
    """Press the button that sends everything once more."""
    found = re.findall(r'<form method="post" action="([^"]+)">', person.html)
    answer = await person.client.post(found[-1], data=dict(hidden_fields(person.html)), follow_redirects=True)
    person.html, person.status, person.address = answer.text, answer.status_code, str(answer.url.path)
    return person.html


async def count_issues(world: World) -> int:
    async with world.wired.sessions() as session:
        return int(await session.scalar(text("SELECT count(*) FROM issue WHERE phase <> 'draft'")) or 0)


async def test_whose_session_ended_signs_in_and_sends_it_again(world: World) -> None:
    staff = visitor(world, "staff")
    await staff.open("/issues/new")
    await end_session(world, "staff")
    html = await staff.send("/issues/new", TYPED)
    assert staff.status == 401 and "登录已经结束" in html and "没有丢失" in html
    assert "<dt>标题</dt>" in html and QUESTION["title"] in html
    assert "第二行：&lt;b&gt;请&lt;/b&gt;尽快答复。" in html
    assert 'href="/sign-in" target="_blank"' in html
    await sign_in_anew(world, staff, "staff")
    await send_again(staff)
    assert staff.status == 200 and "已提交高管审核" in staff.html
    async with world.wired.sessions() as session:
        assert await session.scalar(text("SELECT description FROM issue")) == LONG


async def test_sending_it_again_twice_makes_one_issue(world: World) -> None:
    staff = visitor(world, "staff")
    await staff.open("/issues/new")
    await end_session(world, "staff")
    await staff.send("/issues/new", TYPED)
    page = staff.html
    await sign_in_anew(world, staff, "staff")
    for _ in range(2):
        staff.html = page
        await send_again(staff)
    assert await count_issues(world) == 1


async def test_a_page_from_before_one_signed_in_anew_is_sent_again(world: World) -> None:
    staff = visitor(world, "staff")
    await staff.open("/issues/new")
    await sign_in_anew(world, staff, "staff")
    html = await staff.send("/issues/new", TYPED)
    assert staff.status == 403 and "页面已过期" in html and QUESTION["title"] in html
    await send_again(staff)
    assert "已提交高管审核" in staff.html


async def test_who_typed_nothing_goes_to_the_sign_in_page(world: World) -> None:
    staff = visitor(world, "staff")
    await staff.open("/issues/new")
    await end_session(world, "staff")
    await staff.send("/sign-out", {})
    assert staff.address == "/sign-in"


async def test_of_a_suspended_enterprise_what_was_typed_is_kept_until_it_may_act_again(world: World) -> None:
    staff = visitor(world, "staff")
    await staff.open("/issues/new")
    await change(
        world, "UPDATE enterprise SET status = 'suspended' WHERE id = :id", id=world.enterprises["ours"]
    )
    html = await staff.send("/issues/new", TYPED)
    assert staff.status == 403 and "已被海关暂停使用" in html and QUESTION["title"] in html
    await send_again(staff)
    assert staff.status == 403 and QUESTION["title"] in staff.html
    await change(
        world, "UPDATE enterprise SET status = 'approved' WHERE id = :id", id=world.enterprises["ours"]
    )
    await send_again(staff)
    assert staff.status == 200 and "已提交高管审核" in staff.html


async def test_a_members_data_typed_by_an_admin_who_is_none_any_more_is_shown(world: World) -> None:
    admin = visitor(world, "admin")
    await admin.open("/members/new")
    await change(
        world, "UPDATE membership SET roles = '{executive}' WHERE person_id = :id", id=world.people["admin"]
    )
    typed = {"name": "林小满", "phone": "13700000001", "position": "关务经理", "roles": "customs_affairs"}
    html = await admin.send("/members/new", typed)
    assert admin.status == 403
    for label, value in (("姓名", "林小满"), ("手机号码", "13700000001"), ("职务", "关务经理")):
        assert f'<dt>{label}</dt><dd><div class="prose">{value}</div></dd>' in html
    assert "再次提交" not in html, "it would not help"


async def test_who_was_put_out_while_typing_reads_it_and_chooses_another_enterprise(world: World) -> None:
    staff = visitor(world, "staff")
    await staff.open("/issues/new")
    await change(
        world,
        "INSERT INTO membership (id, person_id, enterprise_id, display_name, position, roles, active, created_at)"
        " VALUES (gen_random_uuid(), :person, :theirs, '', '', '{customs_affairs}', true, now())",
        person=world.people["staff"],
        theirs=world.enterprises["theirs"],
    )
    await change(
        world,
        "UPDATE sign_in_session SET membership_id = NULL WHERE person_id = :id",
        id=world.people["staff"],
    )
    html = await staff.send("/issues/new", TYPED)
    assert staff.status == 403 and QUESTION["title"] in html
    assert 'href="/sign-in/membership"' in html and "选择代表哪一家企业" in html


async def test_passwords_are_never_shown_again(world: World) -> None:
    handler = visitor(world, "handler")
    await handler.open("/account/password")
    await end_session(world, "handler")
    secret = "correct horse battery staple"
    await handler.send("/account/password", {"old": secret, "new": secret, "again": secret})
    assert handler.address == "/sign-in" and secret not in handler.html


async def test_what_breaks_by_our_fault_loses_nothing_of_a_new_issue(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    staff = visitor(world, "staff")
    await staff.open("/issues/new")

    async def break_down(*_: Any, **__: Any) -> None:
        raise RuntimeError("broken")

    with monkeypatch.context() as patch:
        patch.setattr("api.pages.new_issue.completion.complete", break_down)
        html = await staff.send("/issues/new", TYPED)
    assert staff.status == 500 and QUESTION["title"] in html and "请求编号" in html
    await send_again(staff)
    assert staff.status == 200 and "已提交高管审核" in staff.html


async def test_a_file_that_came_with_it_is_named(world: World) -> None:
    staff = visitor(world, "staff")
    await staff.open("/issues/new")
    await end_session(world, "staff")
    files = {"attachments.upload": ("合同.pdf", b"%PDF-1.4", "application/pdf")}
    html = await staff.send("/issues/new", TYPED, files=files)
    assert staff.status == 401 and "没有收下的文件：合同.pdf" in html


async def test_programs_are_told_as_ever(world: World) -> None:
    await end_session(world, "staff")
    refused = await world.client("staff").post("/api/v1/issues", json=QUESTION)
    assert refused.status_code == 401 and refused.json()["type"].endswith("signed_out")

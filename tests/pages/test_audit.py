"""The auditor's page: who may open it, what its filters find, that it pages, exports what it shows, and changes nothing."""

import ast
import io
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from openpyxl import load_workbook
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.pages.audit_words import ABOUT, ACTIONS, tell_changes, tell_who
from domain.actor import Actor
from domain.audit import record
from domain.audit_chain import seal, sealing_key
from domain.audit_erasure import erase_personal
from domain.audit_read import ERASED, AuditFilter, AuditLine, list_actions, list_records, read_seal
from domain.models import AuditRecord, Officer, OfficerRole, Person
from domain.sessions import SessionLimits, start_session
from tasks.sealing import SOURCES, seal_all
from tests.pages.conftest import Visitor, World

ROOT = Path(__file__).parents[2]
PHONE = "+8613911112222"


def make_actor(person: Person, ip: str | None = "192.0.2.7") -> Actor:
    return Actor(
        person.id, person.name, person.phone, uuid4(), None, None, None, None, frozenset(), (), (), ip=ip
    )


@pytest.fixture
async def people(session: AsyncSession, now: datetime) -> list[Person]:
    """Two people, who have done and suffered a few things on three days."""
    one = Person(name="章明", phone=PHONE, created_at=now)
    other = Person(name="李远", phone="+8613911113333", created_at=now)
    session.add_all([one, other])
    await session.flush()
    for days, actor, action, about, about_id, after in (
        (0, one, "add_member", "membership", uuid4(), {"name": "王五", "phone": "+8613900000001"}),
        (1, other, "edit_office", "office", "2301", {"name": "南京海关驻江宁办事处"}),
        (
            2,
            one,
            "give_role",
            "officer",
            uuid4(),
            {"roles": ["handler"], "person_id": other.id, "name": "李远"},
        ),
        (2, None, "fail_sign_in", "person", None, {"phone": PHONE, "ip": "192.0.2.9"}),
    ):
        await record(
            session,
            action,
            actor=make_actor(actor) if actor else None,
            about=about,
            about_id=about_id,
            after=after,
            now=now + timedelta(days=days),
        )
    return [one, other]


FOUND = [
    (AuditFilter(), ["fail_sign_in", "give_role", "edit_office", "add_member"]),
    (AuditFilter(who="章明"), ["give_role", "add_member"]),
    (AuditFilter(who="139 1111 2222"), ["give_role", "add_member"]),
    (AuditFilter(who="章"), []),
    (AuditFilter(action="edit_office"), ["edit_office"]),
    (AuditFilter(about="membership"), ["add_member"]),
    (AuditFilter(what="2301"), ["edit_office"]),
    (AuditFilter(what="王五"), ["add_member"]),
    (AuditFilter(what="13911112222"), ["fail_sign_in"]),
    (AuditFilter(what="192.0.2.9"), ["fail_sign_in"]),
    (AuditFilter(since=date(2026, 3, 3)), ["fail_sign_in", "give_role", "edit_office"]),
    (AuditFilter(until=date(2026, 3, 2)), ["add_member"]),
    (AuditFilter(since=date(2026, 3, 3), until=date(2026, 3, 3)), ["edit_office"]),
    (AuditFilter(who="章明", action="give_role", what="李远"), ["give_role"]),
    (AuditFilter(what="' OR 1=1 --"), []),
]


@pytest.mark.parametrize(("wanted", "actions"), FOUND, ids=str)
async def test_filters_find_by_who_what_on_what_and_when(
    session: AsyncSession, people: list[Person], wanted: AuditFilter, actions: list[str]
) -> None:
    page = await list_records(session, wanted)
    assert sorted(line.action for line in page.items) == sorted(actions)
    assert [line.at for line in page.items] == sorted((line.at for line in page.items), reverse=True)


async def test_ids_of_people_and_sessions_are_found_too(session: AsyncSession, people: list[Person]) -> None:
    by_person = (await list_records(session, AuditFilter(who=str(people[0].id)))).items
    assert [line.action for line in by_person] == ["give_role", "add_member"]
    by_session = (await list_records(session, AuditFilter(who=str(by_person[0].session_id)))).items
    assert [line.id for line in by_session] == [by_person[0].id]


async def test_pages_follow_each_other_without_a_gap(session: AsyncSession, people: list[Person]) -> None:
    seen: list[UUID] = []
    place = None
    while True:
        page = await list_records(session, AuditFilter(), after=place, limit=1)
        seen += [line.id for line in page.items]
        place = page.next
        if place is None:
            break
    assert len(seen) == len(set(seen)) == 4


async def test_personal_values_stand_in_their_place_until_they_are_erased(
    session: AsyncSession, people: list[Person], now: datetime
) -> None:
    line = (await list_records(session, AuditFilter(action="add_member"))).items[0]
    assert (line.after, line.ip, line.actor_name) == (
        {"name": "王五", "phone": "+8613900000001"},
        "192.0.2.7",
        "章明",
    )
    failed = (await list_records(session, AuditFilter(action="fail_sign_in"))).items[0]
    assert (failed.after, failed.ip, tell_who(failed)) == ({"phone": PHONE}, "192.0.2.9", "未登录的人")
    await erase_personal(
        session,
        person_id=None,
        phone="+8613900000001",
        actor=None,
        keep=timedelta(0),
        now=now + timedelta(days=9),
    )
    line = (await list_records(session, AuditFilter(action="add_member"))).items[0]
    assert line.after == {"name": ERASED, "phone": ERASED}


async def test_the_choices_of_the_filters_are_what_occurs(
    session: AsyncSession, people: list[Person]
) -> None:
    actions, abouts = await list_actions(session)
    assert actions == ["add_member", "edit_office", "fail_sign_in", "give_role"]
    assert abouts == ["membership", "office", "officer", "person"]


async def test_the_state_of_the_seal(session: AsyncSession, people: list[Person], now: datetime) -> None:
    key = sealing_key(b"secret")
    state = await read_seal(session, SOURCES, key)
    assert (state.number, state.is_signed, state.unsealed, state.unsealed_since) == (0, True, 4, now)
    await seal(session, SOURCES, key, now)
    state = await read_seal(session, SOURCES, key)
    assert (state.number, state.is_signed, state.unsealed, state.unsealed_since) == (1, True, 0, None)
    assert not (await read_seal(session, SOURCES, sealing_key(b"other"))).is_signed
    await session.execute(text("UPDATE audit_head SET digest = ''"))
    assert not (await read_seal(session, SOURCES, key)).is_signed


def line_of(**values: Any) -> AuditLine:
    empty: dict[str, Any] = {
        "id": uuid4(),
        "at": datetime(2026, 3, 2, tzinfo=UTC),
        "action": "edit_member",
        "actor_id": None,
        "actor_name": None,
        "as_officer": False,
        "session_id": None,
        "ip": None,
        "about": "membership",
        "about_id": None,
        "before": {},
        "after": {},
        "sealed_in": None,
    }
    return AuditLine(**{**empty, **values})


def test_changes_are_told_in_words() -> None:
    before = {"position": "职员", "roles": ["executive"], "active": True, "name": "王五"}
    after = {"position": "经理", "roles": ["executive", "customs_affairs"], "active": False, "name": "王五"}
    assert tell_changes(line_of(before=before, after=after)) == [
        ("职务", "职员", "经理"),
        ("身份", "企业高管", "企业高管、关务人员"),
        ("启用", "是", "否"),
    ]
    nested = {"members": [{"name": "甲", "line": 2}], "empty": {}}
    assert tell_changes(line_of(after=nested)) == [
        ("members · 1 · 姓名或名称", "", "甲"),
        ("members · 1 · line", "", "2"),
    ]


def recorded() -> set[str]:
    """Every action that is written as a text where something is recorded, in the whole of our code."""
    found: set[str] = set()
    for room in ("api", "domain", "tasks"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in (
                    "record",
                    "_record",
                ):
                    found |= {
                        one.value
                        for one in ast.walk(ast.Module([ast.Expr(node)], []))
                        if isinstance(one, ast.Constant)
                        and isinstance(one.value, str)
                        and re.fullmatch(r"[a-z]+(_[a-z]+)+", one.value)
                    }
    return found - set(ABOUT)


def test_every_action_that_is_recorded_has_words() -> None:
    actions = {one for one in recorded() if one.split("_")[0] in VERBS}
    assert actions >= {"sign_in", "fail_sign_in", "add_member", "export_audit"}
    assert actions - set(ACTIONS) == set()


VERBS = {action.split("_")[0] for action in ACTIONS}


@pytest.fixture
async def auditor(world: World) -> Visitor:
    """Somebody who holds this one role."""
    async with world.wired.sessions() as session:
        now = datetime.now(UTC)
        person = Person(name="章鉴", phone="+8613900009999", created_at=now)
        session.add(person)
        await session.flush()
        officer = Officer(person_id=person.id, password_hash="", created_at=now)
        session.add(officer)
        await session.flush()
        session.add(OfficerRole(officer_id=officer.id, role="auditor", office="2300"))
        world.people["auditor"] = person.id
        world.tokens["auditor"] = await start_session(
            session,
            person.id,
            membership_id=None,
            officer_id=officer.id,
            ip=None,
            user_agent=None,
            limits=SessionLimits(),
            now=now,
        )
        for number in range(60):
            await record(
                session,
                "edit_member",
                actor=None,
                about="membership",
                about_id=f"m{number}",
                before={"position": "职员"},
                after={"position": f"=经理{number}"},
                now=now + timedelta(seconds=number),
            )
        await session.commit()
    return Visitor(world.browser("auditor"))


async def test_only_the_auditor_sees_the_page(world: World, auditor: Visitor) -> None:
    assert "审计" in await auditor.open("/audit") and auditor.status == 200
    for name in ("admin", "handler", "supervisor", "registrar"):
        visitor = Visitor(world.browser(name))
        for address in ("/audit", "/audit/export"):
            await visitor.open(address)
            assert visitor.status == 403


async def test_the_page_shows_what_changed_and_pages_on(auditor: Visitor) -> None:
    html = await auditor.open("/audit?action=edit_member")
    assert "修改成员" in html and "=经理59" in html and "=经理9<" not in html
    following = re.search(r'href="(/audit\?[^"]*after=[^"]*)" rel="next"', html)
    assert following
    html = await auditor.open(following[1].replace("&amp;", "&"))
    assert "=经理9<" in html and "=经理59" not in html and "回到第一页" in html


async def test_wrong_filters_are_no_errors(auditor: Visitor) -> None:
    for query in ("since=yesterday", "after=nowhere", "after=2026-01-01_x", "action=none", "what=%25"):
        await auditor.open(f"/audit?{query}")
        assert auditor.status == 200


async def test_a_late_seal_and_a_broken_one_are_told(world: World, auditor: Visitor) -> None:
    key = sealing_key(world.wired.settings.pepper)
    assert "封存已停止" not in await auditor.open("/audit")
    async with world.wired.sessions() as session:
        await record(
            session,
            "add_office",
            actor=None,
            about="office",
            about_id="2301",
            now=datetime.now(UTC) - timedelta(hours=1),
        )
        await session.commit()
    assert "封存作业可能没有运行" in await auditor.open("/audit")
    await seal_all(world.wired.sessions, key, datetime.now(UTC))
    html = await auditor.open("/audit")
    assert "封存作业可能没有运行" not in html and "第 1 批" in html
    async with world.wired.sessions() as session:
        await session.execute(text("UPDATE audit_head SET signature = ''"))
        await session.commit()
    assert "封存已停止" in await auditor.open("/audit")


async def test_the_export_holds_all_that_is_filtered_and_is_recorded_itself(
    world: World, auditor: Visitor
) -> None:
    answer = await auditor.client.get("/audit/export?action=edit_member")
    assert answer.status_code == 200
    sheet = load_workbook(io.BytesIO(answer.content)).worksheets[0]
    rows = list(sheet.iter_rows(values_only=True))
    assert len(rows) == 61 and rows[1][7] == "职务：=经理59"
    async with world.wired.sessions() as session:
        found = (
            await session.scalars(select(AuditRecord).where(col(AuditRecord.action) == "export_audit"))
        ).one()
    assert found.actor_id == world.people["auditor"]
    assert found.after == {"action": "edit_member", "rows": 60}

"""The audit log's entrance: one statement a record, personal values apart, nothing that can be changed afterwards."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import DBAPIError, InternalError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.audit import digest_value, record
from domain.models import AuditPersonal, AuditRecord


@pytest.fixture
def watch(session: AsyncSession) -> Callable[[], Any]:
    async def watch() -> list[str]:
        statements: list[str] = []
        connection = await session.connection()
        event.listen(
            connection.sync_connection, "before_cursor_execute", lambda *args: statements.append(args[2])
        )
        return statements

    return watch


async def values_of(session: AsyncSession) -> dict[str, AuditPersonal]:
    return {one.path: one for one in await session.scalars(select(AuditPersonal))}


async def test_a_record_is_one_statement(
    session: AsyncSession, world: Any, watch: Any, now: datetime
) -> None:
    actor = replace(await world.officer("security_admin:2300"), ip="192.0.2.7")
    statements = await watch()
    await record(
        session,
        "add_member",
        actor=actor,
        about="membership",
        about_id=uuid4(),
        after={"name": "王五", "phone": "+8613900000000", "roles": {"executive"}},
        now=now,
    )
    assert len(statements) == 1


async def test_who_what_on_what_from_where_and_what_changed(
    session: AsyncSession, world: Any, now: datetime
) -> None:
    member = await world.member(await world.enterprise(), "enterprise_admin")
    actor = replace(member, ip="192.0.2.7", session_id=uuid4())
    subject = uuid4()
    await record(
        session,
        "edit_member",
        actor=actor,
        about="membership",
        about_id=subject,
        before={"position": "职员", "roles": ["customs_affairs"]},
        after={"position": "经理", "roles": frozenset({"executive", "customs_affairs"}), "since": now},
        now=now,
    )
    row = (await session.scalars(select(AuditRecord))).one()
    assert (row.at, row.action, row.about, row.about_id) == (now, "edit_member", "membership", str(subject))
    assert (row.actor_id, row.membership_id, row.officer_id) == (member.person_id, member.membership_id, None)
    assert row.session_id == actor.session_id
    assert row.before == {"position": "职员", "roles": ["customs_affairs"]}
    assert row.after is not None and row.after["roles"] == ["customs_affairs", "executive"]
    assert datetime.fromisoformat(row.after["since"]).astimezone(UTC) == now
    assert set(row.personal) == {"from/ip"} and (await values_of(session))["from/ip"].value == "192.0.2.7"


async def test_personal_values_lie_apart_at_any_depth_with_a_salt_each(
    session: AsyncSession, world: Any, now: datetime
) -> None:
    phone = "+8613911112222"
    await record(
        session,
        "import_members",
        actor=None,
        about="enterprise",
        about_id=uuid4(),
        before={"name": None},
        after={"members": [{"name": "赵六", "phone": phone}, {"name": "钱七", "phone": phone, "line": 3}]},
        now=now,
    )
    row = (await session.scalars(select(AuditRecord))).one()
    assert row.after == {"members": [{"name": None, "phone": None}, {"name": None, "phone": None, "line": 3}]}
    assert row.before == {"name": None} and "before/name" not in row.personal
    values = await values_of(session)
    assert values["after/members/1/name"].value == "钱七"
    one, other = values["after/members/0/phone"], values["after/members/1/phone"]
    assert one.value == other.value == phone and one.salt != other.salt
    assert row.personal["after/members/0/phone"] != row.personal["after/members/1/phone"]
    for path, value in values.items():
        assert value.salt is not None and value.value is not None
        assert row.personal[path] == digest_value(value.salt, value.value).hex()


async def test_a_value_knows_whose_it_is(session: AsyncSession, world: Any, now: datetime) -> None:
    admin = replace(await world.member(await world.enterprise(), "enterprise_admin"), ip="192.0.2.7")
    member = await world.member(await world.enterprise(), "executive")
    officer = await world.officer("handler:2301")
    named = uuid4()
    for about, about_id, after, whose in (
        ("membership", member.membership_id, {"phone": "1"}, member.person_id),
        ("officer", officer.officer_id, {"phone": "2"}, officer.person_id),
        ("person", named, {"phone": "3"}, named),
        ("enterprise", uuid4(), {"phone": "4", "person_id": named}, named),
        ("office", "2301", {"phone": "5"}, None),
        ("membership", None, {"phone": "6"}, None),
    ):
        await record(session, "test", actor=admin, about=about, about_id=about_id, after=after, now=now)
        found = await session.execute(
            select(col(AuditPersonal.path), col(AuditPersonal.person_id)).where(
                col(AuditPersonal.record_id)
                == select(col(AuditRecord.id)).order_by(col(AuditRecord.id).desc()).limit(1).scalar_subquery()
            )
        )
        assert dict(found.all()) == {"after/phone": whose, "from/ip": admin.person_id}


REFUSED = [
    "UPDATE audit_record SET action = 'nothing'",
    "UPDATE audit_record SET sealed_in = 1, action = 'nothing'",
    "UPDATE audit_record SET before = '{\"n\": 1.0}'",
    "UPDATE audit_record SET sealed_in = NULL",
    "DELETE FROM audit_record",
    "TRUNCATE audit_record CASCADE",
    "UPDATE audit_personal SET value = 'somebody else'",
    "UPDATE audit_personal SET value = NULL, salt = NULL, erased_at = now(), path = 'after/x'",
    "UPDATE audit_personal SET value = NULL, erased_at = now()",
    "DELETE FROM audit_personal",
    "TRUNCATE audit_personal",
    "DELETE FROM audit_batch",
    "UPDATE audit_batch SET number = 2",
    "TRUNCATE audit_batch",
    "DELETE FROM audit_head",
    "TRUNCATE audit_head",
    "TRUNCATE process_event",
    "TRUNCATE issue_change",
    "TRUNCATE issue_answer",
    "TRUNCATE process_definition CASCADE",
]


@pytest.fixture
async def written(session: AsyncSession, world: Any, now: datetime) -> None:
    await record(
        session,
        "give_role",
        actor=None,
        about="office",
        about_id="2301",
        before={"n": 1},
        after={"name": "某"},
        now=now,
    )
    await session.execute(text("INSERT INTO audit_batch VALUES (1, now(), '{}', '', '')"))
    await session.execute(text("INSERT INTO audit_head VALUES (true, 1, '', '')"))


@pytest.mark.parametrize("statement", REFUSED)
async def test_what_is_written_stays(session: AsyncSession, written: None, statement: str) -> None:
    with pytest.raises((DBAPIError, InternalError), match="never changed or deleted"):
        await session.execute(text(statement))


async def test_a_seal_is_set_once(session: AsyncSession, written: None) -> None:
    await session.execute(text("UPDATE audit_record SET sealed_in = 1"))
    with pytest.raises(DBAPIError, match="never changed or deleted"):
        await session.execute(text("UPDATE audit_record SET sealed_in = 2"))


async def test_an_event_of_a_process_can_only_be_sealed(session: AsyncSession, now: datetime) -> None:
    instance, definition = uuid4(), uuid4()
    await session.execute(
        text("INSERT INTO process_definition VALUES (:id, 'k', 1, 'h', '{}', :now)"),
        {"id": definition, "now": now},
    )
    await session.execute(
        text(
            "INSERT INTO process_instance (id, definition_id, subject, state, state_name, active_elements, version,"
            " started_at) VALUES (:id, :definition, '', '', 'active', '{}', 1, :now)"
        ),
        {"id": instance, "definition": definition, "now": now},
    )
    await session.execute(
        text("INSERT INTO process_event (instance_id, at, kind) VALUES (:id, :now, 'started')"),
        {"id": instance, "now": now},
    )
    await session.execute(text("UPDATE process_event SET sealed_in = 1"))
    for statement in (
        "UPDATE process_event SET kind = 'ended'",
        "UPDATE process_event SET sealed_in = 2",
        "DELETE FROM process_event",
    ):
        with pytest.raises(DBAPIError, match="never changed or deleted"):
            async with session.begin_nested():
                await session.execute(text(statement))


async def test_an_id_that_is_none_is_kept_as_it_is_written(
    session: AsyncSession, world: Any, now: datetime
) -> None:
    for about_id, written in (("2301", "2301"), (None, None), (UUID(int=1), str(UUID(int=1)))):
        await record(session, "close_office", actor=None, about="office", about_id=about_id, now=now)
        rows = (await session.scalars(select(AuditRecord).order_by(col(AuditRecord.id)))).all()
        assert rows[-1].about_id == written

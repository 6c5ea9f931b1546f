"""The people and the things of the access matrix: built once by the product's own commands, on one connection, so that each
request of the test can be taken back.

Seen from `staff` of 我方 there is what is one's own, a colleague's (`peer`), another enterprise's (`their_…`), and seen from
`handler` of 2301 what is one's own office's and another one's (`far_…` at 2302).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_sessionmaker

from api.app import create_app
from api.wired import Wired
from db.ids import uuid7
from domain.models import (
    AdminOffer,
    AnswerTemplate,
    Card,
    CardRequest,
    CardVisit,
    Enterprise,
    Membership,
    Officer,
    OfficerRole,
    Person,
    PhoneRequest,
    SavedFilter,
    SignInChallenge,
)
from domain.passwords import hash_password
from domain.sessions import SessionLimits, start_session
from tests.api.applying import add_applicant
from tests.api.conftest import World
from tests.api.described import held_to
from tests.domain.files.samples import picture, two_colours
from wiring import open_parts

ORIGIN = "http://127.0.0.1:8000"
ENTERPRISES = {"ours": "approved", "theirs": "approved", "waiting": "pending", "halted": "approved"}
MEMBERS = {
    "staff": ("ours", "customs_affairs"),
    "peer": ("ours", "customs_affairs"),
    "executive": ("ours", "executive"),
    "admin": ("ours", "enterprise_admin"),
    "their_staff": ("theirs", "customs_affairs"),
    "their_executive": ("theirs", "executive"),
    "their_admin": ("theirs", "enterprise_admin"),
    "waiting_staff": ("waiting", "customs_affairs"),
    "waiting_admin": ("waiting", "enterprise_admin"),
    "halted_staff": ("halted", "customs_affairs"),
    "halted_admin": ("halted", "enterprise_admin"),
    "leaver": ("ours", "customs_affairs"),
}
OFFICERS = {
    "handler": "handler:2301",
    "mate": "handler:2301",
    "chief": "section_chief:2301",
    "registrar": "registrar:2301",
    "far_handler": "handler:2302",
    "far_registrar": "registrar:2302",
    "far_supervisor": "supervisor:2302",
    "supervisor": "supervisor:2300",
    "analyst": "analyst:2300",
    "system_admin": "system_admin:2300",
    "security_admin": "security_admin:2300",
    "auditor": "auditor:2300",
    "novice": "handler:2301",
}
PEOPLE = ("nobody", *MEMBERS, "applicant", "undecided", *OFFICERS)
PASSWORD_HASH = hash_password("purple-Kettle 39")
QUESTION = {
    "kind": "政策咨询",
    "category": "减免税",
    "office": "2301",
    "title": "减免税设备能否提前解除监管",
    "description": "我司一台进口设备尚在监管年限内，拟转让给同集团企业，请问如何办理？",
}
FACTS: dict[str, Any] = {
    "issuer": "CN=发卡机构",
    "number": "2100000000001",
    "kind": "法人卡",
    "holder": "某人",
    "fingerprint": "-",
    "serial": "1",
    "not_after": "2030-01-01T00:00:00+00:00",
    "enterprise": "ours公司",
    "uscc": "913200000000000000",
    "customs_code": None,
    "phone": None,
}
PNG = picture("PNG", two_colours((8, 8)))


@dataclass
class AccessWorld:
    """The application on one connection; `ids` are the things by the name the table gives them (`issue:draft`)."""

    app: FastAPI
    wired: Wired
    connection: AsyncConnection
    now: datetime
    ids: dict[str, str] = field(default_factory=dict[str, str])
    tokens: dict[str, str] = field(default_factory=dict[str, str])
    versions: dict[str, int] = field(default_factory=dict[str, int])
    clients: dict[str, httpx.AsyncClient] = field(default_factory=dict[str, httpx.AsyncClient])

    def client(self, name: str) -> httpx.AsyncClient:
        """A program of this person's, without cookies of earlier answers; nobody's without a token."""
        if name not in self.clients:
            headers = {"Authorization": f"Bearer {self.tokens[name]}"} if name in self.tokens else {}
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            self.clients[name] = httpx.AsyncClient(
                transport=transport, base_url=ORIGIN, headers=headers, event_hooks=held_to(self.app)
            )
        self.clients[name].cookies.clear()
        return self.clients[name]

    async def ask(self, name: str, method: str, address: str, **body: Any) -> httpx.Response:
        """One request by this person, and everything it has written taken back."""
        async with self.connection.begin_nested() as savepoint:
            answer = await self.client(name).request(method, address, **body)
            await savepoint.rollback()
        return answer

    async def do(self, name: str, method: str, address: str, **body: Any) -> dict[str, Any]:
        """One request by this person that stays and must succeed."""
        answer = await self.client(name).request(method, f"/api/v1{address}", **body)
        assert answer.is_success, f"{name} {method} {address}: {answer.status_code} {answer.text}"
        return answer.json()


@asynccontextmanager
async def open_world(settings: Any, now: datetime) -> AsyncIterator[AccessWorld]:
    """The world, and nothing left of it afterwards."""
    async with (
        open_parts(settings, settings.database_url) as wired,
        wired.database.connect() as connection,
        connection.begin() as transaction,
    ):
        sessions = async_sessionmaker(
            connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
        )
        alone = replace(wired, sessions=sessions)
        world = AccessWorld(create_app(alone), alone, connection, now)
        async with sessions() as session:
            await _add_people(session, world)
            await session.commit()
        await _add_issues(world)
        await _add_registration(world)
        async with sessions() as session:
            await _add_things(session, world)
            await session.commit()
        yield world
        for client in world.clients.values():
            await client.aclose()
        await transaction.rollback()


async def _add_people(session: AsyncSession, world: AccessWorld) -> None:
    now, ids = world.now, world.ids
    for number, (name, status) in enumerate(ENTERPRISES.items()):
        enterprise = Enterprise(
            name=f"{name}公司", uscc=f"9132000000000000{number:02}", status=status, created_at=now
        )
        session.add(enterprise)
        ids[f"enterprise:{name}"] = str(enterprise.id)
    for number, name in enumerate((*MEMBERS, "undecided", *OFFICERS), start=1):
        person = Person(name=name, phone=f"+8613900000{number:03}", created_at=now)
        session.add(person)
        ids[f"person:{name}"] = str(person.id)
    await session.flush()
    for name, (enterprise, role) in [
        *MEMBERS.items(),
        ("undecided", ("ours", "customs_affairs")),
        ("undecided", ("theirs", "customs_affairs")),
    ]:
        await _add_member(session, world, name, enterprise, role)
    for name, group in OFFICERS.items():
        await _add_officer(session, world, name, group)


async def _add_member(
    session: AsyncSession, world: AccessWorld, name: str, enterprise: str, role: str
) -> None:
    membership = Membership(
        id=uuid7(),
        person_id=UUID(world.ids[f"person:{name}"]),
        enterprise_id=UUID(world.ids[f"enterprise:{enterprise}"]),
        roles=[role],
        created_at=world.now,
    )
    session.add(membership)
    await session.flush()
    world.ids[f"member:{name}"] = str(membership.id)
    await _sign_in(session, world, name, None if name == "undecided" else membership.id, None)


async def _add_officer(session: AsyncSession, world: AccessWorld, name: str, group: str) -> None:
    role, office = group.split(":")
    officer = Officer(
        person_id=UUID(world.ids[f"person:{name}"]),
        password_hash=PASSWORD_HASH,
        must_change_password=name == "novice",
        created_at=world.now,
    )
    session.add(officer)
    await session.flush()
    session.add(OfficerRole(officer_id=officer.id, role=role, office=office))
    await session.flush()
    world.ids[f"officer:{name}"] = str(officer.id)
    await _sign_in(session, world, name, None, officer.id)


async def _sign_in(
    session: AsyncSession, world: AccessWorld, name: str, membership: UUID | None, officer: UUID | None
) -> None:
    world.tokens[name] = await start_session(
        session,
        UUID(world.ids[f"person:{name}"]),
        membership_id=membership,
        officer_id=officer,
        ip=None,
        user_agent=None,
        limits=SessionLimits(),
        now=world.now,
    )
    newest = text("SELECT id FROM sign_in_session WHERE person_id = :id ORDER BY id DESC LIMIT 1")
    world.ids[f"session:{name}"] = str(await session.scalar(newest, {"id": world.ids[f"person:{name}"]}))


async def _add_issues(world: AccessWorld) -> None:
    """One issue at each place of its way, each raised by `staff`, and one draft of the enterprise that will be halted."""
    await _raise(world, "draft")
    for name in ("review", "customs", "claimed", "moved", "supply", "answered"):
        await _raise(world, name)
        await _complete(world, "staff", name, "draft_issue", {"send": True})
    for name in ("customs", "claimed", "moved", "supply", "answered"):
        await _complete(
            world, "executive", name, "review_issue", {"decision": "submit", "importance": "重要"}
        )
    for name in ("claimed", "moved", "supply", "answered"):
        task = await _find_task(world, "handler", name, "answer_issue", "claimable")
        await world.do("handler", "POST", f"/tasks/{task['id']}/claim")
    for name, answers in (
        ("moved", {"decision": "transfer", "office": "2302", "reason": "属于 2302 的业务，请办理。"}),
        ("supply", {"decision": "ask_enterprise", "question": "请补充说明设备的用途。"}),
        ("answered", {"decision": "answer", "answer": "可以申请提前解除监管。"}),
    ):
        await _complete(world, "handler", name, "answer_issue", answers)
    await _raise(world, "halted", by="halted_staff")
    for name, who, element, view in (
        ("draft", "staff", "draft_issue", "mine"),
        ("halted", "halted_staff", "draft_issue", "mine"),
        ("review", "executive", "review_issue", "mine"),
        ("customs", "handler", "answer_issue", "claimable"),
        ("claimed", "handler", "answer_issue", "mine"),
        ("moved", "far_handler", "answer_issue", "claimable"),
        ("supply", "staff", "supply_information", "mine"),
        ("answered", "staff", "evaluate_answer", "mine"),
    ):
        task = await _find_task(world, who, name, element, view)
        world.ids[f"task:{name}"], world.versions[name] = task["id"], task["version"]


async def _raise(world: AccessWorld, name: str, *, by: str = "staff") -> None:
    raised = await world.do(by, "POST", "/issues", json=QUESTION)
    world.ids[f"issue:{name}"] = raised["id"]


async def _find_task(world: AccessWorld, who: str, name: str, element: str, view: str) -> dict[str, Any]:
    issue = world.ids[f"issue:{name}"]
    items = (await world.do(who, "GET", f"/tasks?view={view}"))["items"]
    return next(one for one in items if one["element_id"] == element and one["issue"]["id"] == issue)


async def _complete(world: AccessWorld, who: str, name: str, element: str, answers: dict[str, Any]) -> None:
    task = await _find_task(world, who, name, element, "mine")
    body = {"answers": answers, "version": task["version"]}
    await world.do(who, "POST", f"/tasks/{task['id']}/complete", json=body)


async def _add_registration(world: AccessWorld) -> None:
    """An enterprise that waits for a registrar of 2301; `applicant` is its admin."""
    elsewhere = World(world.app, world.wired)
    applicant = add_applicant(elsewhere)
    sent = await applicant.send(name="applying公司")
    assert sent.status_code == 201, sent.text
    for client in elsewhere.open_clients:
        await client.aclose()
    ids = world.ids
    ids["registration:waiting"] = sent.json()["id"]
    async with world.wired.sessions() as session:
        row = (await session.execute(FIND_APPLICANT, {"id": ids["registration:waiting"]})).one()
        await session.execute(
            text("UPDATE sign_in_challenge SET created_at = created_at - interval '2 days'")
        )
        ids["person:applicant"], ids["enterprise:applying"] = str(row.person_id), str(row.enterprise_id)
        ids["licence:waiting"] = str(row.licence)
        await _sign_in(session, world, "applicant", row.membership_id, None)
        await session.commit()
    items = (await world.do("registrar", "GET", "/tasks?view=claimable"))["items"]
    task = next(one for one in items if one["registration"])
    ids["task:registration"], world.versions["registration"] = task["id"], task["version"]


FIND_APPLICANT = text("""
    SELECT m.id AS membership_id, m.person_id, m.enterprise_id,
        (SELECT a.id FROM attachment a WHERE a.instance_id = r.id LIMIT 1) AS licence
    FROM registration r JOIN membership m ON m.enterprise_id = r.enterprise_id WHERE r.id = :id
""")


async def _add_things(session: AsyncSession, world: AccessWorld) -> None:
    ids, now = world.ids, world.now
    upload = {"file": ("photo.png", PNG, "image/png")}
    ids["attachment:licence"] = ids.pop("licence:waiting")
    ids["attachment:loose"] = (await world.do("staff", "POST", "/attachments", files=upload))["id"]
    ids["attachment:used"] = (await world.do("staff", "POST", "/attachments", files=upload))["id"]
    use = text("UPDATE attachment SET instance_id = :issue WHERE id = :id")
    await session.execute(use, {"issue": ids["issue:claimed"], "id": ids["attachment:used"]})
    handler, staff = UUID(ids["person:handler"]), UUID(ids["person:staff"])
    challenge = SignInChallenge(
        phone="+8613600000001",
        purpose="register",
        code_hash="",
        browser_key="somebody else's",
        created_at=now,
        expires_at=now + timedelta(minutes=5),
    )
    things: dict[str, Any] = {
        "challenge:elsewhere": challenge,
        "visit:elsewhere": CardVisit(browser_key="somebody else's", facts=FACTS, opened_at=now),
        "card:own": Card(
            **{name: FACTS[name] for name in ("issuer", "number", "kind", "holder", "fingerprint", "serial")},
            person_id=UUID(ids["person:admin"]),
            enterprise_id=UUID(ids["enterprise:ours"]),
            not_after=now,
            bound_at=now,
            bound_by=UUID(ids["person:admin"]),
        ),
        "card_request:open": CardRequest(
            enterprise_id=UUID(ids["enterprise:ours"]),
            office="2301",
            contact="某人",
            phone="+8613600000002",
            facts=FACTS,
            created_at=now,
        ),
        "template:own": AnswerTemplate(
            owner_id=handler, title="自己的", text="您好。", changed_by=handler, changed_at=now
        ),
        "template:office": AnswerTemplate(
            office="2301", title="本关的", text="您好。", changed_by=handler, changed_at=now
        ),
        "filter:own": SavedFilter(person_id=staff, name="税收", query="q=税", created_at=now),
        "offer:open": AdminOffer(
            from_id=UUID(ids["member:admin"]),
            to_id=UUID(ids["member:executive"]),
            kept_roles=["customs_affairs"],
            offered_at=now,
        ),
        "request:member": PhoneRequest(
            name="staff",
            old_phone="+8613900000001",
            new_phone="+8613800000001",
            place="ours公司",
            office="2301",
            created_at=now,
        ),
        "request:officer": PhoneRequest(
            name="handler",
            old_phone="+8613900000014",
            new_phone="+8613800000014",
            place="2301",
            office=None,
            created_at=now,
        ),
    }
    for name, thing in things.items():
        session.add(thing)
        ids[name] = str(thing.id)
    await session.flush()
    await _add_failures(session, world)
    for statement in (
        "UPDATE membership SET active = false WHERE id = :leaver",
        "UPDATE enterprise SET status = 'suspended', suspended_for = '测试' WHERE id = :halted",
    ):
        await session.execute(
            text(statement), {"leaver": ids["member:leaver"], "halted": ids["enterprise:halted"]}
        )


async def _add_failures(session: AsyncSession, world: AccessWorld) -> None:
    """What those who run the system find broken."""
    world.ids["incident:open"] = str(uuid7())
    await session.execute(
        text(
            "INSERT INTO incident (id, instance_id, command, error, tries, first_at, last_at)"
            " VALUES (:id, :issue, 'run_due_timers', 'broken', 1, :now, :now)"
        ),
        {"id": world.ids["incident:open"], "issue": world.ids["issue:customs"], "now": world.now},
    )
    failed = text(
        "UPDATE message SET state = 'failed' WHERE id = (SELECT min(id::text)::uuid FROM message) RETURNING id"
    )
    world.ids["message:failed"] = str(await session.scalar(failed))
    failed = text(
        "UPDATE procrastinate_jobs SET status = 'failed' WHERE id = (SELECT min(id) FROM procrastinate_jobs) RETURNING id"
    )
    world.ids["job:failed"] = str(await session.scalar(failed))

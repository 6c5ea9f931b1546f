"""A small world: two enterprises, three offices, their people, the deployed processes, and short words for what they do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.actor import Actor, member_groups
from domain.models import Enterprise, Issue, IssueRecord, Membership, Officer, OfficerRole, Person
from domain.seed import seed
from domain.working_days import WorkingCalendar
from engine.catalogue import read_folder
from engine.instances import Engine
from tasks import commands, completion, issues
from tasks.completion import CompleteResult
from tasks.functions import build_functions
from tasks.kinds import GIVEN
from tasks.needs import find_unmet
from tasks.operators import build_operators
from tasks.subjects import command

PROCESSES = Path(__file__).parents[2] / "processes"
QUESTION = {
    "kind": "政策咨询",
    "category": "减免税",
    "office": "2301",
    "title": "减免税设备能否提前解除监管",
    "description": "我司一台进口设备尚在监管年限内，拟转让给同集团企业，请问如何办理？",
}
MEMBERS = {
    "staff": ("张敏", "one", ("customs_affairs",)),
    "admin": ("李娜", "one", ("enterprise_admin",)),
    "boss": ("王强", "one", ("executive",)),
    "staff_two": ("赵倩", "two", ("customs_affairs",)),
    "boss_two": ("孙丽", "two", ("executive",)),
    "boss_three": ("周伟", "two", ("executive",)),
    "lonely": ("吴芳", "none", ("customs_affairs",)),
}
OFFICERS = {
    "handler": ("陈刚", (("handler", "2301"),)),
    "colleague": ("刘洋", (("handler", "2301"),)),
    "other": ("杨帆", (("handler", "2302"),)),
    "chief": ("黄勇", (("section_chief", "2301"),)),
    "supervisor": ("徐静", (("supervisor", "2300"),)),
    "registrar": ("何静", (("registrar", "2301"),)),
    "registrar_two": ("傅延年", (("registrar", "2325"),)),
}


@dataclass
class World:
    """Everything happens at `now`; tests move it on."""

    session: AsyncSession
    now: datetime
    engine: Engine
    people: dict[str, Actor] = field(default_factory=dict)

    def pass_time(self, **amount: float) -> None:
        """Let this much time go by."""
        self.now += timedelta(**amount)

    async def raise_issue(self, who: str = "staff", **fields: Any) -> IssueRecord:
        """A new draft of this person."""
        return await issues.raise_issue(
            self.session, self.engine, self.people[who], QUESTION | fields, self.now
        )

    async def task(self, issue_id: UUID, element_id: str, who: str | None = None) -> UUID:
        """The open task of this element, of this person when several have one."""
        row = await self.session.execute(
            text(
                "SELECT id FROM user_task WHERE instance_id = :id AND element_id = :element AND state = 'ready'"
                " AND (CAST(:who AS uuid) IS NULL OR claimed_by = CAST(:who AS uuid))"
            ),
            {"id": issue_id, "element": element_id, "who": self.people[who].person_id if who else None},
        )
        return row.scalar_one()

    async def claim(self, who: str, issue_id: UUID, element_id: str = "answer_issue") -> UUID:
        """Claim the open task of this element; its id."""
        task_id = await self.task(issue_id, element_id)
        await commands.claim(self.session, self.engine, self.people[who], task_id, self.now)
        return task_id

    async def complete(self, who: str, issue_id: UUID, element_id: str, **answers: Any) -> CompleteResult:
        """Submit this person's task of this element."""
        mine = who if element_id == "evaluate_answer" else None
        return await self.submit(who, await self.task(issue_id, element_id, mine), answers)

    async def submit(
        self, who: str, task_id: UUID, answers: Mapping[str, Any], **options: Any
    ) -> CompleteResult:
        """Submit a task, by its id."""
        return await completion.complete(
            self.session, self.engine, self.people[who], task_id, answers, now=self.now, **options
        )

    async def at_customs(self, who: str = "staff", **fields: Any) -> IssueRecord:
        """An issue that its executive has sent to customs."""
        issue = await self.raise_issue(who, **fields)
        await self.complete(who, issue.id, "draft_issue", send=True)
        await self.complete("boss", issue.id, "review_issue", decision="submit", importance="一般")
        return await self.issue(issue.id)

    async def answered(self) -> IssueRecord:
        """An issue that customs has answered."""
        issue = await self.at_customs()
        await self.claim("handler", issue.id)
        await self.complete(
            "handler", issue.id, "answer_issue", decision="answer", answer="可以提前解除监管。"
        )
        return await self.issue(issue.id)

    async def fire_timers(self) -> list[str]:
        """Fire everything that is due; the elements that fired."""
        fired: list[str] = []
        while True:
            async with command(self.session):
                step = await self.engine.run_due_timers(self.session, self.now)
                if step is None:
                    return fired
                await completion.finish(self.session, step, self.now)
            fired += step.fired

    async def issue(self, id_: UUID) -> IssueRecord:
        """The issue as the database has it."""
        found = await self.session.get(Issue, id_, populate_existing=True)
        assert found is not None
        self.session.expunge(found)  # what is read later must not change it
        return found

    async def instance(self, id_: UUID) -> Any:
        """The instance as the database has it."""
        return (
            await self.session.execute(text("SELECT * FROM process_instance WHERE id = :id"), {"id": id_})
        ).one()

    async def messages(self, id_: UUID) -> list[tuple[str, str]]:
        """Template and receiver of every message of an instance, in the order they were written."""
        rows = await self.session.execute(
            text(
                "SELECT m.template, p.name FROM message m JOIN person p ON p.id = m.person_id"
                " WHERE m.instance_id = :id ORDER BY m.created_at, m.id"
            ),
            {"id": id_},
        )
        return [(row.template, row.name) for row in rows]


def build_engine(calendar: WorkingCalendar | None = None) -> Engine:
    """The engine as the application builds it."""
    calendar = calendar or WorkingCalendar()
    return Engine(build_functions(calendar), build_operators(calendar), GIVEN, find_unmet)


async def make_world(session: AsyncSession, now: datetime, engine: Engine) -> World:
    """Seed, people and the processes, in this session's transaction."""
    await seed(session)
    world = World(session, now, engine)
    enterprises = {
        key: Enterprise(
            name=name,
            uscc=f"91320000MA1{number:07d}",
            customs_code=f"230196{number:04d}",
            status="approved",
            created_at=now,
        )
        for number, (key, name) in enumerate(
            {"one": "苏华精密", "two": "连云港海运", "none": "无高管公司"}.items(), start=1
        )
    }
    session.add_all(enterprises.values())
    await session.flush()
    for number, (key, (name, enterprise, roles)) in enumerate(MEMBERS.items(), start=1):
        world.people[key] = await _add_member(
            session, now, name, f"+861390000{number:04d}", enterprises[enterprise], roles
        )
    for number, (key, (name, roles)) in enumerate(OFFICERS.items(), start=1):
        world.people[key] = await add_officer(session, now, name, f"+861380000{number:04d}", roles)
    for key in ("issue", "registration"):
        await engine.catalogue.deploy(session, key, read_folder(PROCESSES, key), actor=None, now=now)
    return world


async def _add_member(
    session: AsyncSession,
    now: datetime,
    name: str,
    phone: str,
    enterprise: Enterprise,
    roles: tuple[str, ...],
) -> Actor:
    person = Person(name=name, phone=phone, created_at=now)
    session.add(person)
    await session.flush()
    return await join(session, now, person, enterprise, roles)


async def join(
    session: AsyncSession, now: datetime, person: Person, enterprise: Enterprise, roles: tuple[str, ...]
) -> Actor:
    """Make this person a member, and be them there."""
    member = Membership(person_id=person.id, enterprise_id=enterprise.id, roles=list(roles), created_at=now)
    session.add(member)
    await session.flush()
    return Actor(
        person_id=person.id,
        name=person.name,
        phone=person.phone,
        session_id=None,
        membership_id=member.id,
        enterprise_id=enterprise.id,
        enterprise_status=enterprise.status,
        officer_id=None,
        roles=frozenset(roles),
        groups=member_groups(roles, enterprise.id),
        offices=(),
    )


async def add_officer(
    session: AsyncSession, now: datetime, name: str, phone: str, roles: tuple[tuple[str, str], ...]
) -> Actor:
    """An officer with these roles, and be them."""
    person = Person(name=name, phone=phone, created_at=now)
    session.add(person)
    await session.flush()
    officer = Officer(person_id=person.id, password_hash="-", created_at=now)
    session.add(officer)
    await session.flush()
    session.add_all(OfficerRole(officer_id=officer.id, role=role, office=office) for role, office in roles)
    await session.flush()
    return Actor(
        person_id=person.id,
        name=name,
        phone=phone,
        session_id=None,
        membership_id=None,
        enterprise_id=None,
        enterprise_status=None,
        officer_id=officer.id,
        roles=frozenset(role for role, _ in roles),
        groups=tuple(f"{role}:{office}" for role, office in roles),
        offices=tuple(office for _, office in roles),
    )

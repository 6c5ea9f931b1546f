"""A small world for the tests of domain: seeded lists, and people, enterprises and officers made on demand."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.ids import uuid7
from domain.actor import Actor, member_groups
from domain.code_limits import CodeLimits
from domain.models import Enterprise, Issue, IssueOffice, Membership, Officer, OfficerRole, Person
from domain.seed import seed

_serial = count(1)


@dataclass
class World:
    """Makes people; each with a phone of their own."""

    session: AsyncSession
    now: datetime

    async def person(self, name: str = "张三", *, active: bool = True) -> Person:
        person = Person(name=name, phone=f"+86139{next(_serial):08d}", active=active, created_at=self.now)
        self.session.add(person)
        await self.session.flush()
        return person

    async def enterprise(self, status: str = "approved") -> Enterprise:
        enterprise = Enterprise(
            name="某企业", uscc=uuid4().hex[:18].upper(), status=status, created_at=self.now
        )
        self.session.add(enterprise)
        await self.session.flush()
        return enterprise

    async def member(self, enterprise: Enterprise, *roles: str, person: Person | None = None) -> Actor:
        person = person or await self.person()
        membership = Membership(
            person_id=person.id, enterprise_id=enterprise.id, roles=list(roles), created_at=self.now
        )
        self.session.add(membership)
        await self.session.flush()
        return Actor(
            person.id,
            person.name,
            person.phone,
            None,
            membership.id,
            enterprise.id,
            enterprise.status,
            None,
            frozenset(roles),
            member_groups(roles, enterprise.id),
            (),
        )

    async def officer(self, *groups: str, password_hash: str = "", person: Person | None = None) -> Actor:
        person = person or await self.person("李关员")
        officer = Officer(person_id=person.id, password_hash=password_hash, created_at=self.now)
        self.session.add(officer)
        await self.session.flush()
        pairs = [group.split(":") for group in groups]
        self.session.add_all(
            OfficerRole(officer_id=officer.id, role=role, office=office) for role, office in pairs
        )
        await self.session.flush()
        return Actor(
            person.id,
            person.name,
            person.phone,
            None,
            None,
            None,
            None,
            officer.id,
            frozenset(role for role, _ in pairs),
            groups,
            tuple(office for _, office in pairs),
        )

    async def issue(
        self,
        submitter: Actor,
        *,
        office: str = "2301",
        phase: str | None = "customs",
        been_at: Sequence[str] = (),
        title: str = "标题",
        description: str = "描述",
        id_: UUID | None = None,
        unsent: bool = False,
    ) -> Issue:
        """An issue without a process: its foreign key is checked at commit only, and these tests never commit."""
        assert submitter.enterprise_id is not None
        issue = Issue(
            id=id_ or uuid7(),
            number=f"QL{office}2026{next(_serial):06d}",
            enterprise_id=submitter.enterprise_id,
            submitter_id=submitter.person_id,
            office=office,
            phase=phase,
            title=title,
            description=description,
            created_at=self.now,
            unsent=unsent,
        )
        self.session.add(issue)
        await self.session.flush()
        self.session.add_all(IssueOffice(issue_id=issue.id, office=code, since=self.now) for code in been_at)
        await self.session.flush()
        return issue


@dataclass
class Pigeons:
    """A sender of codes that keeps them: `code` is the last one delivered, None when none was."""

    sent: list[str | None] = field(default_factory=list[str | None])

    async def __call__(self, session: AsyncSession, *, code: str, deliver: bool, **_: object) -> None:
        self.sent.append(code if deliver else None)

    @property
    def code(self) -> str:
        last = self.sent[-1]
        assert last is not None, "no code was delivered"
        return last


@pytest.fixture
async def world(session: AsyncSession, now: datetime) -> World:
    await seed(session)
    return World(session, now)


@pytest.fixture
def pigeons() -> Pigeons:
    return Pigeons()


@pytest.fixture
def limits() -> CodeLimits:
    """The limits as they are by default."""
    return CodeLimits(pepper=b"pepper")

"""The people of a world of many issues, and those among them who look at lists: a member and the executive of the largest
enterprise, one of the smallest, handlers of the largest and of the smallest office, a chief of three, the supervisor of all.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bench.issues import FIRST, LAST, Enterprise, People, array, fill, line, make_id
from bench.world import World
from db.session import conninfo
from domain.models import Membership, Officer, Person
from domain.seed import OFFICES
from domain.sessions import SessionLimits, start_session

ISSUES_AN_ENTERPRISE = 500
SESSIONS_AN_ISSUE = 0.2
LARGEST, SMALLEST = OFFICES[1][0], OFFICES[-1][0]
ROLES = {
    "handler of the largest office": [("handler", LARGEST)],
    "handler of the smallest office": [("handler", SMALLEST)],
    "chief of three offices": [("section_chief", code) for code in ("2302", "2303", "2304")],
    "supervisor of all": [("supervisor", OFFICES[0][0])],
    "security administrator": [("security_admin", OFFICES[0][0])],
}
TABLES = {
    "enterprise": "id, name, uscc, address, legal_person, status, created_at",
    "person": "id, name, phone, active, created_at",
    "membership": "id, person_id, enterprise_id, display_name, position, roles, active, created_at",
    "officer": "id, person_id, password_hash, active, created_at",
    "officer_role": "officer_id, role, office",
    "sign_in_session": "id, token_hash, person_id, created_at, last_seen_at, expires_at, ended_at, ip, user_agent",
    "sign_in_challenge": "id, phone, purpose, code_hash, tries, failed_at, created_at, expires_at",
}
FAMILY = "王李张刘陈杨黄赵周吴徐孙马朱胡郭何林罗高"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚"


@dataclass
class Crowd:
    """Rows of people as COPY reads them, and the issues' people."""

    rows: dict[str, list[str]]
    people: People


def build(world: World, many: int) -> float:
    """Fill an empty world with so many issues and their people; seconds."""
    with psycopg.connect(conninfo(world.database_url), autocommit=True) as connection:
        row = connection.execute("SELECT id FROM process_definition WHERE key = 'issue'").fetchone()
        assert row is not None
        crowd = _make_crowd(row[0], many)
        with connection.transaction():
            connection.execute("SET LOCAL session_replication_role = replica")
            for table, rows in crowd.rows.items():
                with connection.cursor().copy(f"COPY {table} ({TABLES[table]}) FROM STDIN".encode()) as copy:
                    copy.write("".join(rows))
        for table in crowd.rows:
            connection.execute(f"VACUUM (ANALYZE) {table}".encode())
        return fill(connection, crowd.people, many)


async def sign_in(world: World) -> dict[str, str]:
    """A token for everyone who looks at lists, by who they are."""
    now, tokens = datetime.now(UTC), dict[str, str]()
    async with world.wired.sessions() as session:
        for name in (*ROLES, "member with most", "executive of the largest", "executive of the smallest"):
            tokens[name] = await _sign_in(session, name, now)
        await session.commit()
    return tokens


async def _sign_in(session: AsyncSession, name: str, now: datetime) -> str:
    person = (await session.scalars(select(Person).where(col(Person.name) == name))).one()
    member = await session.scalar(select(col(Membership.id)).where(col(Membership.person_id) == person.id))
    officer = await session.scalar(select(col(Officer.id)).where(col(Officer.person_id) == person.id))
    return await start_session(
        session,
        person.id,
        membership_id=member,
        officer_id=officer,
        ip=None,
        user_agent=None,
        limits=SessionLimits(),
        now=now,
    )


def _make_crowd(definition: UUID, many: int) -> Crowd:
    rng = random.Random(20261128)
    crowd = Crowd({table: [] for table in TABLES}, People(definition, [], {}))
    enterprises = list(_make_enterprises(rng, crowd.rows, max(20, many // ISSUES_AN_ENTERPRISE)))
    handlers = {
        code: _add_officer(rng, crowd.rows, f"办理人员{code}", [("handler", code)])
        for code, *_ in OFFICES[1:]
    }
    for name, roles in ROLES.items():
        _add_officer(rng, crowd.rows, name, roles)
    everyone = [one.executive for one in enterprises] + [one.staff[0] for one in enterprises]
    _add_sign_ins(rng, crowd.rows, everyone, int(many * SESSIONS_AN_ISSUE))
    crowd.people = People(definition, enterprises, handlers)
    return crowd


def _make_enterprises(rng: random.Random, rows: dict[str, list[str]], many: int) -> Iterator[Enterprise]:
    for place in range(many):
        id_ = make_id(rng, FIRST)
        rows["enterprise"].append(
            line(id_, f"测量企业{place:05d}有限公司", f"91320000MB{place:08d}", "", "", "approved", FIRST)
        )
        largest, smallest = place == 0, place == many - 1
        boss = "executive of the largest" if largest else "executive of the smallest" if smallest else None
        executive = _add_member(rng, rows, id_, "executive", boss)
        names = ["member with most" if largest else None, None, None]
        staff = [_add_member(rng, rows, id_, "customs_affairs", name) for name in names]
        yield Enterprise(id_, executive, tuple(staff))


def _add_member(
    rng: random.Random, rows: dict[str, list[str]], enterprise: UUID, role: str, name: str | None
) -> UUID:
    person = _add_person(rng, rows, name)
    rows["membership"].append(
        line(make_id(rng, FIRST), person, enterprise, "", "", array([role]), True, FIRST)
    )
    return person


def _add_officer(
    rng: random.Random, rows: dict[str, list[str]], name: str, roles: list[tuple[str, str]]
) -> UUID:
    person, officer = _add_person(rng, rows, name), make_id(rng, FIRST)
    rows["officer"].append(line(officer, person, "-", True, FIRST))
    rows["officer_role"] += [line(officer, role, office) for role, office in roles]
    return person


def _add_person(rng: random.Random, rows: dict[str, list[str]], name: str | None) -> UUID:
    id_, number = make_id(rng, FIRST), len(rows["person"])
    drawn = rng.choice(FAMILY) + rng.choice(GIVEN) + rng.choice(GIVEN)
    rows["person"].append(line(id_, name or drawn, f"+86138{number:08d}", True, FIRST))
    return id_


def _add_sign_ins(rng: random.Random, rows: dict[str, list[str]], people: list[UUID], many: int) -> None:
    for number in range(many):
        at = FIRST + (LAST - FIRST) * (number / many)
        person, until = rng.choice(people), at + timedelta(hours=3)
        ended = at + timedelta(hours=1)
        rows["sign_in_session"].append(
            line(make_id(rng, at), f"bench{number}", person, at, ended, until, ended, "10.0.0.1", "bench")
        )
        if number % 3 == 0:
            failed = at if number % 30 == 0 else None
            phone = f"+86138{rng.randrange(10**8):08d}"
            rows["sign_in_challenge"].append(
                line(make_id(rng, at), phone, "sign_in", "-", 1 if failed else 0, failed, at, until)
            )

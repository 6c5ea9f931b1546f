"""Whichever way a list comes to its rows, they are those of the plain question, in its order, page by page, for everybody."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.access import readable_by
from domain.actor import Actor
from domain.models import Issue, IssueAnswer, Person
from domain.search import matches, read_words
from domain.seed import seed
from tasks import finding
from tasks.finding import DUE, Sort
from tests.domain.conftest import World as People

MANY = 90
_phones = count(1)
OFFICES = ("2301", "2302", "2303", "2325")
PHASES = ("draft", "review", "customs", "enterprise", "answered", "closed")
WORDS = ("归类", "查验", "税", "退税", "hs8471300000", "ｑｌ２３０１", "AEO", "单耗", "结转", "料件")
QUESTIONS = (
    "归类",
    "归类 查验",
    "税",
    "退税 税",
    "8471300000",
    "713000",
    "QL2301",
    "ｑｌ２３０１",
    "aeo",
    "单耗 结转",
    "没有的词",
    "料",
    "%",
    "归 类",
)
BUDGETS: dict[str, dict[str, int]] = {
    "as it is": {},
    "walks": {"NEAR": 4, "FAR": 9, "SOUGHT": 0, "CHUNK": 11, "OPEN_MOST": 3, "STRETCHES_MOST": 0},
    "seeks": {"NEAR": 2, "FAR": 3, "CHUNK": 7, "OPEN_MOST": 3},
    "seeks by time": {"NEAR": 2, "FAR": 3, "SOUGHT": 1, "OPEN_MOST": 3, "COUNT_SOUGHT": 1},
    "reads everything": {"NEAR": 5, "FAR": 8, "OFFICES_MOST": 1, "OPEN_MOST": 3, "CHUNK": 50},
}


class Others(People):
    """People beside those of the world that the tests of tasks begin with."""

    async def person(self, name: str = "张三", *, active: bool = True) -> Person:
        """With a phone of their own."""
        person = Person(name=name, phone=f"+86136{next(_phones):08d}", active=active, created_at=self.now)
        self.session.add(person)
        await self.session.flush()
        return person


@dataclass
class Pool:
    """Issues of every kind, and everybody who looks at lists."""

    session: AsyncSession
    actors: dict[str, Actor]
    issues: list[Issue]

    async def plain(self, actor: Actor, values: dict[str, str], q: str, sort: Sort) -> list[UUID]:
        """The same list without any art."""
        rules = [readable_by(actor), *(col(getattr(Issue, name)) == value for name, value in values.items())]
        if q:
            rules.append(matches(q))
        statement = select(col(Issue.id)).where(*rules)
        if sort == "due":
            statement = statement.where(col(Issue.closed_at).is_(None)).order_by(DUE, col(Issue.id))
        else:
            statement = statement.order_by(col(Issue.id).desc())
        return list(await self.session.scalars(statement))

    async def paged(self, actor: Actor, values: dict[str, str], q: str, sort: Sort, size: int) -> list[UUID]:
        """The list, page by page."""
        asked = await finding.ask(self.session, actor, values, await read_words(self.session, q))
        found: list[UUID] = []
        place = None
        while True:
            page = await finding.find(self.session, asked, sort, place, size)
            found += page
            if len(page) < size:
                return found
            place = await self._place(page[-1])

    async def _place(self, id_: UUID) -> finding.Place:
        due = await self.session.scalar(
            text("SELECT coalesce(due_at, 'infinity')::text FROM issue WHERE id = :id"), {"id": id_}
        )
        return finding.Place(id_, str(due))


def make_id(rng: random.Random, at: datetime) -> UUID:
    ms = int(at.timestamp() * 1000)
    return UUID(int=ms << 80 | 0x7 << 76 | rng.getrandbits(12) << 64 | 0b10 << 62 | rng.getrandbits(62))


@pytest.fixture
async def pool(session: AsyncSession, now: datetime) -> Pool:
    await seed(session)
    rng, people = random.Random(20261129), Others(session, now)
    one, two = await people.enterprise(), await people.enterprise()
    actors = {
        "staff": await people.member(one, "customs_affairs"),
        "boss": await people.member(one, "executive"),
        "other boss": await people.member(two, "executive", "enterprise_admin"),
        "handler": await people.officer("handler:2301"),
        "chief of two": await people.officer("section_chief:2302", "handler:2303"),
        "supervisor": await people.officer("supervisor:2300"),
        "nobody": replace(await people.officer("handler:2302"), groups=(), officer_id=None),
        "registrar": await people.officer("registrar:2301"),
    }
    # no session has both, and yet the rule who may read what would hold
    actors["both"] = replace(
        actors["handler"], enterprise_id=two.id, roles=frozenset({"handler", "executive"})
    )
    members = [actors[name] for name in ("staff", "boss", "other boss")]
    issues = [await _add(people, rng, rng.choice(members), now) for _ in range(MANY)]
    return Pool(session, actors, issues)


async def _add(people: People, rng: random.Random, member: Actor, now: datetime) -> Issue:
    phase, office = rng.choice(PHASES), rng.choice(OFFICES)
    at = now - timedelta(days=rng.randrange(1500))
    issue = await people.issue(
        member,
        office=office,
        phase=phase,
        title=" ".join(rng.sample(WORDS, rng.randrange(4))),
        description="".join(rng.sample(WORDS, rng.randrange(4))),
        id_=make_id(rng, at),
        unsent=rng.random() < 0.1,
        been_at=rng.sample(OFFICES, rng.randrange(3)) if phase not in ("draft", "review") else (),
    )
    issue.status = f"{phase} {rng.randrange(2)}"
    issue.category, issue.kind = rng.choice(("减免税", "稽查")), rng.choice(("投诉", "政策咨询"))
    issue.due_at = now + timedelta(days=rng.randrange(4)) if rng.random() < 0.7 else None
    issue.closed_at = now if phase == "closed" else None
    if phase in ("answered", "closed"):
        people.session.add(
            IssueAnswer(
                issue_id=issue.id,
                round=0,
                office=office,
                text="".join(rng.sample(WORDS, 2)),
                answered_by=member.person_id,
                answered_at=now,
            )
        )
    await people.session.flush()
    return issue


def ask_at_random(rng: random.Random, many: int) -> Iterator[tuple[dict[str, str], str, Sort]]:
    choices = {
        "phase": PHASES,
        "status": [f"{phase} {n}" for phase in PHASES for n in (0, 1)],
        "office": OFFICES,
        "category": ("减免税", "稽查", "?"),
        "kind": ("投诉", "政策咨询"),
    }
    for _ in range(many):
        values = {name: rng.choice(some) for name, some in choices.items() if rng.random() < 0.2}
        yield values, rng.choice(("", *QUESTIONS)), rng.choice(("newest", "due"))


@pytest.mark.parametrize("budget", BUDGETS)
async def test_every_way_finds_the_rows_of_the_plain_question(
    pool: Pool, budget: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in BUDGETS[budget].items():
        monkeypatch.setattr(finding, name, value)
    rng = random.Random(budget)
    for number, (values, q, sort) in enumerate(ask_at_random(rng, 40)):
        if number == 20:
            await pool.session.execute(text("ANALYZE issue_words"))  # now it is known what is common
        name = rng.choice(list(pool.actors))
        actor = pool.actors[name]
        expected = await pool.plain(actor, values, q, sort)
        found = await pool.paged(actor, values, q, sort, rng.choice((2, 7, 20, 200)))
        assert found == expected, (name, values, q, sort)


@pytest.mark.parametrize("budget", BUDGETS)
async def test_counts_are_right_or_say_that_there_may_be_more(
    pool: Pool, budget: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in BUDGETS[budget].items():
        monkeypatch.setattr(finding, name, value)
    monkeypatch.setattr(finding, "COUNT_NEAR", {"nothing": 5, "filter": 6, "words": 4})
    monkeypatch.setattr(finding, "COUNTED", 5)
    rng = random.Random(budget)
    inexact = 0
    for values, q, _ in ask_at_random(rng, 25):
        values.pop("phase", None)
        actor = rng.choice(list(pool.actors.values()))
        asked = await finding.ask(pool.session, actor, values, await read_words(pool.session, q))
        for phase, counted in (await finding.count(pool.session, asked, PHASES)).items():
            real = len(await pool.plain(actor, values | {"phase": phase}, q, "newest"))
            if counted.exact:
                assert counted == min(real, 5), (actor.roles, values, q, phase)
            else:
                inexact += 1
                assert counted <= real
    assert inexact or budget != "seeks by time"


async def test_a_number_or_its_end_finds_that_issue_alone(pool: Pool) -> None:
    boss, issue = pool.actors["boss"], None
    for one in pool.issues:
        if one.enterprise_id == boss.enterprise_id and one.phase == "customs":
            issue = one
    assert issue is not None
    for asked in (
        issue.number,
        issue.number.lower(),
        issue.number[2:],
        issue.number[6:],
        f" {issue.number}\u200b",
    ):
        assert await pool.paged(boss, {}, asked, "newest", 20) == [issue.id], asked
        assert await pool.paged(boss, {"phase": "customs"}, asked, "due", 20) == [issue.id], asked
        assert await pool.paged(boss, {"phase": "closed"}, asked, "newest", 20) == []
    number = await finding.count(
        pool.session,
        await finding.ask(pool.session, boss, {}, await read_words(pool.session, issue.number)),
        PHASES,
    )
    assert {phase: one for phase, one in number.items() if one} == {"customs": 1}
    assert all(one.exact for one in number.values())


async def test_a_number_that_is_not_mine_is_a_word_like_others(pool: Pool) -> None:
    strange = next(one for one in pool.issues if one.enterprise_id != pool.actors["boss"].enterprise_id)
    assert await pool.paged(pool.actors["boss"], {}, strange.number, "newest", 20) == []
    mine = next(one for one in pool.issues if one.submitter_id == pool.actors["boss"].person_id)
    mine.description = f"与 {strange.number} 是同一件事"
    await pool.session.flush()
    assert await pool.paged(pool.actors["boss"], {}, strange.number, "newest", 20) == [mine.id]


async def test_the_stage_beside_an_office_is_the_issues(pool: Pool) -> None:
    rows = (
        await pool.session.execute(
            text(
                "SELECT o.phase, o.open, i.phase, i.closed_at FROM issue_office o JOIN issue i ON i.id = o.issue_id"
            )
        )
    ).all()
    assert len(rows) > 50
    assert all(row[0] == row[2] and row[1] == (row[3] is None) for row in rows)

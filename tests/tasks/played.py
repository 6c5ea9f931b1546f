"""The cases beside a diagram, played by people of the small world through the real commands instead of by the engine alone: the
same steps, the real operators, the real messages."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.ids import uuid7
from domain.card_facts import CardFacts
from engine.case_file import Case, CaseFile, CaseStep
from engine.cases import Called
from engine.timers import parse_duration
from tasks import commands, issues
from tasks.card_registrations import register_by_card
from tasks.registrations import register
from tasks.superseding import end_superseded
from tests.tasks.applicants import (
    TYPED,
    act_as_applicant,
    add_file,
    apply,
    ask_challenge,
    get,
    make_uscc,
    review,
)
from tests.tasks.world import World

PEOPLE = {
    "小李": "staff",
    "王总": "boss",
    "老陈": "handler",
    "小周": "colleague",
    "老吴": "other",
    "小顾": "applicant",
    "老何": "registrar",
    "小傅": "registrar_three",
    "老田": "registrar_two",
}
GROUPS = {
    "handler:2301": ("handler", "colleague"),
    "handler:2302": ("other",),
    "section_chief:2301": ("chief",),
    "registrar:2301": ("registrar", "registrar_three"),
    "registrar:2325": ("registrar_two",),
    "supervisors": ("supervisor",),
}
OPEN = "SELECT id, element_id, claimed_by, candidate_groups FROM user_task WHERE instance_id = :id AND state = 'ready'"
TIMER = "SELECT next_due FROM process_instance WHERE id = :id"


@dataclass
class PlayedCase:
    """One case under way: its instance, and who has left."""

    world: World
    sessions: async_sessionmaker[AsyncSession]
    cases: CaseFile
    case: Case
    id: UUID = field(default_factory=uuid7)
    gone: set[str] = field(default_factory=set[str])
    open_before: list[Any] = field(default_factory=list[Any])

    async def start(self) -> None:
        """The instance, as its people begin it."""
        given = self.case.variables
        if "issue" in given:
            self.id = (await self.world.raise_issue(PEOPLE[given["issue"]["submitter"]])).id
        else:
            await self._apply(given["registration"]["route"])
        await self.world.session.commit()

    async def _apply(self, route: str) -> None:
        world, uscc = self.world, make_uscc()
        challenge = await ask_challenge(world)
        if route == "card":
            facts = CardFacts(
                issuer="CN=测试",
                number="0001",
                kind="legal",
                holder="孟凡",
                fingerprint="-",
                serial="1",
                not_after=datetime(2030, 1, 1, tzinfo=world.now.tzinfo),
                enterprise=TYPED["name"],
                uscc=uscc,
            )
            registration, _ = await register_by_card(
                world.session, world.engine, challenge, facts, office="2301", contact="顾盼", now=world.now
            )
        else:
            licence = [await add_file(world.session, world, challenge=challenge.id)]
            fields = {**TYPED, "uscc": uscc, "licence": licence}
            way: Any = route
            registration = await register(
                world.session, world.engine, challenge, fields, world.now, route=way
            )
        self.id = registration.id
        world.people["applicant"] = await act_as_applicant(world.session, self.id)

    async def play(self, step: CaseStep) -> None:
        """One step, committed."""
        self.open_before = await self._open_tasks()
        who = PEOPLE[self.cases.people[step.person].id] if step.person else ""
        if "assign_last_handler" in step.operators:
            await self._leave("handler")
        if "approve_registration" in step.operators:
            await self._approve_another()
        match step.verb:
            case "do":
                await self._do(who, step)
            case "claim":
                await self.world.claim(who, self.id, step.target)
            case "release":
                task = await self.world.task(self.id, step.target)
                await commands.release(
                    self.world.session, self.world.engine, self.world.people[who], task, self.world.now
                )
            case "message" if step.target == "withdraw_issue":
                await issues.withdraw_issue(
                    self.world.session, self.world.engine, self.world.people[who], self.id, self.world.now
                )
            case "message":
                await self._approve_another()
                await self.world.session.commit()
                await end_superseded(self.sessions, self.world.engine, self.world.now)
            case "wait":
                await self._wait(step.target)
            case _:
                return
        await self.world.session.commit()

    async def _do(self, who: str, step: CaseStep) -> None:
        world, element = self.world, step.target
        if any(
            row.element_id == element and row.candidate_groups and not row.claimed_by
            for row in self.open_before
        ):
            await world.claim(who, self.id, element)
        if who == "applicant":
            world.people[who] = await act_as_applicant(world.session, self.id)
        sends = {"send": True} if element.startswith(("draft_", "rework_", "correct_")) else {}
        await world.complete(who, self.id, element, **sends, **step.answers)

    async def _wait(self, target: str) -> None:
        """Time goes from timer to timer, as the worker would fire them; to this one, or for this long."""
        until = parse_duration(target).after(self.world.now) if target.startswith("P") else None
        fired: list[str] = []
        while target not in fired:
            due = await self.world.session.scalar(text(TIMER), {"id": self.id})
            if until is not None and (due is None or due > until):
                self.world.now = until
                return
            self.world.now = max(self.world.now, due)
            fired = await self.world.fire_timers()

    async def _leave(self, who: str) -> None:
        officer = self.world.people[who].officer_id
        await self.world.session.execute(
            text("UPDATE officer SET active = false WHERE id = :id"), {"id": officer}
        )
        self.gone.add(who)

    async def _approve_another(self) -> None:
        uscc = await self.world.session.scalar(
            text(
                "SELECT e.uscc FROM enterprise e JOIN registration r ON r.enterprise_id = e.id WHERE r.id = :id"
            ),
            {"id": self.id},
        )
        other = await apply(self.world, uscc=uscc)
        await review(self.world, other, decision="approve")
        assert (await get(self.world, other.id)).outcome == "approved"

    async def _open_tasks(self) -> list[Any]:
        return list((await self.world.session.execute(text(OPEN), {"id": self.id})).all())

    def expected(self, calls: list[Called]) -> set[tuple[str, str]]:
        """Template and person of every message that these calls of `notify` ask for, in the small world."""
        told: set[tuple[str, str]] = set()
        for call in calls:
            if call.operator != "notify" or (call.params.get("only_unclaimed") and self._holders()):
                continue
            to = call.params["to"]
            for name in [to] if isinstance(to, str) else to:
                told |= {(call.params["template"], person) for person in self._people(name)}
        return told

    def _people(self, name: str) -> set[str]:
        if name == "current_assignees":
            return {self._name(row.claimed_by) for row in self.open_before if not row.candidate_groups}
        if name == "current_claimer":
            return self._holders()
        if name == "current_handler":
            free = [group for row in self.open_before if not row.claimed_by for group in row.candidate_groups]
            return self._holders() | {person for group in free for person in self._people(group)}
        keys = GROUPS[name] if name in GROUPS else (PEOPLE[name],)
        return {self.world.people[key].name for key in keys if key not in self.gone}

    def _holders(self) -> set[str]:
        """Who of customs has the task."""
        return {
            self._name(row.claimed_by) for row in self.open_before if row.candidate_groups and row.claimed_by
        }

    def _name(self, person_id: UUID) -> str:
        return next(one.name for one in self.world.people.values() if one.person_id == person_id)

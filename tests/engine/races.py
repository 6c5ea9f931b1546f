"""Two people, or two sessions of one, at the same task at the same moment, in real transactions of their own. Every race is
one round: it prepares an instance, lets two commands go at once, and asserts that exactly one of them happened, that the
other was told who and when, and that the instance goes on. The suite runs a few rounds, the long proofs many."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from engine.exceptions import NotWaiting, NotYours, TaskAlreadyClaimed, TaskGone
from engine.instances import Engine
from engine.steps import Step
from errors import Refusal
from tests.engine.small_processes import ANN, BEN, CAT

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
Work = Callable[[AsyncSession], Awaitable[Any]]
Outcome = Step | Refusal | None


@dataclass
class Ring:
    """Where a race takes place: the engine and a committed database. `swapped`: the second command is sent first."""

    engine: Engine
    sessions: async_sessionmaker[AsyncSession]
    swapped: bool = False
    now: datetime = START

    async def do(self, work: Work) -> Any:
        """One transaction, committed."""
        async with self.sessions.begin() as session:
            return await work(session)

    async def race(self, first: Work, second: Work) -> tuple[Outcome, Outcome]:
        """Both at once, each in its transaction, both open before either begins; what each got."""
        gate = asyncio.Barrier(2)

        async def run(work: Work) -> Outcome:
            try:
                async with self.sessions.begin() as session:
                    await session.execute(text("SELECT 1"))
                    await gate.wait()
                    return await work(session)
            except Refusal as refusal:
                return refusal

        if self.swapped:
            results = await asyncio.gather(run(second), run(first))
            return results[1], results[0]
        results = await asyncio.gather(run(first), run(second))
        return results[0], results[1]

    def claim(self, task_id: UUID, actor: UUID) -> Work:
        async def work(session: AsyncSession) -> Step:
            locked = await self.engine.lock(session, task_id)
            return await self.engine.claim(session, locked, actor=actor, now=self.now)

        return work

    def complete(self, task_id: UUID, actor: UUID, **answers: Any) -> Work:
        async def work(session: AsyncSession) -> Step:
            locked = await self.engine.lock(session, task_id)
            return await self.engine.complete(
                session, locked, answers, actor=actor, version=None, now=self.now
            )

        return work

    def hand_over(self, task_id: UUID, actor: UUID, to: UUID) -> Work:
        async def work(session: AsyncSession) -> Step:
            locked = await self.engine.lock(session, task_id)
            return await self.engine.hand_over(session, locked, to=to, actor=actor, now=self.now)

        return work

    def cancel_unclaimed(self, instance_id: UUID) -> Work:
        """Withdraw the order, by a rule of the room above: not once somebody has claimed it."""

        async def work(session: AsyncSession) -> Step:
            locked = await self.engine.lock_instance(session, instance_id)
            query = "SELECT claimed_by, claimed_at FROM user_task WHERE instance_id = :id AND state = 'ready'"
            claimed_by, claimed_at = (await session.execute(text(query), {"id": instance_id})).one()
            if claimed_by is not None:
                raise NotWaiting(claimed_by=claimed_by, claimed_at=claimed_at)
            return await self.engine.correlate(session, locked, "cancel_order", actor=CAT, now=self.now)

        return work

    async def fire(self, session: AsyncSession) -> Step | None:
        return await self.engine.run_due_timers(session, self.now)

    async def order_to_check(self) -> Step:
        """An order that Ann has filled in, waiting unclaimed."""
        variables: dict[str, Any] = {}
        started = await self.do(
            lambda session: self.engine.start(
                session,
                "order",
                instance_id=uuid4(),
                variables=variables,
                subject="",
                actor=ANN,
                now=self.now,
            )
        )
        fill = started.created[0].id
        await self.do(self.claim(fill, ANN))
        return await self.do(self.complete(fill, ANN, office="1", amount=5))

    async def counted(self, instance_id: UUID) -> dict[str, int]:
        """How often each kind of line stands in the instance's history."""
        query = "SELECT kind, count(*) AS total FROM process_event WHERE instance_id = :id GROUP BY kind"

        async def work(session: AsyncSession) -> dict[str, int]:
            return {row.kind: row.total for row in await session.execute(text(query), {"id": instance_id})}

        return await self.do(work)

    async def end_well(self, task_id: UUID, actor: UUID) -> None:
        """Whoever has the task now completes it, and the instance ends."""
        ended = await self.do(self.complete(task_id, actor, decision="fine"))
        assert ended.ended


def one_winner(*outcomes: Outcome) -> tuple[int, Refusal]:
    """The place of the one that got a Step, and the refusal of the other."""
    winners = [place for place, outcome in enumerate(outcomes) if isinstance(outcome, Step)]
    refusals = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
    assert len(winners) == len(refusals) == 1, outcomes
    return winners[0], refusals[0]


async def two_claims(ring: Ring) -> None:
    """Two people claim: the other is told by whom and when it was claimed."""
    task_id = (await ring.order_to_check()).created[0].id
    people = (BEN, CAT)
    winner, refusal = one_winner(*await ring.race(ring.claim(task_id, BEN), ring.claim(task_id, CAT)))
    assert isinstance(refusal, TaskAlreadyClaimed)
    assert refusal.details == {"claimed_by": people[winner], "claimed_at": ring.now}
    await ring.end_well(task_id, people[winner])


async def two_completions(ring: Ring) -> None:
    """One person's two sessions complete: the later is told that it is done, and nothing is written twice."""
    step = await ring.order_to_check()
    task_id = step.created[0].id
    await ring.do(ring.claim(task_id, BEN))
    complete = ring.complete(task_id, BEN, decision="again")
    _, refusal = one_winner(*await ring.race(complete, complete))
    assert isinstance(refusal, TaskGone)
    assert refusal.details == {"by_person": BEN, "at": ring.now, "state": "completed"}
    counts = await ring.counted(step.instance_id)
    assert (counts["task_created"], counts["task_completed"]) == (3, 2)


async def completion_and_hand_over(ring: Ring) -> None:
    """Ben completes in one window and hands over in another: either it is done, or Cat has it."""
    task_id = (await ring.order_to_check()).created[0].id
    await ring.do(ring.claim(task_id, BEN))
    winner, refusal = one_winner(
        *await ring.race(ring.complete(task_id, BEN, decision="fine"), ring.hand_over(task_id, BEN, to=CAT))
    )
    if winner == 0:
        assert isinstance(refusal, TaskGone)
        assert refusal.details == {"by_person": BEN, "at": ring.now, "state": "completed"}
    else:
        assert isinstance(refusal, NotYours)
        assert refusal.details == {"claimed_by": CAT, "claimed_at": ring.now}
        await ring.end_well(task_id, CAT)


async def completion_and_due_timer(ring: Ring) -> None:
    """Ben completes while the timer that ends the task is due: it is completed or expired, never both."""
    step = await ring.order_to_check()
    task_id = step.created[0].id
    await ring.do(ring.claim(task_id, BEN))
    ring.now += timedelta(days=40)
    completed, fired = await ring.race(ring.complete(task_id, BEN, decision="fine"), ring.fire)
    counts = await ring.counted(step.instance_id)
    if isinstance(completed, Step):
        assert (completed.status, fired) == ("已完成", None)
        assert (counts.get("task_completed"), counts.get("task_cancelled"), counts.get("timer_fired")) == (
            2,
            None,
            None,
        )
    else:
        assert isinstance(completed, TaskGone) and isinstance(fired, Step)
        assert completed.details == {"by_person": None, "at": ring.now, "state": "cancelled"}
        assert fired.status == "已过期"
        assert (counts["task_completed"], counts["task_cancelled"]) == (1, 1)
    assert counts["ended"] == 1
    assert await ring.do(ring.fire) is None


async def withdrawal_and_claim(ring: Ring) -> None:
    """The order is cancelled while Ben claims it: it is cancelled, or it is Ben's."""
    step = await ring.order_to_check()
    task_id = step.created[0].id
    winner, refusal = one_winner(
        *await ring.race(ring.cancel_unclaimed(step.instance_id), ring.claim(task_id, BEN))
    )
    if winner == 0:
        assert isinstance(refusal, TaskGone)
        assert refusal.details == {"by_person": CAT, "at": ring.now, "state": "cancelled"}
    else:
        assert isinstance(refusal, NotWaiting)
        assert refusal.details == {"claimed_by": BEN, "claimed_at": ring.now}
        await ring.end_well(task_id, BEN)


async def two_timer_runs(ring: Ring) -> None:
    """Two workers look for due timers: one fires them, the other finds nothing to do."""
    step = await ring.order_to_check()
    ring.now += timedelta(days=40)
    fired = [outcome for outcome in await ring.race(ring.fire, ring.fire) if outcome is not None]
    assert len(fired) == 1 and isinstance(fired[0], Step)
    counts = await ring.counted(step.instance_id)
    assert (counts["timer_fired"], counts["ended"]) == (2, 1)


async def two_voters(ring: Ring) -> None:
    """Two people complete a task each of one instance: both count, and the later ends the vote."""
    voters: dict[str, Any] = {"poll": {"voters": [str(BEN), str(CAT)]}}
    started = await ring.do(
        lambda session: ring.engine.start(
            session, "vote", instance_id=uuid4(), variables=voters, subject="", actor=ANN, now=ring.now
        )
    )
    tasks = {task.claimed_by: task.id for task in started.created}
    outcomes = await ring.race(*(ring.complete(tasks[person], person, stop=False) for person in (BEN, CAT)))
    assert sorted(outcome.ended for outcome in outcomes if isinstance(outcome, Step)) == [False, True]
    counts = await ring.counted(started.instance_id)
    assert (counts["task_completed"], counts["ended"]) == (2, 1)


RACES = (
    two_claims,
    two_completions,
    completion_and_hand_over,
    completion_and_due_timer,
    withdrawal_and_claim,
    two_timer_runs,
    two_voters,
)

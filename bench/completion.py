"""(1) One completion: an answer of 5,000 characters to a question of as many, after 0, 5, 100 and 10,000 rounds of the issue;
beside it the hand-written twin, the same statements by bare psycopg, and the library's own serializer.

Samples of all of them are taken in turn, so that a noisy moment of the machine hits all alike.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import text

from bench import floor, stock, twin
from bench.program import Cast, claim_answer, raise_to_customs, reopen, time_completion
from bench.world import World, settle

LEVELS = (0, 5, 100, 10_000)
SAMPLES = 40
STATE = text("SELECT octet_length(state) FROM process_instance WHERE id = :issue")


@dataclass
class Figures:
    """What was measured of one way to do it."""

    cpu_ms: list[float] = field(default_factory=list)
    statements: int | None = None
    commits: int | None = None
    state_bytes: int | None = None

    @property
    def median_ms(self) -> float:
        """The middle of all samples."""
        return statistics.median(self.cpu_ms)

    def as_json(self) -> dict[str, Any]:
        """The figures without the samples."""
        return {
            "cpu_ms": round(self.median_ms, 3),
            "statements": self.statements,
            "commits": self.commits,
            "state_bytes": self.state_bytes,
            "samples": len(self.cpu_ms),
        }


async def measure(world: World, levels: Sequence[int] = LEVELS, samples: int = SAMPLES) -> dict[str, Any]:
    """Figures by name, and the ratios that matter."""
    twin.add_twin(world.app)
    cast = Cast.of(world)
    issues = {level: await _issues_after(cast, level, samples) for level in levels}
    ours = {level: Figures() for level in levels}
    by_hand, bare = Figures(), Figures()
    with floor.Floor(world) as replay:
        for sample in range(samples):
            for level in levels:
                await _sample(cast, issues[level], sample, ours[level], level)
            issue = await raise_to_customs(cast)
            by_hand.cpu_ms.append(
                await time_completion(cast.handler, await claim_answer(cast, issue), twin.PATH)
            )
            issue = await raise_to_customs(cast)
            task = await claim_answer(cast, issue)
            bare.cpu_ms.append(await replay.time(task))
    for level in levels:
        await _count(world, cast, issues[level][0], ours[level])
    issue = await raise_to_customs(cast)
    await _count_path(world, cast, issue, by_hand, twin.PATH)
    library = {rounds: stock.measure(rounds) for rounds in (0, 5, 20, 100)}
    return _report(ours, by_hand, bare, library)


async def _issues_after(cast: Cast, rounds: int, samples: int) -> list[UUID]:
    """Issues to sample at this level: every sample costs one more round, so few rounds need many issues."""
    many = samples if rounds == 0 else max(1, min(samples, round(samples * 4 / rounds)))
    return [await _issue_after(cast, rounds) for _ in range(many)]


async def _issue_after(cast: Cast, rounds: int) -> UUID:
    issue = await raise_to_customs(cast)
    for done in range(rounds):
        task = await claim_answer(cast, issue)
        await time_completion(cast.handler, task)
        await reopen(cast, issue)
        if done and done % 1000 == 0:
            print(f"  … {done} rounds of {rounds}", flush=True)
    return issue


async def _sample(cast: Cast, issues: list[UUID], sample: int, figures: Figures, level: int) -> None:
    issue = issues[sample % len(issues)]
    if level == 0 and sample >= len(issues):
        return
    task = await claim_answer(cast, issue)
    figures.cpu_ms.append(await time_completion(cast.handler, task))
    await reopen(cast, issue)


async def _count(world: World, cast: Cast, issue: UUID, figures: Figures) -> None:
    await _count_path(world, cast, issue, figures, "/api/v1/tasks")
    async with world.wired.sessions() as session:
        figures.state_bytes = (await session.execute(STATE, {"issue": issue})).scalar_one()


async def _count_path(world: World, cast: Cast, issue: UUID, figures: Figures, path: str) -> None:
    task = await claim_answer(cast, issue)
    await settle()
    with world.counting() as counts:
        await time_completion(cast.handler, task, path)
    figures.statements, figures.commits = counts["statements"], counts["commits"]


def _report(
    ours: dict[int, Figures], by_hand: Figures, bare: Figures, library: dict[int, dict[str, float]]
) -> dict[str, Any]:
    few = ours[5].median_ms if 5 in ours else ours[min(ours)].median_ms
    most = max(ours)
    return {
        "ratios": {
            f"cpu after {most} rounds / after 5": round(ours[most].median_ms / few, 3),
            "cpu of the hand-written endpoint / ours": round(by_hand.median_ms / few, 3),
            "cpu of bare psycopg / ours": round(bare.median_ms / few, 3),
        },
        **{f"ours, {level} rounds": figures.as_json() for level, figures in ours.items()},
        "hand-written endpoint": by_hand.as_json(),
        "bare psycopg, the same statements": bare.as_json(),
        **{f"stock serializer alone, {rounds} rounds": figures for rounds, figures in library.items()},
    }

"""Two programs at the same task at the same moment, 200 times each, over the JSON contract with real transactions: exactly one
happens, the other is told who and when, and the issue goes on."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from tasks.jobs import fire_due_timer
from tests.api.conftest import World, deployed, peopled, world

__all__ = ["deployed", "peopled", "world"]

TIMES = 200
FIND_TASK = text("""
SELECT id FROM user_task WHERE instance_id = :issue AND element_id = :element AND state = 'ready'
    AND (claimed_by = CAST(:holder AS uuid) OR CAST(:holder AS uuid) IS NULL)
""")
COMPLETIONS = text("SELECT count(*) FROM process_event WHERE task_id = :task AND kind = 'task_completed'")


class Programs:
    """One program for each of the people, and the steps that bring an issue to where a race starts."""

    def __init__(self, world: World) -> None:
        self.world = world
        names = ("staff", "executive", "handler", "colleague")
        self.of = {name: world.client(name) for name in names}

    async def send(self, who: str, path: str, body: Any = None, key: str | None = None) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return await self.of[who].post(f"/api/v1{path}", json=body or {}, headers=headers)

    async def must(self, who: str, path: str, body: Any = None) -> Any:
        answer = await self.send(who, path, body, key=str(uuid4()))
        assert answer.is_success, answer.text
        return answer.json()

    async def complete(self, who: str, task: str, key: str | None = None, **answers: Any) -> httpx.Response:
        return await self.send(who, f"/tasks/{task}/complete", {"answers": answers}, key or str(uuid4()))

    async def find(self, issue: str, element: str, holder: str | None = None) -> str:
        parameters = {
            "issue": issue,
            "element": element,
            "holder": self.world.people[holder] if holder else None,
        }
        async with self.world.wired.sessions() as session:
            return str((await session.execute(FIND_TASK, parameters)).scalar_one())

    async def completions(self, task: str) -> int:
        async with self.world.wired.sessions() as session:
            return int((await session.execute(COMPLETIONS, {"task": task})).scalar_one())

    async def at_customs(self) -> tuple[str, str]:
        """An issue waiting to be claimed, and its task."""
        body = {
            "kind": "政策咨询",
            "category": "税收征管",
            "office": "2301",
            "title": "同时",
            "description": "同一时刻",
        }
        issue = (await self.must("staff", "/issues", body))["id"]
        assert (await self.complete("staff", await self.find(issue, "draft_issue"), send=True)).is_success
        review = await self.find(issue, "review_issue")
        assert (await self.complete("executive", review, decision="submit", importance="一般")).is_success
        return issue, await self.find(issue, "answer_issue")

    async def claimed(self) -> tuple[str, str]:
        issue, task = await self.at_customs()
        await self.must("handler", f"/tasks/{task}/claim")
        return issue, task

    async def answered(self) -> str:
        issue, task = await self.claimed()
        assert (await self.complete("handler", task, decision="answer", answer="可以。")).is_success
        return issue


def told_who_and_when(answer: httpx.Response) -> bool:
    """409 with a name and a time in it."""
    problem = answer.json()
    named = any(key.endswith("_name") and problem[key] for key in problem)
    return answer.status_code == 409 and named and any(key.endswith("_at") or key == "at" for key in problem)


async def two_claim(programs: Programs) -> None:
    issue, task = await programs.at_customs()
    answers = await asyncio.gather(
        *(programs.send(who, f"/tasks/{task}/claim") for who in ("handler", "colleague"))
    )
    lost = [answer for answer in answers if not answer.is_success]
    assert len(lost) == 1 and told_who_and_when(lost[0]), [answer.text for answer in answers]
    winner = "handler" if answers[0].is_success else "colleague"
    assert (await programs.complete(winner, task, decision="answer", answer="可以。")).is_success
    assert await programs.find(issue, "evaluate_answer", "staff")


async def two_sessions_complete(programs: Programs) -> None:
    _, task = await programs.claimed()
    answers = await asyncio.gather(
        *(programs.complete("handler", task, decision="answer", answer=words) for words in ("甲", "乙"))
    )
    lost = [answer for answer in answers if not answer.is_success]
    assert len(lost) == 1 and told_who_and_when(lost[0]), [answer.text for answer in answers]
    assert await programs.completions(task) == 1


async def claim_against_withdraw(programs: Programs) -> None:
    issue, task = await programs.at_customs()
    claim, withdraw = await asyncio.gather(
        programs.send("handler", f"/tasks/{task}/claim"), programs.send("staff", f"/issues/{issue}/withdraw")
    )
    assert claim.is_success != withdraw.is_success, (claim.text, withdraw.text)
    assert told_who_and_when(withdraw if claim.is_success else claim), (claim.text, withdraw.text)


async def complete_against_hand_over(programs: Programs) -> None:
    issue, task = await programs.claimed()
    to = {"to": str(programs.world.people["colleague"])}
    complete, hand_over = await asyncio.gather(
        programs.complete("handler", task, decision="answer", answer="可以。"),
        programs.send("handler", f"/tasks/{task}/hand-over", to),
    )
    assert complete.is_success != hand_over.is_success, (complete.text, hand_over.text)
    assert told_who_and_when(hand_over if complete.is_success else complete), (complete.text, hand_over.text)
    if hand_over.is_success:
        assert (await programs.complete("colleague", task, decision="answer", answer="可以。")).is_success
    assert await programs.find(issue, "evaluate_answer", "staff")


async def complete_against_due_timer(programs: Programs) -> None:
    """The last evaluation, and the timer of 15 days: either way the issue is cleared, and the rating is there or not."""
    issue = await programs.answered()
    task = await programs.find(issue, "evaluate_answer", "staff")
    wired, later = programs.world.wired, datetime.now(UTC) + timedelta(days=16)
    complete, fired = await asyncio.gather(
        programs.complete("staff", task, rating=1), fire_due_timer(wired.sessions, wired.engine, later)
    )
    if complete.is_success:
        if not fired:  # the instance was locked at the moment: the next look finds it
            assert await fire_due_timer(wired.sessions, wired.engine, later)
    else:
        assert fired and complete.status_code == 409 and complete.json()["at"], complete.text
    detail = (await programs.of["staff"].get(f"/api/v1/issues/{issue}")).json()
    assert detail["status"] == "已清零"
    assert await programs.completions(task) == int(complete.is_success)


async def the_same_key_twice(programs: Programs) -> None:
    _, task = await programs.claimed()
    key = str(uuid4())
    first, second = await asyncio.gather(
        *(programs.complete("handler", task, key, decision="answer", answer="可以。") for _ in range(2))
    )
    assert first.is_success and second.is_success, (first.text, second.text)
    assert first.json() == second.json()
    assert [answer.headers.get("idempotent-replayed") for answer in (first, second)].count("true") == 1
    assert await programs.completions(task) == 1


@pytest.mark.parametrize(
    "race",
    [
        two_claim,
        two_sessions_complete,
        claim_against_withdraw,
        complete_against_hand_over,
        complete_against_due_timer,
        the_same_key_twice,
    ],
)
async def test_exactly_one_of_two_at_once_happens(
    world: World, race: Callable[[Programs], Awaitable[None]]
) -> None:
    programs = Programs(world)
    for _ in range(TIMES):
        await race(programs)

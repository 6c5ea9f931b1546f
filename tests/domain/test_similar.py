"""Similar answered questions: the more rare words are shared the better, only what is answered and may be read."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.models import Evaluation, IssueAnswer
from domain.similar import SHOWN, find_similar

LICENCE = "进口设备随附软件的许可费是否计入完税价格"


class Past:
    """Makes questions, answered unless told otherwise."""

    def __init__(self, session: AsyncSession, world: Any, member: Any) -> None:
        self.session, self.world, self.member = session, world, member

    async def ask(
        self, title: str, *, answer: str = "应当计入。", phase: str = "closed", **where: Any
    ) -> Any:
        issue = await self.world.issue(
            self.member, title=title, phase=phase, **{"been_at": ["2301"], "description": "请予答复"} | where
        )
        if phase in ("answered", "closed"):
            issue.answered_at = self.world.now
            self.session.add(
                IssueAnswer(
                    issue_id=issue.id,
                    round=0,
                    office="2301",
                    text=answer,
                    answered_by=self.member.person_id,
                    answered_at=self.world.now,
                )
            )
            await self.session.flush()
        return issue


@pytest.fixture
async def past(session: AsyncSession, world: Any) -> Past:
    return Past(session, world, await world.member(await world.enterprise(), "executive"))


async def test_the_more_is_shared_the_better_and_strangers_are_left_out(
    session: AsyncSession, world: Any, past: Past
) -> None:
    near = await past.ask("软件许可费计入完税价格吗", answer="计入。")
    nearer = await past.ask("随附软件的许可费是否计入完税价格")
    await past.ask("原产地证书漏签如何补发")
    await past.ask("出口软件的退税")  # one word in common is chance
    issue = await past.ask(LICENCE, phase="customs")
    found = await find_similar(session, await world.officer("handler:2301"), issue)
    assert [one.id for one in found] == [nearer.id, near.id]
    assert found[0].score > found[1].score
    assert (found[1].answer, found[1].office_name) == ("计入。", "连云港海关")


async def test_only_what_is_answered_and_readable_is_found(
    session: AsyncSession, world: Any, past: Past
) -> None:
    issue = await past.ask(LICENCE, phase="customs")
    await past.ask(LICENCE, phase="customs")
    await past.ask(LICENCE, been_at=["2302"])
    mine = await past.ask(LICENCE, phase="answered")
    [found] = await find_similar(session, await world.officer("handler:2301"), issue)
    assert found.id == mine.id
    assert len(await find_similar(session, await world.officer("supervisor:2300"), issue)) == 2
    assert await find_similar(session, await world.officer("handler:2303"), issue) == []


async def test_the_last_answer_counts_with_what_was_said_of_it(
    session: AsyncSession, world: Any, past: Past
) -> None:
    old, issue = await past.ask(LICENCE, answer="第一轮"), await past.ask(LICENCE, phase="customs")
    person = past.member.person_id
    session.add(
        IssueAnswer(
            issue_id=old.id, round=1, office="2301", text="第二轮", answered_by=person, answered_at=world.now
        )
    )
    session.add_all(
        Evaluation(issue_id=old.id, round=round_, person_id=person, rating=rating, at=world.now)
        for round_, rating in ((0, 3), (1, 1))
    )
    await session.flush()
    [found] = await find_similar(session, await world.officer("handler:2301"), issue)
    assert (found.answer, found.ratings) == ("第二轮", [1])


async def test_there_are_only_a_few(session: AsyncSession, world: Any, past: Past) -> None:
    for _ in range(SHOWN + 2):
        await past.ask(LICENCE)
    issue = await past.ask(LICENCE, phase="customs")
    assert len(await find_similar(session, await world.officer("handler:2301"), issue)) == SHOWN


@pytest.mark.parametrize("title", ["", "？", "a", "%_'\\ \"", "🚢🚢🚢"])
async def test_a_title_without_words_finds_nothing(
    session: AsyncSession, world: Any, past: Past, title: str
) -> None:
    await past.ask(LICENCE)
    issue = await past.ask(title, phase="customs", description="")
    assert await find_similar(session, await world.officer("handler:2301"), issue) == []


async def test_what_everybody_writes_counts_for_nothing_once_there_are_many(
    session: AsyncSession, world: Any, past: Past
) -> None:
    """With the statistics of a table in which a pair is common, only the rarer pairs decide."""
    for number in range(230):
        await past.ask(f"请问如何办理{chr(0x4E00 + number)}{chr(0x5000 + number)}")
    rare = await past.ask("减免税设备转让")
    issue = await past.ask("请问如何办理减免税设备转让", phase="customs")
    await session.execute(text("ANALYZE issue_words"))
    found = await find_similar(session, await world.officer("handler:2301"), issue)
    assert [one.id for one in found] == [rare.id]

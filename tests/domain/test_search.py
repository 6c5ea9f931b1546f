"""Search finds Chinese words of one, two and more characters, in what was asked and in what was answered."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.models import Issue, IssueAnswer
from domain.search import matches


@pytest.fixture
async def found(session: AsyncSession, world: Any) -> Any:
    member = await world.member(await world.enterprise(), "executive")
    answered = await world.issue(member, title="加工贸易手册核销", description="单耗低于备案 5%_，AEO 企业")
    await world.issue(member, title="原产地证书补发", description="FORM E 漏签")
    session.add(
        IssueAnswer(
            issue_id=answered.id,
            round=0,
            office="2301",
            text="剩余料件可以结转至新手册。",
            answered_by=member.person_id,
            answered_at=world.now,
        )
    )
    await session.flush()

    async def found(query: str) -> list[str]:
        return list(
            await session.scalars(select(col(Issue.title)).where(matches(query)).order_by(col(Issue.title)))
        )

    return found


HANDBOOK, ORIGIN = "加工贸易手册核销", "原产地证书补发"


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("核销", [HANDBOOK]),
        ("证", [ORIGIN]),
        ("加工贸易手册", [HANDBOOK]),
        ("结转", [HANDBOOK]),  # in the answer
        ("核销 结转", [HANDBOOK]),  # one word in the question, one in the answer
        ("核销 原产地", []),
        ("销核", []),  # both characters, another order
        ("手册贸易", []),
        ("aeo", [HANDBOOK]),
        ("Form", [ORIGIN]),
        ("5%_", [HANDBOOK]),
        ("%", [HANDBOOK]),
        ("_", [HANDBOOK]),
        ("\\", []),
        ("QL2301", [HANDBOOK, ORIGIN]),
        ("'; drop", []),
        ("", [HANDBOOK, ORIGIN]),
        ("   ", [HANDBOOK, ORIGIN]),
    ],
)
async def test_a_query_finds(found: Any, query: str, titles: list[str]) -> None:
    assert await found(query) == titles


async def test_a_changed_title_is_found_by_its_new_words_only(found: Any, session: AsyncSession) -> None:
    issue = (await session.scalars(select(Issue).where(matches("原产地")))).one()
    issue.title = "跨境电商退运"
    await session.flush()
    assert await found("原产") == []
    assert await found("退运") == ["跨境电商退运"]

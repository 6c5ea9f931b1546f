"""Search finds Chinese words of one, two and more characters, in what was asked and in what was answered."""

from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.models import Issue, IssueAnswer, IssueWords
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
        ("ｑｌ２３０１", [HANDBOOK, ORIGIN]),
        ("ＡＥＯ", [HANDBOOK]),
        ("ae\u200bo", [HANDBOOK]),
        ("form", [ORIGIN]),
        ("'; drop", []),
        ("", [HANDBOOK, ORIGIN]),
        ("   ", [HANDBOOK, ORIGIN]),
    ],
)
async def test_a_query_finds(found: Any, query: str, titles: list[str]) -> None:
    assert await found(query) == titles


async def test_what_was_written_in_another_form_is_found(
    found: Any, session: AsyncSession, world: Any
) -> None:
    member = await world.member(await world.enterprise(), "executive")
    await world.issue(member, title="ＨＳ编码\u202d８４７１\u200b３０００\u202c", description="㈱ ﬁle Ω")
    title = await session.scalar(select(col(Issue.title)).where(matches("hs编码84713000")))
    assert title == "ＨＳ编码\u202d８４７１\u200b３０００\u202c"
    assert len(await found("84713000 (株) file ω")) == 1


@pytest.mark.parametrize(
    ("word", "pieces"),
    [
        ("税", ["税"]),
        ("归类", ["归类"]),
        ("归类税", ["类税", "归类"]),
        ("8471300000", ["8471", "4713", "7130", "1300", "3000", "0000"]),
        ("hs1", ["hs", "s1"]),
        ("归类8471号", ["8471", "归类", "号"]),
        ("a b", ["a", "b"]),
        ("", []),
    ],
)
async def test_the_index_is_asked_for_no_more_than_a_word_takes(
    session: AsyncSession, word: str, pieces: list[str]
) -> None:
    asked = (await session.scalars(select(func.qingling_asked(word)))).one()
    assert sorted(asked) == sorted(pieces)
    has_all = select(func.qingling_pieces(word).op("@>")(func.qingling_asked(word)))
    assert (await session.scalars(has_all)).one() is True


async def test_what_was_added_is_searched_like_what_was_asked(found: Any, session: AsyncSession) -> None:
    await session.execute(
        update(IssueWords)
        .where(col(IssueWords.issue_id).in_(select(col(Issue.id)).where(matches("原产地"))))
        .values(added="随附单证Ａ")
    )
    assert await found("单证a") == [ORIGIN]
    assert await found("漏签 随附") == [ORIGIN]


async def test_a_changed_title_is_found_by_its_new_words_only(found: Any, session: AsyncSession) -> None:
    issue = (await session.scalars(select(Issue).where(matches("原产地")))).one()
    issue.title = "跨境电商退运"
    await session.flush()
    assert await found("原产") == []
    assert await found("退运") == ["跨境电商退运"]

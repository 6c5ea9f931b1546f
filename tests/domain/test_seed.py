"""The first data: complete, and never over what an administrator has edited."""

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.exceptions import OfficeClosed, SameOffice
from domain.lists import list_choices
from domain.models import CustomsOffice, ListEntry
from domain.offices import OfficeTree, list_offices, require_open_office, require_other_office
from domain.seed import OFFICES, seed


async def test_seeding_again_keeps_what_was_edited(session: AsyncSession) -> None:
    await seed(session)
    office = await session.get(CustomsOffice, "2301")
    entry = await session.get(ListEntry, ("kind", "投诉"))
    assert office is not None and entry is not None
    office.active, entry.name = False, "投诉举报"
    await session.flush()
    await seed(session)
    names = await session.scalars(select(col(ListEntry.name)).where(col(ListEntry.list_name) == "kind"))
    assert "投诉举报" in set(names)
    assert [one.code for one in await list_offices(session)] == [
        code for code, *_ in OFFICES if code != "2301"
    ]
    assert len(await list_offices(session, only_open=False)) == len(OFFICES)


async def test_choices_come_in_their_order(session: AsyncSession) -> None:
    await seed(session)
    assert [one.name for one in await list_choices(session, "importances")] == ["一般", "重要", "紧急"]
    assert (await list_choices(session, "executives")) == []


async def test_closed_unknown_and_same_offices_are_refused(session: AsyncSession) -> None:
    await seed(session)
    assert (await require_other_office(session, "2301", "2325")).name == "昆山海关"
    (await require_open_office(session, "2302")).active = False
    await session.flush()
    for code, refusal in (("2301", SameOffice), ("2302", OfficeClosed), ("0000", OfficeClosed)):
        with pytest.raises(refusal) as refused:
            await require_other_office(session, "2301", code)
        assert refused.value.details == {"office": code}
    with pytest.raises(OfficeClosed, match="请选择"):
        await require_open_office(session, "")


def test_a_tree_that_bites_its_tail_ends() -> None:
    tree = OfficeTree({"1": "2", "2": "1"})
    assert not tree.is_under("1", "3") and tree.is_under("1", "2")

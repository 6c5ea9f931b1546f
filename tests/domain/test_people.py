"""Phones as people write them, and who is an executive."""

from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from domain.models import Membership
from domain.people import list_executives, normalise_phone, split_groups


@pytest.mark.parametrize(
    "raw",
    [
        "13800000001",
        "+8613800000001",
        "8613800000001",
        "008613800000001",
        " 138-0000 0001 ",
        "１３８０００００００１",
        "(+86) 138 0000 0001",
        "\u202d138 0000 0001\u202c",
        "\u200b138\u20110000\u20130001\ufeff",
        "（+86）138−0000−0001",
    ],
)
def test_one_number_however_it_is_written(raw: str) -> None:
    assert normalise_phone(raw) == "+8613800000001"


@pytest.mark.parametrize(
    "raw", ["", "12800000001", "1380000000", "138000000012", "+8513800000001", "1380000000x", "1380000000٣"]
)
def test_what_is_no_mobile_number(raw: str) -> None:
    assert normalise_phone(raw) is None


async def test_executives_are_the_active_ones_of_this_enterprise(session: AsyncSession, world: Any) -> None:
    enterprise = await world.enterprise()
    chief = await world.member(enterprise, "executive", "enterprise_admin")
    await world.member(enterprise, "customs_affairs")
    await world.member(await world.enterprise(), "executive")
    left = await world.member(enterprise, "executive")
    membership = await session.get(Membership, left.membership_id)
    assert membership is not None
    membership.active = False
    await session.flush()
    await world.member(enterprise, "executive", person=await world.person(active=False))
    assert [one.person_id for one in await list_executives(session, enterprise.id)] == [chief.person_id]


async def test_groups_are_told_apart_by_their_role(world: Any) -> None:
    enterprise = await world.enterprise()
    officers, members = split_groups(["handler:2301", f"executive:{enterprise.id}"])
    assert officers == [("handler", "2301")] and members == [("executive", enterprise.id)]

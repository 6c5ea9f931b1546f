"""An enterprise suspended and lifted, and who may do it."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from domain.exceptions import (
    ChangeRefused,
    EnterpriseSuspended,
    FormRefused,
    NotAdministrator,
    RecordUnknown,
)
from domain.models import Enterprise
from domain.suspension import (
    find_enterprise,
    find_reason,
    lift_suspension,
    list_enterprises,
    require_acting,
    suspend_enterprise,
)


@pytest.fixture
async def keeper(world: Any) -> Any:
    return await world.officer("security_admin:2300")


async def test_a_suspended_enterprise_is_shown_first_with_its_reason(
    session: AsyncSession, world: Any, keeper: Any, now: datetime
) -> None:
    await world.enterprise()
    enterprise = await world.enterprise()
    await suspend_enterprise(session, keeper, enterprise.id, " 稽查 期间 ", now)
    first = (await list_enterprises(session))[0]
    assert (first.id, first.status, first.suspended_for) == (enterprise.id, "suspended", "稽查 期间")
    assert [one.id for one in await list_enterprises(session, only_suspended=True)] == [enterprise.id]
    with pytest.raises(ChangeRefused):
        await suspend_enterprise(session, keeper, enterprise.id, "再次", now)
    await lift_suspension(session, keeper, enterprise.id, now)
    assert (await find_enterprise(session, enterprise.id)).status == "approved"
    with pytest.raises(ChangeRefused):
        await lift_suspension(session, keeper, enterprise.id, now)


async def test_its_people_may_not_act_and_are_told_why(
    session: AsyncSession, world: Any, keeper: Any, now: datetime
) -> None:
    enterprise: Enterprise = await world.enterprise()
    await suspend_enterprise(session, keeper, enterprise.id, "稽查", now)
    staff = await world.member(enterprise, "customs_affairs")
    with pytest.raises(EnterpriseSuspended):
        require_acting(staff)
    assert await find_reason(session, staff) == "稽查"
    require_acting(keeper)
    assert await find_reason(session, keeper) is None


async def test_a_reason_is_needed_and_a_registered_enterprise(
    session: AsyncSession, world: Any, keeper: Any, now: datetime
) -> None:
    enterprise = await world.enterprise()
    with pytest.raises(FormRefused):
        await suspend_enterprise(session, keeper, enterprise.id, "  ", now)
    pending = await world.enterprise("pending")
    with pytest.raises(ChangeRefused):
        await suspend_enterprise(session, keeper, pending.id, "稽查", now)
    with pytest.raises(RecordUnknown):
        await find_enterprise(session, pending.id)
    with pytest.raises(RecordUnknown):
        await suspend_enterprise(session, keeper, keeper.person_id, "稽查", now)


async def test_a_system_administrator_suspends_nobody(
    session: AsyncSession, world: Any, now: datetime
) -> None:
    enterprise = await world.enterprise()
    with pytest.raises(NotAdministrator):
        await suspend_enterprise(
            session, await world.officer("system_admin:2300"), enterprise.id, "稽查", now
        )

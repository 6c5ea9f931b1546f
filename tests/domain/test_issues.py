"""Numbers, evaluators and the facts of an issue."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from domain.deadlines import mark_overdue
from domain.exceptions import EnterpriseNotApproved
from domain.issues import facts, list_evaluators, next_number, reopen, require_approved


async def test_numbers_name_office_and_beijings_year_and_never_repeat(session: AsyncSession) -> None:
    new_year_in_beijing = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)
    first = await next_number(session, "2301", new_year_in_beijing)
    second = await next_number(session, "2325", datetime(2026, 12, 31, 15, 59, tzinfo=UTC))
    assert first.startswith("QL23012027") and second.startswith("QL23252026")
    assert len(first) == len(second) == 16 and int(second[-6:]) > int(first[-6:])


@pytest.mark.parametrize("status", ["pending", "returned", "refused", "suspended", "superseded"])
async def test_only_approved_enterprises_raise_issues(world: Any, status: str) -> None:
    member = await world.member(await world.enterprise(status), "executive")
    with pytest.raises(EnterpriseNotApproved):
        require_approved(member)
    with pytest.raises(EnterpriseNotApproved):
        require_approved(await world.officer("handler:2301"))


async def test_an_executives_own_issue_has_one_evaluator(world: Any) -> None:
    enterprise = await world.enterprise()
    staff, chief = (
        await world.member(enterprise, "customs_affairs"),
        await world.member(enterprise, "executive"),
    )
    issue = await world.issue(staff)
    assert list_evaluators(issue) == [staff.person_id]
    issue.executive_id = chief.person_id
    assert list_evaluators(issue) == [staff.person_id, chief.person_id]
    issue.submitter_id = chief.person_id
    assert list_evaluators(issue) == [chief.person_id]


async def test_facts_are_plain_json(world: Any) -> None:
    issue = await world.issue(await world.member(await world.enterprise(), "customs_affairs"))
    assert orjson.loads(orjson.dumps(facts(issue))) == facts(issue)


async def test_reopening_counts_a_round_and_forgets_the_handler(world: Any, now: datetime) -> None:
    issue = await world.issue(await world.member(await world.enterprise(), "customs_affairs"))
    issue.handler_id, issue.answered_at = issue.submitter_id, now
    reopen(issue)
    assert (issue.round, issue.handler_id, issue.answered_at) == (1, None, None)


async def test_the_first_time_overdue_counts(world: Any, now: datetime) -> None:
    issue = await world.issue(await world.member(await world.enterprise(), "customs_affairs"))
    mark_overdue(issue, now)
    mark_overdue(issue, datetime(2027, 1, 1, tzinfo=UTC))
    assert issue.overdue_at == now

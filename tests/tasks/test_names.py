"""What people are called: where they act for an enterprise, by the name they have there; customs' officers by their own."""

import pytest
from sqlalchemy import text

from domain.models import Enterprise, Person
from domain.people import find_names
from engine.exceptions import NotYours
from tasks import commands, details, inbox, issues
from tasks.registration_details import get_registration, registration_timeline
from tests.tasks.applicants import apply, review
from tests.tasks.world import World, join


async def call(world: World, who: str, name: str) -> None:
    """What the enterprise of this member calls them from now on."""
    statement = text("UPDATE membership SET display_name = :name WHERE id = :id")
    await world.session.execute(statement, {"name": name, "id": world.people[who].membership_id})


async def test_colleagues_are_called_as_their_enterprise_calls_them(world: World) -> None:
    issue = await world.answered()
    await call(world, "staff", "敏姐")
    await call(world, "boss", "王总")
    for reader in ("staff", "admin", "handler"):
        actor = world.people[reader]
        [line] = (await issues.list_issues(world.session, actor)).items
        assert line.submitter_name == "敏姐"
        detail = await details.get_issue(world.session, world.engine, actor, issue.id)
        assert detail.people[issue.submitter_id] == "敏姐"
        assert {task.claimed_by_name for task in detail.open_tasks} == {"敏姐", "王总"}
        assert {task.completed_by_name for task in detail.done_tasks} == {"敏姐", "王总", "陈刚"}
        history = await details.timeline(world.session, world.engine, actor, issue.id)
        assert {one.actor_name for one in history if one.actor_id} == {"敏姐", "王总", "陈刚"}


async def test_a_name_belongs_to_one_enterprise(world: World) -> None:
    issue = await world.at_customs()
    person = await world.session.get_one(Person, world.people["staff"].person_id)
    two = await world.session.get_one(Enterprise, world.people["staff_two"].enterprise_id)
    await join(world.session, world.now, person, two, ("customs_affairs",))
    rename = text(
        "UPDATE membership SET display_name = '小张' WHERE person_id = :id AND enterprise_id = :two"
    )
    await world.session.execute(rename, {"id": person.id, "two": two.id})
    assert await find_names(world.session, [person.id], about=issue.id) == {person.id: "张敏"}
    assert await find_names(world.session, [person.id], enterprise_id=two.id) == {person.id: "小张"}
    assert await find_names(world.session, [person.id]) == {person.id: "张敏"}


async def test_who_has_left_keeps_the_name_they_had(world: World) -> None:
    issue = await world.at_customs()
    await call(world, "staff", "敏姐")
    leave = text("UPDATE membership SET active = false, removed_at = :now WHERE id = :id")
    await world.session.execute(leave, {"now": world.now, "id": world.people["staff"].membership_id})
    [line] = (await issues.list_issues(world.session, world.people["admin"])).items
    assert line.submitter_name == "敏姐"
    names = await find_names(world.session, [issue.submitter_id], about=issue.id)
    assert names == {issue.submitter_id: "敏姐"}


async def test_an_officer_whom_an_enterprise_has_added_keeps_the_own_name(world: World) -> None:
    issue = await world.answered()
    handler = await world.session.get_one(Person, world.people["handler"].person_id)
    one = await world.session.get_one(Enterprise, world.people["staff"].enterprise_id)
    await join(world.session, world.now, handler, one, ("customs_affairs",))
    rename = text("UPDATE membership SET display_name = '陈经理' WHERE person_id = :id")
    await world.session.execute(rename, {"id": handler.id})
    detail = await details.get_issue(world.session, world.engine, world.people["staff"], issue.id)
    assert detail.people[handler.id] == "陈刚"
    history = await details.timeline(world.session, world.engine, world.people["staff"], issue.id)
    assert "陈经理" not in {entry.actor_name for entry in history}


async def test_who_has_a_task_is_told_by_that_name(world: World) -> None:
    issue = await world.raise_issue()
    await world.complete("staff", issue.id, "draft_issue", send=True)
    await call(world, "boss", "王总")
    task_id = await world.task(issue.id, "review_issue")
    with pytest.raises(NotYours) as refused:
        await commands.claim(world.session, world.engine, world.people["admin"], task_id, world.now)
    assert refused.value.details["claimed_by_name"] == "王总"
    view = await inbox.get_task(world.session, world.engine, world.people["boss"], task_id, world.now)
    assert view.claimed_by_name == "王总"
    colleagues = await commands.list_colleagues(world.session, world.engine, world.people["boss"], task_id)
    assert {one.name for one in colleagues} <= {"王总"}


async def test_an_applicant_is_called_as_in_the_application(world: World) -> None:
    registration = await apply(world)
    await review(world, registration, decision="return", reason="照片不清")
    rename = text("UPDATE person SET name = '用过的名字' WHERE id = :id")
    await world.session.execute(rename, {"id": registration.applicant_id})
    registrar = world.people["registrar"]
    detail = await get_registration(world.session, world.engine, registrar, registration.id)
    assert detail.people[registration.applicant_id] == "顾盼"
    assert [task.claimed_by_name for task in detail.open_tasks] == ["顾盼"]
    history = await registration_timeline(world.session, world.engine, registrar, registration.id)
    assert {entry.actor_name for entry in history if entry.actor_id} == {"顾盼", "何静"}

"""Marks of what has changed: by person, up to the line of history they have read, never for what they did themselves."""

from uuid import UUID

from sqlalchemy import text

from tasks import issues
from tasks.unread import CHANGES, FIND_UNREAD, find_unread, mark_seen
from tests.tasks.world import World


async def marks(world: World, *ids: UUID) -> dict[str, list[str | None]]:
    """What each of the four sees of these issues."""
    found: dict[str, list[str | None]] = {}
    for who in ("staff", "boss", "handler", "colleague"):
        unread = await find_unread(world.session, world.people[who], ids)
        found[who] = [unread.get(id_) for id_ in ids]
    return found


async def see(world: World, who: str, id_: UUID) -> None:
    await mark_seen(world.session, world.people[who], id_, world.now)


async def test_what_others_did_is_news_until_the_issue_is_opened(world: World) -> None:
    issue = await world.at_customs()
    assert await marks(world, issue.id) == {
        "staff": ["new"],
        "boss": [None],
        "handler": ["new"],
        "colleague": ["new"],
    }
    for who in ("staff", "handler"):
        await see(world, who, issue.id)
    assert await marks(world, issue.id) == {
        "staff": [None],
        "boss": [None],
        "handler": [None],
        "colleague": ["new"],
    }
    await world.claim("handler", issue.id)
    assert await marks(world, issue.id) == {
        "staff": ["changed"],
        "boss": ["new"],
        "handler": [None],
        "colleague": ["new"],
    }


async def test_each_issue_has_its_own_mark(world: World) -> None:
    first, second = await world.at_customs(), await world.at_customs()
    await see(world, "handler", second.id)
    assert (await marks(world, first.id, second.id))["handler"] == ["new", None]
    assert await find_unread(world.session, world.people["handler"], []) == {}


async def test_an_older_page_takes_nothing_back(world: World) -> None:
    issue = await world.at_customs()
    await see(world, "staff", issue.id)
    await world.claim("handler", issue.id)
    await see(world, "staff", issue.id)
    before = text("SELECT event_id FROM issue_seen WHERE person_id = :id")
    read = await world.session.scalar(before, {"id": world.people["staff"].person_id})
    await world.session.execute(text("UPDATE issue_seen SET event_id = event_id + 1000"))
    await see(world, "staff", issue.id)  # a page that read less than another session already has
    assert await world.session.scalar(before, {"id": world.people["staff"].person_id}) == (read or 0) + 1000


async def test_what_was_over_before_one_looked_is_no_news_and_what_ended_since_is(world: World) -> None:
    issue = await world.at_customs()
    await see(world, "boss", issue.id)
    await issues.withdraw_issue(world.session, world.engine, world.people["staff"], issue.id, world.now)
    assert await marks(world, issue.id) == {
        "staff": [None],
        "boss": ["changed"],
        "handler": [None],
        "colleague": [None],
    }


async def test_timers_that_only_remind_are_no_news(world: World) -> None:
    issue = await world.at_customs()
    await see(world, "staff", issue.id)
    world.pass_time(days=60)
    while await world.engine.run_due_timers(world.session, world.now):
        pass
    kinds = await world.session.scalars(
        text("SELECT kind FROM process_event WHERE instance_id = :id ORDER BY id DESC LIMIT 3"),
        {"id": issue.id},
    )
    assert "timer_fired" in set(kinds)
    assert (await marks(world, issue.id))["staff"] == [None]


async def test_looking_for_marks_goes_through_indexes(world: World) -> None:
    issue = await world.at_customs()
    await world.session.execute(text("SET LOCAL enable_seqscan = off"))  # the tables are nearly empty here
    parameters = {
        "person_id": world.people["staff"].person_id,
        "ids": [issue.id],
        "changes": list(CHANGES),
    }
    rows = await world.session.execute(text(f"EXPLAIN {FIND_UNREAD.text}"), parameters)
    plan = "\n".join(rows.scalars())
    assert "issue_seen_pkey" in plan
    assert "Seq Scan" not in plan  # which index of process_event is cheapest depends on how full it is

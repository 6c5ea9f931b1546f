"""When an open activity is ended by the timer at its border: not when it merely reminds, and only while it is open."""

from datetime import timedelta
from uuid import uuid4

from engine.moments import find_expiries
from tests.engine.office import Office
from tests.engine.small_processes import ANN, BEN


async def test_the_timer_that_ends_an_activity_is_told_and_the_one_that_reminds_is_not(
    office: Office,
) -> None:
    check = (await office.order_to_check()).created[0]
    assert (await office.instance(check.instance_id)).next_due == office.now + timedelta(days=2)
    expected = {"check_order": office.now + timedelta(days=30)}
    assert await find_expiries(office.session, office.engine, check.instance_id, office.now) == expected
    later = office.now + timedelta(days=3)
    assert await find_expiries(office.session, office.engine, check.instance_id, later) == expected


async def test_a_moved_timer_is_told_as_it_was_moved(office: Office) -> None:
    started = await office.start("vote", poll={"voters": [str(ANN), str(BEN)]})
    moved = office.now + timedelta(days=3)
    locked = await office.engine.lock_instance(office.session, started.instance_id)
    await office.engine.reschedule(
        office.session, locked, "vote_over", moved, actor=None, now=office.now, variables={}
    )
    found = await find_expiries(office.session, office.engine, started.instance_id, office.now)
    assert found == {"cast_vote": moved}


async def test_nothing_is_told_of_what_is_over_or_unknown(office: Office) -> None:
    check = (await office.order_to_check()).created[0]
    await office.correlate(check.instance_id, "cancel_order")
    assert await find_expiries(office.session, office.engine, check.instance_id, office.now) == {}
    assert await find_expiries(office.session, office.engine, uuid4(), office.now) == {}

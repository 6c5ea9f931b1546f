"""docs/contract.md lists every route of the contract with an example that was played just now."""

import os
from pathlib import Path

import pytest

from tests.api.conftest import World
from tests.api.contract.enterprises_played import play_cards, play_registration
from tests.api.contract.issues_played import play_issues
from tests.api.contract.names import KEPT, list_names, read_names, write_names
from tests.api.contract.page import find_routes, write_page
from tests.api.contract.people_played import (
    play_leaving,
    play_members,
    play_notices,
    play_phones,
    play_sign_in,
)
from tests.api.contract.played import Day, begin_day

PAGE = Path(__file__).parents[2] / "docs" / "contract.md"
WRITE = "WRITE_DOCS"


async def play_day(world: World) -> Day:
    """Everything, in the order in which it can happen."""
    day = await begin_day(world)
    await play_sign_in(day)
    await play_issues(day)
    await play_notices(day)
    await play_members(day)
    await play_registration(day)
    await play_cards(day)
    await play_phones(day)
    await deliver_one(day)
    await day.say(None, "GET", "/api/v1/dev/inbox")
    await day.say(None, "GET", "/api/v1/dev/people")
    await day.say(None, "GET", "/dev/people")
    await play_leaving(day)
    return day


async def deliver_one(day: Day) -> None:
    """What the worker would have brought by now."""
    await day.execute(
        'INSERT INTO demo_inbox (id, message_id, channel, "to", template, text, at)'
        " SELECT id, id, 'sms', '13900000002', template, text, created_at FROM message"
        " WHERE template = 'review_wanted' ORDER BY created_at, id LIMIT 1"
    )


async def test_the_page_lists_every_route_with_what_was_played(world: World) -> None:
    day = await play_day(world)
    made = write_page(world.app, day.examples)
    if os.environ.get(WRITE):
        PAGE.write_text(made)
    assert PAGE.read_text() == made, f"run: {WRITE}=1 ./dev test tests/api/test_contract.py"


async def test_names_are_added_and_never_taken_away(world: World) -> None:
    now = list_names((await world.client().get("/openapi.json")).json())
    kept = read_names(KEPT.read_text())
    gone = {route: names for route, told in kept.items() if (names := told - now.get(route, set()))}
    assert gone == {}, "programs from outside rely on these"
    if os.environ.get(WRITE):
        KEPT.write_text(write_names(now))
    assert KEPT.read_text() == write_names(now), f"new names: {WRITE}=1 ./dev test tests/api/test_contract.py"


def test_a_name_that_is_gone_or_moved_is_missed() -> None:
    schemas = {"Line": {"properties": {"id": {"type": "string"}}}}
    answer = {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/Line"}}}
    told = {"200": {"content": {"application/json": answer}}, "404": {}}
    document = {"components": {"schemas": schemas}, "paths": {"/api/v1/x": {"get": {"responses": told}}}}
    names = list_names(document)
    assert names == {"GET /api/v1/x": {"200", "200.id"}}
    assert read_names(write_names(names)) == names


async def test_a_route_without_an_example_is_missed(world: World) -> None:
    assert len(find_routes(world.app)) > 70
    with pytest.raises(KeyError):
        write_page(world.app, {})

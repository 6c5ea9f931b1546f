"""Who is told what, over which channel: every case of both processes is played with the real commands, and its messages are
delivered to people who can be reached in all ways, in some, and in one. Held against docs/messages.md and the cases."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from domain.contacts import find_addresses
from domain.working_days import WorkingCalendar
from engine.case_file import Case, read_cases
from engine.cases import CaseResult, play_cases
from engine.catalogue import read_folder
from engine.specs import parse_definition
from messages.delivery import Delivery
from messages.routes import MemoryRoute, Outgoing
from messages.sealing import Sealer
from sending import AddressRefused, Receipt
from tasks.functions import build_functions
from tasks.message_table import list_steps
from tests.tasks.played import PlayedCase
from tests.tasks.world import PROCESSES, World, add_officer

TABLE = Path(__file__).parents[2] / "docs" / "messages.md"
CASES = {
    key: read_cases(read_folder(PROCESSES, key)[f"{key}/cases.yaml"]) for key in ("issue", "registration")
}
ALL = [(key, case) for key, file in CASES.items() for case in file.cases]
CHANNELS = {"微信": "wechat", "短信": "sms", "邮件": "mail", "只在站内": None}
ROW = re.compile(r"\| `(\w+)` \| [^|]+ \| (\S+) \| (\S+) \| (\S+) \| \*\*")

MESSAGES = "SELECT id, template, person_id FROM message WHERE instance_id = :id AND NOT id = ANY(:known)"
SENT = """SELECT m.template, p.name, CASE WHEN m.state = 'sent' THEN m.channel END AS channel, m.state
    FROM message m JOIN person p ON p.id = m.person_id WHERE m.instance_id = :id"""


class Unfollowed(MemoryRoute):
    """A WeChat whose account none of them follows any more, which we hear when we send (43004)."""

    async def send(self, message: Outgoing) -> Receipt:
        raise AddressRefused("memory", "43004", "用户没有关注公众号")


@dataclass(frozen=True)
class Situation:
    """How everybody can be reached, and which column of the table says what comes of it."""

    name: str
    column: int
    wechat: str = "none"  # bound, none, unsubscribed (as we know), refused (as we hear)
    mail: bool = True


SITUATIONS = (
    Situation("all channels", 0, "bound"),
    Situation("no WeChat", 1),
    Situation("WeChat unsubscribed, and we know", 1, "unsubscribed"),
    Situation("WeChat unsubscribed, and we hear it when we send", 1, "refused"),
    Situation("nothing but a phone", 2, mail=False),
)


def read_table() -> dict[str, dict[str, tuple[str | None, ...]]]:
    """From the docs: by process and template the channel in each of the three columns."""
    found: dict[str, dict[str, tuple[str | None, ...]]] = {}
    for section in TABLE.read_text().split("\n## ")[1:]:
        head = re.match(r".*（(\w+)）", section)
        assert head
        rows = ROW.findall(section)
        found[head[1]] = {name: tuple(CHANNELS[word] for word in words) for name, *words in rows}
    return found


@pytest.fixture
async def played_world(own_world: World) -> World:
    world = own_world
    world.people["registrar_three"] = await add_officer(
        world.session, world.now, "傅晓", "+8613800009999", (("registrar", "2301"),)
    )
    await world.session.commit()
    return world


@cache
def play(key: str) -> dict[str, CaseResult]:
    """What the engine alone makes of each case of a process."""
    definition = parse_definition(read_folder(PROCESSES, key))
    results = play_cases(definition, CASES[key], build_functions(WorkingCalendar()))
    return {result.name: result for result in results}


@cache
def read_steps(key: str) -> set[tuple[str, tuple[str, ...]]]:
    """From the docs' own source: what begins each step, and the notices on its way."""
    steps = list_steps(parse_definition(read_folder(PROCESSES, key)))
    return {(step.way.start, tuple(one.element_id for one in step.told)) for step in steps}


@pytest.mark.parametrize(("key", "case"), ALL, ids=[f"{key}: {case.name}" for key, case in ALL])
async def test_exactly_these_people_are_told_over_exactly_these_channels(
    key: str,
    case: Case,
    played_world: World,
    sessions: async_sessionmaker[AsyncSession],
) -> None:
    played = PlayedCase(played_world, sessions, CASES[key], case)
    calls = play(key)[case.name].by_step
    known: list[UUID] = []
    everybody: set[tuple[str, str]] = set()
    await played.start()
    for place, wanted in enumerate(calls):
        if place:
            await played.play(case.steps[place - 1])
        told = await read_new(played, known)
        assert told == played.expected(wanted), f"step {place} of {case.name}"
        everybody |= told
        elements = tuple(call.element_id for call in wanted if call.operator == "notify")
        step = case.steps[place - 1] if place else None
        if elements and (step is None or step.verb == "do"):
            start = step.target if step else f"{key}_started"
            assert (start, elements) in read_steps(key), "the table has this step as it happened"
    for situation in SITUATIONS:
        await check_channels(played, situation, read_table()[key], everybody)


async def read_new(played: PlayedCase, known: list[UUID]) -> set[tuple[str, str]]:
    """Template and person of the messages written since the last look; nobody gets one twice."""
    found = (await played.world.session.execute(text(MESSAGES), {"id": played.id, "known": known})).all()
    known += [row.id for row in found]
    names = {one.person_id: one.name for one in played.world.people.values()}
    told = [(row.template, names[row.person_id]) for row in found]
    assert len(told) == len(set(told))
    return set(told)


async def check_channels(
    played: PlayedCase,
    situation: Situation,
    table: Mapping[str, tuple[str | None, ...]],
    everybody: set[tuple[str, str]],
) -> None:
    await make_reachable(played, situation)
    wechat = Unfollowed("wechat") if situation.wechat == "refused" else MemoryRoute("wechat")
    routes = [wechat, MemoryRoute("sms"), MemoryRoute("mail")]
    clock = played.world.now
    delivery = Delivery(played.sessions, routes, Sealer(b"-"), find_addresses, lambda: clock)
    async with played.sessions() as session:
        ids = list(await session.scalars(text("SELECT id FROM message WHERE state = 'queued' ORDER BY id")))
    assert await delivery.deliver(ids) == []
    async with played.sessions() as session:
        rows = (await session.execute(text(SENT), {"id": played.id})).all()
    assert {(row.template, row.name) for row in rows} == everybody
    for row in rows:
        wanted = table[row.template][situation.column]
        assert (row.template, row.channel) == (row.template, wanted), situation.name
        assert row.state == ("sent" if wanted else "kept"), "what no channel carries is kept for the bell"
    assert sum(len(route.sent) for route in routes) >= sum(row.channel is not None for row in rows)


async def make_reachable(played: PlayedCase, situation: Situation) -> None:
    """Everybody has these addresses, and every message is as new."""
    async with played.sessions.begin() as session:
        for statement in (
            "DELETE FROM message_attempt",
            "UPDATE message SET state = 'queued', channel = NULL, claimed_at = NULL, tries = 0 WHERE NOT is_code",
            "UPDATE message SET due_at = created_at",
            "DELETE FROM wechat_binding",
            "DELETE FROM person_mail",
        ):
            await session.execute(text(statement))
        if situation.wechat != "none":
            ended = "now()" if situation.wechat == "unsubscribed" else "NULL"
            await session.execute(
                text(
                    "INSERT INTO wechat_binding (person_id, openid, bound_at, unsubscribed_at)"
                    f" SELECT id, 'o-' || id, now(), {ended} FROM person"
                )
            )
        if situation.mail:
            await session.execute(
                text(
                    "INSERT INTO person_mail (person_id, address, given_at, confirmed_at)"
                    " SELECT id, id || '@example.cn', now(), now() FROM person"
                )
            )

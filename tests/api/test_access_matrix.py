"""Who may see and do what: every route × everybody × whose thing it is, held against the table in access_matrix.txt.

A new route fails the test until the table says what everybody is answered. What may not be known to exist is answered
exactly as what does not exist.
"""

import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4
from zlib import crc32

import httpx
import pytest

from api.deps import OPEN
from api.phone import find_phone
from tests.api.access_requests import THINGS, at_desk, fill, list_things, make_request
from tests.api.access_world import MEMBERS, OFFICERS, PEOPLE, AccessWorld, open_world
from tests.api.conftest import World, make_settings
from tests.api.test_routes import routes_of

TABLE = Path(__file__).with_name("access_matrix.txt")
GROUPS = {
    "MEMBERS": (*(name for name in MEMBERS if name != "leaver"), "applicant"),
    "OFFICERS": tuple(name for name in OFFICERS if name != "novice"),
}
ROLELESS = ("leaver", "undecided")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass
class Rule:
    """What everybody is answered on one or several routes; `rest` is whoever is not named."""

    answers: dict[str, str] = field(default_factory=dict[str, str])
    grouped: dict[str, str] = field(default_factory=dict[str, str])
    rest: str | None = None

    def named(self, name: str) -> str | None:
        """For this person, when the table names them or their group."""
        return self.answers.get(name) or self.grouped.get(name)


def read_table(text: str) -> dict[tuple[str, str], Rule]:
    """(route, thing) → what the table says."""
    rules: dict[tuple[str, str], Rule] = {}
    rule = Rule()
    is_head = False
    for line in text.splitlines():
        words = line.split()
        if not words or line.startswith("#"):
            is_head = False
        elif words[0] in METHODS:
            if not is_head:
                rule = Rule()
            is_head = True
            things = [word.removeprefix("@") for word in words[2:]] or [""]
            for thing in things:
                assert (f"{words[0]} {words[1]}", thing) not in rules, f"twice in the table: {line}"
                rules[f"{words[0]} {words[1]}", thing] = rule
        else:
            is_head = False
            _read_answer(rule, words[0], words[1:])
    return rules


def _read_answer(rule: Rule, answer: str, names: list[str]) -> None:
    for name in names:
        if name == "rest":
            rule.rest = answer
        elif name in GROUPS:
            rule.grouped |= dict.fromkeys(GROUPS[name], answer)
        else:
            assert name in PEOPLE, f"nobody is called {name}"
            rule.answers[name] = answer


def tell(world: AccessWorld, answer: httpx.Response) -> str:
    """An answer as the table writes it: the status, and where a redirect leads, ids as `*`."""
    if answer.status_code not in (302, 303, 307):
        return str(answer.status_code)
    place = urlsplit(answer.headers["location"]).path
    return f"{answer.status_code}>{re.sub(r'[0-9a-f]{8}-[0-9a-f-]{27}', '*', place)}"


def find_rule(rules: dict[tuple[str, str], Rule], method: str, path: str, thing: str) -> Rule:
    """What the table says of this; of the phone version of a page what it says of the page."""
    own = (f"{method} {path}", thing)
    return rules[own] if own in rules else rules[f"{method} {at_desk(path)}", thing]


def expect(rule: Rule, name: str, path: str) -> tuple[str | None, ...]:
    """What this person may be answered. On a phone it is what they are answered at the desk, with redirects that stay on the
    phone; officers may be sent to the desk besides (403)."""
    answers = expect_at_desk(rule, name, path)
    if not path.startswith("/w/") and path != "/w":
        return answers
    there = tuple(answer and _on_phone(answer) for answer in answers)
    return (*there, "403") if name in OFFICERS else there


def _on_phone(answer: str) -> str:
    status, mark, place = answer.partition(">")
    return f"{status}{mark}{find_phone(place)}" if mark else answer


def expect_at_desk(rule: Rule, name: str, path: str) -> tuple[str | None, ...]:
    """What this person may be answered. Of a route that is not open nobody sees anything, a novice has to choose a
    password, and on a page whoever acts for no enterprise has to choose one: unless the table names them."""
    is_page = not path.startswith("/api/")
    named = rule.named(name)
    if named is not None or path in OPEN:
        return (named or rule.rest,)
    if name == "nobody":
        return ("303>/sign-in", "403") if is_page else ("401",)
    if name == "novice":
        return ("303>/account/password",) if is_page else ("403",)
    return ("303>/sign-in/membership",) if is_page and name in ROLELESS else (rule.rest,)


@pytest.fixture
async def access(postgres_server: Any, deployed: str, tmp_path: Path) -> AsyncIterator[AccessWorld]:
    """The world of the matrix on a database of its own."""
    name = f"a{uuid4().hex[:8]}"
    settings = make_settings(tmp_path, postgres_server.create(name, deployed))
    async with open_world(settings, datetime.now(UTC)) as world:
        yield world
    postgres_server.drop(name)


def every_question(world: AccessWorld) -> Iterator[tuple[str, str, str, str]]:
    """Method, path, thing and address of everything the application answers."""
    for method, path, _ in routes_of(World(world.app, world.wired)):
        for thing, address in list_things(method, path):
            yield method, path, thing, address


def test_the_table_names_every_person_it_groups() -> None:
    assert set(PEOPLE) == {"nobody", *GROUPS["MEMBERS"], *GROUPS["OFFICERS"], *ROLELESS, "novice"}


async def test_every_route_is_in_the_table_and_nothing_else(access: AccessWorld) -> None:
    written = set(read_table(TABLE.read_text()))
    questions = [(f"{method} ", path, thing) for method, path, thing, _ in every_question(access)]
    asked = {
        (method + (path if (method + path, thing) in written else at_desk(path)), thing)
        for method, path, thing in questions
    }
    assert asked - written == set(), "say in access_matrix.txt what everybody is answered on these"
    assert written - asked == set(), "these routes or things are gone"


async def find_differences(world: AccessWorld, *, whole: bool) -> list[str]:
    """Where somebody is answered something else than the table says; the whole of it, or what is asked about every time."""
    rules = read_table(TABLE.read_text())
    wrong: list[str] = []
    for method, path, thing, address in every_question(world):
        if not whole and thing not in USUAL:
            continue
        rule = find_rule(rules, method, path, thing)
        request = make_request(world, method, path, thing)
        for name in PEOPLE if whole else choose_people(rule, path, f"{method} {path} {thing}"):
            answer = tell(world, await world.ask(name, method, fill(world, address), **request))
            expected = expect(rule, name, path)
            if answer not in expected:
                wrong.append(f"{method} {path} @{thing}: {name} was answered {answer}, not {expected}")
    return wrong


# What is asked about every time; tests/soak/test_access.py asks everybody about everything.
RARE = frozenset({"review", "customs", "moved", "supply", "answered", "halted"})
USUAL = frozenset({"", *(name for _, names in THINGS.values() for name in names)}) - RARE

ALIKE = 2


def choose_people(rule: Rule, path: str, question: str) -> list[str]:
    """So many of those who are answered alike, others on every route: each answer of the table is seen on each route. The phone
    version of a page has its handler: one is enough."""
    most = ALIKE if at_desk(path) == path else 1
    chosen: list[str] = []
    seen: Counter[tuple[str | None, ...]] = Counter()
    for name in sorted(PEOPLE, key=lambda name: crc32(f"{question} {name}".encode())):
        answer = expect(rule, name, path)
        seen[answer] += 1
        if seen[answer] <= most:
            chosen.append(name)
    return chosen


async def test_everybody_is_answered_as_the_table_says(access: AccessWorld) -> None:
    wrong = await find_differences(access, whole=False)
    assert wrong == [], "\n".join(wrong)


def test_each_answer_is_asked_for_on_each_route_and_everybody_is_asked() -> None:
    asked: set[str] = set()
    for (route, thing), rule in read_table(TABLE.read_text()).items():
        path = route.partition(" ")[2]
        people = choose_people(rule, path, f"{route} {thing}")
        assert {expect(rule, name, path) for name in people} == {expect(rule, name, path) for name in PEOPLE}
        asked |= set(people)
    assert asked == set(PEOPLE)


async def test_what_may_not_be_known_is_answered_like_what_is_not_there(access: AccessWorld) -> None:
    rules = read_table(TABLE.read_text())
    unlike: list[str] = []
    for method, path, thing, address in every_question(access):
        if thing == "" or thing not in USUAL:
            continue
        request = make_request(access, method, path, thing)
        nowhere = re.sub(r"<\w+:\w+>", str(uuid4()), address)
        for name in hidden_from(find_rule(rules, method, path, thing), path):
            there = await access.ask(name, method, fill(access, address), **request)
            not_there = await access.ask(name, method, nowhere, **request)
            if strip(there) != strip(not_there):
                unlike.append(f"{method} {path} @{thing}: {name} can tell that it exists")
    assert unlike == []


def hidden_from(rule: Rule, path: str) -> list[str]:
    """One of the members and one of the officers who may not know of a thing; an offer of the admin's role is known to
    its two sides only, and everybody else is told that there is none (409)."""
    answer = "409" if "admin-offer" in path else "404"
    found: list[str] = []
    for group in GROUPS.values():
        found += [name for name in group if expect(rule, name, path) == (answer,)][:1]
    return found


def strip(answer: httpx.Response) -> tuple[int, str]:
    """An answer without what differs every time: ids (of the request, of the thing asked for) and tokens."""
    body = re.sub(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", "*", answer.text)
    return answer.status_code, re.sub(r"[0-9a-f]{64}", "*", body)


LISTS = (
    "/api/v1/issues",
    "/api/v1/issues?q=减免税",
    "/api/v1/tasks?view=mine",
    "/api/v1/tasks?view=claimable",
    "/api/v1/tasks?view=done",
    "/issues",
    "/issues?q=减免税",
    "/tasks?view=mine",
    "/tasks?view=claimable",
    "/tasks?view=done",
)


async def test_no_list_shows_what_may_not_be_opened(access: AccessWorld) -> None:
    rules = read_table(TABLE.read_text())
    shown: list[str] = []
    for name in PEOPLE[1:]:
        forbidden = {
            thing: access.ids[f"issue:{thing}"]
            for thing in ("draft", "review", "customs", "claimed", "moved", "halted")
            if expect(rules["GET /api/v1/issues/{issue_id}", thing], name, "/api/") != ("200",)
        }
        for address in LISTS:
            page = {"headers": {"accept": "text/html"}} if not address.startswith("/api/") else {}
            body = (await access.ask(name, "GET", address, **page)).text
            shown += [f"{name} sees {thing} in {address}" for thing, id_ in forbidden.items() if id_ in body]
    assert shown == []


async def test_lists_show_what_may_be_opened(access: AccessWorld) -> None:
    rules = read_table(TABLE.read_text())
    for name in ("staff", "executive", "admin", "handler", "far_handler", "supervisor"):
        body = (await access.ask(name, "GET", "/api/v1/issues")).text
        for thing in ("draft", "review", "customs", "claimed", "moved"):
            may_read = expect(rules["GET /api/v1/issues/{issue_id}", thing], name, "/api/") == ("200",)
            assert (access.ids[f"issue:{thing}"] in body) == may_read, f"{name}: {thing}"

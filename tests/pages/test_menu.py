"""The menu: each sees the entries of their roles, and which one they are in."""

import re

import pytest

from api.pages.menu import MENU, read_menu
from domain.models.people import ENTERPRISE_ROLES, OFFICER_ROLES
from tests.pages.conftest import Visitor, World


def test_entries_are_those_of_the_roles_held() -> None:
    assert [item.name for item in read_menu({"handler"}, "/")] == ["待办", "问题管理"]
    assert [item.name for item in read_menu({"executive"}, "/")] == ["待办", "问题管理", "新建"]
    assert read_menu((), "/") == []


def test_whoever_only_reads_is_offered_nothing_to_raise() -> None:
    assert [item.name for item in read_menu({"executive"}, "/", may_act=False)] == ["待办", "问题管理"]


@pytest.mark.parametrize(
    ("path", "current"),
    [
        ("/issues", "问题管理"),
        ("/issues/0195", "问题管理"),
        ("/issues/new", "新建"),
        ("/issues/new/draft", "新建"),
        ("/issues/newer", "问题管理"),
        ("/issuesque", None),
        ("/tasks/0195/complete", "待办"),
        ("/", None),
    ],
)
def test_the_longest_address_around_the_page_is_current(path: str, current: str | None) -> None:
    marked = [item.name for item in read_menu({"executive"}, path) if item.current]
    assert marked == ([current] if current else [])


def test_every_entry_is_for_roles_that_exist_and_has_an_address_of_its_own() -> None:
    assert all(entry.roles and entry.roles <= {*ENTERPRISE_ROLES, *OFFICER_ROLES} for entry in MENU)
    assert len({entry.address for entry in MENU}) == len(MENU)


async def test_every_entry_leads_somewhere_and_is_marked_there(world: World) -> None:
    for name in ("staff", "executive", "admin", "handler", "supervisor", "registrar"):
        person = Visitor(world.browser(name))
        for address in entries_of(await person.open("/tasks")):
            html = await person.open(address)
            assert person.status == 200, f"{name} at {address}"
            assert re.search(rf'<a href="{address}" aria-current="page">', html), f"{name} at {address}"


def entries_of(html: str) -> list[str]:
    nav = html[html.index('aria-label="主要功能"') : html.index("</nav>")]
    return re.findall(r'href="([^"]+)"', nav)

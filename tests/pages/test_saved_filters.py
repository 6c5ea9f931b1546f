"""Filters with a name beside the filters of 问题管理: kept, opened, shared, deleted, without JavaScript."""

import re

import pytest

from api.pages.issue_list import address, read_query
from tasks.issues import IssueFilter
from tests.pages.conftest import World
from tests.pages.test_pages import raise_issue, visitor

KEPT = r'<a class="chip" href="([^"]+)" *(aria-current="true")?>([^<]+)</a>'


async def test_a_filter_is_kept_opened_shared_and_deleted(world: World) -> None:
    staff, _ = await raise_issue(world)
    await staff.open("/issues")
    assert "保存当前筛选" not in staff.html, "everything is no filter"
    await staff.open("/issues?category=税收征管&phase=review&sort=due")
    query = staff.hidden("query")
    assert query
    html = await staff.send("/issues/filters", {"name": "待审税收", "query": query})
    [(link, current, name)] = re.findall(KEPT, html)
    assert (bool(current), name) == (True, "待审税收")
    link = link.replace("&amp;", "&")
    assert not re.search(KEPT, (await visitor(world, "executive").open("/issues"))), "they are one's own"
    shared = await visitor(world, "executive").open(link)
    assert "正在查看：税收征管" in shared, "an address is anybody's"
    await staff.open("/issues")
    [(again, current, _)] = re.findall(KEPT, staff.html)
    assert (again.replace("&amp;", "&"), current) == (link, "")
    drop = re.search(r'action="(/issues/filters/[^"]+/drop)"', staff.html)
    assert drop
    assert not re.search(KEPT, await staff.send(drop[1], {"query": ""}))


async def test_a_name_that_is_missing_is_asked_for_where_it_is_typed(world: World) -> None:
    staff, _ = await raise_issue(world)
    await staff.open("/issues?q=许可费")
    html = await staff.send("/issues/filters", {"name": " ", "query": staff.hidden("query") or ""})
    assert staff.status == 422
    assert "请给这个筛选起个名称。" in html
    assert 'id="filter-name-error"' in html
    assert 'value="许可费"' in html, "the filter itself is not lost"


@pytest.mark.parametrize("query", ["", "x=1&after=abc", "sort=backwards", "phase=", "q=%00%ff&q=&status"])
def test_a_query_holds_only_what_the_list_knows(query: str) -> None:
    wanted, sort = read_query(query)
    assert address(IssueFilter(), "newest") == "/issues"
    assert set(address(wanted, sort).partition("?")[2].split("=")) <= {"", "q", "%EF%BF%BD"}


def test_a_query_and_its_address_are_the_same() -> None:
    wanted = IssueFilter("海关待受理", "customs", "2301", "税收征管", "投诉", "归类 & 税号=?")
    assert read_query(address(wanted, "due").partition("?")[2]) == (wanted, "due")

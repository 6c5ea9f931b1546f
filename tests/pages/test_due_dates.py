"""A deadline is shown as a day everywhere, its moment to who points at it: no page, list, sheet or message names the hour."""

import io
import re
from datetime import datetime, timedelta

from openpyxl import load_workbook
from sqlalchemy import text

from api.pages.wording import moment
from tests.pages.conftest import World
from tests.pages.test_pages import bring_to_customs, task_of, visitor

TITLED = re.compile(r'<time[^>]*title="[^"]* 17:30"[^>]*>([^<]+)</time>')


def read(html: str) -> str:
    """What a page shows, without what only its marks say."""
    return re.sub(r"<[^>]*>", "", re.sub(r"<(script|style)\b.*?</\1>", "", html, flags=re.DOTALL))


async def due_of(world: World, issue: str) -> datetime:
    """The moment, some days from now."""
    answer = await world.client("staff").get(f"/api/v1{issue}")
    return datetime.fromisoformat(answer.json()["due_at"])


async def test_no_page_names_the_hour_of_a_deadline_and_every_one_knows_it(world: World) -> None:
    issue = await bring_to_customs(world)
    staff, handler = visitor(world, "staff"), visitor(world, "handler")
    claimable = await task_of(handler, "claimable")
    due = moment(await due_of(world, issue))
    assert due.endswith(" 17:30")
    for person, address in (
        (staff, issue),
        (staff, "/issues"),
        (staff, f"/w{issue}"),
        (staff, "/w/issues"),
        (handler, "/tasks?view=claimable"),
        (handler, claimable),
        (handler, issue),
    ):
        html = await person.open(address)
        assert person.status == 200, address
        shown = TITLED.findall(html)
        assert shown, address
        assert all(
            re.fullmatch(r"剩 \d+ 个工作日|(\d{4}年)?\d+月\d+日前?|今天到期", words) for words in shown
        ), shown
        assert due.partition("年")[2] not in read(html), address


async def test_the_sheet_has_the_day_and_the_interface_the_moment(world: World) -> None:
    issue = await bring_to_customs(world)
    handler = visitor(world, "handler")
    sheet = await handler.client.get("/issues/export")
    rows = [*load_workbook(io.BytesIO(sheet.content)).active.values]  # type: ignore[union-attr]  # there is a sheet
    due = dict(zip(rows[0], rows[1], strict=True))["答复期限"]
    assert isinstance(due, datetime)
    assert due.time().isoformat() == "00:00:00"
    ends_at = await due_of(world, issue)
    assert (ends_at.hour, ends_at.minute, ends_at.utcoffset()) == (9, 30, timedelta())
    assert due.date() == ends_at.date()


async def test_messages_name_the_day(world: World) -> None:
    await bring_to_customs(world)
    async with world.wired.sessions() as session:
        texts = list(await session.scalars(text("SELECT text FROM message WHERE text LIKE '%期限%'")))
    assert texts
    assert [one for one in texts if re.search(r"\d:\d\d", one)] == []
    assert all(re.search(r"\d{4}年\d{1,2}月\d{1,2}日", one) for one in texts)

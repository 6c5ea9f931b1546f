"""系统管理 · 节假日: which years are known, and entering one: typed as published, read back as a calendar, then kept. Office
hours likewise: looked at again with what they move, then kept."""

from datetime import date
from typing import Annotated

from fastapi import Form, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.deps import ActorDep, NowDep, SessionDep, allow
from api.pages.administration.shell import SYSTEM, area_field, draw_section
from api.pages.frame import Frame, FrameDep
from api.pages.render import go_to
from api.pages.route import page_router
from api.pages.typed_text import TypedText
from domain import calendar, office_hours
from domain.calendar import FIRST_YEAR, LAST_YEAR, LONGEST_TEXT, Day
from domain.exceptions import FormRefused, RecordUnknown
from domain.working_days import LIBRARY_YEARS
from tasks import administration

router = page_router()
MINE = [allow(SYSTEM)]
HOME = "/system/holidays"
HOURS = f"{HOME}/hours"
Clock = Annotated[str, Form(max_length=10)]
WEEKDAYS = "一二三四五六日"


@router.get(HOME, dependencies=MINE)
async def list_years(request: Request, session: SessionDep, frame: FrameDep, now: NowDep) -> Response:
    """The years around this one, and what is known of each."""
    years = await calendar.list_years(session, now)
    hours = office_hours.write_hours(await office_hours.find_hours(session))
    return draw_section(request, "holidays.html", frame, SYSTEM, years=years, this_year=now.year, hours=hours)


@router.get(HOURS, dependencies=MINE)
async def show_hours(request: Request, session: SessionDep, frame: FrameDep) -> Response:
    """The hours that hold, to be changed."""
    typed = office_hours.fill_form(await office_hours.find_hours(session))
    return draw_section(request, "office_hours.html", frame, SYSTEM, typed=typed)


@router.post(HOURS, dependencies=MINE)
async def enter_hours(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    opens: Clock = "",
    break_from: Clock = "",
    break_to: Clock = "",
    closes: Clock = "",
    act: Annotated[str, Form(max_length=10)] = "check",
) -> Response:
    """Say what they would move; keep them when they are sent a second time."""
    typed = {"opens": opens, "break_from": break_from, "break_to": break_to, "closes": closes}
    try:
        hours = office_hours.parse_hours(typed)
    except FormRefused as refusal:
        return draw_section(
            request, "office_hours.html", frame, SYSTEM, status=422, typed=typed, errors=refusal.errors
        )
    if act == "save":
        changed = await administration.save_hours(session, actor, hours, now)
        return go_to(f"{HOME}?done={'hours' if changed else 'saved'}")
    if act == "edit":
        return draw_section(request, "office_hours.html", frame, SYSTEM, typed=typed)
    return draw_section(
        request,
        "office_hours_check.html",
        frame,
        SYSTEM,
        typed=typed,
        words=office_hours.write_hours(hours),
        before=office_hours.write_hours(await office_hours.find_hours(session)),
        moving=await administration.count_moving_by_hours(session, hours),
    )


@router.get(f"{HOME}/{{year}}", dependencies=MINE)
async def show(request: Request, session: SessionDep, frame: FrameDep, year: int) -> Response:
    """One year: what counts now, and the form."""
    _require_year(year)
    entered = calendar.write_days(await calendar.list_days(session, year))
    return await _draw(request, session, frame, year, entered, {})


@router.post(f"{HOME}/{{year}}", dependencies=MINE)
async def enter(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    year: int,
    days: TypedText = "",
    act: Annotated[str, Form(max_length=10)] = "check",
) -> Response:
    """Read it back first; keep it when it is sent a second time, as read."""
    _require_year(year)
    try:
        read = calendar.read_days(days, year)
    except FormRefused as refusal:
        return await _draw(request, session, frame, year, days, refusal.errors)
    if act == "save":
        changed = await administration.save_year(session, actor, year, read, now)
        return go_to(f"{HOME}?done={'moved' if changed else 'saved'}")
    moving = 0 if act == "edit" else await administration.count_moving_deadlines(session, year, read)
    return await _draw(request, session, frame, year, days, {}, read if act != "edit" else None, moving)


def _require_year(year: int) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise RecordUnknown


async def _draw(
    request: Request,
    session: AsyncSession,
    frame: Frame,
    year: int,
    typed: str,
    errors: dict[str, str],
    read: list[Day] | None = None,
    moving: int = 0,
) -> Response:
    hint = (
        "把国务院办公厅通知里的文字粘贴过来，一个节日一行，"
        "例如“元旦：1月1日（周五）至3日（周日）放假调休，共3天。”括号里的不读。"
    )
    library = calendar.list_library_days(year)
    return draw_section(
        request,
        "holidays_check.html" if read is not None else "holidays_year.html",
        frame,
        SYSTEM,
        status=422 if errors else 200,
        errors=errors,
        year=year,
        typed=typed,
        read=[_show(day) for day in read or ()],
        doubts=calendar.find_doubts(read or [], year),
        moving=moving,
        in_library=year in LIBRARY_YEARS,
        library=calendar.write_days(library).splitlines(),
        entered=calendar.write_days(await calendar.list_days(session, year)).splitlines(),
        field_days=area_field(
            "days", "放假和调休安排", typed, hint=hint, required=False, longest=LONGEST_TEXT
        ),
    )


def _show(day: Day) -> dict[str, object]:
    return {"date": _write(day.day), "working": day.working, "name": day.name}


def _write(day: date) -> str:
    return f"{day.month}月{day.day}日（周{WEEKDAYS[day.weekday()]}）"

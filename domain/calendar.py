"""The holiday calendar as a system administrator enters it: a year at a time, as the State Council words it, replacing what
was entered for that year before. Without an entry the library counts, and without that Monday to Friday (ADR 0005)."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from chinese_calendar import constants
from sqlalchemy import delete, extract, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cleaning import clean_line
from domain import audit
from domain.actor import Actor
from domain.administration import begin
from domain.exceptions import FormRefused
from domain.models import CalendarDay
from domain.working_days import LIBRARY_YEARS

KEEPER = "system_admin"
FIRST_YEAR, LAST_YEAR = 2004, 2100
LONGEST_TEXT = 5000
LONGEST_HOLIDAY = 20
MOST_DAYS_AT_ONCE = 30
SOURCE = "管理员录入"

IN_BRACKETS = re.compile(r"[（(][^（）()]*[）)]")
NUMBERED = re.compile(r"^[一二三四五六七八九十\d]+[、.．]\s*")
DAY = re.compile(r"(?:(?P<year>\d{4})年)?(?:(?P<month>\d{1,2})月)?(?P<day>\d{1,2})日")
TO = re.compile(r"\s*(至|到|-|—|～|~)\s*")


@dataclass(frozen=True, order=True)
class Day:
    """A day that differs from Monday-to-Friday, or a holiday that falls on a weekend; `name` is the holiday's."""

    day: date
    working: bool
    name: str


@dataclass(frozen=True)
class YearState:
    """What is known of a year: `source` is entered, library or unknown."""

    year: int
    source: str
    days: int


async def list_years(session: AsyncSession, now: datetime) -> list[YearState]:
    """From last year to the year after next, and whatever else was entered."""
    rows = await session.execute(
        text("SELECT extract(year FROM day)::int, count(*) FROM calendar_day GROUP BY 1")
    )
    entered: dict[int, int] = dict(rows.all())
    years = sorted(entered.keys() | set(range(now.year - 1, now.year + 3)))
    return [
        YearState(
            year,
            "entered" if year in entered else "library" if year in LIBRARY_YEARS else "unknown",
            entered.get(year, 0),
        )
        for year in years
    ]


async def list_days(session: AsyncSession, year: int) -> list[Day]:
    """What was entered for a year."""
    rows = await session.scalars(
        select(CalendarDay)
        .where(extract("year", col(CalendarDay.day)) == year)
        .order_by(col(CalendarDay.day))
    )
    return [Day(row.day, row.working, row.name) for row in rows]


def list_library_days(year: int) -> list[Day]:
    """What the library knows of a year: holidays, and the weekend days worked for them."""
    off = [
        Day(day, False, _library_name(name)) for day, name in constants.holidays.items() if day.year == year
    ]
    worked = [
        Day(day, True, _library_name(name)) for day, name in constants.workdays.items() if day.year == year
    ]
    return sorted(off + worked)


async def save_year(
    session: AsyncSession, actor: Actor, year: int, days: Collection[Day], now: datetime
) -> bool:
    """Let these be the days of this year; none: as if nothing had been entered. Whether anything changed."""
    await begin(session, actor, KEEPER)
    before, after = await list_days(session, year), sorted(days)
    if before == after:
        return False
    await session.execute(delete(CalendarDay).where(extract("year", col(CalendarDay.day)) == year))
    if after:
        rows = [{"day": one.day, "working": one.working, "name": one.name, "source": SOURCE} for one in after]
        await session.execute(insert(CalendarDay), rows)
    await audit.record(
        session,
        "save_calendar_year",
        actor=actor,
        about="calendar_day",
        about_id=year,
        before={"days": write_days(before)},
        after={"days": write_days(after)},
        now=now,
    )
    return True


def read_days(typed: str, year: int) -> list[Day]:
    """The days in a notice such as 元旦：1月1日（周五）至3日（周日）放假调休，共3天。1月4日（周一）上班。

    One holiday a line; what stands in brackets is not read. Raises FormRefused, each mistake with its line.
    """
    if len(typed) > LONGEST_TEXT:
        raise FormRefused({"days": f"最多 {LONGEST_TEXT} 个字。"})
    found: dict[date, Day] = {}
    mistakes: list[str] = []
    for number, line in enumerate(map(clean_line, typed.splitlines()), start=1):
        if not line:
            continue
        try:
            for day in _read_line(line, year):
                if day.day in found and found[day.day].working != day.working:
                    raise ValueError(f"{day.day.month}月{day.day.day}日既放假又上班。")
                found.setdefault(day.day, day)
        except ValueError as error:
            mistakes.append(f"第 {number} 行：{error}")
    if mistakes:
        raise FormRefused({"days": "".join(mistakes)})
    return sorted(found.values())


def write_days(days: Collection[Day]) -> str:
    """The same in words, one holiday a line, as `read_days` reads it."""
    lines: list[str] = []
    in_order = sorted(days)
    for name in dict.fromkeys(one.name for one in in_order):
        parts: list[str] = []
        for working, word in ((False, "放假"), (True, "上班")):
            chosen = [one.day for one in in_order if one.name == name and one.working is working]
            if chosen:
                parts.append("、".join(_write_span(*span) for span in _spans(chosen)) + word)
        lines.append(f"{name}：{'，'.join(parts)}。")
    return "\n".join(lines)


def find_doubts(days: Sequence[Day], year: int) -> list[str]:
    """What is unusual about a year, to be looked at again before it is kept."""
    doubts = [
        f"{one.day.month}月{one.day.day}日（{one.name}）本来就是工作日。"
        for one in days
        if one.working and one.day.weekday() < 5
    ]
    names = {one.name for one in days if not one.working}
    if year not in LIBRARY_YEARS and days and len(names) < 5:
        doubts.append(
            f"只有 {len(names)} 个节日。全年通常有元旦、春节、清明节、劳动节、端午节、中秋节、国庆节，"
            "请一次填全：保存后这一年就按已公布计算。"
        )
    return doubts


def _read_line(line: str, year: int) -> Iterator[Day]:
    plain = NUMBERED.sub("", IN_BRACKETS.sub("", line).strip())
    name, colon, rest = plain.replace(":", "：").partition("：")
    name = name.strip()
    if not colon or not name or len(name) > LONGEST_HOLIDAY:
        raise ValueError("请以节日名称和冒号开头，例如“元旦：1月1日至3日放假。”")
    any_day = False
    month: int | None = None
    for clause in re.split(r"[。，；,;.]", rest):
        days, month = _read_clause(clause, year, month)
        if not days:
            continue
        any_day = True
        is_working, is_off = "上班" in clause, "放假" in clause or "休" in clause
        if is_working is is_off:
            raise ValueError(f"“{clause.strip()}”没有写明是放假还是上班。")
        yield from (Day(day, is_working, name) for day in days)
    if not any_day:
        raise ValueError("没有找到日期，例如“1月1日至3日放假”。")


def _read_clause(clause: str, year: int, month: int | None) -> tuple[list[date], int | None]:
    days: list[date] = []
    last_end = 0
    for match in DAY.finditer(clause):
        month = int(match["month"]) if match["month"] else month
        if month is None:
            raise ValueError(f"“{match[0]}”没有写月份。")
        if match["year"] and int(match["year"]) != year:
            raise ValueError(f"“{match[0]}”不在 {year} 年，请到那一年填写。")
        try:
            day = date(year, month, int(match["day"]))
        except ValueError:
            raise ValueError(f"没有“{month}月{match['day']}日”这一天。") from None
        if days and TO.fullmatch(clause[last_end : match.start()]):
            days += _days_after(days[-1], day)
        else:
            days.append(day)
        last_end = match.end()
    return days, month


def _days_after(first: date, last: date) -> list[date]:
    count = (last - first).days
    if not 0 < count <= MOST_DAYS_AT_ONCE:
        raise ValueError(f"{_write_span(first, last)}的起止日期不对。")
    return [first + timedelta(days=one) for one in range(1, count + 1)]


def _spans(days: Sequence[date]) -> list[tuple[date, date]]:
    """Runs of days that follow each other, as first and last."""
    runs = groupby(enumerate(days), key=lambda pair: pair[1].toordinal() - pair[0])
    whole = [[day for _, day in run] for _, run in runs]
    return [(run[0], run[-1]) for run in whole]


def _write_span(first: date, last: date) -> str:
    start = f"{first.month}月{first.day}日"
    return start if first == last else f"{start}至{last.month}月{last.day}日"


def _library_name(name: str) -> str:
    names: dict[str, str] = {one.value: getattr(one, "chinese", "") for one in constants.Holiday}
    return names.get(name) or name

"""Data an administrator edits: the entries of the lists (问题类型, 业务类别, 重要性), the holiday calendar and office hours."""

# SQLModel declares __tablename__ as something else than the str it takes
# pyright: reportAssignmentType=false

import datetime as dt

from sqlmodel import Field, SQLModel


class ListEntry(SQLModel, table=True):
    """One entry of a list: `list_name` is kind, category or importance; codes of seed data are the Chinese words."""

    __tablename__ = "list_entry"

    list_name: str = Field(primary_key=True)
    code: str = Field(primary_key=True)
    name: str
    position: int = 0
    active: bool = True


class CalendarDay(SQLModel, table=True):
    """A day that differs from Monday-to-Friday, over what the calendar library knows (调休 and public holidays)."""

    __tablename__ = "calendar_day"

    day: dt.date = Field(primary_key=True)
    working: bool
    name: str = ""
    source: str = ""


class OfficeHoursRow(SQLModel, table=True):
    """A span of a working day in which offices are open, in Beijing's time; without rows `domain.working_days.DEFAULT_HOURS`."""

    __tablename__ = "office_hours"

    opens_at: dt.time = Field(primary_key=True)
    closes_at: dt.time

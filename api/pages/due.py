"""Deadlines in words and colour, in working days as they were promised."""

from datetime import datetime

from api.pages.wording import BEIJING, Due, duration, moment
from domain.working_days import WorkingCalendar, working_days_between


def tell_due(
    due_at: datetime | None, now: datetime, calendar: WorkingCalendar, *, paused: bool = False
) -> Due | None:
    """How long there is left, or how late it is. A deadline that stands still says so."""
    if due_at is None:
        return None
    if paused:
        return Due(due_at, "等待补充，暂停计时", "ok")
    if due_at < now:
        late = now - due_at
        return Due(
            due_at,
            f"已逾期 {late.days} 天" if late.days else f"已逾期 {duration(late.total_seconds())}",
            "late",
        )
    today, last = now.astimezone(BEIJING).date(), due_at.astimezone(BEIJING)
    if today == last.date():
        return Due(due_at, f"今天 {last:%H:%M} 到期", "soon")
    left = working_days_between(today, last.date(), calendar)
    if left == 0:
        return Due(due_at, f"{moment(due_at)} 到期", "soon")
    return Due(due_at, f"剩 {left} 个工作日", "soon" if left == 1 else "ok")

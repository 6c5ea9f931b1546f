"""Deadlines in words and colour, in working days as they were promised."""

from datetime import datetime

from api.pages.wording import BEIJING, Due, due_day
from domain.working_days import WorkingCalendar, working_days_between


def tell_due(
    due_at: datetime | None, now: datetime, calendar: WorkingCalendar, *, paused: bool = False
) -> Due | None:
    """How long there is left, or how late it is, in working days after today or after the last day. A deadline that stands still
    says so."""
    if due_at is None:
        return None
    if paused:
        return Due(due_at, "等待补充，暂停计时", "ok")
    today, last = now.astimezone(BEIJING).date(), due_at.astimezone(BEIJING).date()
    if due_at < now:
        late = working_days_between(last, today, calendar)
        return Due(due_at, f"已逾期 {late} 个工作日" if late else "已逾期不到 1 个工作日", "late")
    if today == last:
        return Due(due_at, "今天到期", "soon")
    left = working_days_between(today, last, calendar)
    if left == 0:
        return Due(due_at, f"{due_day(due_at, now)}到期", "soon")
    return Due(due_at, f"剩 {left} 个工作日", "soon" if left == 1 else "ok")

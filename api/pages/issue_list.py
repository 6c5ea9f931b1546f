"""问题管理: the issues I may read, by stage and filter, every choice in the address; the same list as an Excel file."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import Depends, Query, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.deps import ActorDep, NowDep, SessionDep, WiredDep, allow
from api.pages.due import tell_due
from api.pages.export import write_issues
from api.pages.frame import Frame, FrameDep
from api.pages.issue_view import TIMED
from api.pages.render import draw
from api.pages.route import page_router
from api.pages.wording import to_local
from api.wired import Wired
from domain.lists import list_choices
from domain.working_days import WorkingCalendar
from tasks import issues, unread
from tasks.issues import IssueFilter, IssueLine, Sort

router = page_router()
PHASES = {
    "draft": "草稿",
    "review": "企业审核",
    "customs": "海关办理",
    "enterprise": "待企业补充",
    "answered": "待评价",
    "closed": "已办结",
}
BEFORE_CUSTOMS = ("draft", "review")
SORTS: dict[Sort, str] = {"newest": "最新提出的在前", "due": "最先到期的在前"}
EXPORT_MOST = 10_000
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Short = Annotated[str | None, Query(max_length=64)]
Words = Annotated[str | None, Query(max_length=200)]


async def read_filter(
    status: Short = None,
    phase: Short = None,
    office: Short = None,
    category: Short = None,
    kind: Short = None,
    q: Words = None,
) -> IssueFilter:
    """What the address asks for."""
    return IssueFilter(
        status or None, phase or None, office or None, category or None, kind or None, q or None
    )


FilterDep = Annotated[IssueFilter, Depends(read_filter)]


@router.get("/issues", dependencies=[allow()])
async def list_issues(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    wanted: FilterDep,
    sort: Sort = "newest",
    after: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """One page of them."""
    await wired.calendar.refresh(session, now)
    page = await issues.list_issues(session, actor, wanted, after=after, sort=sort)
    marks = await unread.find_unread(session, actor, [line.id for line in page.items])
    unphased = IssueFilter(**{**asdict(wanted), "phase": None})
    counts = await issues.count_phases(session, actor, unphased)
    offices = await list_choices(session, "offices")
    categories = await list_choices(session, "categories")
    names = {one.code: one.name for one in [*offices, *categories]}
    return draw(
        request,
        "issues.html",
        frame=frame,
        scope=tell_scope(frame, actor.roles),
        notice=None
        if actor.enterprise_status in (None, "approved")
        else "贵企业的注册尚未通过海关审核，暂时不能提出问题。",
        wanted=wanted,
        sort=sort,
        sorts=SORTS,
        lists={"offices": offices, "categories": categories},
        statuses=await list_statuses(session, wired),
        tab_items=_tabs(frame, wanted, sort, counts),
        filtered=tell_filter(wanted, names),
        unfiltered=address(IssueFilter(phase=wanted.phase), sort),
        issues=[{**show(line, wired.calendar, now), "unread": marks.get(line.id)} for line in page.items],
        first=address(wanted, sort) if after else None,
        next=address(wanted, sort, after=page.next) if page.next else None,
        export=address(wanted, sort, path="/issues/export"),
        empty_words="还没有问题"
        if not wanted.phase
        else f"没有处于“{PHASES.get(wanted.phase, '')}”阶段的问题",
    )


@router.get("/issues/export", dependencies=[allow()])
async def export_issues(
    session: SessionDep,
    wired: WiredDep,
    actor: ActorDep,
    now: NowDep,
    wanted: FilterDep,
    sort: Sort = "newest",
) -> Response:
    """Everything the list shows with this filter, all pages, as an Excel file."""
    await wired.calendar.refresh(session, now)
    lines: list[IssueLine] = []
    after: str | None = None
    while len(lines) < EXPORT_MOST:
        page = await issues.list_issues(session, actor, wanted, after=after, limit=100, sort=sort)
        lines.extend(page.items)
        after = page.next
        if after is None:
            break
    cut = EXPORT_MOST if after else None
    content = await asyncio.to_thread(write_issues, [show(line, wired.calendar, now) for line in lines], cut)
    name = f"企业问题清零_{to_local(now):%Y%m%d_%H%M}.xlsx"
    return Response(
        content,
        media_type=EXCEL,
        headers={"content-disposition": f"attachment; filename*=UTF-8''{quote(name)}"},
    )


def show(line: IssueLine, calendar: WorkingCalendar, now: NowDep) -> dict[str, Any]:
    """A line with its deadline in words, while the deadline matters."""
    due = (
        tell_due(line.due_at, now, calendar, paused=line.phase == "enterprise")
        if line.phase in TIMED
        else None
    )
    return {**asdict(line), "due": due}


async def list_statuses(session: AsyncSession, wired: Wired) -> list[str]:
    """The status texts that the newest diagram can give, in its order."""
    newest = await wired.engine.catalogue.newest(session, issues.PROCESS)
    definition = await wired.engine.catalogue.load(session, newest.id)
    found: dict[str, None] = {}
    for element in definition.elements.values():
        for name in ("status", "statusClaimed"):
            for literal in re.findall(r'"([^"]+)"', element.properties.get(name, "")):
                found[literal] = None
    return list(found)


def address(wanted: IssueFilter, sort: Sort, *, after: str | None = None, path: str = "/issues") -> str:
    """The list with this filter: to be kept, shared, bookmarked."""
    query = {name: value for name, value in asdict(wanted).items() if value}
    query |= {"sort": sort} if sort != "newest" else {}
    query |= {"after": after} if after else {}
    return f"{path}?{urlencode(query)}" if query else path


def tell_scope(frame: Frame, roles: frozenset[str]) -> str:
    """Whose issues these are."""
    if frame.is_officer:
        return f"到过{frame.acting_for}的问题"
    return f"{frame.acting_for}的问题" if roles & {"executive", "enterprise_admin"} else "我提出的问题"


def tell_filter(wanted: IssueFilter, names: Mapping[str, str]) -> str:
    """What the list is narrowed to, in words; empty for nothing but the stage."""
    parts = [f"含有“{wanted.q}”"] if wanted.q else []
    parts += [names.get(code, code) for code in (wanted.office, wanted.category) if code]
    parts += [one for one in (wanted.kind, wanted.status) if one]
    return "、".join(parts)


def _tabs(
    frame: Frame, wanted: IssueFilter, sort: Sort, counts: Mapping[str, int]
) -> list[dict[str, object]]:
    phases = [phase for phase in PHASES if not (frame.is_officer and phase in BEFORE_CUSTOMS)]
    tabs: list[dict[str, object]] = [
        {
            "name": "全部",
            "address": address(IssueFilter(**{**asdict(wanted), "phase": None}), sort),
            "count": sum(counts.values()),
            "current": not wanted.phase,
        }
    ]
    for phase in phases:
        tab = IssueFilter(**{**asdict(wanted), "phase": phase})
        tabs.append(
            {
                "name": PHASES[phase],
                "address": address(tab, sort),
                "count": counts[phase],
                "current": wanted.phase == phase,
            }
        )
    return tabs

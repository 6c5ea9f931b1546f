"""问题管理: the issues I may read, by stage and filter, every choice in the address; the same list as an Excel file."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from dataclasses import fields as dc_fields
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import parse_qsl, quote, urlencode
from uuid import UUID

from fastapi import Depends, Form, Query, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.deps import ActorDep, NowDep, SessionDep, WiredDep, allow
from api.pages.due import tell_due
from api.pages.entry_names import entry_name, read_renamed
from api.pages.export import EXCEL, write_issues
from api.pages.frame import Frame, FrameDep
from api.pages.issue_view import TIMED
from api.pages.render import draw, go_to
from api.pages.route import page_router
from api.pages.typed_text import TypedName
from api.pages.wording import to_local
from api.wired import Wired
from domain import saved_filters
from domain.actor import Actor
from domain.exceptions import CannotKeep
from domain.lists import list_choices
from domain.working_days import WorkingCalendar
from engine.specs import ParsedDefinition
from tasks import issues, unread
from tasks.finding import Count
from tasks.issues import IssueFilter, IssueLine, Sort
from tasks.standing import list_statuses, name_phase, newest_definition, tell_empty

router = page_router()
BEFORE_CUSTOMS = ("draft", "review")
SORTS: dict[Sort, str] = {"newest": "最新提出的在前", "due": "最先到期的在前"}
EXPORT_MOST = 10_000
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
    return await draw_list(request, session, wired, actor, frame, now, wanted, sort, after)


@router.post("/issues/filters", dependencies=[allow()])
async def keep_filter(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    query: Annotated[str, Form(max_length=2000)] = "",
    name: TypedName = "",
) -> Response:
    """Give the filter that is shown a name; a name that will not do comes back with the list."""
    wanted, sort = read_query(query)
    kept = address(wanted, sort)
    try:
        await saved_filters.keep_filter(session, actor, name, kept.partition("?")[2], now)
    except CannotKeep as refusal:
        await session.rollback()
        entered = {"name": name, "error": refusal.errors["name"]}
        return await draw_list(request, session, wired, actor, frame, now, wanted, sort, entered=entered)
    return go_to(kept)


@router.post("/issues/filters/{filter_id}/drop", dependencies=[allow()])
async def drop_filter(
    session: SessionDep, actor: ActorDep, filter_id: UUID, query: Annotated[str, Form(max_length=2000)] = ""
) -> Response:
    """Forget it; the list stays as it was."""
    await saved_filters.drop_filter(session, actor, filter_id)
    return go_to(address(*read_query(query)))


async def draw_list(
    request: Request,
    session: AsyncSession,
    wired: Wired,
    actor: Actor,
    frame: Frame,
    now: datetime,
    wanted: IssueFilter,
    sort: Sort,
    after: str | None = None,
    *,
    entered: Mapping[str, str] | None = None,
) -> Response:
    """The list with everything around it; `entered` is a name that was refused, and why."""
    await wired.calendar.refresh(session, now)
    page = await issues.list_issues(session, actor, wanted, after=after, sort=sort)
    marks = await unread.find_unread(session, actor, [line.id for line in page.items])
    unphased = IssueFilter(**{**asdict(wanted), "phase": None})
    counts = await issues.count_phases(session, actor, unphased)
    offices = await list_choices(session, "offices")
    categories = await list_choices(session, "categories")
    names = {one.code: one.name for one in [*offices, *categories]}
    definition = await newest_definition(session, wired.engine, issues.PROCESS)
    known = list_statuses(definition)
    return draw(
        request,
        "issues.html",
        status=422 if entered else 200,
        frame=frame,
        scope=tell_scope(frame, actor.roles),
        wanted=wanted,
        sort=sort,
        sorts=SORTS,
        lists={"offices": offices, "categories": categories},
        statuses=[*known, *(one for one in await issues.find_statuses(session) if one not in known)],
        tab_items=_tabs(frame, wanted, sort, counts, definition),
        filtered=tell_filter(wanted, names),
        unfiltered=address(IssueFilter(phase=wanted.phase), sort),
        kept=await _kept(session, actor, wanted, sort, entered),
        issues=[{**show(line, wired.calendar, now), "unread": marks.get(line.id)} for line in page.items],
        first=address(wanted, sort) if after else None,
        next=address(wanted, sort, after=page.next) if page.next else None,
        export=address(wanted, sort, path="/issues/export"),
        empty_words=tell_empty(definition, wanted.phase) or "还没有问题",
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
    await read_renamed(session)
    lines: list[IssueLine] = []
    answers: dict[UUID, dict[str, tuple[str, str]]] = {}
    after: str | None = None
    while len(lines) < EXPORT_MOST:
        page = await issues.list_issues(session, actor, wanted, after=after, limit=100, sort=sort)
        lines.extend(page.items)
        answers |= await issues.find_answers(session, [line.id for line in page.items])
        after = page.next
        if after is None:
            break
    cut = EXPORT_MOST if after else None
    shown = [{**show(line, wired.calendar, now), "answers": answers.get(line.id, {})} for line in lines]
    content = await asyncio.to_thread(write_issues, shown, cut)
    name = f"企业问题清零_{to_local(now):%Y%m%d_%H%M}.xlsx"
    return Response(
        content,
        media_type=EXCEL,
        headers={"content-disposition": f"attachment; filename*=UTF-8''{quote(name)}"},
    )


async def _kept(
    session: AsyncSession,
    actor: Actor,
    wanted: IssueFilter,
    sort: Sort,
    entered: Mapping[str, str] | None,
) -> dict[str, Any]:
    """The filters this person has kept, and whether the one that is shown may join them."""
    query = address(wanted, sort).partition("?")[2]
    mine = await saved_filters.list_filters(session, actor)
    return {
        "filters": [
            {"id": one.id, "name": one.name, "address": f"/issues?{one.query}", "current": one.query == query}
            for one in mine
        ],
        "query": query,
        "may_keep": bool(query) and query not in {one.query for one in mine},
        "entered": entered,
    }


def show(line: IssueLine, calendar: WorkingCalendar, now: NowDep) -> dict[str, Any]:
    """A line with its deadline in words, while the deadline matters."""
    due = (
        tell_due(line.due_at, now, calendar, paused=line.phase == "enterprise")
        if line.phase in TIMED
        else None
    )
    return {**asdict(line), "due": due}


def read_query(query: str) -> tuple[IssueFilter, Sort]:
    """What an address's query asks for; what the list does not know is left out."""
    given = {key: value.replace("\0", "")[:200] for key, value in parse_qsl(query)}
    sort: Sort = "due" if given.get("sort") == "due" else "newest"
    return IssueFilter(**{one.name: given.get(one.name) for one in dc_fields(IssueFilter)}), sort


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
    parts += [entry_name(wanted.kind, "kind")] if wanted.kind else []
    parts += [wanted.status] if wanted.status else []
    return "、".join(parts)


def shown_count(counts: Iterable[Count]) -> Count | None:
    """The sum; nothing where all that is known is that it may be more than none."""
    known = list(counts)
    total = Count(sum(known), exact=all(one.exact for one in known))
    return total if total or total.exact else None


def _tabs(
    frame: Frame, wanted: IssueFilter, sort: Sort, counts: Mapping[str, Count], definition: ParsedDefinition
) -> list[dict[str, object]]:
    phases = [phase for phase in issues.PHASES if not (frame.is_officer and phase in BEFORE_CUSTOMS)]
    tabs: list[dict[str, object]] = [
        {
            "name": "全部",
            "address": address(IssueFilter(**{**asdict(wanted), "phase": None}), sort),
            "count": shown_count(counts.values()),
            "current": not wanted.phase,
        }
    ]
    for phase in phases:
        tab = IssueFilter(**{**asdict(wanted), "phase": phase})
        tabs.append(
            {
                "name": name_phase(definition, phase),
                "address": address(tab, sort),
                "count": shown_count([counts[phase]]),
                "current": wanted.phase == phase,
            }
        )
    return tabs

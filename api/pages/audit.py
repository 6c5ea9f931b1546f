"""审计: what everybody has done, for the auditor, who changes nothing here; the same list as an Excel
file; the state of the seal."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import quote, urlencode
from uuid import UUID

from fastapi import Depends, Query, Request
from starlette.responses import Response

from api.deps import ActorDep, NowDep, SessionDep, WiredDep, allow
from api.pages.audit_words import tell_about, tell_action, tell_changes, tell_who
from api.pages.export import EXCEL, write_audit
from api.pages.frame import FrameDep
from api.pages.render import draw
from api.pages.route import page_router
from api.pages.typed_text import SearchWords
from api.pages.wording import to_local
from domain import audit
from domain.audit_chain import sealing_key
from domain.audit_read import AuditFilter, AuditLine, list_actions, list_records, read_seal
from tasks.sealing import SOURCES

router = page_router()
EXPORT_MOST = 10_000
SEALED_WITHIN = timedelta(minutes=15)  # the job runs every minute: what waits longer waits for an operator
Day = Annotated[str, Query(max_length=10)]


async def read_filter(
    who: SearchWords = "",
    action: SearchWords = "",
    about: SearchWords = "",
    what: SearchWords = "",
    since: Day = "",
    until: Day = "",
) -> AuditFilter:
    """What the address asks for; a day that is none is left out."""
    return AuditFilter(who, action, about, what, _as_day(since), _as_day(until))


FilterDep = Annotated[AuditFilter, Depends(read_filter)]


@router.get("/audit", dependencies=[allow("auditor")])
async def list_audit(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    frame: FrameDep,
    now: NowDep,
    wanted: FilterDep,
    after: SearchWords = "",
) -> Response:
    """One page of records, and how far they are sealed."""
    page = await list_records(session, wanted, after=_as_place(after))
    actions, abouts = await list_actions(session)
    seal = await read_seal(session, SOURCES, sealing_key(wired.settings.pepper))
    return draw(
        request,
        "audit.html",
        frame=frame,
        wanted=wanted,
        lines=[_show(line) for line in page.items],
        actions=[(code, tell_action(code)) for code in actions],
        abouts=[(code, tell_about(code)) for code in abouts],
        seal=seal,
        is_late=seal.unsealed_since is not None and now - seal.unsealed_since > SEALED_WITHIN,
        filtered=any(asdict(wanted).values()),
        first=address(wanted) if after else None,
        next=address(wanted, after=f"{page.next[0].isoformat()}_{page.next[1]}") if page.next else None,
        export=address(wanted, path="/audit/export"),
    )


@router.get("/audit/export", dependencies=[allow("auditor")])
async def export_audit(session: SessionDep, actor: ActorDep, now: NowDep, wanted: FilterDep) -> Response:
    """Everything the list shows with this filter, all pages, as an Excel file; that it was taken is recorded too."""
    lines: list[AuditLine] = []
    place = None
    while len(lines) < EXPORT_MOST:
        page = await list_records(session, wanted, after=place, limit=500)
        lines.extend(page.items)
        place = page.next
        if place is None:
            break
    taken = {name: value for name, value in asdict(wanted).items() if value} | {"rows": len(lines)}
    await audit.record(
        session, "export_audit", actor=actor, about="audit_record", about_id=None, after=taken, now=now
    )
    content = await asyncio.to_thread(
        write_audit, [_show(line) for line in lines], EXPORT_MOST if place else None
    )
    name = f"审计记录_{to_local(now):%Y%m%d_%H%M}.xlsx"
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
    return Response(content, media_type=EXCEL, headers=headers)


def address(wanted: AuditFilter, *, after: str = "", path: str = "/audit") -> str:
    """The list with this filter: to be kept, shared, bookmarked."""
    query = {name: str(value) for name, value in asdict(wanted).items() if value}
    query |= {"after": after} if after else {}
    return f"{path}?{urlencode(query)}" if query else path


def _show(line: AuditLine) -> dict[str, Any]:
    changes: Sequence[tuple[str, str, str]] = tell_changes(line)
    return {
        **asdict(line),
        "who": tell_who(line),
        "action_name": tell_action(line.action),
        "about_name": tell_about(line.about),
        "changes": changes,
        "before_text": "；".join(f"{name}：{was}" for name, was, _ in changes if was),
        "after_text": "；".join(f"{name}：{is_now}" for name, _, is_now in changes if is_now),
    }


def _as_day(written: str) -> date | None:
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None


def _as_place(after: str) -> tuple[datetime, UUID] | None:
    """Where a page begins; what is no place begins at the top."""
    at, _, id_ = after.partition("_")
    try:
        moment = datetime.fromisoformat(at)
        return (moment, UUID(id_)) if moment.tzinfo else None
    except ValueError:
        return None

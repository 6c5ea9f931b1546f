"""企业注册: the registrations of the offices whose registrations I may read, by stage and filter; one of them with its licence
and history, which its own applicant reads too."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Query, Request
from starlette.responses import Response

from api.deps import ActorDep, NowDep, SessionDep, WiredDep, allow
from api.pages.due import tell_due
from api.pages.frame import FrameDep
from api.pages.issue import want
from api.pages.registration_view import view_registration
from api.pages.render import draw
from api.pages.route import page_router
from domain.lists import list_choices
from engine.specs import ParsedDefinition
from messages.notices import mark_about_read
from tasks.registrations import (
    PHASES,
    PROCESS,
    RegistrationFilter,
    count_registrations,
    list_registrations,
)
from tasks.standing import name_phase, newest_definition, tell_empty

router = page_router()
READERS = ("registrar", "section_chief", "supervisor")
Short = Annotated[str | None, Query(max_length=64)]


@router.get("/registrations", dependencies=[allow(*READERS)])
async def show_list(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    phase: Short = None,
    office: Short = None,
    q: Annotated[str | None, Query(max_length=200)] = None,
    after: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """One page of them, the newest first."""
    await wired.calendar.refresh(session, now)
    wanted = RegistrationFilter(phase=phase or None, office=office or None, q=q or None)
    definition = await newest_definition(session, wired.engine, PROCESS)
    page = await list_registrations(session, actor, wanted, after=after)
    unphased = RegistrationFilter(office=wanted.office, q=wanted.q)
    counts = await count_registrations(session, actor, unphased)
    offices = await list_choices(session, "offices")
    return draw(
        request,
        "registrations.html",
        frame=frame,
        wanted=wanted,
        offices=offices,
        tab_items=_tabs(wanted, counts, definition),
        empty_words=tell_empty(definition, wanted.phase),
        filtered=bool(wanted.q or wanted.office),
        unfiltered=address(RegistrationFilter(phase=wanted.phase)),
        lines=[
            {
                **asdict(line),
                "due": tell_due(line.due_at, now, wired.calendar) if line.phase == "customs" else None,
            }
            for line in page.items
        ],
        first=address(wanted) if after else None,
        next=address(wanted, after=page.next) if page.next else None,
    )


@router.get("/registrations/{registration_id}", dependencies=[allow()])
async def show_one(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    registration_id: UUID,
) -> Response:
    """The whole registration. Raises NotFound for whoever may not read it."""
    await wired.calendar.refresh(session, now)
    view = await view_registration(session, wired, actor, registration_id, now, history=True)
    frame = frame.after_reading(await mark_about_read(session, actor.person_id, registration_id, now))
    return draw(
        request,
        "registration.html",
        frame=frame,
        registration=view,
        state_words=view.state_words,
        wanted=[
            want(view.speaker, view.detail.standing.definition, task)
            for task in view.detail.open_tasks
            if task.is_mine or task.may_claim
        ],
        back={"address": "/registrations", "name": "企业注册"}
        if frame.is_officer
        else {"address": "/issues", "name": "问题管理"},
    )


def address(wanted: RegistrationFilter, *, after: str | None = None) -> str:
    """The list with this filter: to be kept, shared, bookmarked."""
    query: dict[str, Any] = {name: value for name, value in asdict(wanted).items() if value}
    query |= {"after": after} if after else {}
    return f"/registrations?{urlencode(query)}" if query else "/registrations"


def _tabs(
    wanted: RegistrationFilter, counts: Mapping[str, int], definition: ParsedDefinition
) -> list[dict[str, object]]:
    def tab(name: str, phase: str | None, count: int) -> dict[str, object]:
        goes_to = address(RegistrationFilter(phase=phase, office=wanted.office, q=wanted.q))
        return {"name": name, "address": goes_to, "count": count, "current": wanted.phase == phase}

    every = tab("全部", None, sum(counts.values()))
    return [every, *(tab(name_phase(definition, phase), phase, counts[phase]) for phase in PHASES)]

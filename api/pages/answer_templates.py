"""答复模板: the small page where handlers keep the texts they answer with, and putting one into an answer."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby
from typing import Annotated, Any
from uuid import UUID

from fastapi import Form, Request
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col
from starlette.responses import PlainTextResponse, Response

from api.deps import ActorDep, NowDep, SessionDep, allow
from api.pages.frame import FrameDep
from api.pages.render import draw, go_to
from api.pages.route import page_router
from api.pages.typed_text import TypedName, TypedText
from api.pages.work import Work
from domain import answer_templates
from domain.actor import Actor
from domain.answer_templates import LONGEST_TEXT, LONGEST_TITLE, USERS, TemplateView
from domain.exceptions import CannotKeep
from domain.models import CustomsOffice
from tasks.exceptions import NotFound

router = page_router()
PLACE = "/answer-templates"
OWN = "我的模板"
ANSWER = "answer"
"""The field of a form that templates are put into."""


@router.get(PLACE, dependencies=[allow(*USERS)])
async def list_templates(request: Request, session: SessionDep, actor: ActorDep, frame: FrameDep) -> Response:
    """One's own and those of one's offices."""
    return draw(
        request, "answer_templates.html", frame=frame, groups=await group_templates(session, actor), own=OWN
    )


@router.get(f"{PLACE}/new", dependencies=[allow(*USERS)])
async def show_new(request: Request, session: SessionDep, actor: ActorDep, frame: FrameDep) -> Response:
    """An empty form."""
    return draw(request, "answer_template.html", frame=frame, **await _form(session, actor))


@router.post(f"{PLACE}/new", dependencies=[allow(*USERS)])
async def add_template(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    title: TypedName = "",
    text: TypedText = "",
    office: Annotated[str, Form(max_length=4)] = "",
) -> Response:
    """Keep a new one."""
    entered = {"title": title, "text": text, "office": office}
    try:
        await answer_templates.add_template(
            session, actor, title=_plain(title), text=_plain(text), office=office or None, now=now
        )
    except CannotKeep as refusal:
        await session.rollback()
        shown = await _form(session, actor, entered, refusal.errors)
        return draw(request, "answer_template.html", status=422, frame=frame, **shown)
    return go_to(PLACE)


@router.get(f"{PLACE}/{{template_id}}", dependencies=[allow(*USERS)])
async def show_template(
    request: Request, session: SessionDep, actor: ActorDep, frame: FrameDep, template_id: UUID
) -> Response:
    """One to change."""
    template = await answer_templates.find_template(session, actor, template_id)
    if template is None:
        raise NotFound
    entered = {"title": template.title, "text": template.text, "office": template.office or ""}
    shown = await _form(session, actor, entered, template_id=template_id)
    return draw(request, "answer_template.html", frame=frame, **shown)


@router.post(f"{PLACE}/{{template_id}}", dependencies=[allow(*USERS)])
async def change_template(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    template_id: UUID,
    title: TypedName = "",
    text: TypedText = "",
) -> Response:
    """Keep what was changed."""
    template = await answer_templates.find_template(session, actor, template_id)
    if template is None:
        raise NotFound
    entered = {"title": title, "text": text, "office": template.office or ""}
    try:
        await answer_templates.change_template(
            session, actor, template, title=_plain(title), text=_plain(text), now=now
        )
    except CannotKeep as refusal:
        await session.rollback()
        shown = await _form(session, actor, entered, refusal.errors, template_id)
        return draw(request, "answer_template.html", status=422, frame=frame, **shown)
    return go_to(PLACE)


@router.post(f"{PLACE}/{{template_id}}/drop", dependencies=[allow(*USERS)])
async def drop_template(session: SessionDep, actor: ActorDep, template_id: UUID) -> Response:
    """Delete it."""
    await answer_templates.drop_template(session, actor, template_id)
    return go_to(PLACE)


@router.get(f"{PLACE}/{{template_id}}/text", dependencies=[allow(*USERS)])
async def read_text(session: SessionDep, actor: ActorDep, template_id: UUID) -> Response:
    """The text alone, for the page that puts it in where the cursor is."""
    template = await answer_templates.find_template(session, actor, template_id)
    if template is None:
        raise NotFound
    return PlainTextResponse(template.text)


async def group_templates(session: AsyncSession, actor: Actor) -> list[tuple[str, list[TemplateView]]]:
    """The templates this officer may use, one's own first, by whose they are."""
    found = await answer_templates.list_templates(session, actor)
    return [(office or OWN, list(some)) for office, some in groupby(found, key=lambda one: one.office_name)]


async def offer(session: AsyncSession, actor: Actor, work: Work) -> Work:
    """The form with the templates for its answer, where it has one and this officer answers."""
    has_answer = any(one.key == ANSWER and one.kind == "textarea" for one in work.fields)
    if not (has_answer and actor.offices_as(*USERS)):
        return work
    return replace(work, templates=await group_templates(session, actor))


async def put_in(
    session: AsyncSession, actor: Actor, answers: Mapping[str, Any], chosen: str
) -> dict[str, Any]:
    """The answers with the chosen template below what was typed; unchanged where none was chosen or it is gone."""
    try:
        template = await answer_templates.find_template(session, actor, UUID(chosen))
    except ValueError:
        template = None
    if template is None:
        return dict(answers)
    typed = str(answers.get(ANSWER) or "").rstrip()
    return {**answers, ANSWER: f"{typed}\n\n{template.text}" if typed else template.text}


async def _form(
    session: AsyncSession,
    actor: Actor,
    entered: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    template_id: UUID | None = None,
) -> dict[str, Any]:
    codes = actor.offices_as(*USERS)
    offices = await session.execute(
        select(col(CustomsOffice.code), col(CustomsOffice.name))
        .where(col(CustomsOffice.code).in_(codes))
        .order_by(col(CustomsOffice.code))
    )
    return {
        "template_id": template_id,
        "entered": entered or {"title": "", "text": "", "office": ""},
        "errors": errors or {},
        "offices": [{"code": code, "name": name} for code, name in offices],
        "most": {"title": LONGEST_TITLE, "text": LONGEST_TEXT},
        "address": f"{PLACE}/{template_id}" if template_id else f"{PLACE}/new",
    }


def _plain(text: str) -> str:
    """Browsers send line ends as two characters, an answer counts one; the database keeps no NUL."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")

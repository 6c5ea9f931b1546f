"""新企业注册, for somebody who has no account yet and has proved a phone (`register_begin`): the form is filled in, everything
checked, sent, and a receipt given. Each step has an address of its own: back, forward, reloading and a second click change
nothing.

What was typed belongs to the one-time code's challenge and to the browser that asked for it.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import Request
from fastapi import UploadFile as Upload
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import UploadFile
from starlette.responses import Response

from api.answers import Json
from api.deps import NowDep, SessionDep, WiredDep
from api.json.registrations import take_licence
from api.json.schemas.parts import UploadedFile
from api.pages.applying import Application, find_application, open_application, show_answers
from api.pages.form_pages import Asked, PageNumber, split
from api.pages.picture_parts import PICTURES
from api.pages.render import draw, go_to
from api.pages.route import page_router
from api.pages.script_answers import SavedDraft
from api.pages.wording import short_moment
from api.pages.work import (
    Work,
    drop_unreachable,
    find_files,
    read_answers,
    shape,
    take_uploads,
    type_answers,
)
from api.phone import base_of, is_phone
from api.security import browser_key, client_ip
from api.wechat import is_in_wechat
from cleaning import clean_code
from domain import applications
from domain.exceptions import (
    AlreadyApplied,
    AttachmentRefused,
    EnterpriseRegistered,
    OfficeClosed,
    PhoneDisabled,
)
from domain.registrations import require_unregistered
from domain.wechat_bindings import bind_wechat, bound_at
from domain.wechat_visits import end_waiting, find_waiting
from errors import Refusal
from tasks import forms, registrations
from tasks.exceptions import AnswersRefused
from tasks.fields import fields

router = page_router()
FIELD_OF: dict[type[Refusal], str] = {
    EnterpriseRegistered: "uscc",
    AlreadyApplied: "uscc",
    OfficeClosed: "office",
    AttachmentRefused: "licence",
}
CORRECTABLE = (AnswersRefused, *FIELD_OF, PhoneDisabled)


@router.get("/register/{challenge}")
async def show_form(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    now: NowDep,
    challenge: UUID,
    mistakes: bool = False,
    page: PageNumber = None,
) -> Response:
    """The form, or on a phone one page of it, with what has been typed so far; with `mistakes` what is wrong with it."""
    application = await find_application(request, session, challenge, now)
    if isinstance(application, Response):
        return application
    errors: dict[str, str] = {}
    if mistakes:
        _, errors = await _check(session, wired, application, application.answers, now)
    return await _draw_form(request, session, wired, application, application.answers, errors, now, page=page)


@router.post("/register/{challenge}")
async def save_form(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    now: NowDep,
    challenge: UUID,
    page: PageNumber = None,
) -> Response:
    """Keep what was typed; without a mistake in it, go on to the next page or to checking it. The uploaded licence stays.

    Mistakes are shown by the form's own address, so that the browser's Back finds nothing to send again.
    """
    application = await find_application(request, session, challenge, now, lock=True)
    if isinstance(application, Response):
        return application
    refused: dict[str, str] = {}

    async def keep(file: UploadFile) -> UUID:
        return (await take_licence(request, session, wired, str(challenge), file, now)).id

    async with request.form() as form:
        answers = read_answers(form)
        try:
            await take_uploads(form, answers, keep)
        except AttachmentRefused as refusal:
            refused["licence"] = refusal.message
    asked = await _ask(request, session, wired, application, page, now)
    answers = asked.join(application.answers, answers)
    answers, mistakes = await _check(session, wired, application, answers, now)
    applications.save_answers(application.draft, answers, now)
    if refused:
        mistakes |= refused
        return await _draw_form(request, session, wired, application, answers, mistakes, now, page=page)
    return go_to(f"/register/{challenge}{asked.onward(mistakes) or '/check'}")


@router.post("/register/{challenge}/draft", response_model=SavedDraft)
async def save_draft(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    now: NowDep,
    challenge: UUID,
    page: PageNumber = None,
) -> Response:
    """What the page saves by itself, and which fields it calls for."""
    application = await open_application(request, session, challenge, now, lock=True)
    asked = await _ask(request, session, wired, application, page, now)
    answers = asked.join(application.answers, read_answers(await request.form()))
    typing = await registrations.open_form(session, wired.engine, challenge, answers, now)
    answers = type_answers(typing.form, typing.context, answers)
    applications.save_answers(application.draft, answers, now)
    shown = drop_unreachable(fields(typing.form, typing.context, answers))
    return Json(SavedDraft(saved=f"已于 {short_moment(now, now)} 自动保存", fields=shape(shown)))


@router.post("/register/{challenge}/licence", status_code=201, response_model=UploadedFile)
async def upload_licence(
    request: Request, session: SessionDep, wired: WiredDep, now: NowDep, challenge: UUID, file: Upload
) -> Response:
    """What the page's script sends at once when a file is picked."""
    return Json(await take_licence(request, session, wired, str(challenge), file, now), 201)


@router.get("/register/{challenge}/check")
async def show_check(
    request: Request, session: SessionDep, wired: WiredDep, now: NowDep, challenge: UUID
) -> Response:
    """Everything once more, before it is sent. What would be refused goes back to the form."""
    application = await find_application(request, session, challenge, now)
    if isinstance(application, Response):
        return application
    _, mistakes = await _check(session, wired, application, application.answers, now)
    if mistakes:
        return go_to(f"/register/{challenge}?mistakes=true")
    typing = await registrations.open_form(session, wired.engine, challenge, application.answers, now)
    lines, licence = await show_answers(session, typing, application)
    return draw(
        request,
        "register/check.html",
        address=f"{base_of(request)}/register/{challenge}",
        phone=application.challenge.phone,
        lines=lines,
        asked=await _ask(request, session, wired, application, None, now),
        binds=is_phone(request) and await find_waiting(session, browser_key(request), now) is not None,
        licence=licence,
    )


@router.post("/register/{challenge}/send")
async def send(
    request: Request, session: SessionDep, wired: WiredDep, now: NowDep, challenge: UUID
) -> Response:
    """Send it. A second click, and a page reloaded later, find it sent."""
    application = await find_application(request, session, challenge, now, lock=True)
    if isinstance(application, Response):
        return application
    answers = {key: value for key, value in application.answers.items() if value not in ("", False)}
    try:
        registration = await registrations.register(
            session,
            wired.engine,
            application.challenge,
            answers,
            now,
            route="wechat" if is_phone(request) and is_in_wechat(request) else "web",
            ip=client_ip(request),
        )
    except CORRECTABLE as refusal:
        await session.rollback()
        again = await open_application(request, session, challenge, now)
        return await _draw_form(request, session, wired, again, again.answers, _explain(refusal), now)
    if is_phone(request) and (waiting := await find_waiting(session, browser_key(request), now)):
        await bind_wechat(session, registration.applicant_id, waiting.openid, now, actor=None)
        await end_waiting(session, browser_key(request))
    return go_to(f"/register/{challenge}/done")


@router.get("/register/{challenge}/done")
async def show_done(request: Request, session: SessionDep, now: NowDep, challenge: UUID) -> Response:
    """The receipt, and what happens next."""
    found = await applications.find_challenge(session, challenge, browser_key(request))
    registration = await applications.find_registration_of(session, challenge) if found else None
    if found is None or registration is None:
        return go_to(f"/register/{challenge}")
    office_name = await registrations.name_office(session, registration.office)
    return draw(
        request,
        "register/done.html",
        registration=registration,
        office_name=office_name,
        phone=found.phone,
        bound=await bound_at(session, registration.applicant_id) is not None,
    )


async def _ask(
    request: Request,
    session: AsyncSession,
    wired: WiredDep,
    application: Application,
    page: int | None,
    now: NowDep,
) -> Asked:
    """What is asked at once: everything at a desk, one page of it on a phone."""
    answers = application.answers
    typing = await registrations.open_form(session, wired.engine, application.challenge.id, answers, now)
    shown = drop_unreachable(fields(typing.form, typing.context, answers))
    return Asked(split(shown), page) if is_phone(request) else Asked([shown], None)


async def _check(
    session: AsyncSession, wired: WiredDep, application: Application, answers: Mapping[str, Any], now: NowDep
) -> tuple[dict[str, Any], dict[str, str]]:
    """The answers as conditions compare them, and every mistake in them."""
    challenge = application.challenge.id
    typing = await registrations.open_form(session, wired.engine, challenge, answers, now)
    typed = type_answers(typing.form, typing.context, answers)
    try:
        checked = forms.check(typing.form, typed, typing.context)
        await require_unregistered(session, clean_code(checked["uscc"]))
    except CORRECTABLE as refusal:
        return typed, _explain(refusal)
    return typed, {}


def _explain(refusal: Refusal) -> dict[str, str]:
    if isinstance(refusal, AnswersRefused) and refusal.errors:
        return dict(refusal.errors)
    return {FIELD_OF.get(type(refusal), "form"): refusal.message}


async def _draw_form(
    request: Request,
    session: AsyncSession,
    wired: WiredDep,
    application: Application,
    answers: Mapping[str, Any],
    errors: dict[str, str],
    now: NowDep,
    *,
    page: int | None = None,
) -> Response:
    challenge = application.challenge.id
    typing = await registrations.open_form(session, wired.engine, challenge, answers, now)
    shown = drop_unreachable(fields(typing.form, typing.context, answers))
    asked = Asked(split(shown), page, errors) if is_phone(request) else Asked([shown], None)
    address = f"{base_of(request)}/register/{challenge}"
    work = Work(
        name="填写企业信息",
        address=address + asked.query,
        draft_address=f"{address}/draft{asked.query}",
        save_button="",
        fields=asked.fields,
        button="下一步：核对" if asked.is_last else "下一步",
        key="",
        errors=asked.mine(errors),
        files=await find_files(session, shown),
        upload={
            "address": f"{address}/licence",
            "files": f"{address}/licence",
            "most_bytes": wired.settings.attachment_max_bytes,
        },
        pictures=f"{PICTURES}?challenge={challenge}",
    )
    return draw(
        request,
        "register/form.html",
        status=422 if work.errors else 200,
        work=work,
        asked=asked,
        address=address,
        phone=application.challenge.phone,
    )

"""Registering an enterprise: by somebody who has no account yet, and what has become of it."""

from typing import Annotated, Any

from fastapi import File, Form, Query, Request, UploadFile
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import UploadFile as Uploaded
from starlette.responses import Response

from api.answers import Json
from api.deps import ActorDep, EngineDep, NowDep, SessionDep, WiredDep, allow
from api.json.ids import parse_id, try_id
from api.json.parameters import After, Limit, Office, Phase, RegistrationId, Status
from api.json.route import json_router, problems
from api.json.schemas.parts import Diagram, TimelineOut, UploadedFile
from api.json.schemas.registrations import (
    RegistrationBody,
    RegistrationCreated,
    RegistrationDetail,
    RegistrationList,
)
from api.json.show.parts import show_picture, show_upload
from api.json.show.parts import show_timeline as show_entries
from api.json.show.registrations import show_created, show_registration, show_registrations
from api.security import browser_key, client_ip
from api.sessions import keep
from api.wired import Wired
from domain import applications
from domain.exceptions import CodeRefused
from domain.models import Registration, SignInChallenge
from domain.models.people import ENTERPRISE_ROLES
from tasks import registration_details, registrations
from tasks.exceptions import NotFound

router = json_router("企业注册")
NOT_FIELDS = frozenset({"phone", "code", "challenge"})
READERS = ("registrar", "section_chief", "supervisor")


@router.post(
    "/registrations/licence",
    status_code=201,
    response_model=UploadedFile,
    responses=problems(404),
    summary="上传营业执照（注册用）",
)
async def upload_licence(
    file: Annotated[UploadFile, File(description="营业执照：图片或 PDF")],
    challenge: Annotated[str, Form(max_length=64, description="注册验证码的 challenge")],
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    now: NowDep,
) -> Response:
    """A picture or PDF, for whoever has asked for a code to register with; a few at the most."""
    return Json(await take_licence(request, session, wired, challenge, file, now), 201)


@router.post(
    "/registrations",
    status_code=201,
    response_model=RegistrationCreated,
    responses=problems(401, 429),
    summary="注册企业（无卡用户）",
)
async def register(
    body: RegistrationBody,
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    engine: EngineDep,
    now: NowDep,
) -> Response:
    """It then waits for a registrar. Sent again with the same challenge and code it is answered as the first time."""
    key = browser_key(request)
    limits = wired.code_limits
    challenge_id = try_id(body.challenge)
    earlier = await _find_earlier(session, challenge_id, key)
    if earlier is not None:
        challenge, registration = earlier
        applications.require_same_code(challenge, body.phone, body.code, limits=limits, now=now)
        return Json(show_created(registration), 201, {"Idempotent-Replayed": "true"})
    if challenge_id is None:
        raise CodeRefused(applications.WRONG_CODE)
    challenge = await applications.prove_phone(
        session, challenge_id, body.phone, body.code, browser_key=key, limits=limits, now=now
    )
    fields = {
        name: value for name, value in body.model_dump(exclude_unset=True).items() if name not in NOT_FIELDS
    }
    registration = await registrations.register(
        session, engine, challenge, fields, now, ip=client_ip(request)
    )
    return Json(show_created(registration), 201)


@router.get(
    "/registrations/mine",
    response_model=RegistrationDetail,
    responses=problems(404),
    summary="我所代表企业的注册",
    dependencies=[allow(*ENTERPRISE_ROLES)],
)
async def show_mine(actor: ActorDep, session: SessionDep, engine: EngineDep) -> Response:
    """Where it stands, and why it was returned or refused. The admin's to read."""
    mine = await registrations.find_mine(session, actor)
    if mine is None:
        raise NotFound
    return Json(
        show_registration(await registration_details.get_registration(session, engine, actor, mine.id))
    )


@router.get(
    "/registrations/list",
    response_model=RegistrationList,
    summary="本单位的企业注册",
    dependencies=[allow(*READERS)],
)
async def list_registrations(
    actor: ActorDep,
    session: SessionDep,
    phase: Phase = None,
    status: Status = None,
    office: Office = None,
    q: Annotated[str | None, Query(max_length=200, description="名称、统一社会信用代码或申请编号")] = None,
    after: After = None,
    limit: Limit = 20,
) -> Response:
    """Those of the offices whose registrations I may read, the newest first."""
    wanted = registrations.RegistrationFilter(phase=phase, status=status, office=office, q=q)
    page = await registrations.list_registrations(session, actor, wanted, after=after, limit=limit)
    return Json(show_registrations(page))


@router.get(
    "/registrations/{registration_id}",
    response_model=RegistrationDetail,
    summary="一份企业注册",
    dependencies=[allow()],
)
async def show_one(
    registration_id: RegistrationId, actor: ActorDep, session: SessionDep, engine: EngineDep
) -> Response:
    """What was typed, the licence, what changed from round to round, what reviews said."""
    found = await registration_details.get_registration(session, engine, actor, parse_id(registration_id))
    return Json(show_registration(found))


@router.get(
    "/registrations/{registration_id}/timeline",
    response_model=TimelineOut,
    summary="注册的办理过程",
    dependencies=[allow()],
)
async def show_timeline(
    registration_id: RegistrationId, actor: ActorDep, session: SessionDep, engine: EngineDep
) -> Response:
    """Every step: who, what, when, and how long it waited."""
    id_ = parse_id(registration_id)
    return Json(show_entries(await registration_details.registration_timeline(session, engine, actor, id_)))


@router.get(
    "/registrations/{registration_id}/diagram",
    response_model=Diagram,
    summary="注册的流程图与所在环节",
    dependencies=[allow()],
)
async def show_diagram(
    registration_id: RegistrationId, actor: ActorDep, session: SessionDep, engine: EngineDep
) -> Response:
    """The version of the diagram that this registration follows, where it stands and where it has been."""
    id_ = parse_id(registration_id)
    return Json(show_picture(await registration_details.registration_picture(session, engine, actor, id_)))


async def take_licence(
    request: Request, session: AsyncSession, wired: Wired, challenge: str, file: Uploaded, now: NowDep
) -> UploadedFile:
    """Keep an uploaded licence for this browser's challenge. Raises NotFound, AttachmentRefused."""
    id_, key = try_id(challenge), browser_key(request)
    found = await applications.find_challenge(session, id_, key) if id_ else None
    if id_ is None or found is None:
        raise NotFound
    name, most = (file.filename or "").replace("\0", ""), wired.settings.attachment_max_bytes
    await applications.require_room(session, found, name, now)
    await keep(session)  # reading the file takes its time, and the connection is somebody else's meanwhile
    licence = await applications.read_licence(wired.scanner, name, await file.read(most + 1), most)
    locked = await applications.find_challenge(session, id_, key, lock=True)
    if locked is None:
        raise NotFound
    return show_upload(await applications.add_licence(session, wired.store, licence, locked, now))


async def _find_earlier(
    session: AsyncSession, challenge_id: Any, key: str | None
) -> tuple[SignInChallenge, Registration] | None:
    """What this challenge has become already. Two submits at once wait for each other here."""
    if challenge_id is None:
        return None
    challenge = await applications.find_challenge(session, challenge_id, key, lock=True)
    registration = challenge and await applications.find_registration_of(session, challenge.id)
    return (challenge, registration) if challenge and registration else None

"""What people do to their own account: officers change their password."""

from typing import Annotated

from fastapi import Form, Request
from starlette.responses import Response

from api.deps import ActorDep, NowDep, SessionDep, allow
from api.pages.frame import frame_of
from api.pages.render import draw, go_to
from api.pages.route import page_router
from api.security import take_session
from domain.actor import Actor
from domain.exceptions import PasswordRefused
from domain.models.people import OFFICER_ROLES
from domain.passwords import LONGEST, SHORTEST, change_password

router = page_router()
Secret = Annotated[str, Form(max_length=256)]


@router.get("/account/password", dependencies=[allow(*OFFICER_ROLES)])
async def show_password(request: Request, session: SessionDep, actor: ActorDep) -> Response:
    """The form; for an officer who must change the password it is the only page."""
    return await _draw_password(request, session, actor, {})


@router.post("/account/password", dependencies=[allow(*OFFICER_ROLES)])
async def take_password(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    now: NowDep,
    old: Secret = "",
    new: Secret = "",
    again: Secret = "",
) -> Response:
    """Change it; passwords are the one thing that is typed anew after a mistake."""
    errors = _missing(old, new, again)
    if errors:
        return await _draw_password(request, session, actor, errors, status=422)
    try:
        await change_password(session, actor, old, new, now=now)
    except PasswordRefused as refusal:  # a wrong try is counted: no rollback here
        errors = {str(refusal.details["field"]): refusal.message}
        if refusal.details.get("signed_out"):
            response = draw(request, "password_done.html", status=422, changed=False)
            take_session(request, response)
            return response
        return await _draw_password(request, session, actor, errors, status=422)
    return go_to("/account/password/done")


@router.get("/account/password/done", dependencies=[allow(*OFFICER_ROLES)])
async def show_password_done(request: Request, session: SessionDep, actor: ActorDep) -> Response:
    """What has happened: elsewhere one is signed out."""
    return draw(request, "password_done.html", changed=True, frame=await frame_of(session, actor))


def _missing(old: str, new: str, again: str) -> dict[str, str]:
    errors: dict[str, str] = {}
    if not old:
        errors["old"] = "请填写原密码。"
    if not new:
        errors["new"] = "请填写新密码。"
    elif new != again:
        errors["again"] = "两次填写的新密码不一致。"
    return errors


async def _draw_password(
    request: Request, session: SessionDep, actor: Actor, errors: dict[str, str], *, status: int = 200
) -> Response:
    must = actor.must_change_password
    frame = None if must else await frame_of(session, actor)
    return draw(
        request,
        "password.html",
        status=status,
        frame=frame,
        must=must,
        errors=errors,
        shortest=SHORTEST,
        longest=LONGEST,
    )

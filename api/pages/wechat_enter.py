"""Entering by WeChat: away to WeChat, which says whose browser it is, and back: signed in, or on to binding.

What WeChat sends back with is good once and in the browser that left. Whoever opens somebody else's link back, or an old one,
begins anew and is asked whose WeChat it is.
"""

from typing import Annotated
from urllib.parse import urlencode

import structlog
from fastapi import Query, Request
from starlette.responses import Response

from api.deps import MaybeActorDep, NowDep, SessionDep, WiredDep
from api.errors import status_of
from api.pages.render import draw, go_to
from api.pages.route import page_router
from api.pages.sign_in import NextQuery, wechat_way
from api.phone import PREFIX, safe_onward
from api.security import (
    BROWSER_COOKIE,
    browser_key,
    client_ip,
    give_browser_key,
    give_session,
    has_signed_out,
    make_browser_key,
)
from api.sessions import keep
from api.wechat import BACK, is_in_wechat
from domain.exceptions import WechatSignInRefused
from domain.sessions import end_session
from domain.signin import SignedIn
from domain.wechat_sign_in import sign_in_by_wechat
from domain.wechat_visits import begin_visit, keep_openid, take_state
from errors import Refusal
from tasks.exceptions import NotFound
from wechat.exceptions import WechatCodeRefused, WechatSnapshot, WechatUnavailable

log = structlog.get_logger(__name__)
router = page_router()
REGISTERING = f"{PREFIX}/register"
FOREIGN = "这个链接不能用来登录，请重新进入。"


@router.get(f"{PREFIX}/enter")
async def leave(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    now: NowDep,
    actor: MaybeActorDep,
    onward: NextQuery = "",
    again: bool = False,
) -> Response:
    """Away to WeChat; whoever has signed out here has to ask for it (`again`). Outside of WeChat a phone and its code do."""
    address = safe_onward(onward)
    if actor is not None and not again:
        return go_to(address)
    if wired.wechat is None or not is_in_wechat(request) or (has_signed_out(request) and not again):
        return go_to(by_code(address))
    key = make_browser_key(request)
    state = await begin_visit(session, key, address, ip=client_ip(request), now=now)
    response = go_to(wired.wechat.authorize_url(state))
    give_browser_key(request, response)
    return response


@router.get(BACK)
async def come_back(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    now: NowDep,
    actor: MaybeActorDep,
    code: Annotated[str, Query(max_length=600)] = "",
    state: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Back from WeChat. The state is taken, and that kept, before WeChat is asked: a code that fails has used it up."""
    if wired.wechat is None:
        raise NotFound
    returned = await take_state(session, state, browser_key(request), now)
    if returned is None:
        return _begin_anew(request, signed_in=actor is not None)
    await keep(session)
    try:
        openid = await wired.wechat.find_openid(code)
        signed_in = await sign_in_by_wechat(
            session,
            openid,
            ip=client_ip(request),
            user_agent=request.headers.get("user-agent"),
            limits=wired.session_limits,
            now=now,
        )
    except (WechatCodeRefused, WechatSnapshot, WechatUnavailable, WechatSignInRefused) as refusal:
        log.info("wechat.not_entered", why=type(refusal).__name__)
        return _tell(request, refusal, returned.onward)
    if signed_in is None:
        await keep_openid(session, returned.id, openid)
        return go_to(returned.onward if returned.onward.startswith(REGISTERING) else f"{PREFIX}/bind")
    if actor is not None and actor.session_id is not None:  # its cookie is about to be another
        await end_session(session, actor.session_id, actor.person_id, now, actor=actor)
    return enter(request, signed_in, returned.onward)


def enter(request: Request, signed_in: SignedIn, onward: str) -> Response:
    """The page wanted, signed in; with several enterprises one is chosen first."""
    chosen = signed_in.actor.membership_id is not None
    choosing = f"{PREFIX}/sign-in/membership?" + urlencode({"next": onward})
    response = go_to(onward if chosen else choosing)
    give_session(request, response, signed_in.token)
    return response


def by_code(onward: str) -> str:
    """Where one signs in with phone and code."""
    query = f"?{urlencode({'next': onward})}" if onward != PREFIX else ""
    return f"{PREFIX}/sign-in{query}"


def _begin_anew(request: Request, *, signed_in: bool) -> Response:
    """A state that is foreign, used or too old says nothing about anybody. Without cookies there would be no end to it."""
    if signed_in:
        return go_to(PREFIX)
    if BROWSER_COOKIE in request.cookies:
        return go_to(f"{PREFIX}/enter")
    return _draw(request, FOREIGN, PREFIX, status=403)


def _tell(request: Request, refusal: Refusal, onward: str) -> Response:
    return _draw(request, refusal.message, onward, status=status_of(refusal))


def _draw(request: Request, sentence: str, onward: str, *, status: int) -> Response:
    return draw(
        request,
        "not_entered.html",
        status=status,
        sentence=sentence,
        by_wechat=wechat_way(request, onward),
        by_code=by_code(onward),
    )

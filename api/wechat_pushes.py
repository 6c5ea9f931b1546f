"""What WeChat pushes to us: who follows the account or left it, and what became of our messages. WeChat waits five seconds and
repeats what it got no answer to; a repeat, and somebody's replay, changes nothing and is answered like the first.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime

import structlog
from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import PlainTextResponse, Response

from api.bodies import read_at_most
from api.deps import NowDep, WiredDep
from api.routing import make_router
from api.wired import Wired
from domain.wechat_bindings import set_following
from domain.wechat_pushes import take_push
from messages.jobs import take_reports
from wechat.callback import BODY_MAX_BYTES, CallbackKeys, answer_echo, open_push
from wechat.events import Pushed, Subscribed, SubscribeSent, TemplateSent, Unsubscribed, read_push
from wechat.exceptions import CallbackRefused

log = structlog.get_logger(__name__)
router = make_router(include_in_schema=False)

ADDRESS = "/wechat/push"
ANSWERS_WITHIN_S = 4.0  # WeChat hangs up after five
TAKEN = "success"


@router.get(ADDRESS)
async def take_trial(request: Request, wired: WiredDep, now: NowDep) -> Response:
    """WeChat tries the address when an operator sets it up (服务器配置)."""
    keys = _keys(wired)
    if keys is None:
        return _nothing_here()
    try:
        return PlainTextResponse(answer_echo(keys, _query(request), now))
    except CallbackRefused as refusal:
        return _refuse(refusal)


@router.post(ADDRESS)
async def take(request: Request, wired: WiredDep, now: NowDep) -> Response:
    """One push. What is not done in time is rolled back, and comes again."""
    keys = _keys(wired)
    if keys is None:
        return _nothing_here()
    try:
        async with asyncio.timeout(ANSWERS_WITHIN_S):
            push = open_push(keys, _query(request), await _read_body(request), now)
            said = read_push(push.content)
            async with wired.sessions.begin() as session:
                if await take_push(session, push.key, said.key, now=now):
                    await _act(session, said, now)
    except CallbackRefused as refusal:
        return _refuse(refusal)
    except TimeoutError:
        log.warning("wechat.push_late")
        return PlainTextResponse("", 503)
    log.info("wechat.push", kind=type(said).__name__)
    return PlainTextResponse(TAKEN)


async def _act(session: AsyncSession, said: Pushed, now: datetime) -> None:
    match said:
        case Subscribed() | Unsubscribed():
            follows = isinstance(said, Subscribed)
            await set_following(session, said.openid, follows=follows, at=said.at)
        case TemplateSent():
            await take_reports(session, [said.report], now)
        case SubscribeSent():
            await take_reports(session, said.reports, now)
        case _:  # what somebody typed into the chat, or chose to subscribe to: nothing here hangs on it
            return


def _keys(wired: Wired) -> CallbackKeys | None:
    return wired.wechat.keys if wired.wechat else None


def _query(request: Request) -> Mapping[str, str]:
    return request.query_params


async def _read_body(request: Request) -> bytes:
    body = await read_at_most(request, BODY_MAX_BYTES)
    if body is None:
        raise CallbackRefused("too_large")
    return body


def _refuse(refusal: CallbackRefused) -> Response:
    log.warning("wechat.push_refused", reason=refusal.reason)
    return PlainTextResponse("", 403)


def _nothing_here() -> Response:
    return PlainTextResponse("", 404)

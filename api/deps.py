"""What routes ask for by type: the transaction, who is acting, the time, the engine; and the declaration of who may call.

Every route carries `dependencies=[allow(...)]` or stands in OPEN; a test walks all routes.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant

from api.security import client_ip, session_token
from api.sessions import SessionDep, SignedOut
from api.wired import Wired
from domain.actor import Actor
from domain.exceptions import PasswordMustChange
from domain.models.people import ENTERPRISE_ROLES, OFFICER_ROLES
from domain.signin import load_actor
from domain.suspension import require_acting
from engine.instances import Engine
from settings import Settings
from tasks.exceptions import NotAllowed

__all__ = [
    "BEFORE_PASSWORD_CHANGE",
    "OPEN",
    "ActorDep",
    "Allow",
    "EngineDep",
    "MaybeActorDep",
    "NowDep",
    "SessionDep",
    "SettingsDep",
    "WiredDep",
    "allow",
    "find_allow",
]

# Whoever has not signed in needs these.
AT_DESK = frozenset(
    {
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
        "/sms/reports/{provider}/{token}",
        "/wechat/push",
        "/static",
        "/api/v1/sign-in",
        "/api/v1/sign-in/code",
        "/api/v1/sign-in/captcha",
        "/api/v1/sign-in/captcha/wait",
        "/api/v1/sign-in/lost-phone",
        "/api/v1/sign-in/lost-phone/code",
        "/api/v1/sign-in/card",
        "/api/v1/card/challenge",
        "/api/v1/registrations",
        "/api/v1/registrations/card",
        "/api/v1/registrations/card/request",
        "/api/v1/registrations/licence",
        "/api/v1/dev/inbox",
        "/api/v1/dev/people",
        "/dev/inbox",
        "/dev/people",
        "/",
        "/sign-in",
        "/register",
        "/register/card",
        "/register/card/{visit_id}",
        "/register/card/{visit_id}/code",
        "/register/card/{visit_id}/done",
        "/register/phone",
        "/register/{challenge}",
        "/register/{challenge}/code",
        "/register/{challenge}/draft",
        "/register/{challenge}/licence",
        "/register/{challenge}/licence/{file_id}",
        "/register/{challenge}/licence/{file_id}/pages/{page}",
        "/register/{challenge}/licence/{file_id}/small",
        "/register/{challenge}/check",
        "/register/{challenge}/send",
        "/register/{challenge}/done",
        "/sign-in/card",
        "/sign-in/card/help",
        "/sign-in/cas",
        "/sign-in/cas/callback",
        "/sign-in/code",
        "/sign-in/captcha.png",
        "/sign-in/help",
        "/sign-in/help/send",
    }
)

# The same of the WeChat version.
ON_PHONE = (
    "/sign-in",
    "/sign-in/code",
    "/register",
    "/register/phone",
    "/register/{challenge}",
    "/register/{challenge}/code",
    "/register/{challenge}/draft",
    "/register/{challenge}/licence",
    "/register/{challenge}/licence/{file_id}",
    "/register/{challenge}/licence/{file_id}/pages/{page}",
    "/register/{challenge}/licence/{file_id}/small",
    "/register/{challenge}/check",
    "/register/{challenge}/send",
    "/register/{challenge}/done",
)
WECHAT_DOORS = frozenset(
    {
        "/w",
        "/w/enter",
        "/w/enter/back",
        "/w/bind",
        "/w/bind/code",
        "/w/wechat/signature",
        "/w/wechat/pictures",
    }
)
OPEN = AT_DESK | WECHAT_DOORS | {f"/w{path}" for path in ON_PHONE}

# What is left to an officer who has yet to choose a password: choosing it, and going away.
BEFORE_PASSWORD_CHANGE = frozenset(
    {"/account/password", "/sign-out", "/w/sign-out", "/api/v1/me/password", "/api/v1/sessions/current"}
)


# FastAPI walks the whole tree of a route's dependencies on every request, shared branches again each time, and sends
# plain functions to a thread: so they are few, shallow and all `async def`.


async def get_wired(request: Request) -> Wired:
    """The parts of this process."""
    return request.app.state.wired


async def get_now(request: Request) -> datetime:
    """The time of this request."""
    return request.app.state.wired.read_clock()


async def get_engine(request: Request) -> Engine:
    """What runs the processes."""
    return request.app.state.wired.engine


async def get_settings(request: Request) -> Settings:
    """What the operator has set."""
    return request.app.state.wired.settings


async def find_actor(request: Request, session: SessionDep) -> Actor | None:
    """Who is acting, by the Bearer token or the session cookie; None for nobody. Raises PasswordMustChange."""
    token = session_token(request)
    if token is None:
        return None
    wired: Wired = request.app.state.wired
    actor = await load_actor(session, token, wired.read_clock(), wired.session_limits, ip=client_ip(request))
    if actor is not None and actor.must_change_password and request.url.path not in BEFORE_PASSWORD_CHANGE:
        raise PasswordMustChange
    request.state.actor = actor
    return actor


async def require_actor(request: Request, session: SessionDep) -> Actor:
    """Who is acting. Raises SignedOut for nobody."""
    actor = await find_actor(request, session)
    if actor is None:
        raise SignedOut
    return actor


WiredDep = Annotated[Wired, Depends(get_wired)]
NowDep = Annotated[datetime, Depends(get_now)]
EngineDep = Annotated[Engine, Depends(get_engine)]
SettingsDep = Annotated[Settings, Depends(get_settings)]
MaybeActorDep = Annotated[Actor | None, Depends(find_actor)]
ActorDep = Annotated[Actor, Depends(require_actor)]


READING = frozenset({"GET", "HEAD"})


class Allow:
    """Lets people with one of these roles through, or everyone who has signed in when no role is named.

    People of a suspended enterprise only read; what they may do all the same (sign out, act for another one) says so, and so
    does a page that is good for nothing but changing something (`to_change`): they need not fill it in in vain.
    """

    def __init__(self, roles: frozenset[str], *, while_suspended: bool, to_change: bool) -> None:
        self.roles = roles
        self.while_suspended = while_suspended
        self.to_change = to_change

    async def __call__(self, request: Request, actor: ActorDep) -> None:
        # Whoever names every role of officers means officers, one who has been given no role yet as well.
        is_officer = actor.officer_id is not None and self.roles >= OFFICERS
        if self.roles and not self.roles & actor.roles and not is_officer:
            raise NotAllowed
        changes = self.to_change or request.method not in READING
        if changes and not self.while_suspended:
            require_acting(actor)


ENTERPRISE = frozenset(ENTERPRISE_ROLES)
OFFICERS = frozenset(OFFICER_ROLES)


def allow(*roles: str, while_suspended: bool = False, to_change: bool = False) -> Any:
    """The declaration of a route: who may call it. No role: whoever has signed in; the command then decides on the row."""
    unknown = set(roles) - ENTERPRISE - OFFICERS
    if unknown:
        raise ValueError(f"no such roles: {sorted(unknown)}")
    return Depends(Allow(frozenset(roles), while_suspended=while_suspended, to_change=to_change))


def find_allow(dependant: Dependant) -> Iterator[Allow]:
    """The declarations among what a route depends on."""
    for sub in dependant.dependencies:
        if isinstance(sub.call, Allow):
            yield sub.call
        yield from find_allow(sub)

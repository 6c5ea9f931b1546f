"""What every page with a card reader on it shares: where the agent listens, under which origin cards sign, and the one exception
of the content security policy: this page, and no other, may talk to the agent on the reader's own machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import Form, Request
from starlette.responses import Response

from api.cards import CardReader
from api.deps import NowDep, WiredDep
from api.pages.render import draw
from api.security import agent_policy
from cardauth.exceptions import CardRefused, TrustUnavailable
from domain.exceptions import CardTaken, CardUnfit
from settings import Settings

TokenField = Annotated[str, Form(max_length=16_384)]
NOT_READ = (CardRefused, CardUnfit, CardTaken)


@dataclass(frozen=True)
class ReaderView:
    """The reader on a page. `closed` says why cards cannot be used; then nothing is asked of the agent."""

    purpose: str
    agent: str
    origin: str
    closed: str | None


def view_reader(wired: WiredDep, purpose: str, now: NowDep) -> ReaderView:
    """The reader for this purpose, as it is now."""
    reader: CardReader | None = wired.cards
    closed = None
    if reader is None:
        closed = "本系统没有开通插卡登录和插卡注册。"
    elif not reader.is_open(now):
        closed = TrustUnavailable().message
    settings: Settings = wired.settings
    return ReaderView(purpose, f"http://127.0.0.1:{settings.card_agent_port}", settings.origin, closed)


def draw_with_reader(
    request: Request, template: str, reader: ReaderView, *, status: int = 200, **context: Any
) -> Response:
    """A page with a reader on it."""
    response = draw(request, template, status=status, reader=reader, **context)
    if reader.closed is None:
        response.headers["content-security-policy"] = agent_policy(reader.agent)
    return response


def read_token(field: str) -> Mapping[str, Any]:
    """What the page's script has put into the form; anything else is refused as a token that is none."""
    try:
        token = orjson.loads(field)
    except orjson.JSONDecodeError:
        return {}
    return token if isinstance(token, dict) else {}

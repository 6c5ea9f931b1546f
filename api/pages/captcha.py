"""The captcha on a page: the picture, another one, or waiting instead. Any form that has a code sent includes
`parts/captcha.html`, takes `CaptchaDep`, and hands `proof_of` to `ask_code`; nothing of it needs a script.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from fastapi import Depends, Form, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.deps import NowDep, SessionDep, WiredDep
from api.pages.route import page_router
from api.security import browser_key, client_ip, give_browser_key, make_browser_key
from api.wired import Wired
from domain.captcha import CaptchaProof, make_picture, wait_instead, waits_now

router = page_router()
PICTURE = "/sign-in/captcha.png"


@dataclass(frozen=True)
class CaptchaInput:
    """What a form says about it: the answer, or that another picture or none is wanted."""

    answer: str
    wish: str

    @property
    def sends(self) -> bool:
        """Whether the form is to be sent, and not only its picture changed."""
        return self.wish == ""


@dataclass(frozen=True)
class CaptchaView:
    """What the form shows: a picture's address (a new one each time), or the seconds yet to wait."""

    picture: str
    wait_s: int | None


async def read_captcha(
    captcha: Annotated[str, Form(max_length=40)] = "",
    captcha_wish: Annotated[Literal["", "new", "wait"], Form()] = "",
) -> CaptchaInput:
    """The fields of `parts/captcha.html`."""
    return CaptchaInput(captcha, captcha_wish)


CaptchaDep = Annotated[CaptchaInput, Depends(read_captcha)]


def proof_of(request: Request, captcha: CaptchaInput) -> CaptchaProof:
    """What this browser answers."""
    return CaptchaProof(browser_key(request), captcha.answer)


async def follow_wish(
    request: Request, session: AsyncSession, wired: Wired, captcha: CaptchaInput, now: datetime
) -> None:
    """Begin to wait, where that is wanted; the next picture comes by itself. Raises TooManyCodes beyond the ration."""
    if captcha.wish == "wait" and wired.code_limits.captcha:
        key, limits = make_browser_key(request), wired.code_limits.captcha
        await wait_instead(session, key, ip=client_ip(request), limits=limits, now=now)


async def view_captcha(
    request: Request, session: AsyncSession, wired: Wired, now: datetime
) -> CaptchaView | None:
    """What this browser's next form shows; None where no captcha is wanted."""
    if wired.code_limits.captcha is None:
        return None
    wait_s = await waits_now(session, browser_key(request), now)
    return CaptchaView(f"{PICTURE}?{secrets.token_hex(4)}", wait_s)


@router.get(PICTURE)
async def show_picture(request: Request, session: SessionDep, wired: WiredDep, now: NowDep) -> Response:
    """A new picture for this browser; the one it had is void."""
    limits = wired.code_limits.captcha
    if limits is None:
        raise HTTPException(404)
    key = make_browser_key(request)
    picture = await make_picture(session, key, ip=client_ip(request), limits=limits, now=now)
    response = Response(picture, media_type="image/png")
    give_browser_key(request, response)
    return response

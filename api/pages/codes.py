"""The two forms of a one-time code on a page: the phone, to which it is sent, and the digits. What such pages share; each has its
own addresses, templates and what a right code does.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.pages.captcha import CaptchaInput, follow_wish, proof_of, view_captcha
from api.pages.render import draw, go_to
from api.security import client_ip, give_browser_key, make_browser_key
from api.wired import Wired
from cleaning import clean_identifier
from domain.code_limits import SIGN_IN, wait_for_next
from domain.codes import ask_code
from domain.exceptions import CaptchaRefused, CodeRefused, TooManyCodes
from errors import Refusal

NOT_SENT = (CodeRefused, CaptchaRefused, TooManyCodes)
"""What a form that has a code sent is refused for. An answered captcha is used up by it: no rollback."""
NOT_TAKEN = (CodeRefused, TooManyCodes)
"""What a code is refused for. A wrong try is counted: no rollback."""


async def send_code(
    request: Request,
    session: AsyncSession,
    wired: Wired,
    captcha: CaptchaInput,
    phone: str,
    now: datetime,
    *,
    purpose: str = SIGN_IN,
) -> UUID | None:
    """Have a code sent to this phone; the challenge's id. None where only another picture was wanted. Raises one of NOT_SENT."""
    await follow_wish(request, session, wired, captcha, now)
    if not captcha.sends:
        return None
    return await ask_code(
        session,
        phone,
        purpose=purpose,
        browser_key=make_browser_key(request),
        captcha=proof_of(request, captcha),
        ip=client_ip(request),
        limits=wired.code_limits,
        send_code=wired.send_code,
        now=now,
    )


def go_to_code(request: Request, address: str) -> Response:
    """The form for the digits, in the browser that asked for them: it is given its key."""
    response = go_to(address)
    give_browser_key(request, response)
    return response


async def wait_for_code(
    request: Request, session: AsyncSession, wired: Wired, phone: str, now: datetime
) -> int:
    """The seconds until this phone may have another code sent from here."""
    return await wait_for_next(session, phone, client_ip(request), wired.code_limits, now)


async def draw_phone_form(
    request: Request,
    template: str,
    session: AsyncSession,
    wired: Wired,
    now: datetime,
    refusal: Refusal | None = None,
    **context: Any,
) -> Response:
    """The form for the phone, with the captcha that this browser has to answer."""
    captcha = await view_captcha(request, session, wired, now)
    return draw_form(request, template, refusal, "phone", captcha=captcha, **context)


def draw_form(
    request: Request, template: str, refusal: Refusal | None, field: str, **context: Any
) -> Response:
    """A form as it is shown first or, with what was refused, again: the sentences at their fields, 429 and the seconds in the
    header where it was too often, 422 for what is to be corrected."""
    if refusal is None:
        return draw(request, template, errors={}, **context)
    page = draw(request, template, status=status_of(refusal), errors=errors_of(refusal, field), **context)
    return tell_wait(page, refusal)


def tell_wait(response: Response, refusal: Refusal) -> Response:
    """The page of a refusal, with the seconds to wait in its header too."""
    if wait_s := refusal.details.get("retry_after_s"):
        response.headers["Retry-After"] = str(wait_s)
    return response


def status_of(refusal: Refusal) -> int:
    """429 for too often, 422 for what is to be corrected."""
    return 429 if isinstance(refusal, TooManyCodes) else 422


def errors_of(refusal: Refusal, field: str) -> dict[str, str]:
    """The sentences of a refusal by field; at this field where it names none."""
    found: dict[str, str] = refusal.details.get("errors") or {}
    return found or {str(refusal.details.get("field", field)): refusal.message}


def check_digits(code: str) -> dict[str, str]:
    """What is wrong with a code before it is tried: the try would be counted."""
    digits = clean_identifier(code)
    return (
        {}
        if digits.isascii() and digits.isdecimal() and len(digits) == 6
        else {"code": "请填写 6 位数字验证码。"}
    )

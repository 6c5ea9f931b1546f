"""Pictures taken or chosen in WeChat, beside the plain file field, which works everywhere: the page's script is signed for
WeChat's JS-SDK, hands the picture to WeChat, and we fetch it from there; then it is an uploaded file like any other.
"""

from io import BytesIO
from typing import Annotated
from uuid import UUID

from fastapi import Form, Query, Request
from fastapi import UploadFile as Upload
from starlette.responses import Response

from api.answers import Json
from api.deps import ENTERPRISE, MaybeActorDep, NowDep, SessionDep, WiredDep
from api.json.attachments import take_file
from api.json.registrations import take_licence
from api.json.schemas.parts import UploadedFile
from api.json.show.parts import show_upload
from api.pages.picture_parts import PICTURES, SIGNATURE
from api.pages.route import page_router
from api.pages.script_answers import SignedPage
from api.phone import PREFIX
from api.security import browser_key
from api.sessions import SignedOut, keep
from domain import applications
from domain.actor import Actor
from domain.suspension import require_acting
from tasks.exceptions import NotAllowed, NotFound
from wechat.jssdk import fetch_picture, sign_page

router = page_router()
NAMES = {"image/jpeg": "微信图片.jpg", "image/png": "微信图片.png"}


@router.get(SIGNATURE, response_model=SignedPage)
async def sign(wired: WiredDep, now: NowDep, url: Annotated[str, Query(max_length=500)]) -> Response:
    """What `wx.config` wants for a page of ours; nobody else's page is signed."""
    if wired.wechat is None or not url.startswith(f"{wired.wechat.origin}{PREFIX}/"):
        raise NotFound
    signed = await sign_page(wired.wechat.client, url, now)
    return Json(
        SignedPage(
            appId=signed.app_id,
            timestamp=signed.timestamp,
            nonceStr=signed.nonce,
            signature=signed.signature,
        )
    )


@router.post(PICTURES, status_code=201, response_model=UploadedFile)
async def take(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    now: NowDep,
    actor: MaybeActorDep,
    media_id: Annotated[str, Form(max_length=300)] = "",
    challenge: UUID | None = None,
) -> Response:
    """Fetch the picture and keep it: a member's file, or the licence of an application under way (`challenge`). No transaction is
    open while WeChat is asked. Raises PictureGone, PictureRefused, WechatUnavailable and AttachmentRefused."""
    if wired.wechat is None:
        raise NotFound
    member = None if challenge is not None else _require_member(actor)
    if (
        challenge is not None
        and await applications.find_challenge(session, challenge, browser_key(request)) is None
    ):
        raise NotFound
    await keep(session)
    picture = await fetch_picture(wired.wechat.client, media_id, wired.settings.attachment_max_bytes)
    file = Upload(BytesIO(picture.content), filename=NAMES[picture.content_type])
    if member is None:
        return Json(await take_licence(request, session, wired, str(challenge), file, now), 201)
    return Json(show_upload(await take_file(session, wired, member, file, now)), 201)


def _require_member(actor: Actor | None) -> Actor:
    if actor is None:
        raise SignedOut
    if not actor.roles & ENTERPRISE:
        raise NotAllowed
    require_acting(actor)
    return actor

"""What somebody was told, and how they want to be told."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from api.answers import Json
from api.deps import ActorDep, NowDep, SessionDep, WiredDep, allow
from api.json.ids import parse_id, try_id
from api.json.parameters import After, Limit
from api.json.route import json_router
from api.json.schemas.notices import (
    MailBody,
    MailOut,
    MailToken,
    MessageChoice,
    MessageSettings,
    NoticeAbout,
    NoticeList,
    NoticeOut,
    NoticesRead,
    QuietHoursOut,
)
from api.json.sign_in import show_phone
from domain import mail_addresses
from domain.contacts import find_addresses
from messages import notices
from messages.installed import channels_of
from messages.limits import Limits
from messages.notices import Notice
from messages.preferences import (
    Preferences,
    read_preferences,
    read_quiet,
    save_preferences,
)
from tasks.mail_addresses import give_mail
from tasks.my_notices import find_subjects

router = json_router("消息")


@router.get("/notices", response_model=NoticeList, summary="我的消息，最新的在前", dependencies=[allow()])
async def list_notices(
    session: SessionDep,
    actor: ActorDep,
    unread: Annotated[bool, Query(description="只要未读的")] = False,
    after: After = None,
    limit: Limit = 20,
) -> Response:
    """Whatever channel they went over; codes are not among them."""
    begin = parse_id(after) if after else None
    page = await notices.list_notices(session, actor.person_id, only_unread=unread, after=begin, limit=limit)
    subjects = await find_subjects(session, actor, page.items)
    return Json(
        NoticeList(
            items=[_show(one, subjects) for one in page.items],
            next=page.next,
            unread=await notices.count_unread(session, actor.person_id),
            seen=page.seen,
        )
    )


@router.post("/notices/read", status_code=204, summary="标为已读", dependencies=[allow(while_suspended=True)])
async def mark_read(body: NoticesRead, session: SessionDep, actor: ActorDep, now: NowDep) -> Response:
    """These, and everything that could be seen with a page; what is not mine stays as it is."""
    ids = [id_ for raw in body.ids if (id_ := try_id(raw)) is not None]
    if ids:
        await notices.mark_read(session, actor.person_id, ids, now)
    if body.seen is not None:
        await notices.mark_all_read(session, actor.person_id, body.seen, now)
    return Response(status_code=204)


@router.get("/me/messages", response_model=MessageSettings, summary="我怎样收到通知", dependencies=[allow()])
async def show_settings(session: SessionDep, actor: ActorDep, wired: WiredDep) -> Response:
    """What is off, the quiet hours, and where I am reached now."""
    chosen = await read_preferences(session, actor.person_id, Limits.of(wired.settings).quiet)
    addresses = (await find_addresses(session, [actor.person_id])).get(actor.person_id)
    mail = await mail_addresses.read_mail(session, actor.person_id)
    hours = chosen.quiet
    return Json(
        MessageSettings(
            off={topic: list(channels) for topic, channels in chosen.off.items()},
            quiet=QuietHoursOut(start=f"{hours.start:%H:%M}", end=f"{hours.end:%H:%M}") if hours else None,
            phone=show_phone(actor.phone),
            mail=MailOut(address=mail.address, confirmed=mail.is_confirmed) if mail else None,
            wechat=addresses is not None and addresses.openid is not None,
            channels=channels_of(wired.settings),
        )
    )


@router.put(
    "/me/messages",
    status_code=204,
    summary="选择渠道和免打扰时间",
    dependencies=[allow(while_suspended=True)],
)
async def save_settings(body: MessageChoice, session: SessionDep, actor: ActorDep, now: NowDep) -> Response:
    """From now on, what is queued already included."""
    quiet = read_quiet(body.quiet.start, body.quiet.end) if body.quiet else None
    off: dict[str, tuple[str, ...]] = {topic: tuple(names) for topic, names in body.off.items()}
    await save_preferences(session, actor.person_id, Preferences(off, quiet), now)
    return Response(status_code=204)


@router.put(
    "/me/mail",
    status_code=202,
    response_class=Response,
    summary="填写邮箱；确认邮件发往该邮箱",
    dependencies=[allow(while_suspended=True)],
)
async def take_mail(
    body: MailBody, session: SessionDep, actor: ActorDep, wired: WiredDep, now: NowDep
) -> Response:
    """Nothing else goes there before it is confirmed."""
    secret, link = wired.settings.pepper, wired.confirm_mail_link
    await give_mail(session, actor, body.address, secret=secret, link=link, now=now)
    return Response(status_code=202)


@router.post(
    "/me/mail/confirm",
    status_code=204,
    summary="确认邮箱：邮件里的口令",
    dependencies=[allow(while_suspended=True)],
)
async def confirm_mail(
    body: MailToken, session: SessionDep, actor: ActorDep, wired: WiredDep, now: NowDep
) -> Response:
    """It came back from there, within two days."""
    await mail_addresses.confirm_mail(session, actor, body.token, wired.settings.pepper, now)
    return Response(status_code=204)


@router.delete("/me/mail", status_code=204, summary="删除邮箱", dependencies=[allow(while_suspended=True)])
async def forget_mail(session: SessionDep, actor: ActorDep, now: NowDep) -> Response:
    """No mails any more."""
    await mail_addresses.forget_mail(session, actor, now)
    return Response(status_code=204)


def _show(one: Notice, subjects: Mapping[UUID, str]) -> NoticeOut:
    id_ = one.instance_id
    return NoticeOut(
        id=one.id,
        at=one.created_at,
        title=one.title,
        text=one.text,
        topic=one.topic,
        about=NoticeAbout(kind=subjects[id_], id=id_) if id_ and id_ in subjects else None,
        read_at=one.read_at,
    )

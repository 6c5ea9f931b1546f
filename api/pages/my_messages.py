"""消息设置: over which channels somebody hears of what, when they want to be left alone, and their mail address."""

from typing import Annotated

from fastapi import Form, Query, Request
from starlette.responses import Response

from api.deps import ActorDep, NowDep, SessionDep, WiredDep, allow
from api.pages.frame import Frame, FrameDep
from api.pages.render import draw, go_to
from api.pages.route import page_router
from api.pages.typed_text import TypedAddress
from api.wired import CONFIRM_MAIL, Wired
from domain import mail_addresses
from domain.actor import Actor
from domain.exceptions import MailNotConfirmed, MailRefused
from domain.wechat_bindings import read_binding
from messages.exceptions import PreferencesRefused
from messages.installed import channels_of
from messages.limits import Limits
from messages.preferences import (
    Preferences,
    read_preferences,
    read_quiet,
    save_preferences,
)
from messages.topics import CHANNEL_NAMES, CHANNELS, CHOSEN_TOPICS, TOPIC_NAMES, WECHAT
from tasks.mail_addresses import give_mail

router = page_router()
ADDRESS = "/account/messages"
SAID = {
    "saved": "消息设置已保存。",
    "mail": "确认邮件已经发出。请在两天内打开邮件里的链接，确认以后才会往这个邮箱发通知。",
    "confirmed": "邮箱已确认，以后的通知也会发到这里。",
    "forgotten": "邮箱已删除，不再往那里发通知。",
}


@router.get(ADDRESS, dependencies=[allow()])
async def show_settings(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    actor: ActorDep,
    frame: FrameDep,
    said: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """What holds now."""
    chosen = await read_preferences(session, actor.person_id, Limits.of(wired.settings).quiet)
    return await _draw(request, session, wired, actor, frame, chosen, said=SAID.get(said))


@router.post(ADDRESS, dependencies=[allow(while_suspended=True)])
async def save_settings(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    on: Annotated[list[str] | None, Form()] = None,
    quiet_from: Annotated[str, Form(max_length=10)] = "",
    quiet_to: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """What is ticked is on."""
    off = {
        topic: tuple(name for name in CHANNELS if f"{topic}.{name}" not in (on or ()))
        for topic in CHOSEN_TOPICS
    }
    try:
        await save_preferences(
            session, actor.person_id, Preferences(off, read_quiet(quiet_from, quiet_to)), now
        )
    except PreferencesRefused as refusal:
        errors = {"quiet": refusal.message}
        typed = (quiet_from, quiet_to)
        chosen = Preferences(off)
        return await _draw(request, session, wired, actor, frame, chosen, errors=errors, quiet=typed)
    return go_to(f"{ADDRESS}?said=saved")


@router.post("/account/mail", dependencies=[allow(while_suspended=True)])
async def take_mail(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    mail: TypedAddress = "",
) -> Response:
    """An address, to which the link goes that confirms it."""
    secret, link = wired.settings.pepper, wired.confirm_mail_link
    try:
        await give_mail(session, actor, mail, secret=secret, link=link, now=now)
    except MailRefused as refusal:
        chosen = await read_preferences(session, actor.person_id, Limits.of(wired.settings).quiet)
        errors = {"mail": refusal.message}
        return await _draw(request, session, wired, actor, frame, chosen, errors=errors, mail=mail)
    return go_to(f"{ADDRESS}?said=mail")


@router.get(CONFIRM_MAIL, dependencies=[allow()])
async def show_confirmation(
    request: Request, frame: FrameDep, token: Annotated[str, Query(max_length=100)] = ""
) -> Response:
    """Asked once more: programs that look through mail open links, too."""
    return draw(request, "mail_confirm.html", frame=frame, token=token)


@router.post(CONFIRM_MAIL, dependencies=[allow(while_suspended=True)])
async def confirm(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    token: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """The token came back from there."""
    try:
        await mail_addresses.confirm_mail(session, actor, token, wired.settings.pepper, now)
    except MailNotConfirmed as refusal:
        chosen = await read_preferences(session, actor.person_id, Limits.of(wired.settings).quiet)
        errors = {"mail": refusal.message}
        return await _draw(request, session, wired, actor, frame, chosen, errors=errors)
    return go_to(f"{ADDRESS}?said=confirmed")


@router.post("/account/mail/forget", dependencies=[allow(while_suspended=True)])
async def forget(session: SessionDep, actor: ActorDep, now: NowDep) -> Response:
    """No mails any more."""
    await mail_addresses.forget_mail(session, actor, now)
    return go_to(f"{ADDRESS}?said=forgotten")


async def _draw(
    request: Request,
    session: SessionDep,
    wired: Wired,
    actor: Actor,
    frame: Frame,
    chosen: Preferences,
    *,
    errors: dict[str, str] | None = None,
    said: str | None = None,
    quiet: tuple[str, str] | None = None,
    mail: str = "",
) -> Response:
    hours = chosen.quiet
    return draw(
        request,
        "my_messages.html",
        status=422 if errors else 200,
        frame=frame,
        rows=[
            (topic, TOPIC_NAMES[topic], [(name, name not in chosen.off.get(topic, ())) for name in CHANNELS])
            for topic in CHOSEN_TOPICS
        ],
        channels=[(name, CHANNEL_NAMES[name]) for name in CHANNELS],
        quiet=quiet or ((f"{hours.start:%H:%M}", f"{hours.end:%H:%M}") if hours else ("", "")),
        binding=await read_binding(session, actor.person_id),
        mail=await mail_addresses.read_mail(session, actor.person_id),
        offered=[name for name in channels_of(wired.settings) if name != WECHAT or not frame.is_officer],
        typed_mail=mail,
        errors=errors or {},
        said=said,
    )

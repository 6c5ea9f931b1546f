"""系统管理 · 消息: the log of what was sent, one message with its tries, the channels and their alarms. Whom a message was for,
what it said and a code are on none of these pages."""

from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Query, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.deps import ActorDep, NowDep, SessionDep, WiredDep, allow
from api.pages.administration.shell import SYSTEM, draw_section
from api.pages.frame import FrameDep
from api.pages.render import go_to
from api.pages.route import page_router
from api.pages.wording import BEIJING
from cleaning import clean_code
from domain.exceptions import RecordUnknown
from messages import alarms, claiming, log
from messages.installed import routes_of
from messages.log import Wanted
from messages.topics import CHANNEL_NAMES
from settings import Settings
from sms.callbacks import ACKNOWLEDGEMENTS, make_callback_token
from tasks import message_log
from tasks.message_names import name_messages

router = page_router()
MINE = [allow(SYSTEM)]
HOME = "/system/messages"
ROUTES = f"{HOME}/channels"
Word = Annotated[str, Query(max_length=64)]
STATES = {
    "queued": "排队",
    "sending": "正在发送",
    "asking": "正在向渠道查询",
    "sent": "已发出",
    "kept": "只在站内",
    "failed": "没有发出",
    "uncertain": "不能确定是否发出",
    "expired": "过期未发",
}
REASONS = {
    claiming.GONE: "收件人已停用",
    claiming.SEALED: "验证码用别的密钥加密，不能解开",
    claiming.NO_ROUTE: "没有能到达收件人的渠道",
    claiming.NOT_TOLD: "原来的渠道已经撤销，不能再查询",
}
WAITS = {
    "night": "夜间不发短信，早上再发",
    "quiet": "收件人的免打扰时间，过后再发",
    "office": "只在办公时间发给关员，上班后再发",
}
"""Why a message that nothing is wrong with is not sent yet."""
OUTCOMES = {
    "accepted": "渠道已收下",
    "later": "渠道暂时不收，稍后再试",
    "refused": "这个渠道到不了收件人",
    "operator": "需要管理员处理",
    "uncertain": "不能确定是否发出",
    "skipped": "没有走这个渠道",
}
ANSWERS = {
    "found": "查到已经发出",
    "not_known": "查到没有发出",
    "cannot_tell": "渠道不能回答",
    "repeated": "以同一编号再发一次",
}


@dataclass(frozen=True)
class Filters:
    """What the address asks for, as it was typed."""

    state: str = ""
    channel: str = ""
    provider: str = ""
    process: str = ""
    template: str = ""
    number: str = ""
    since: str = ""
    until: str = ""


@router.get(HOME, dependencies=MINE)
async def show_log(
    request: Request,
    session: SessionDep,
    frame: FrameDep,
    wired: WiredDep,
    state: Word = "",
    channel: Word = "",
    provider: Word = "",
    process: Word = "",
    template: Word = "",
    number: Word = "",
    since: Word = "",
    until: Word = "",
    after: Annotated[UUID | None, Query()] = None,
) -> Response:
    """A page of the log, the newest first."""
    filters = Filters(state, channel, provider, process, template, clean_code(number), since, until)
    wanted = await _read(session, filters)
    lines, following = await log.list_messages(session, wanted, after) if wanted else ([], None)
    return draw_section(
        request,
        "messages.html",
        frame,
        SYSTEM,
        lines=lines,
        numbers=await message_log.name_instances(
            session, {one.instance_id for one in lines if one.instance_id}
        ),
        filters=asdict(filters),
        filtered=any(asdict(filters).values()),
        names=await name_messages(session, wired.engine.catalogue),
        states=STATES,
        waits=WAITS,
        reasons=REASONS,
        channels=CHANNEL_NAMES,
        alarms=len(await alarms.list_open(session)),
        first=address(filters) if after else None,
        next=address(filters, after=following) if following else None,
    )


@router.get(ROUTES, dependencies=MINE)
async def show_routes(
    request: Request, session: SessionDep, frame: FrameDep, wired: WiredDep, now: NowDep
) -> Response:
    """How each route does, and what an operator has to act on."""
    return draw_section(
        request,
        "message_routes.html",
        frame,
        SYSTEM,
        health=await log.read_health(session, now, routes_of(wired.settings)),
        alarms=await alarms.list_open(session),
        channels=CHANNEL_NAMES,
        callbacks=find_callbacks(wired.settings),
    )


@router.get(f"{HOME}/{{message_id}}", dependencies=MINE)
async def show_message(
    request: Request, session: SessionDep, frame: FrameDep, wired: WiredDep, message_id: UUID
) -> Response:
    """One message and its tries."""
    line = await log.find_message(session, message_id)
    if line is None:
        raise RecordUnknown
    numbers = await message_log.name_instances(session, {line.instance_id} if line.instance_id else set())
    return draw_section(
        request,
        "message.html",
        frame,
        SYSTEM,
        line=line,
        number=numbers.get(line.instance_id) if line.instance_id else None,
        names=await name_messages(session, wired.engine.catalogue),
        attempts=await log.list_attempts(session, message_id),
        states=STATES,
        waits=WAITS,
        reasons=REASONS,
        outcomes=OUTCOMES,
        answers=ANSWERS,
        channels=CHANNEL_NAMES,
    )


@router.post(f"{HOME}/{{message_id}}/again", dependencies=MINE)
async def send_again(session: SessionDep, actor: ActorDep, now: NowDep, message_id: UUID) -> Response:
    """Send it after all."""
    await message_log.send_again(session, actor, message_id, now)
    return go_to(f"{HOME}/{message_id}?done=retried")


@router.post(f"{HOME}/alarms/{{alarm_id}}/acknowledge", dependencies=MINE)
async def acknowledge(session: SessionDep, actor: ActorDep, now: NowDep, alarm_id: UUID) -> Response:
    """I know of it."""
    await message_log.acknowledge_alarm(session, actor, alarm_id, now)
    return go_to(f"{ROUTES}?done=seen")


def find_callbacks(settings: Settings) -> list[tuple[str, str]]:
    """The addresses that providers call back, for their consoles: secrets, for whoever sets the channels up."""
    return [
        (name, f"{settings.origin}/sms/reports/{name}/{make_callback_token(settings.pepper, name)}")
        for name in settings.sms_providers
        if name in ACKNOWLEDGEMENTS
    ]


def address(filters: Filters, *, after: UUID | None = None) -> str:
    """The log with these filters: to be kept, shared, bookmarked."""
    query: dict[str, Any] = {name: value for name, value in asdict(filters).items() if value}
    query |= {"after": after} if after else {}
    return f"{HOME}?{urlencode(query)}" if query else HOME


async def _read(session: AsyncSession, filters: Filters) -> Wanted | None:
    """What is looked for; None for a number that nothing has. A day that cannot be read is left out."""
    instance_id = None
    if filters.number:
        instance_id = await message_log.find_instance(session, filters.number)
        if instance_id is None:
            return None
    until = _day(filters.until)
    process, dot, template = filters.template.rpartition(".")
    return Wanted(
        state=filters.state or None,
        channel=filters.channel or None,
        provider=filters.provider or None,
        process=process if dot else filters.process or None,
        template=template or None,
        since=_day(filters.since),
        until=until + timedelta(days=1) if until else None,
        instance_id=instance_id,
    )


def _day(written: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(written), time(), BEIJING)
    except ValueError:
        return None

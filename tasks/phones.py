"""Changed numbers, and telling people: the old number always hears that it is one no more."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from domain import lost_phones, phones
from domain.actor import Actor
from domain.code_limits import CodeLimits
from domain.lost_phones import RequestView
from domain.phones import ChangeCodes
from messages.outbox import NewMessage, enqueue
from messages.texts import by_sms, render

TEXTS = {
    "phone_left": by_sms(
        "手机号码已更换",
        "您在企业问题清零平台登记的手机号码已更换，这个号码不能再用来登录。如非本人办理，请立即拨打 12360。",
    ),
    "phone_given": by_sms("手机号码已更换", "您的企业问题清零平台账号已改用这个手机号码，请用它登录。"),
    "phone_refused": by_sms(
        "更换手机号码未通过", "您更换手机号码的申请没有通过，请联系受理的海关，或拨打 12360。"
    ),
}


async def change_phone(
    session: AsyncSession, actor: Actor, phone: str, codes: ChangeCodes, *, limits: CodeLimits, now: datetime
) -> None:
    """As in the domain, and the old number is told."""
    old = await phones.change_phone(session, actor, phone, codes, limits=limits, now=now)
    await enqueue(session, [_message("phone_left", old, now)])


async def decide_request(
    session: AsyncSession, actor: Actor, request: RequestView, *, change: bool, reason: str, now: datetime
) -> bool:
    """As in the domain; the old number and the new one are told of a change, the new one of a refusal."""
    decided = await lost_phones.decide_request(session, actor, request, change=change, reason=reason, now=now)
    if decided and change:
        told = [
            _message("phone_left", request.old_phone, now),
            _message("phone_given", request.new_phone, now),
        ]
        await enqueue(session, told)
    elif decided:
        await enqueue(session, [_message("phone_refused", request.new_phone, now)])
    return decided


def _message(template: str, phone: str, now: datetime) -> NewMessage:
    text = render(TEXTS, template, {})
    return NewMessage(template=template, text=text, to_phone=phone, created_at=now)

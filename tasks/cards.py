"""What a registrar decides about a card, and telling people: the one who asked, and the admins there were before."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from domain import card_requests
from domain.actor import Actor
from domain.card_requests import CardRequestView
from messages.outbox import NewMessage, enqueue
from messages.texts import by_sms, render

TEXTS = {
    "card_bound": by_sms(
        "卡已绑定",
        "您的卡已绑定到企业问题清零平台，您现在是贵企业的企业管理员，可以插卡登录，也可以用这个手机号码登录。",
    ),
    "card_refused": by_sms(
        "绑卡申请未通过", "您绑定电子口岸卡的申请没有通过，请联系受理的海关，或拨打 12360。"
    ),
    "card_admin_added": by_sms(
        "贵企业新增企业管理员",
        "海关核实后，已为持有贵企业电子口岸卡的人员开通企业管理员。如有疑问，请登录查看“用户管理”，或拨打 12360。",
    ),
}


async def decide_request(
    session: AsyncSession, actor: Actor, request: CardRequestView, *, bind: bool, reason: str, now: datetime
) -> bool:
    """As in the domain, and whoever it concerns is told; False when somebody has decided before."""
    admins = await card_requests.decide_request(session, actor, request, bind=bind, reason=reason, now=now)
    if admins is None:
        return False
    told = [_message("card_bound" if bind else "card_refused", request.phone, now)]
    told += [_message("card_admin_added", phone, now) for phone in admins]
    await enqueue(session, told)
    return True


def _message(template: str, phone: str, now: datetime) -> NewMessage:
    text = render(TEXTS, template, {})
    return NewMessage(template=template, text=text, to_phone=phone, created_at=now)

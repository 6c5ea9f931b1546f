"""One-time codes as messages: the digits travel sealed, the text that people and operators read has none."""

from datetime import datetime
from math import ceil
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.ids import uuid7
from messages.outbox import NewMessage, enqueue
from messages.sealing import Sealer
from messages.texts import by_sms, render

TEXTS = {
    "sign_in": by_sms(
        "登录验证码", "您正在登录企业问题清零平台，验证码 {minutes} 分钟内有效。如非本人操作，请忽略本短信。"
    ),
    "register": by_sms("注册验证码", "您正在注册企业问题清零平台，验证码 {minutes} 分钟内有效。"),
    "register_card": by_sms(
        "注册验证码", "您正在用电子口岸卡注册企业问题清零平台，验证码 {minutes} 分钟内有效。"
    ),
    "change_phone_old": by_sms(
        "更换手机号验证码",
        "您正在更换登录用的手机号码，这是原号码的验证码，{minutes} 分钟内有效。如非本人操作，请立即拨打 12360。",
    ),
    "change_phone_new": by_sms(
        "更换手机号验证码", "您正在把这个号码设为登录用的手机号码，验证码 {minutes} 分钟内有效。"
    ),
    "lost_phone": by_sms("更换手机号验证码", "您正在申请改用这个手机号码登录，验证码 {minutes} 分钟内有效。"),
}


class CodeOutbox:
    """Queues codes for the sign-in (the `send_code` it asks for)."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    async def __call__(
        self,
        session: AsyncSession,
        *,
        phone: str,
        person_id: UUID | None,
        purpose: str,
        code: str,
        deliver: bool,
        expires_at: datetime,
        now: datetime,
    ) -> None:
        """One code to one phone, sealed until it is sent; with `deliver` false the same work, and nothing is ever sent.

        Whose the phone is (`person_id`) is not kept: a reference to be checked would take its time.
        """
        id_ = uuid7()
        minutes = ceil((expires_at - now).total_seconds() / 60)
        sealed = self._sealer.seal(code, id_)
        message = NewMessage(
            id=id_,
            created_at=now,
            template=f"code_{purpose}",
            text=render(TEXTS, purpose, {"minutes": minutes}),
            to_phone=phone,
            params={"minutes": minutes},
            sealed=sealed if deliver else None,
            expires_at=expires_at,
            is_code=True,
            dead=not deliver,
        )
        await enqueue(session, [message])

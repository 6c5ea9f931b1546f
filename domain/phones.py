"""Changing the one number a person has: by codes to the old and the new one, both at once. Numbers stay unique.

`move_phone` is the change itself, for people who lost theirs too (`domain.lost_phones`): it is on the record, open codes of
both numbers are void, and everybody who was signed in with the old one is out.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from domain import audit
from domain.actor import Actor
from domain.code_limits import CodeLimits
from domain.codes import CodeSender, ask_code, find_challenge, refuse_code, try_code
from domain.exceptions import PhoneRefused
from domain.people import normalise_phone
from domain.sessions import end_all_sessions

OLD, NEW = "change_phone_old", "change_phone_new"
WRONG = "验证码不正确，或已失效。"
TAKEN = "这个手机号码已经登记在别人名下，不能使用。"

LOCK_PHONE = text("SELECT phone FROM person WHERE id = :id AND active FOR UPDATE")
MOVE_PHONE = text("UPDATE person SET phone = :phone WHERE id = :id")
VOID_CODES = text("""
    UPDATE sign_in_challenge SET voided_at = :now
    WHERE phone = ANY(:phones) AND used_at IS NULL AND voided_at IS NULL
""")


@dataclass(frozen=True)
class ChangeCodes:
    """The two codes as they were typed, with their challenges."""

    old_challenge: UUID | None
    old_code: str
    new_challenge: UUID | None
    new_code: str


async def ask_change_codes(
    session: AsyncSession,
    actor: Actor,
    phone: str,
    *,
    ip: str | None,
    limits: CodeLimits,
    send_code: CodeSender,
    now: datetime,
) -> tuple[UUID, UUID]:
    """Have a code sent to the number at hand and one to the new one: both or none. Their challenges, the old one's first.

    Both are bound to this session. Raises PhoneRefused, TooManyCodes. Whether somebody has the new number is told by nothing.
    """
    normal = _require_new(actor, phone)
    bound: dict[str, Any] = {
        "browser_key": str(actor.session_id),
        "ip": ip,
        "limits": limits,
        "send_code": send_code,
        "now": now,
    }
    async with session.begin_nested():
        old = await ask_code(session, actor.phone, purpose=OLD, **bound)
        new = await ask_code(session, normal, purpose=NEW, **bound)
    return old, new


async def change_phone(
    session: AsyncSession, actor: Actor, phone: str, codes: ChangeCodes, *, limits: CodeLimits, now: datetime
) -> str:
    """One's own new number; the old one. All other sessions end. Raises PhoneRefused for wrong codes, which were counted
    (`keeps_changes`), and for a number that somebody has; TooManyCodes while one of the numbers is locked."""
    normal = _require_new(actor, phone)
    key = str(actor.session_id)
    bound: dict[str, Any] = {"browser_key": key, "limits": limits, "now": now}
    old = await find_challenge(session, codes.old_challenge, actor.phone, purpose=OLD, **bound)
    new = await find_challenge(session, codes.new_challenge, normal, purpose=NEW, **bound)
    errors: dict[str, str] = {}
    for field, challenge, code in (("old_code", old, codes.old_code), ("new_code", new, codes.new_code)):
        if not try_code(challenge, code, **bound):
            errors[field] = (await refuse_code(session, challenge, **bound, otherwise=WRONG)).message
    if errors or old is None or new is None:
        raise PhoneRefused(errors)
    old.used_at = new.used_at = now
    return await move_phone(session, actor.person_id, normal, actor=actor, but=actor.session_id, now=now)


async def move_phone(
    session: AsyncSession,
    person_id: UUID,
    phone: str,
    *,
    actor: Actor,
    reason: str | None = None,
    but: UUID | None = None,
    now: datetime,
) -> str:
    """Give this person this number (`+86…`); the one they had. Their sessions end (`but` for one)."""
    old = await session.scalar(LOCK_PHONE, {"id": person_id})
    if old is None:
        raise PhoneRefused({"phone": "这个账号已停用，不能更换手机号码。"})
    try:
        async with session.begin_nested():
            await session.execute(MOVE_PHONE, {"id": person_id, "phone": phone})
    except IntegrityError as error:
        raise PhoneRefused({"phone": TAKEN}) from error
    await session.execute(VOID_CODES, {"phones": [old, phone], "now": now})
    await audit.record(
        session,
        "change_phone",
        actor=actor,
        about="person",
        about_id=person_id,
        before={"phone": old},
        after={"phone": phone} | ({"reason": reason} if reason else {}),
        now=now,
    )
    await end_all_sessions(session, person_id, now, actor=actor, but=but)
    return old


def _require_new(actor: Actor, phone: str) -> str:
    normal = normalise_phone(phone)
    if normal is None:
        raise PhoneRefused({"phone": "请输入 11 位手机号码。"})
    if normal == actor.phone:
        raise PhoneRefused({"phone": "这就是您现在的手机号码。"})
    return normal

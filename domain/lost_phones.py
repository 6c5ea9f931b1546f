"""People who lost their number and cannot sign in: they ask, with a code to the new number, and go to customs with their
papers; a registrar of the office they chose decides, for officers the system admin.

What is asked tells nothing about who exists: any old number is taken down, known or not.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from cleaning import clean_name, clean_text, is_plain
from domain import audit
from domain.actor import Actor
from domain.code_limits import CodeLimits
from domain.codes import find_challenge, refuse_code, try_code
from domain.exceptions import PhoneRefused
from domain.models import PhoneRequest
from domain.people import normalise_phone
from domain.phones import WRONG, move_phone
from domain.wechat_bindings import unbind_wechat

PURPOSE = "lost_phone"
DECIDERS = ("registrar", "system_admin")
LONGEST_NAME, LONGEST_PLACE, LONGEST_REASON = 30, 100, 500
NO_REASON = f"请写明怎样核实了身份，或者不予更换的原因，最多 {LONGEST_REASON} 个字。"


@dataclass(frozen=True)
class LostPhone:
    """What somebody asks for, checked: both numbers as `+86…`; no office for an officer."""

    name: str
    old_phone: str
    new_phone: str
    place: str
    office: str | None


@dataclass(frozen=True)
class RequestView:
    """A request with whom we know by the old number, as whoever decides sees it; all None when nobody has it."""

    id: UUID
    name: str
    old_phone: str
    new_phone: str
    place: str
    office: str | None
    office_name: str | None
    created_at: datetime
    person_id: UUID | None
    person_name: str | None
    enterprises: str | None
    is_officer: bool


LIST_OFFICES = text("""
    SELECT c.code, c.name FROM customs_office c
    WHERE c.active AND EXISTS (
        SELECT FROM officer_role r JOIN officer o ON o.id = r.officer_id AND o.active
        WHERE r.role = 'registrar' AND r.office = c.code)
    ORDER BY c.code
""")

FIND_REQUESTS = text("""
    SELECT r.id, r.name, r.old_phone, r.new_phone, r.place, r.office, c.name AS office_name, r.created_at,
        p.id AS person_id, p.name AS person_name, o.id IS NOT NULL AS is_officer,
        (SELECT string_agg(e.name || '（' || coalesce(nullif(m.display_name, ''), p.name) || '）', '、' ORDER BY e.name)
         FROM membership m JOIN enterprise e ON e.id = m.enterprise_id
         WHERE m.person_id = p.id AND m.active AND e.status NOT IN ('refused', 'superseded')) AS enterprises
    FROM phone_request r
    LEFT JOIN customs_office c ON c.code = r.office
    LEFT JOIN person p ON p.phone = r.old_phone AND p.active
    LEFT JOIN officer o ON o.person_id = p.id AND o.active
    WHERE r.decided_at IS NULL AND (CAST(:id AS uuid) IS NULL OR r.id = CAST(:id AS uuid))
        AND CASE WHEN o.id IS NOT NULL OR r.office IS NULL THEN :is_admin ELSE r.office = ANY(:offices) END
        AND p.id IS DISTINCT FROM :me
    ORDER BY r.created_at, r.id LIMIT 200
""")

REPLACE_REQUEST = text("""
    UPDATE phone_request SET decision = 'replaced', decided_at = :now
    WHERE new_phone = :phone AND decided_at IS NULL
""")

ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('lost-phone:' || :phone, 0))")

DECIDE_REQUEST = text("""
    UPDATE phone_request SET decision = :decision, reason = :reason, decided_at = :now, decided_by = :by
    WHERE id = :id AND decided_at IS NULL RETURNING id
""")


async def list_registrar_offices(session: AsyncSession) -> list[tuple[str, str]]:
    """Code and name of the offices where somebody decides on such requests."""
    return [(row.code, row.name) for row in await session.execute(LIST_OFFICES)]


async def check_lost_phone(
    session: AsyncSession, *, name: str, old_phone: str, new_phone: str, place: str, office: str
) -> LostPhone:
    """What was typed, ready to be kept. Raises PhoneRefused with a sentence for every field that is wrong."""
    name, place = clean_name(name), clean_name(place)
    old, new = normalise_phone(old_phone), normalise_phone(new_phone)
    errors: dict[str, str] = {}
    if not 0 < len(name) <= LONGEST_NAME or not is_plain(name):
        errors["name"] = f"请填写姓名，最多 {LONGEST_NAME} 个字。"
    if old is None:
        errors["old_phone"] = "请输入原来的 11 位手机号码。"
    if new is None:
        errors["phone"] = "请输入新的 11 位手机号码。"
    elif new == old:
        errors["phone"] = "新号码与原号码相同。"
    if not 0 < len(place) <= LONGEST_PLACE or not is_plain(place):
        errors["place"] = f"请填写企业名称或海关单位，最多 {LONGEST_PLACE} 个字。"
    if office and office not in {code for code, _ in await list_registrar_offices(session)}:
        errors["office"] = "请从列表中选择海关。"
    if errors or old is None or new is None:
        raise PhoneRefused(errors)
    return LostPhone(name, old, new, place, office or None)


async def send_request(
    session: AsyncSession,
    lost: LostPhone,
    challenge: UUID | None,
    code: str,
    *,
    browser_key: str | None,
    limits: CodeLimits,
    now: datetime,
) -> PhoneRequest:
    """Take the code that went to the new number, and the request down; an open one for the same number is replaced."""
    bound: dict[str, Any] = {"browser_key": browser_key, "limits": limits, "now": now}
    tried = await find_challenge(session, challenge, lost.new_phone, purpose=PURPOSE, **bound)
    if tried is None or not try_code(tried, code, **bound):
        refusal = await refuse_code(session, tried, **bound, otherwise=WRONG)
        raise PhoneRefused({"code": refusal.message})
    tried.used_at = now
    await session.execute(ONE_AT_A_TIME, {"phone": lost.new_phone})
    await session.execute(REPLACE_REQUEST, {"phone": lost.new_phone, "now": now})
    request = PhoneRequest(
        name=lost.name,
        old_phone=lost.old_phone,
        new_phone=lost.new_phone,
        place=lost.place,
        office=lost.office,
        created_at=now,
    )
    session.add(request)
    await session.flush()
    said = {"name": lost.name, "phone": lost.new_phone, "old": {"phone": lost.old_phone}}
    await audit.record(
        session,
        "request_phone",
        actor=None,
        about="phone_request",
        about_id=request.id,
        after={**said, "office": lost.office},
        now=now,
    )
    return request


async def find_requests(session: AsyncSession, actor: Actor, id_: UUID | None = None) -> list[RequestView]:
    """The open requests (or this one) that this officer decides on, the oldest first; never one's own."""
    parameters = {
        "id": id_,
        "offices": sorted(actor.offices_as("registrar")),
        "is_admin": bool(actor.offices_as("system_admin")),
        "me": actor.person_id,
    }
    return [RequestView(**row) for row in (await session.execute(FIND_REQUESTS, parameters)).mappings()]


async def decide_request(
    session: AsyncSession, actor: Actor, request: RequestView, *, change: bool, reason: str, now: datetime
) -> bool:
    """Change the number after having checked who asks, or refuse; False when somebody has decided before. All sessions
    of the person end, and the WeChat on the lost phone signs in no more.

    Raises PhoneRefused without a reason, for an old number nobody has, for a new one somebody has.
    """
    reason = clean_text(reason)
    if not 0 < len(reason) <= LONGEST_REASON:
        raise PhoneRefused(
            {"reason": f"请写明怎样核实了身份，或者不予更换的原因，最多 {LONGEST_REASON} 个字。"}
        )
    if change and request.person_id is None:
        raise PhoneRefused({"decision": "没有人使用原来的号码，不能更换。"})
    parameters = {
        "id": request.id,
        "decision": "changed" if change else "refused",
        "reason": reason,
        "now": now,
        "by": actor.person_id,
    }
    async with session.begin_nested():  # a number that somebody has leaves the request open
        if (await session.execute(DECIDE_REQUEST, parameters)).first() is None:
            return False
        if change and request.person_id:
            phone = request.new_phone
            await move_phone(session, request.person_id, phone, actor=actor, reason=reason, now=now)
            await unbind_wechat(session, request.person_id, now, actor=actor)  # it is on the lost phone
    await audit.record(
        session,
        "decide_phone_request",
        actor=actor,
        about="phone_request",
        about_id=request.id,
        after={"decision": parameters["decision"], "reason": reason, "person_id": request.person_id},
        now=now,
    )
    return True

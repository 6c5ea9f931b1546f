"""The administrators of a new installation, made by whoever runs the server: nobody has signed in yet who could.

Each of the three roles is made here while nobody active holds it; from then on administrators make each other on the
pages. Once somebody does, only a call that names that person's whole phone number replaces them: for when they can sign
in no more. With the same number it is the same person, who gets a new first password.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.administration import begin
from domain.exceptions import ChangeRefused
from domain.models import Officer, Person
from domain.models.people import ADMINISTRATORS
from domain.officers import NewOfficer, add_officer, set_first_password
from domain.offices import find_top_office
from domain.people import normalise_phone
from domain.roles import add_role, find_administrators, record_role

CHOICES = {"system_admin": "系统管理员", "security_admin": "安全管理员", "auditor": "审计管理员"}


@dataclass(frozen=True)
class Made:
    """The new administrator; `replaced` is the officer to disable, with their claimed work, in the same transaction."""

    new: NewOfficer
    replaced: UUID | None


async def make_administrator(
    session: AsyncSession, *, role: str, name: str, phone: str, replace: str | None, now: datetime
) -> Made:
    """A new account that holds this role at the top office. Raises ChangeRefused, FormRefused."""
    if role not in ADMINISTRATORS:
        raise ChangeRefused(f"角色只能是 {'、'.join(ADMINISTRATORS)} 之一。")
    await begin(session, None, role)
    holders = await find_administrators(session, role)
    old = _find_replaced(role, holders, replace)
    if old is not None and old[1].phone == normalise_phone(phone):
        return Made(await set_first_password(session, None, old[0], now), None)
    top = await find_top_office(session)
    new = await add_officer(session, None, name=name, phone=phone, office=top.code, now=now)
    await add_role(session, new.officer_id, role, top.code)
    await record_role(session, "give_role", None, new.officer_id, role, top.code, now)
    return Made(new, old[0].id if old else None)


def _find_replaced(
    role: str, holders: list[tuple[Officer, Person]], replace: str | None
) -> tuple[Officer, Person] | None:
    if replace is None:
        if not holders:
            return None
        who = "、".join(f"{person.name}（{_masked(person.phone)}）" for _, person in holders)
        raise ChangeRefused(
            f"已有{CHOICES[role]}：{who}。请由管理员在网页上办理；"
            "确实无法登录的，再次运行并用 --replace 写出其完整手机号码：其账号随即停用。"
        )
    phone = normalise_phone(replace)
    for officer, person in holders:
        if person.phone == phone:
            return officer, person
    raise ChangeRefused(f"在岗的{CHOICES[role]}中没有人用手机号码 {replace}。")


def _masked(phone: str) -> str:
    return f"{phone[3:6]}****{phone[-4:]}"

"""The people of the demo: two enterprises, three offices, every role. Phones stay the same for ever: people learn them.

1380000000x are enterprises' people, 138000001xx officers: 10x at 2300, 11x at 2301, 12x at 2325.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.ids import uuid7
from domain.actor import Actor, member_groups
from domain.models import Enterprise, Membership, Officer, OfficerRole, Person, PersonMail, WechatBinding
from domain.signin import hash_password

LICENCE = Path(__file__).with_name("licence.png")  # a picture of nobody's licence
MAIL_DOMAIN = "demo.invalid"  # RFC 6761: nobody's
PASSWORD = "Qingling-2026"  # noqa: S105  (printed at start; demo databases only)


@dataclass(frozen=True)
class DemoEnterprise:
    """One of the demo's enterprises."""

    key: str
    name: str
    uscc: str
    customs_code: str
    address: str
    legal_person: str


@dataclass(frozen=True)
class DemoMember:
    """Someone of an enterprise; `roles` by enterprise key."""

    name: str
    phone: str
    position: str
    roles: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class DemoOfficer:
    """Someone of customs; roles as `role:office`."""

    name: str
    phone: str
    groups: tuple[str, ...]


ENTERPRISES = (
    DemoEnterprise(
        "yunze",
        "江苏云泽精密电子有限公司",
        "91320583MA1XQL01KB",
        "3223940Q01",
        "江苏省昆山市澄湖路 66 号",
        "周明远",
    ),
    DemoEnterprise(
        "haiyue",
        "连云港海岳供应链管理有限公司",
        "91320700MA20HY02B4",
        "3207960H02",
        "江苏省连云港市连云区港城大道 18 号",
        "韩志强",
    ),
)

IN_WECHAT = {"13800000002": "oDemo-shen-jiahui"}
"""Whose WeChat is bound, by phone: messages reach it before the phone."""

MEMBERS = (
    DemoMember("周明远", "13800000001", "总经理", {"yunze": ("executive",)}),
    DemoMember("沈佳慧", "13800000002", "副总经理", {"yunze": ("executive",)}),
    DemoMember("顾晓岚", "13800000003", "关务经理", {"yunze": ("enterprise_admin",)}),
    DemoMember("陆一鸣", "13800000004", "关务专员", {"yunze": ("customs_affairs",)}),
    DemoMember("唐欣怡", "13800000005", "报关主管", {"yunze": ("customs_affairs",)}),
    DemoMember("韩志强", "13800000006", "总经理", {"haiyue": ("executive",)}),
    DemoMember("蒋文静", "13800000007", "运营总监", {"haiyue": ("enterprise_admin",)}),
    DemoMember("邵子轩", "13800000008", "关务专员", {"haiyue": ("customs_affairs",)}),
    DemoMember(
        "罗天成", "13800000009", "报关代理", {"yunze": ("customs_affairs",), "haiyue": ("customs_affairs",)}
    ),
)

OFFICERS = (
    DemoOfficer("何静", "13800000101", ("registrar:2300",)),
    DemoOfficer("严正清", "13800000102", ("supervisor:2300",)),
    DemoOfficer("程立群", "13800000103", ("handler:2300",)),
    DemoOfficer("方若兰", "13800000104", ("handler:2300", "section_chief:2300")),
    DemoOfficer("杜知行", "13800000105", ("analyst:2300",)),
    DemoOfficer("石磊", "13800000106", ("system_admin:2300",)),
    DemoOfficer("安宁", "13800000107", ("security_admin:2300",)),
    DemoOfficer("章鉴", "13800000108", ("auditor:2300",)),
    DemoOfficer("秦海波", "13800000111", ("handler:2301",)),
    DemoOfficer("许安然", "13800000112", ("handler:2301",)),
    DemoOfficer("潘国栋", "13800000113", ("section_chief:2301",)),
    DemoOfficer("田小满", "13800000114", ("supervisor:2301",)),
    DemoOfficer("苏沐阳", "13800000121", ("handler:2325",)),
    DemoOfficer("叶思琪", "13800000122", ("handler:2325",)),
    DemoOfficer("傅延年", "13800000123", ("section_chief:2325", "registrar:2325")),
)


async def add_people(session: AsyncSession, now: datetime) -> bool:
    """Write the demo's people where there is nobody yet; whether it did."""
    if (await session.execute(select(col(Person.id)).limit(1))).first() is not None:
        return False
    password_hash = await asyncio.to_thread(hash_password, PASSWORD)
    enterprises = {one.key: uuid7() for one in ENTERPRISES}
    people = {one.phone: uuid7() for one in (*MEMBERS, *OFFICERS)}
    officers = {one.phone: uuid7() for one in OFFICERS}
    await session.execute(
        insert(Enterprise),
        [
            {
                "id": enterprises[one.key],
                "name": one.name,
                "uscc": one.uscc,
                "customs_code": one.customs_code,
                "address": one.address,
                "legal_person": one.legal_person,
                "status": "approved",
                "created_at": now,
            }
            for one in ENTERPRISES
        ],
    )
    await session.execute(
        insert(Person),
        [
            {
                "id": people[one.phone],
                "name": one.name,
                "phone": f"+86{one.phone}",
                "active": True,
                "created_at": now,
            }
            for one in (*MEMBERS, *OFFICERS)
        ],
    )
    await session.execute(
        insert(PersonMail),
        [
            {
                "person_id": people[one.phone],
                "address": f"{one.phone}@{MAIL_DOMAIN}",
                "given_at": now,
                "confirmed_at": now,
            }
            for one in (*MEMBERS, *OFFICERS)
        ],
    )
    await session.execute(
        insert(WechatBinding),
        [
            {"person_id": people[phone], "openid": openid, "bound_at": now}
            for phone, openid in IN_WECHAT.items()
        ],
    )
    await session.execute(
        insert(Membership),
        [
            {
                "id": uuid7(),
                "person_id": people[one.phone],
                "enterprise_id": enterprises[key],
                "display_name": one.name,
                "position": one.position,
                "roles": list(roles),
                "active": True,
                "created_at": now,
            }
            for one in MEMBERS
            for key, roles in one.roles.items()
        ],
    )
    await session.execute(
        insert(Officer),
        [
            {
                "id": officers[one.phone],
                "person_id": people[one.phone],
                "office": one.groups[0].split(":")[1],
                "password_hash": password_hash,
                "active": True,
                "created_at": now,
            }
            for one in OFFICERS
        ],
    )
    pairs = [(officers[one.phone], *group.split(":")) for one in OFFICERS for group in one.groups]
    await session.execute(
        insert(OfficerRole),
        [{"officer_id": officer_id, "role": role, "office": office} for officer_id, role, office in pairs],
    )
    return True


async def load_demo_actors(session: AsyncSession) -> dict[tuple[str, str | None], Actor]:
    """Everybody as they act in the script: by name, and enterprise key for members (None for officers)."""
    rows = await session.execute(
        select(Person, Membership, Enterprise)
        .join(Membership, col(Membership.person_id) == col(Person.id))
        .join(Enterprise, col(Enterprise.id) == col(Membership.enterprise_id))
    )
    keys = {one.uscc: one.key for one in ENTERPRISES}
    actors: dict[tuple[str, str | None], Actor] = {}
    for person, membership, enterprise in rows:
        if enterprise.uscc in keys:
            actors[person.name, keys[enterprise.uscc]] = _as_member(person, membership, enterprise)
    for person, officer in await session.execute(
        select(Person, Officer).join(Officer, col(Officer.person_id) == col(Person.id))
    ):
        actors[person.name, None] = await _as_officer(session, person, officer.id)
    return actors


def _as_member(person: Person, membership: Membership, enterprise: Enterprise) -> Actor:
    return Actor(
        person_id=person.id,
        name=person.name,
        phone=person.phone,
        session_id=None,
        membership_id=membership.id,
        enterprise_id=enterprise.id,
        enterprise_status=enterprise.status,
        officer_id=None,
        roles=frozenset(membership.roles),
        groups=member_groups(membership.roles, enterprise.id),
        offices=(),
        enterprise_name=enterprise.name,
    )


async def _as_officer(session: AsyncSession, person: Person, officer_id: UUID) -> Actor:
    roles = await session.execute(
        select(col(OfficerRole.role), col(OfficerRole.office)).where(
            col(OfficerRole.officer_id) == officer_id
        )
    )
    pairs = sorted(roles.all())
    return Actor(
        person_id=person.id,
        name=person.name,
        phone=person.phone,
        session_id=None,
        membership_id=None,
        enterprise_id=None,
        enterprise_status=None,
        officer_id=officer_id,
        roles=frozenset(role for role, _ in pairs),
        groups=tuple(f"{role}:{office}" for role, office in pairs),
        offices=tuple(sorted({office for _, office in pairs})),
    )

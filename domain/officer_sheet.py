"""Officers' accounts as a table, out and in: everybody with their roles out; in come new accounts with first passwords, and
other names or offices of those there are. A phone number says who is meant. Roles are given by somebody else and not read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from domain import audit
from domain.actor import Actor
from domain.administration import begin, find_mistake
from domain.bulk import BulkLine, BulkReport, Change, TypedLine
from domain.officers import (
    KEEPER,
    LONGEST_NAME,
    OfficerLine,
    add_officer,
    edit_officer,
    find_taken,
    list_officers,
)
from domain.offices import list_offices
from domain.people import normalise_phone

COLUMNS = {"name": "姓名", "phone": "手机号码", "office": "所属单位代码"}
ONLY_OUT = ("所属单位", "角色", "状态")
MOST_OUT = 10_000
MOST_IN = 100  # each new password costs a moment


@dataclass(frozen=True)
class FirstPassword:
    """Of an account just added: shown once, kept nowhere."""

    name: str
    phone: str
    password: str


async def export_officers(
    session: AsyncSession, actor: Actor, role_names: Mapping[str, str], now: datetime
) -> list[list[str]]:
    """Everybody, as `import_officers` reads it and with what it does not read; on the record, for the numbers in it."""
    await begin(session, actor, KEEPER)
    lines = (await list_officers(session, limit=MOST_OUT))[:MOST_OUT]
    after = {"officers": len(lines)}
    await audit.record(
        session, "export_officers", actor=actor, about="officer", about_id=None, after=after, now=now
    )
    return [
        [
            line.name,
            _plain(line.phone),
            line.office or "",
            line.office_name or "",
            "、".join(_tell_role(group, role_names) for group in line.groups),
            "在用" if line.active else "已停用",
        ]
        for line in lines
    ]


async def import_officers(
    session: AsyncSession, actor: Actor, lines: Sequence[TypedLine], now: datetime, *, apply: bool
) -> tuple[BulkReport, list[FirstPassword]]:
    """What these lines do; done, with the first passwords of who is new, only where no line is wrong."""
    await begin(session, actor, KEEPER)
    known = {line.phone: line for line in await list_officers(session, limit=MOST_OUT)}
    open_offices = {office.code for office in await list_offices(session)}
    taken = await find_taken(session, [phone for line in lines if (phone := _phone(line))])
    seen: dict[str, int] = {}
    judged: list[BulkLine] = []
    for line in lines:
        phone = _phone(line) or line.cells["phone"]
        officer = known.get(phone)
        errors = _find_mistakes(line, officer, open_offices, taken)
        if phone in seen:
            errors = [f"与第 {seen[phone]} 行的手机号码重复。"]
        seen.setdefault(phone, line.line)
        change: Change = "wrong" if errors else _tell_change(line, officer)
        judged.append(BulkLine(line.line, line.cells, change, tuple(errors)))
    report = BulkReport(judged)
    done = apply and not report.count("wrong")
    return report, await _do(session, actor, report, known, now) if done else []


async def _do(
    session: AsyncSession, actor: Actor, report: BulkReport, known: Mapping[str, OfficerLine], now: datetime
) -> list[FirstPassword]:
    passwords: list[FirstPassword] = []
    for line in report.lines:
        name, office = line.cells["name"], line.cells["office"]
        phone = normalise_phone(line.cells["phone"]) or ""
        if line.change == "added":
            new = await add_officer(session, actor, name=name, phone=phone, office=office, now=now)
            passwords.append(FirstPassword(name, _plain(phone), new.password))
        elif line.change == "changed":
            await edit_officer(session, actor, known[phone].id, name=name, office=office, now=now)
    return passwords


def _find_mistakes(
    line: TypedLine, officer: OfficerLine | None, open_offices: set[str], taken: set[str]
) -> list[str]:
    errors: list[str] = []
    if mistake := find_mistake("姓名", line.cells["name"], LONGEST_NAME):
        errors.append(mistake)
    phone = _phone(line)
    if phone is None:
        errors.append("请填写 11 位手机号码。")
    elif officer is None and phone in taken:
        errors.append("这个手机号码已经是本系统的用户，不能登记为关员。")
    office = line.cells["office"]
    if office not in open_offices and not (officer is not None and office == (officer.office or "")):
        errors.append(f"没有代码为“{office}”的受理单位。" if office else "请填写“所属单位代码”。")
    return errors


def _tell_change(line: TypedLine, officer: OfficerLine | None) -> Change:
    if officer is None:
        return "added"
    same = (line.cells["name"], line.cells["office"]) == (officer.name, officer.office or "")
    return "same" if same else "changed"


def _phone(line: TypedLine) -> str | None:
    return normalise_phone(line.cells["phone"])


def _plain(phone: str) -> str:
    return phone.removeprefix("+86")


def _tell_role(group: str, role_names: Mapping[str, str]) -> str:
    role, office = group.split(":")
    return f"{role_names.get(role, role)}（{office}）"

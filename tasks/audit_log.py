"""What an operator does with the audit log from the command line: verify it, erase somebody's values, sign its end again.

These are edges: they open a database of their own and commit.
"""

import re
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cleaning import clean_identifier
from db.session import make_sessions, open_engine
from domain import audit
from domain.audit_chain import DIGEST_BYTES, sealing_key, sign_anew
from domain.audit_erasure import Erasure, erase_personal
from domain.audit_verify import Report, verify
from domain.models import Person
from domain.people import normalise_phone
from domain.working_days import BEIJING
from settings import Settings
from tasks.exceptions import AnchorUnreadable, ChainUnfit, NobodyMeant
from tasks.sealing import SOURCES

NAMES = {"audit_record": "审计记录", "process_event": "办理过程"}
ANCHOR = re.compile(rf"([1-9]\d*):([0-9a-f]{{{DIGEST_BYTES * 2}}})")


def read_anchors(written: Iterable[str]) -> dict[int, bytes]:
    """Ends of the chain as people write them down. Raises AnchorUnreadable."""
    found = [ANCHOR.fullmatch(clean_identifier(one).lower()) for one in written]
    if not all(found):
        raise AnchorUnreadable
    return {int(one[1]): bytes.fromhex(one[2]) for one in found if one}


async def verify_log(
    settings: Settings, database_url: str, anchors: Mapping[int, bytes]
) -> tuple[list[str], bool]:
    """Lines to print, and whether everything is as it was sealed."""
    async with _open(settings, database_url) as session:
        report = await read_report(session, sealing_key(settings.pepper), anchors)
    return tell_report(report), not report.count


async def read_report(
    session: AsyncSession, key: bytes, anchors: Mapping[int, bytes] | None = None
) -> Report:
    """Verify on one snapshot; the session must not have begun."""
    await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    return await verify(session, SOURCES, key, anchors=anchors)


def tell_report(report: Report) -> list[str]:
    """A report in sentences."""
    number, digest = report.head
    lines = list(report.findings)
    if report.count > len(report.findings):
        lines.append(f"……共 {report.count} 处，以上是前 {len(report.findings)} 处。")
    lines.append(
        f"已核对 {report.batches} 批、{report.rows} 条记录、{report.values} 项个人信息（其中已删除 {report.erased} 项）。"
    )
    waiting = "，".join(f"{NAMES[table]} {count} 条" for table, count in report.unsealed.items())
    since = report.unsealed_since
    lines.append(f"尚未封存：{waiting}" + (f"，最早的写于 {_tell_time(since)}。" if since else "。"))
    if number:
        lines.append(f"链尾（请抄录到系统之外）：{number}:{digest.hex()}")
    lines.append(f"发现 {report.count} 处问题。" if report.count else "没有发现问题。")
    return lines


async def erase_somebody(settings: Settings, database_url: str, who: str) -> str:
    """Erase the values of the person with this phone or id; a line to print. Raises NobodyMeant."""
    now = datetime.now(UTC)
    async with _open(settings, database_url) as session:
        person_id, phone = await _find_meant(session, who)
        erasure = await erase_personal(
            session,
            person_id=person_id,
            phone=phone,
            actor=None,
            keep=timedelta(days=settings.audit_keep_d),
            now=now,
        )
        await session.commit()
    return _tell_erasure(erasure)


async def sign_again(settings: Settings, database_url: str, anchors: Mapping[int, bytes]) -> str:
    """Sign the end anew when nothing else than its signature is wrong; a line to print. Raises ChainUnfit."""
    key = sealing_key(settings.pepper)
    async with _open(settings, database_url) as session:
        report = await read_report(session, key, anchors)
        if report.count > (0 if report.is_signed else 1) or not report.head[0]:
            raise ChainUnfit
        await sign_anew(session, *report.head, key)
        number = report.head[0]
        now = datetime.now(UTC)
        await audit.record(
            session, "sign_audit_chain", actor=None, about="audit_batch", about_id=number, now=now
        )
        await session.commit()
    return f"已重新签名：链尾为第 {number} 批。"


async def _find_meant(session: AsyncSession, who: str) -> tuple[UUID | None, str | None]:
    phone = normalise_phone(who)
    if phone:
        return await session.scalar(select(col(Person.id)).where(col(Person.phone) == phone)), phone
    try:
        return UUID(who), None
    except ValueError:
        raise NobodyMeant from None


def _tell_erasure(erasure: Erasure) -> str:
    line = f"已删除 {erasure.erased} 项个人信息。"
    if erasure.kept_until:
        until = _tell_time(erasure.kept_until)
        line += f"另有 {erasure.kept} 项依法须留存，最晚到 {until}，届时请再执行一次。"
    return line


def _tell_time(at: datetime) -> str:
    return f"{at.astimezone(BEIJING):%Y-%m-%d %H:%M}"


@asynccontextmanager
async def _open(settings: Settings, database_url: str) -> AsyncIterator[AsyncSession]:
    database = open_engine(database_url, settings, "command")
    try:
        async with make_sessions(database)() as session:
            yield session
    finally:
        await database.dispose()

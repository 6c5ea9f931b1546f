"""Several members from an Excel file, in three steps: the template and the file, the report line by line, what was done.

Nothing is kept between the steps: the lines that were read travel in the page and are checked again when they come back.
The same form sent twice adds nobody twice.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import orjson
from fastapi import Form, Query, Request, UploadFile
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.deps import ActorDep, NowDep, SessionDep, allow
from api.pages.frame import FrameDep, frame_of
from api.pages.members import ADMIN, enterprise_of
from api.pages.render import draw, go_to
from api.pages.route import page_router
from db.ids import uuid7
from domain.actor import Actor
from domain.exceptions import MemberRefused, SheetRefused
from domain.member_import import (
    COLUMNS,
    MOST_LINES,
    ImportLine,
    Report,
    add_lines,
    check_lines,
    read_lines,
    write_template,
)
from domain.members import lock_members
from domain.sheets import LARGEST_FILE
from tasks import statements
from tasks.exceptions import NotFound

router = page_router()
ROUTE = "import_members"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TEXTS = ("name", "phone", "position", "roles")
LONGEST_TEXT = 500
Key = Annotated[str, Form(min_length=1, max_length=200)]


@router.get("/members/import", dependencies=[allow(ADMIN, to_change=True)])
async def show_upload(request: Request, frame: FrameDep) -> Response:
    """Where to get the template and where to give it back."""
    return _draw_upload(request, frame, {})


@router.get("/members/import/template.xlsx", dependencies=[allow(ADMIN)])
async def download_template() -> Response:
    """The file to fill in."""
    name = "%E7%94%A8%E6%88%B7%E5%AF%BC%E5%85%A5%E6%A8%A1%E6%9D%BF.xlsx"  # 用户导入模板
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{name}"}
    return Response(await asyncio.to_thread(write_template), media_type=XLSX, headers=headers)


@router.post("/members/import", dependencies=[allow(ADMIN)])
async def send_file(
    request: Request, session: SessionDep, actor: ActorDep, file: UploadFile | None = None
) -> Response:
    """Read and check; nothing is added yet."""
    data = await file.read(LARGEST_FILE + 1) if file else b""
    try:
        lines = await asyncio.to_thread(read_lines, data)
    except SheetRefused as refusal:
        return _draw_upload(request, await frame_of(session, actor), {"file": refusal.message})
    report = await check_lines(session, enterprise_of(actor), lines)
    return await _draw_report(request, session, actor, report, {})


@router.post("/members/import/add", dependencies=[allow(ADMIN)])
async def send_lines(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    now: NowDep,
    idempotency_key: Key,
    lines: Annotated[str, Form(max_length=1_000_000)],
    act: Annotated[str, Form(max_length=10)] = "all",
) -> Response:
    """Add all lines, or the right ones where that was chosen; then say what was done."""
    await lock_members(session, actor)
    if await _find_result(session, actor, idempotency_key) is None:
        try:
            report, added = await add_lines(
                session, actor, unpack_lines(lines), now, only_right=act == "right"
            )
        except MemberRefused as refusal:  # no room for so many
            await session.rollback()
            report = await check_lines(session, enterprise_of(actor), unpack_lines(lines))
            return await _draw_report(request, session, actor, report, {"form": refusal.message})
        if not added:
            return await _draw_report(request, session, actor, report, {})
        left_out = [line.line for line in report.wrong]
        await _keep_result(session, actor, idempotency_key, {"added": added, "left_out": left_out}, now)
    return go_to(f"/members/import/done?key={idempotency_key}")


@router.get("/members/import/done", dependencies=[allow(ADMIN)])
async def show_done(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    frame: FrameDep,
    key: Annotated[str, Query(max_length=200)],
) -> Response:
    """How many were added, and which lines were not."""
    result = await _find_result(session, actor, key)
    if result is None:
        raise NotFound
    return draw(request, "members_imported.html", frame=frame, result=result)


def pack_lines(lines: Sequence[ImportLine]) -> str:
    """The lines as they stand in the file, to travel in a hidden field; a formula stays known as one."""
    return orjson.dumps(
        [[line.line, *(getattr(line, key) for key in TEXTS), list(line.formulas)] for line in lines]
    ).decode()


def unpack_lines(packed: str) -> list[ImportLine]:
    """What `pack_lines` made. Raises SheetRefused for anything else."""
    try:
        found = [_unpack(*row) for row in orjson.loads(packed)]
    except (TypeError, ValueError) as error:
        raise SheetRefused("页面的内容不完整，请重新上传文件。") from error
    if not 0 < len(found) <= MOST_LINES:
        raise SheetRefused("页面的内容不完整，请重新上传文件。")
    return found


def _unpack(line: Any, *rest: Any) -> ImportLine:
    *texts, formulas = rest
    if not (isinstance(line, int) and len(texts) == len(TEXTS) and isinstance(formulas, list)):
        raise ValueError("not a line of ours")
    if not all(isinstance(text, str) and len(text) <= LONGEST_TEXT for text in texts):
        raise ValueError("not the texts of a line")
    name, phone, position, roles = texts
    known = tuple(key for key in TEXTS if key in formulas)
    return ImportLine(line, name, phone, position, roles, formulas=known)


async def _find_result(session: AsyncSession, actor: Actor, key: str) -> Mapping[str, Any] | None:
    which = {"person_id": actor.person_id, "route": ROUTE, "key": key}
    row = (await session.execute(statements.FIND_ANSWER, which)).one_or_none()
    return row.response if row else None


async def _keep_result(
    session: AsyncSession, actor: Actor, key: str, result: Mapping[str, Any], now: NowDep
) -> None:
    kept = {
        "person_id": actor.person_id,
        "route": ROUTE,
        "key": key,
        "body_hash": "",
        "response": orjson.dumps(result).decode(),
        "now": now,
    }
    await session.execute(statements.KEEP_ANSWER, kept)


def _draw_upload(request: Request, frame: Any, errors: Mapping[str, str]) -> Response:
    return draw(
        request,
        "members_import.html",
        status=422 if errors else 200,
        frame=frame,
        errors=errors,
        most=MOST_LINES,
        megabytes=LARGEST_FILE // 1024 // 1024,
    )


async def _draw_report(
    request: Request, session: AsyncSession, actor: Actor, report: Report, errors: Mapping[str, str]
) -> Response:
    return draw(
        request,
        "members_report.html",
        status=422 if errors or report.wrong else 200,
        frame=await frame_of(session, actor),
        report=report,
        columns=COLUMNS,
        packed=pack_lines(report.lines),
        key=str(uuid7()),
        errors=errors,
    )

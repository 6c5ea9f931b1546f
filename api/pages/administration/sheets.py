"""系统管理 · 导入和导出: offices and lists as Excel or CSV files; checked line by line, then all or nothing."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import quote

import orjson
from fastapi import Form, Request, UploadFile
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.deps import ActorDep, NowDep, SessionDep, allow
from api.pages.administration.shell import SYSTEM, draw_section
from api.pages.frame import Frame, FrameDep
from api.pages.route import page_router
from domain import bulk
from domain.actor import Actor
from domain.bulk import ENTRY_COLUMNS, MOST_LINES, OFFICE_COLUMNS, BulkReport, TypedLine
from domain.exceptions import RecordUnknown, SheetRefused
from domain.lists import LIST_NAMES
from domain.sheets import LARGEST_FILE, read_table, write_csv, write_table

router = page_router()
MINE = [allow(SYSTEM)]
OFFICES, ENTRIES = "/system/offices/sheet", "/system/lists/{list_name}/sheet"
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Kind = Literal["xlsx", "csv"]
Lines = Annotated[str | None, Form(max_length=1_000_000)]


@router.get(OFFICES, dependencies=MINE)
async def show_offices(request: Request, frame: FrameDep) -> Response:
    """Where to export and import offices."""
    return _draw(request, frame, None)


@router.get(f"{OFFICES}/{{kind}}", dependencies=MINE)
async def export_offices(session: SessionDep, kind: Kind) -> Response:
    """All offices as a file."""
    rows = await bulk.export_offices(session)
    return await answer_file("机构", kind, list(OFFICE_COLUMNS.values()), rows)


@router.post(OFFICES, dependencies=MINE)
async def import_offices(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    file: UploadFile | None = None,
    lines: Lines = None,
) -> Response:
    """Check a file; with the lines of the page that showed the check, import them."""
    return await _import(request, session, actor, frame, now, None, file, lines)


@router.get(ENTRIES, dependencies=MINE)
async def show_entries(request: Request, frame: FrameDep, list_name: str) -> Response:
    """Where to export and import a list."""
    return _draw(request, frame, list_name)


@router.get(f"{ENTRIES}/{{kind}}", dependencies=MINE)
async def export_entries(session: SessionDep, list_name: str, kind: Kind) -> Response:
    """A whole list as a file."""
    rows = await bulk.export_entries(session, list_name)
    return await answer_file(LIST_NAMES[list_name], kind, list(ENTRY_COLUMNS.values()), rows)


@router.post(ENTRIES, dependencies=MINE)
async def import_entries(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    list_name: str,
    file: UploadFile | None = None,
    lines: Lines = None,
) -> Response:
    """The same for a list."""
    return await _import(request, session, actor, frame, now, list_name, file, lines)


async def _import(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    frame: Frame,
    now: datetime,
    list_name: str | None,
    file: UploadFile | None,
    checked: str | None,
) -> Response:
    columns = OFFICE_COLUMNS if list_name is None else ENTRY_COLUMNS
    try:
        typed = read_checked(checked, columns) if checked else await read_file(file, columns)
    except SheetRefused as refusal:
        return _draw(request, frame, list_name, errors={"file": refusal.message})
    apply = checked is not None
    if list_name is None:
        report = await bulk.import_offices(session, actor, typed, now, apply=apply)
    else:
        report = await bulk.import_entries(session, actor, list_name, typed, now, apply=apply)
    return _draw(request, frame, list_name, report=report, typed=typed, applied=apply)


async def read_file(
    file: UploadFile | None, columns: dict[str, str], most_lines: int = MOST_LINES
) -> list[TypedLine]:
    """The lines of an uploaded Excel or CSV file. Raises SheetRefused."""
    data = await file.read(LARGEST_FILE + 1) if file is not None else b""
    rows = await asyncio.to_thread(read_table, data, most_lines + 1)
    return bulk.read_lines(rows, columns)


def read_checked(checked: str, columns: dict[str, str]) -> list[TypedLine]:
    """The lines that a page of ours carried; they are checked again."""
    try:
        lines = orjson.loads(checked)
        return [
            bulk.type_line(int(line), {key: str(text) for key, text in zip(columns, cells, strict=True)})
            for line, cells in lines
        ]
    except (orjson.JSONDecodeError, TypeError, ValueError) as error:
        raise SheetRefused("页面内容不完整，请重新上传文件。") from error


async def answer_file(name: str, kind: Kind, head: Sequence[str], rows: list[list[str]]) -> Response:
    """A table as a file to keep."""
    content = (
        await asyncio.to_thread(write_table, name, head, rows) if kind == "xlsx" else write_csv(head, rows)
    )
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{quote(f'{name}.{kind}')}"}
    return Response(
        content, media_type=EXCEL if kind == "xlsx" else "text/csv; charset=utf-8", headers=headers
    )


def _draw(
    request: Request,
    frame: Frame,
    list_name: str | None,
    *,
    errors: dict[str, str] | None = None,
    report: BulkReport | None = None,
    typed: Sequence[TypedLine] = (),
    applied: bool = False,
) -> Response:
    if list_name is not None and list_name not in LIST_NAMES:
        raise RecordUnknown
    columns = OFFICE_COLUMNS if list_name is None else ENTRY_COLUMNS
    home = "/system/offices" if list_name is None else f"/system/lists/{list_name}"
    is_wrong = bool(report and report.count("wrong"))
    context: dict[str, Any] = {
        "title": "机构" if list_name is None else LIST_NAMES[list_name],
        "home": home,
        "columns": columns,
        "list_name": list_name,
        "report": report,
        "applied": applied and not is_wrong,
        "lines": orjson.dumps([[one.line, list(one.cells.values())] for one in typed]).decode(),
        "most": MOST_LINES,
        "megabytes": LARGEST_FILE // 1024 // 1024,
    }
    status = 422 if errors or is_wrong else 200
    return draw_section(request, "sheet.html", frame, SYSTEM, status=status, errors=errors or {}, **context)

"""系统管理 · 关员 · 导入和导出: everybody as an Excel or CSV file; new accounts from one, their first passwords shown once."""

from collections.abc import Sequence

import orjson
from fastapi import Request, UploadFile
from starlette.responses import Response

from api.deps import ActorDep, NowDep, SessionDep, allow
from api.pages.administration.sheets import Kind, Lines, answer_file, read_checked, read_file
from api.pages.administration.shell import SYSTEM, draw_section
from api.pages.frame import Frame, FrameDep
from api.pages.route import page_router
from api.pages.wording import ROLE_NAMES
from domain import officer_sheet
from domain.bulk import BulkReport, TypedLine
from domain.exceptions import SheetRefused
from domain.officer_sheet import COLUMNS, MOST_IN, ONLY_OUT, FirstPassword
from domain.sheets import LARGEST_FILE

router = page_router()
MINE = [allow(SYSTEM)]
HOME = "/system/officers/sheet"


@router.get(HOME, dependencies=MINE)
async def show(request: Request, frame: FrameDep) -> Response:
    """Where to export and import."""
    return _draw(request, frame)


@router.get(f"{HOME}/{{kind}}", dependencies=MINE)
async def export(session: SessionDep, actor: ActorDep, now: NowDep, kind: Kind) -> Response:
    """Everybody as a file."""
    rows = await officer_sheet.export_officers(session, actor, ROLE_NAMES, now)
    return await answer_file("关员", kind, [*COLUMNS.values(), *ONLY_OUT], rows)


@router.post(HOME, dependencies=MINE)
async def import_sheet(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    file: UploadFile | None = None,
    lines: Lines = None,
) -> Response:
    """Check a file; with the lines of the page that showed the check, import them and show the first passwords."""
    try:
        typed = read_checked(lines, COLUMNS) if lines else await read_file(file, COLUMNS, MOST_IN)
    except SheetRefused as refusal:
        return _draw(request, frame, errors={"file": refusal.message})
    apply = lines is not None
    report, passwords = await officer_sheet.import_officers(session, actor, typed, now, apply=apply)
    return _draw(request, frame, report=report, typed=typed, applied=apply, passwords=passwords)


def _draw(
    request: Request,
    frame: Frame,
    *,
    errors: dict[str, str] | None = None,
    report: BulkReport | None = None,
    typed: Sequence[TypedLine] = (),
    applied: bool = False,
    passwords: Sequence[FirstPassword] = (),
) -> Response:
    is_wrong = bool(report and report.count("wrong"))
    return draw_section(
        request,
        "officer_sheet.html",
        frame,
        SYSTEM,
        status=422 if errors or is_wrong else 200,
        errors=errors or {},
        title="关员",
        home="/system/officers",
        list_name=None,
        columns=COLUMNS,
        report=report,
        applied=applied and not is_wrong,
        lines=orjson.dumps([[one.line, list(one.cells.values())] for one in typed]).decode(),
        most=MOST_IN,
        megabytes=LARGEST_FILE // 1024 // 1024,
        passwords=passwords,
    )

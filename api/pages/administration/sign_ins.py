"""安全管理 · 登录记录: who signed in, when and from where, and who failed to."""

from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from api.deps import SessionDep, allow
from api.pages.administration.shell import SECURITY, draw_section
from api.pages.frame import FrameDep
from api.pages.route import page_router
from api.pages.typed_text import SearchWords
from domain import sign_ins
from domain.exceptions import RecordUnknown
from domain.sign_ins import Outcome

router = page_router()
HOME = "/security/sign-ins"
NAMES: dict[Outcome, str] = {"all": "全部", "in": "登录成功", "failed": "登录失败"}


@router.get(HOME, dependencies=[allow(SECURITY)])
async def list_all(
    request: Request,
    session: SessionDep,
    frame: FrameDep,
    q: SearchWords = "",
    outcome: Outcome = "all",
    before: SearchWords = "",
) -> Response:
    """The newest first."""
    found = await sign_ins.list_sign_ins(session, words=q, outcome=outcome, before=_read_cursor(before))
    shown, kept = found[: sign_ins.PAGE], {"q": q, "outcome": outcome}
    cursor = f"{shown[-1].at.isoformat()} {shown[-1].id}" if len(found) > sign_ins.PAGE else None
    return draw_section(
        request,
        "sign_ins.html",
        frame,
        SECURITY,
        sign_ins=shown,
        wanted=kept,
        outcomes=NAMES,
        first=f"{HOME}?{urlencode(kept)}" if before else None,
        next=f"{HOME}?{urlencode(kept | {'before': cursor})}" if cursor else None,
    )


def _read_cursor(before: str) -> tuple[datetime, UUID] | None:
    if not before:
        return None
    at, _, id_ = before.partition(" ")
    try:
        return datetime.fromisoformat(at), UUID(id_)
    except ValueError as error:
        raise RecordUnknown from error

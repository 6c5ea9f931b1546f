"""安全管理 · 卡: every bound card; one that was lost is blocked, one that was found let in again."""

from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from api.deps import ActorDep, NowDep, SessionDep, allow
from api.pages.administration.shell import SECURITY, draw_section
from api.pages.frame import Frame, FrameDep
from api.pages.render import go_to
from api.pages.route import page_router
from api.pages.typed_text import SearchWords, TypedReason
from domain import cards
from domain.cards import CardLine
from domain.exceptions import FormRefused, RecordUnknown

router = page_router()
HOME = "/security/cards"
MINE = [allow(SECURITY)]


@router.get(HOME, dependencies=MINE)
async def list_all(
    request: Request,
    session: SessionDep,
    frame: FrameDep,
    now: NowDep,
    q: SearchWords = "",
    blocked: bool = False,
) -> Response:
    """Blocked ones first, then the newest."""
    found = await cards.find_cards(session, words=q, only_blocked=blocked, limit=cards.PAGE + 1)
    return draw_section(
        request,
        "cards.html",
        frame,
        SECURITY,
        cards=found[: cards.PAGE],
        more=len(found) > cards.PAGE,
        q=q,
        blocked=blocked,
        now=now,
    )


@router.get(f"{HOME}/{{card_id}}", dependencies=MINE)
async def show_one(request: Request, session: SessionDep, frame: FrameDep, card_id: UUID) -> Response:
    """One card, and what may be done."""
    return _draw(request, frame, await _find(session, card_id))


@router.post(f"{HOME}/{{card_id}}/block", dependencies=MINE)
async def block(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    card_id: UUID,
    reason: TypedReason = "",
) -> Response:
    """It opens nothing from now on."""
    one = await _find(session, card_id)
    try:
        await cards.block_any_card(session, actor, card_id, reason, now)
    except FormRefused as refusal:
        return _draw(request, frame, one, reason, dict(refusal.errors))
    return go_to(f"{HOME}?done=blocked")


@router.post(f"{HOME}/{{card_id}}/lift", dependencies=MINE)
async def lift(session: SessionDep, actor: ActorDep, now: NowDep, card_id: UUID) -> Response:
    """It was found."""
    await cards.lift_block(session, actor, card_id, now)
    return go_to(f"{HOME}?done=unblocked")


async def _find(session: SessionDep, card_id: UUID) -> CardLine:
    found = await cards.find_card(session, card_id)
    if found is None:
        raise RecordUnknown
    return found


def _draw(
    request: Request, frame: Frame, one: CardLine, reason: str = "", errors: dict[str, str] | None = None
) -> Response:
    return draw_section(
        request,
        "card.html",
        frame,
        SECURITY,
        status=422 if errors else 200,
        one=one,
        reason=reason,
        errors=errors or {},
    )

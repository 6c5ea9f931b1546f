"""我的卡: the cards bound to me, where I bind one more, unbind one, or report one lost; and, for an enterprise's admin, all the
cards of the enterprise."""

from typing import Annotated
from uuid import UUID

from fastapi import Form, Query, Request
from starlette.responses import Response

from api.cards import prove_card
from api.deps import ActorDep, NowDep, SessionDep, WiredDep, allow
from api.pages.card_parts import NOT_READ, TokenField, draw_with_reader, read_token, view_reader
from api.pages.frame import frame_of
from api.pages.render import draw, go_to
from api.pages.route import page_router
from api.pages.typed_text import TypedReason
from domain import cards
from domain.actor import Actor
from domain.cards import CardLine
from domain.exceptions import ChangeRefused, FormRefused
from domain.models.people import OFFICER_ROLES
from errors import Refusal
from tasks.exceptions import NotFound

router = page_router()
ADMIN = "enterprise_admin"
HOLDERS = (ADMIN, *OFFICER_ROLES)
HOME = "/account/cards"
Said = Annotated[str, Query(max_length=20)]
SAID = {
    "bound": "卡已绑定，现在就可以用它登录。",
    "unbound": "卡已解绑，不能再用它登录。需要时可以再绑定。",
    "blocked": "卡已挂失，不能再用它登录。找到以后，请联系海关的安全管理员解除挂失。",
}


@router.get(HOME, dependencies=[allow(*HOLDERS)])
async def show_cards(
    request: Request, session: SessionDep, actor: ActorDep, wired: WiredDep, now: NowDep, said: Said = ""
) -> Response:
    """The cards there are, and the reader for one more."""
    return await _draw(request, session, actor, wired, now, said=SAID.get(said, ""))


@router.post(HOME, dependencies=[allow(*HOLDERS)])
async def bind_card(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    wired: WiredDep,
    now: NowDep,
    challenge: Annotated[UUID | None, Form()] = None,
    token: TokenField = "",
) -> Response:
    """Bind what is in the reader."""
    try:
        facts = await prove_card(
            request, session, wired, challenge, read_token(token), purpose="bind", actor=actor, now=now
        )
        await cards.bind_own_card(session, actor, facts, now)
    except NOT_READ as refusal:
        return await _draw(request, session, actor, wired, now, refusal)
    return go_to(f"{HOME}?said=bound")


@router.get(f"{HOME}/{{card_id}}", dependencies=[allow(*HOLDERS)])
async def show_card(request: Request, session: SessionDep, actor: ActorDep, card_id: UUID) -> Response:
    """One card: unbind it, or report it lost."""
    return await _draw_one(request, session, actor, await _find(session, actor, card_id))


@router.post(f"{HOME}/{{card_id}}/unbind", dependencies=[allow(*HOLDERS, while_suspended=True)])
async def unbind_card(
    request: Request, session: SessionDep, actor: ActorDep, now: NowDep, card_id: UUID
) -> Response:
    """It opens nothing any more."""
    one = await _find(session, actor, card_id)
    try:
        await cards.unbind_card(session, actor, card_id, now)
    except ChangeRefused as refusal:
        return await _draw_one(request, session, actor, one, errors={"form": refusal.message})
    return go_to(f"{HOME}?said=unbound")


@router.post(f"{HOME}/{{card_id}}/block", dependencies=[allow(*HOLDERS, while_suspended=True)])
async def block_card(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    now: NowDep,
    card_id: UUID,
    reason: TypedReason = "",
) -> Response:
    """挂失."""
    one = await _find(session, actor, card_id)
    try:
        await cards.block_own_card(session, actor, card_id, reason, now)
    except FormRefused as refusal:
        return await _draw_one(request, session, actor, one, reason, errors=dict(refusal.errors))
    except ChangeRefused as refusal:
        return await _draw_one(request, session, actor, one, reason, errors={"form": refusal.message})
    return go_to(f"{HOME}?said=blocked")


async def _list(session: SessionDep, actor: Actor) -> list[CardLine]:
    """One's own; an enterprise's admin sees those of colleagues and of who has left too."""
    if actor.officer_id is None and actor.enterprise_id is not None and ADMIN in actor.roles:
        return await cards.list_enterprise_cards(session, actor.enterprise_id)
    return await cards.list_own_cards(session, actor)


async def _find(session: SessionDep, actor: Actor, card_id: UUID) -> CardLine:
    found = next((one for one in await _list(session, actor) if one.id == card_id), None)
    if found is None:
        raise NotFound
    return found


async def _draw(
    request: Request,
    session: SessionDep,
    actor: Actor,
    wired: WiredDep,
    now: NowDep,
    refusal: Refusal | None = None,
    *,
    said: str = "",
) -> Response:
    return draw_with_reader(
        request,
        "my_cards.html",
        view_reader(wired, "bind", now),
        status=422 if refusal else 200,
        frame=await frame_of(session, actor),
        cards=await _list(session, actor),
        me=actor.person_id,
        said=said,
        errors={"card": refusal.message} if refusal else {},
        now=now,
    )


async def _draw_one(
    request: Request,
    session: SessionDep,
    actor: Actor,
    one: CardLine,
    reason: str = "",
    *,
    errors: dict[str, str] | None = None,
) -> Response:
    return draw(
        request,
        "my_card.html",
        status=422 if errors else 200,
        frame=await frame_of(session, actor),
        one=one,
        reason=reason,
        errors=errors or {},
    )

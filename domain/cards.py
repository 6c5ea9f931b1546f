"""Cards that are bound: to the person who holds them, for one enterprise or as an officer. Bind, unbind, block, lift.

A card is its issuer and number, bound once at a time (`card_identity`). Unbound, it may be bound again; blocked (挂失), it stays
bound and opens nothing until a security administrator lifts that. Sessions that were begun with it end with either.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cleaning import clean_name
from domain import audit
from domain.actor import Actor
from domain.administration import begin, find_mistake
from domain.card_facts import CardFacts
from domain.exceptions import CardTaken, CardUnfit, ChangeRefused, FormRefused, RecordUnknown
from domain.members import lock_members
from domain.models import Card, SignInSession

KEEPER = "security_admin"
MOST_CARDS = 20  # of one enterprise, or of one officer
LONGEST_REASON = 200
TAKEN_BY = "card_identity"
PAGE = 50


@dataclass(frozen=True)
class CardLine:
    """One bound card in a list; `owner` is the name of its enterprise, or 海关."""

    id: UUID
    kind: str
    number: str
    holder: str
    person_id: UUID
    person: str
    phone: str
    owner: str
    not_after: datetime
    bound_at: datetime
    used_at: datetime | None
    blocked_at: datetime | None
    blocked_reason: str


LIST_CARDS = """
    SELECT c.id, c.kind, c.number, c.holder, c.person_id, coalesce(nullif(m.display_name, ''), p.name) AS person, p.phone,
        coalesce(e.name, '海关') AS owner, c.not_after, c.bound_at, c.used_at, c.blocked_at, c.blocked_reason
    FROM card c JOIN person p ON p.id = c.person_id
    LEFT JOIN enterprise e ON e.id = c.enterprise_id
    LEFT JOIN membership m ON m.enterprise_id = c.enterprise_id AND m.person_id = c.person_id
    WHERE c.unbound_at IS NULL AND {} ORDER BY {} LIMIT :limit
"""
MINE = text(
    LIST_CARDS.format(
        "c.person_id = :person_id AND c.enterprise_id IS NOT DISTINCT FROM CAST(:enterprise_id AS uuid)"
        " AND c.officer_id IS NOT DISTINCT FROM CAST(:officer_id AS uuid)",
        "c.bound_at, c.id",
    )
)
OF_ENTERPRISE = text(LIST_CARDS.format("c.enterprise_id = :enterprise_id", "c.bound_at, c.id"))
FOUND = text(
    LIST_CARDS.format(
        "(:words = '' OR c.number ILIKE :like OR c.holder ILIKE :like OR p.name ILIKE :like OR e.name ILIKE :like)"
        " AND (NOT :only_blocked OR c.blocked_at IS NOT NULL)",
        "(c.blocked_at IS NULL), c.bound_at DESC, c.id",
    )
)
ONE = text(LIST_CARDS.format("c.id = :id", "c.id"))
COUNT_OF = text("""
    SELECT count(*) FROM card WHERE unbound_at IS NULL AND (enterprise_id = CAST(:enterprise_id AS uuid)
        OR officer_id = CAST(:officer_id AS uuid))
""")
OWNER_OF_USCC = text(
    "SELECT EXISTS (SELECT FROM enterprise WHERE uscc = :uscc AND status IN ('approved', 'suspended'))"
)
USCC_OF = text("SELECT uscc FROM enterprise WHERE id = :id")
BEGAN_WITH_CODE = text("""
    SELECT EXISTS (SELECT FROM sign_in_session WHERE id = :id AND card_id IS NULL AND cas_ticket IS NULL)
""")


async def bind_own_card(session: AsyncSession, actor: Actor, facts: CardFacts, now: datetime) -> Card:
    """Bind one more card to whoever is acting: an enterprise's admin, or an officer. Raises CardTaken, CardUnfit, NotAdmin."""
    if actor.officer_id is not None:
        await _require_officers_card(session, actor, facts)
    else:
        await lock_members(session, actor)
        if await session.scalar(USCC_OF, {"id": actor.enterprise_id}) != facts.uscc:
            raise CardUnfit("这张卡是另一家企业的，不能绑定到本企业。")
    of = {"enterprise_id": actor.enterprise_id, "officer_id": actor.officer_id}
    if (await session.scalar(COUNT_OF, of) or 0) >= MOST_CARDS:
        raise CardUnfit(f"最多绑定 {MOST_CARDS} 张卡，请先解绑不再使用的卡。")
    return await add_card(session, facts, actor=actor, person_id=actor.person_id, now=now)


async def add_card(
    session: AsyncSession,
    facts: CardFacts,
    *,
    actor: Actor,
    person_id: UUID,
    enterprise_id: UUID | None = None,
    now: datetime,
) -> Card:
    """The binding itself, for callers who have decided on it: to this person, in `enterprise_id` or where the actor acts.

    Raises CardTaken while it is bound, to whomever.
    """
    officer_id = actor.officer_id if enterprise_id is None else None
    card = Card(
        person_id=person_id,
        enterprise_id=enterprise_id or (None if officer_id else actor.enterprise_id),
        officer_id=officer_id,
        issuer=facts.issuer,
        number=facts.number,
        kind=facts.kind,
        holder=facts.holder,
        fingerprint=facts.fingerprint,
        serial=facts.serial,
        not_after=facts.not_after,
        bound_at=now,
        bound_by=actor.person_id,
    )
    try:
        async with session.begin_nested():
            session.add(card)
    except IntegrityError as error:
        if getattr(getattr(error.orig, "diag", None), "constraint_name", None) != TAKEN_BY:
            raise
        raise CardTaken from error
    await _record(session, "bind_card", actor, card, now)
    return card


async def unbind_card(session: AsyncSession, actor: Actor, card_id: UUID, now: datetime) -> None:
    """Mine, or one of my enterprise's where I am its admin. Raises RecordUnknown, ChangeRefused for a blocked one."""
    card = await _lock_own(session, actor, card_id)
    if card.blocked_at is not None:
        raise ChangeRefused("这张卡已经挂失，解除挂失以后才能解绑。")
    card.unbound_at, card.unbound_by = now, actor.person_id
    await _close(session, actor, card, "unbind_card", now)


async def block_own_card(
    session: AsyncSession, actor: Actor, card_id: UUID, reason: str, now: datetime
) -> None:
    """挂失: it opens nothing from now on. Mine, or my enterprise's. Raises FormRefused, RecordUnknown, ChangeRefused."""
    await _block(session, actor, await _lock_own(session, actor, card_id), reason, now)


async def block_any_card(
    session: AsyncSession, actor: Actor, card_id: UUID, reason: str, now: datetime
) -> None:
    """The same by a security administrator, for any card. Also raises NotAdministrator."""
    await begin(session, actor, KEEPER)
    await _block(session, actor, await _lock(session, card_id), reason, now)


async def lift_block(session: AsyncSession, actor: Actor, card_id: UUID, now: datetime) -> None:
    """It was found: a security administrator lets it in again. Raises RecordUnknown, ChangeRefused, NotAdministrator."""
    await begin(session, actor, KEEPER)
    card = await _lock(session, card_id)
    if card.blocked_at is None:
        raise ChangeRefused("这张卡没有挂失。")
    before = {"reason": card.blocked_reason}
    card.blocked_at = card.blocked_by = None
    card.blocked_reason = ""
    await session.flush()
    await _record(session, "lift_card", actor, card, now, before)


async def list_own_cards(session: AsyncSession, actor: Actor) -> list[CardLine]:
    """Those bound to me in the part I play now."""
    names = ("person_id", "enterprise_id", "officer_id")
    return await _list(session, MINE, {name: getattr(actor, name) for name in names})


async def list_enterprise_cards(session: AsyncSession, enterprise_id: UUID) -> list[CardLine]:
    """Those of an enterprise, in the order they were bound."""
    return await _list(session, OF_ENTERPRISE, {"enterprise_id": enterprise_id})


async def find_cards(
    session: AsyncSession, *, words: str = "", only_blocked: bool = False, limit: int = PAGE
) -> list[CardLine]:
    """For the security administrator: by a part of a number, a name or an enterprise; blocked ones first."""
    words = clean_name(words)
    escaped = words.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    wanted = {"words": words, "like": f"%{escaped}%", "only_blocked": only_blocked}
    return await _list(session, FOUND, wanted, limit)


async def find_card(session: AsyncSession, card_id: UUID) -> CardLine | None:
    """One bound card, whoever's."""
    found = await _list(session, ONE, {"id": card_id})
    return found[0] if found else None


async def _list(
    session: AsyncSession, statement: TextClause, parameters: dict[str, Any], limit: int = PAGE
) -> list[CardLine]:
    rows = await session.execute(statement, parameters | {"limit": limit})
    return [CardLine(**row) for row in rows.mappings()]


async def _require_officers_card(session: AsyncSession, actor: Actor, facts: CardFacts) -> None:
    """An officer's card is bound from a session with both factors, and is not an enterprise's."""
    if not await session.scalar(BEGAN_WITH_CODE, {"id": actor.session_id}):
        raise CardUnfit("请先退出，用密码和短信验证码登录以后再绑定。")
    if await session.scalar(OWNER_OF_USCC, {"uscc": facts.uscc}):
        raise CardUnfit("这张卡是企业的，不能绑定为关员的卡。")


async def _lock(session: AsyncSession, card_id: UUID) -> Card:
    card = await session.get(Card, card_id, with_for_update=True, populate_existing=True)
    if card is None or card.unbound_at is not None:
        raise RecordUnknown
    return card


async def _lock_own(session: AsyncSession, actor: Actor, card_id: UUID) -> Card:
    card = await _lock(session, card_id)
    is_mine = card.person_id == actor.person_id
    if actor.officer_id is not None:
        allowed = card.officer_id == actor.officer_id
    else:
        is_admin = "enterprise_admin" in actor.roles
        allowed = card.enterprise_id == actor.enterprise_id and (is_mine or is_admin)
    if not allowed:
        raise RecordUnknown
    return card


async def _block(session: AsyncSession, actor: Actor, card: Card, reason: str, now: datetime) -> None:
    reason = clean_name(reason)
    if mistake := find_mistake("挂失原因", reason, LONGEST_REASON):
        raise FormRefused({"reason": mistake})
    if card.blocked_at is not None:
        raise ChangeRefused("这张卡已经挂失。")
    card.blocked_at, card.blocked_by, card.blocked_reason = now, actor.person_id, reason
    await _close(session, actor, card, "block_card", now)


async def _close(session: AsyncSession, actor: Actor, card: Card, action: str, now: datetime) -> None:
    """Nobody is signed in with it any more (but the session that does this, which has proved a code or will end by itself)."""
    await session.flush()
    await session.execute(
        update(SignInSession)
        .where(
            col(SignInSession.card_id) == card.id,
            col(SignInSession.ended_at).is_(None),
            col(SignInSession.id).is_distinct_from(actor.session_id),
        )
        .values(ended_at=now)
    )
    await _record(session, action, actor, card, now)


async def _record(
    session: AsyncSession,
    action: str,
    actor: Actor,
    card: Card,
    now: datetime,
    before: dict[str, Any] | None = None,
) -> None:
    after = {
        "person_id": card.person_id,
        "enterprise_id": card.enterprise_id,
        "officer_id": card.officer_id,
        "kind": card.kind,
        "card_number": card.number,
        "holder": card.holder,
        "reason": card.blocked_reason,
    }
    await audit.record(
        session, action, actor=actor, about="card", about_id=card.id, before=before, after=after, now=now
    )

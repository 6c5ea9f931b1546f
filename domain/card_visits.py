"""Between the card and the phone: somebody without an account has shown a card, and proves a phone next. What the card said is
kept here, so that nothing of it ever comes from a page. A visit belongs to one browser, for half an hour."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.card_facts import CardFacts
from domain.models import CardVisit

CODE_PURPOSE = "register_card"  # for codes of visitors: no captcha, since their card was verified
LIFETIME = timedelta(minutes=30)
KEPT = timedelta(days=1)
OFFICE_OF = text("""
    SELECT coalesce(
        (SELECT r.office FROM registration r JOIN enterprise e ON e.id = r.enterprise_id
         WHERE e.uscc = :uscc AND e.status IN ('approved', 'suspended') LIMIT 1),
        (SELECT code FROM customs_office WHERE code = left(CAST(:customs_code AS text), 4) AND active))
""")
REGISTERED_AS = text("SELECT id FROM enterprise WHERE uscc = :uscc AND status IN ('approved', 'suspended')")
BOUND = text(
    "SELECT EXISTS (SELECT FROM card WHERE issuer = :issuer AND number = :number AND unbound_at IS NULL)"
)


async def open_visit(
    session: AsyncSession, facts: CardFacts, *, browser_key: str, now: datetime
) -> CardVisit:
    """A new visit, with what the card suggests for phone, contact and office."""
    visit = CardVisit(
        browser_key=browser_key,
        facts=facts.as_json(),
        contact=facts.holder,
        phone=facts.phone or "",
        office=await find_office(session, facts) or "",
        opened_at=now,
    )
    session.add(visit)
    await session.flush()
    return visit


async def find_visit(
    session: AsyncSession, visit_id: UUID, browser_key: str | None, now: datetime, *, lock: bool = False
) -> CardVisit | None:
    """This browser's visit, as long as it is alive or has come to something. With `lock` others wait."""
    statement = select(CardVisit).where(
        col(CardVisit.id) == visit_id, col(CardVisit.browser_key) == (browser_key or "")
    )
    visit = await session.scalar(
        (statement.with_for_update() if lock else statement).execution_options(populate_existing=True)
    )
    if visit is None:
        return None
    is_done = visit.registration_id is not None or visit.request_id is not None
    return visit if is_done or now < visit.opened_at + LIFETIME else None


async def find_office(session: AsyncSession, facts: CardFacts) -> str | None:
    """Where the enterprise was registered; else the office its 海关注册编码 begins with, if there is one."""
    return await session.scalar(OFFICE_OF, {"uscc": facts.uscc, "customs_code": facts.customs_code})


async def find_registered(session: AsyncSession, facts: CardFacts) -> UUID | None:
    """The enterprise with this card's uscc, where it is registered already."""
    return await session.scalar(REGISTERED_AS, {"uscc": facts.uscc})


async def is_bound(session: AsyncSession, facts: CardFacts) -> bool:
    """Whether this very card is bound already, to whomever."""
    return bool(await session.scalar(BOUND, {"issuer": facts.issuer, "number": facts.number}))


async def sweep_visits(session: AsyncSession, now: datetime) -> None:
    """Forget what cards said a day ago."""
    await session.execute(delete(CardVisit).where(col(CardVisit.opened_at) < now - KEPT))

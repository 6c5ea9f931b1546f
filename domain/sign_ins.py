"""Who signed in, when and from where, and who failed to; and which sessions are alive: for the security administrator.

Both are read from the sessions, the codes and what cards were asked. A phone that nobody has is shown as tried, with no name.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from cleaning import clean_identifier, clean_name
from domain import sessions
from domain.actor import Actor
from domain.administration import begin
from domain.exceptions import RecordUnknown
from domain.sessions import SessionLimits

KEEPER = "security_admin"
PAGE = 50
Outcome = Literal["all", "in", "failed"]


@dataclass(frozen=True)
class SignIn:
    """One sign-in, or one code or card with which somebody failed (`tries` times, the last of them at `at`).

    `by` is code, card, cas or wechat. Of a card that nobody has bound there is no phone.
    """

    id: UUID
    at: datetime
    succeeded: bool
    name: str | None
    phone: str
    acting_for: str | None
    ip: str | None
    user_agent: str | None
    tries: int
    by: str


@dataclass(frozen=True)
class LiveSession:
    """One session that is alive."""

    id: UUID
    person_id: UUID
    name: str
    phone: str
    acting_for: str | None
    created_at: datetime
    last_seen_at: datetime
    ip: str | None
    user_agent: str | None


_ACTING_FOR = """CASE WHEN s.officer_id IS NOT NULL THEN '海关' ELSE (
    SELECT e.name FROM membership m JOIN enterprise e ON e.id = m.enterprise_id WHERE m.id = s.membership_id) END"""
_WORDS = "(CAST(:words AS text) = '' OR p.name LIKE :name_like OR (:digits <> '' AND {0} LIKE :phone_like))"
# Each source gives its own newest, from its own index, before they are put together: nothing that cannot be on the page is read.
# With words, the people they mean are found first, and each of them is one look into an index; without, nobody is asked for.
_NEWEST = """({1}, {0}.id) < (CAST(:before_at AS timestamptz), CAST(:before_id AS uuid))
    ORDER BY {1} DESC, {0}.id DESC LIMIT :limit"""
_SIGNED_IN = f"""
    SELECT s.id, s.created_at AS at, true AS succeeded, p.name, p.phone, {_ACTING_FOR} AS acting_for, s.ip,
        s.user_agent, 0 AS tries,
        CASE WHEN s.card_id IS NOT NULL THEN 'card' WHEN s.cas_ticket IS NOT NULL THEN 'cas'
            WHEN s.openid IS NOT NULL THEN 'wechat' ELSE 'code' END AS by
    FROM sign_in_session s JOIN person p ON p.id = s.person_id
    WHERE :outcome <> 'failed' AND {{meant}} AND {_NEWEST.format("s", "s.created_at")}"""
_FAILED_CODES = f"""
    SELECT c.id, c.failed_at AS at, false, p.name, c.phone, NULL, c.ip, NULL, c.tries, 'code'
    FROM sign_in_challenge c LEFT JOIN person p ON p.phone = c.phone
    WHERE :outcome <> 'in' AND c.failed_at IS NOT NULL AND {{meant}} AND {_NEWEST.format("c", "c.failed_at")}"""
_FAILED_CARDS = f"""
    SELECT k.id, k.failed_at AS at, false, p.name, coalesce(p.phone, ''), NULL, k.ip, NULL, 1, 'card'
    FROM card_challenge k LEFT JOIN person p ON p.id = k.person_id
    WHERE :outcome <> 'in' AND k.failed_at IS NOT NULL AND k.purpose = 'sign_in' AND {{meant}}
        AND {_NEWEST.format("k", "k.failed_at")}"""


def _list_sign_ins(signed_in: str, code: str, card: str) -> TextClause:
    sources = (
        _SIGNED_IN.format(meant=signed_in),
        _FAILED_CODES.format(meant=code),
        _FAILED_CARDS.format(meant=card),
    )
    together = " UNION ALL ".join(f"({source})" for source in sources)
    return text(f"{together} ORDER BY at DESC, id DESC LIMIT :limit")


LIST_SIGN_INS = _list_sign_ins("true", "true", "true")
FIND_SIGN_INS = _list_sign_ins(
    f"s.person_id = ANY(ARRAY(SELECT p.id FROM person p WHERE {_WORDS.format('p.phone')}))",
    _WORDS.format("c.phone"),
    _WORDS.format("p.phone"),
)
LIST_LIVE = text(f"""
SELECT s.id, s.person_id, p.name, p.phone, {_ACTING_FOR} AS acting_for, s.created_at, s.last_seen_at, s.ip,
    s.user_agent
FROM sign_in_session s JOIN person p ON p.id = s.person_id
WHERE s.ended_at IS NULL AND s.expires_at > :now AND s.last_seen_at > :idle_since AND {_WORDS.format("p.phone")}
ORDER BY s.last_seen_at DESC, s.id DESC LIMIT :limit
""")
PERSON_OF = text("SELECT person_id FROM sign_in_session WHERE id = :id")
LAST = ("infinity", UUID(int=2**128 - 1))


async def list_sign_ins(
    session: AsyncSession,
    *,
    words: str = "",
    outcome: Outcome = "all",
    before: tuple[datetime, UUID] | None = None,
    limit: int = PAGE,
) -> list[SignIn]:
    """The newest first, one page and one more; `words` are a part of the name, or at least four digits of the phone."""
    at, id_ = before or LAST
    parameters: dict[str, Any] = {"outcome": outcome, "before_at": at, "before_id": id_, "limit": limit + 1}
    if words.strip():
        rows = await session.execute(FIND_SIGN_INS, parameters | _search(words))
    else:
        rows = await session.execute(LIST_SIGN_INS, parameters)
    return [SignIn(*row) for row in rows]


async def list_live_sessions(
    session: AsyncSession, now: datetime, limits: SessionLimits, *, words: str = "", limit: int = PAGE
) -> list[LiveSession]:
    """The last used first."""
    parameters = {"now": now, "idle_since": now - limits.idle, "limit": limit}
    rows = await session.execute(LIST_LIVE, parameters | _search(words))
    return [LiveSession(*row) for row in rows]


async def end_other_session(session: AsyncSession, actor: Actor, session_id: UUID, now: datetime) -> bool:
    """End anybody's session; False when it had ended. Raises RecordUnknown."""
    await begin(session, actor, KEEPER)
    person_id = await session.scalar(PERSON_OF, {"id": session_id})
    if person_id is None:
        raise RecordUnknown
    return await sessions.end_session(session, session_id, person_id, now, actor=actor)


async def end_persons_sessions(session: AsyncSession, actor: Actor, session_id: UUID, now: datetime) -> int:
    """End every session of the person whose session this is, but for one's own at hand; how many. Raises RecordUnknown."""
    await begin(session, actor, KEEPER)
    person_id = await session.scalar(PERSON_OF, {"id": session_id})
    if person_id is None:
        raise RecordUnknown
    return await sessions.end_all_sessions(session, person_id, now, actor=actor, but=actor.session_id)


def _search(words: str) -> dict[str, str]:
    words = clean_name(words)
    digits = "".join(letter for letter in clean_identifier(words) if letter.isdigit())
    escaped = words.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return {
        "words": words,
        "name_like": f"%{escaped}%",
        "digits": digits if len(digits) >= 4 else "",
        "phone_like": f"%{digits}%",
    }

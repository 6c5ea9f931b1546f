"""The log of messages for the people who run the system: what was sent over which route, what failed and why. Whom a message was
for, what it said and a code are in none of these."""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from messages.models import STATES
from messages.routes import name_of

MOST = 200

COLUMNS = """m.id, m.created_at, m.process, m.template, m.topic, m.instance_id, m.element_id, m.is_code, m.state, m.channel,
    m.provider, m.tries, m.error, m.due_at, m.waits_for, m.sent_at, m.arrived, m.reported_at, m.report_code, m.again_at,
    m.again_by,
    m.state IN ('failed', 'uncertain', 'expired') AND NOT m.is_code AS may_send_again"""
CONDITIONS = {
    "channel": "m.channel = :channel",
    "provider": "m.provider = :provider",
    "process": "m.process = :process",
    "template": "m.template = :template",
    "since": "m.created_at >= :since",
    "until": "m.created_at < :until",
    "instance_id": "m.instance_id = :instance_id",
    "after": "m.id < :after",
}
FIND: TextClause = text(f"SELECT {COLUMNS} FROM message m WHERE m.id = :id")

ATTEMPTS: TextClause = text("""
    SELECT id, at, ended_at, channel, provider, outcome, code, explanation, asks, answer, answered_at, arrived, report_code
    FROM message_attempt WHERE message_id = :id ORDER BY at, id
""")

HEALTH: TextClause = text("""
    WITH day AS (
        SELECT channel, provider,
            count(*) FILTER (WHERE outcome = 'accepted' OR answer = 'found') AS accepted,
            count(*) FILTER (WHERE outcome = 'later') AS later,
            count(*) FILTER (WHERE outcome = 'refused') AS refused,
            count(*) FILTER (WHERE outcome = 'operator') AS operator,
            count(*) FILTER (WHERE outcome = 'uncertain' AND answer IS DISTINCT FROM 'found') AS uncertain,
            count(*) FILTER (WHERE outcome = 'skipped') AS skipped,
            count(*) FILTER (WHERE outcome IS NULL) AS under_way,
            count(*) FILTER (WHERE arrived) AS arrived,
            count(*) FILTER (WHERE NOT arrived) AS not_arrived
        FROM message_attempt WHERE at > :since GROUP BY channel, provider
    ), route AS (
        SELECT channel, provider FROM day
        UNION SELECT channel, provider FROM message_alarm WHERE closed_at IS NULL AND provider <> '*'
        UNION SELECT * FROM unnest(CAST(:channels AS text[]), CAST(:providers AS text[]))
    )
    SELECT channel, provider, coalesce(accepted, 0) AS accepted, coalesce(later, 0) AS later,
        coalesce(refused, 0) AS refused, coalesce(operator, 0) AS operator, coalesce(uncertain, 0) AS uncertain,
        coalesce(skipped, 0) AS skipped, coalesce(under_way, 0) AS under_way, coalesce(arrived, 0) AS arrived,
        coalesce(not_arrived, 0) AS not_arrived,
        (SELECT max(a.ended_at) FROM message_attempt a WHERE a.channel = route.channel AND a.provider = route.provider
            AND a.at > :week AND a.outcome = 'accepted') AS last_accepted_at,
        failed.at AS last_failed_at, failed.code AS last_code, failed.explanation AS last_explanation
    FROM route LEFT JOIN day USING (channel, provider)
    LEFT JOIN LATERAL (
        SELECT a.at, a.code, a.explanation FROM message_attempt a
        WHERE a.channel = route.channel AND a.provider = route.provider AND a.at > :week
            AND a.outcome IN ('later', 'operator', 'uncertain')
        ORDER BY a.at DESC LIMIT 1
    ) AS failed ON true
    ORDER BY channel, provider
""")

SEND_AGAIN: TextClause = text("""
    UPDATE message SET state = 'queued', due_at = :now, again_at = :now, again_by = :person_id, error = NULL,
        waits_for = NULL, claimed_at = NULL
    WHERE id = :id AND state IN ('failed', 'uncertain', 'expired') AND NOT is_code RETURNING id
""")


@dataclass(frozen=True)
class Wanted:
    """Which messages; None: whatever it is. The period is that in which they were written."""

    state: str | None = None
    channel: str | None = None
    provider: str | None = None
    process: str | None = None
    template: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    instance_id: UUID | None = None


@dataclass(frozen=True)
class LogLine:
    """One message in the log."""

    id: UUID
    created_at: datetime
    process: str | None
    template: str
    topic: str
    instance_id: UUID | None
    element_id: str | None
    is_code: bool
    state: str
    channel: str | None
    provider: str | None
    tries: int
    error: str | None
    due_at: datetime
    waits_for: str | None
    sent_at: datetime | None
    arrived: bool | None
    reported_at: datetime | None
    report_code: str | None
    again_at: datetime | None
    again_by: UUID | None
    may_send_again: bool

    @property
    def name(self) -> str:
        """Its template's among those of all processes."""
        return name_of(self.process, self.template)


@dataclass(frozen=True)
class AttemptLine:
    """One try in the log of a message: how it ended and, where that was uncertain, what the provider answered."""

    id: UUID
    at: datetime
    ended_at: datetime | None
    channel: str
    provider: str
    outcome: str | None
    code: str | None
    explanation: str | None
    asks: int
    answer: str | None
    answered_at: datetime | None
    arrived: bool | None
    report_code: str | None


@dataclass(frozen=True)
class RouteHealth:
    """One route: how the tries of the past 24 hours ended, what arrived of them, and when it last worked and did not, within 7
    days."""

    channel: str
    provider: str
    accepted: int
    later: int
    refused: int
    operator: int
    uncertain: int
    skipped: int
    under_way: int
    arrived: int
    not_arrived: int
    last_accepted_at: datetime | None
    last_failed_at: datetime | None
    last_code: str | None
    last_explanation: str | None


async def list_messages(
    session: AsyncSession, wanted: Wanted, after: UUID | None = None, limit: int = 50
) -> tuple[list[LogLine], UUID | None]:
    """A page of the log, the newest first, and where the next one begins (None: there is none)."""
    if wanted.state is not None and wanted.state not in STATES:
        return [], None
    limit = min(limit, MOST)
    asked = {one.name: getattr(wanted, one.name) for one in fields(wanted) if one.name != "state"} | {
        "after": after
    }
    given = {name: value for name, value in asked.items() if value is not None}
    rows = await session.execute(_list(wanted.state, tuple(given)), {**given, "limit": limit + 1})
    lines = [LogLine(*row) for row in rows]
    return lines[:limit], lines[limit - 1].id if len(lines) > limit else None


@lru_cache(maxsize=500)
def _list(state: str | None, given: tuple[str, ...]) -> TextClause:
    """Only what is asked for is in it, and the state itself: so the index of what was not sent is used. Ids are in the order of
    time: the page before is everything below the last id of this one."""
    conditions = [CONDITIONS[name] for name in given] + ([f"m.state = '{state}'"] if state else [])
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    return text(f"SELECT {COLUMNS} FROM message m {where} ORDER BY m.id DESC LIMIT :limit")


async def find_message(session: AsyncSession, message_id: UUID) -> LogLine | None:
    """One message."""
    row = (await session.execute(FIND, {"id": message_id})).one_or_none()
    return LogLine(*row) if row else None


async def list_attempts(session: AsyncSession, message_id: UUID) -> list[AttemptLine]:
    """Its tries, the first one first, those before it was sent again included."""
    return [AttemptLine(*row) for row in await session.execute(ATTEMPTS, {"id": message_id})]


async def read_health(
    session: AsyncSession, now: datetime, routes: list[tuple[str, str]] | None = None
) -> list[RouteHealth]:
    """Every route that was tried or has an alarm, and these, which are set up."""
    routes = routes or []
    rows = await session.execute(
        HEALTH,
        {
            "since": now - timedelta(days=1),
            "week": now - timedelta(days=7),
            "channels": [channel for channel, _ in routes],
            "providers": [provider for _, provider in routes],
        },
    )
    return [RouteHealth(*row) for row in rows]


async def send_again(session: AsyncSession, message_id: UUID, person_id: UUID, now: datetime) -> bool:
    """Let what was given up be sent after all, as if it had not been tried; False when it is no such message, or a code. The
    caller enqueues its job."""
    parameters = {"id": message_id, "person_id": person_id, "now": now}
    return await session.scalar(SEND_AGAIN, parameters) is not None

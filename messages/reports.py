"""Receipts: what providers report of messages they took, pulled or called back. What did not arrive goes on by its next route."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import orjson
import structlog
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from messages.routes import Route
from sending import Report, SendError

log = structlog.get_logger(__name__)

# A report told twice changes nothing; “arrived” is the last word, whatever came before it. Only the try that counts can send a
# message on its way again; a code is not sent again, its digits are erased.
RECORD_REPORTS: TextClause = text("""
    WITH report AS (
        SELECT DISTINCT ON (provider, reference) provider, reference, arrived, code, at
        FROM jsonb_to_recordset(CAST(:rows AS jsonb))
            AS r(provider text, reference text, arrived boolean, code text, at timestamptz)
        ORDER BY provider, reference, arrived DESC
    ), tried AS (
        UPDATE message_attempt a SET arrived = r.arrived, report_code = r.code
        FROM report r
        WHERE a.provider = r.provider AND a.reference = r.reference
            AND (a.arrived IS NULL OR (r.arrived AND NOT a.arrived))
        RETURNING a.message_id, a.reference, r.arrived, r.code, r.at
    )
    UPDATE message m SET arrived = tried.arrived, report_code = tried.code, reported_at = tried.at,
        sent_at = coalesce(m.sent_at, CASE WHEN tried.arrived THEN tried.at END),
        state = CASE WHEN tried.arrived THEN 'sent' WHEN m.is_code THEN 'failed' ELSE 'queued' END,
        error = CASE WHEN NOT tried.arrived THEN 'not_arrived: ' || tried.code END,
        secret = NULL, due_at = CASE WHEN tried.arrived THEN m.due_at ELSE CAST(:now AS timestamptz) END
    FROM tried
    WHERE m.id = tried.message_id AND CASE WHEN tried.arrived
        THEN m.state <> 'sending'
        ELSE m.state = 'sent' AND m.reference = tried.reference END
    RETURNING m.id, m.state
""")

FIND_KNOWN: TextClause = text("""
    SELECT a.provider, a.reference FROM message_attempt a
    JOIN unnest(CAST(:providers AS text[]), CAST(:references AS text[])) AS r(provider, reference)
        ON a.provider = r.provider AND a.reference = r.reference
""")


async def record_reports(session: AsyncSession, reports: Sequence[Report], now: datetime) -> list[UUID]:
    """Write down what became of messages; those that did not arrive and are queued again."""
    if not reports:
        return []
    rows = [
        {
            "provider": one.provider,
            "reference": one.reference,
            "arrived": one.arrived,
            "code": one.code,
            "at": one.at,
        }
        for one in reports
    ]
    found = await session.execute(RECORD_REPORTS, {"rows": orjson.dumps(rows).decode(), "now": now})
    return [row.id for row in found if row.state == "queued"]


async def find_unknown(session: AsyncSession, reports: Sequence[Report]) -> list[Report]:
    """Those about no try that is written down: somebody else's, or quicker than the worker that has just sent."""
    named = {"providers": [one.provider for one in reports], "references": [one.reference for one in reports]}
    known = {(row.provider, row.reference) for row in await session.execute(FIND_KNOWN, named)}
    return [one for one in reports if (one.provider, one.reference) not in known]


async def pull(routes: Sequence[Route]) -> list[Report]:
    """What the providers have learned; one that gives no answer is asked again next time."""
    reports: list[Report] = []
    for route in routes:
        try:
            reports += await route.pull_reports()
        except SendError as error:
            log.warning("reports_not_pulled", provider=route.provider, code=error.code)
    return reports

"""Answered questions like the one at hand: those that share its rarer pairs of characters, the more and the rarer the better.

The pairs come from `issue_words` (kept by triggers, see `domain.search`). How common a pair is, PostgreSQL knows itself: its
statistics on the column hold the most common ones, and those are left out, for they tell nothing and cost most. Each of the
others is one look into the index; what it finds says how much it weighs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Float, String, Uuid, bindparam, column, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.access import readable_by
from domain.actor import Actor
from domain.models import CustomsOffice, Evaluation, Issue, IssueAnswer

MOST_PAIRS = 16
OPENING = 100  # characters of the description that are looked at besides the title
TOO_COMMON = 0.02  # of all texts,
NEVER_TOO_MANY = 200  # unless that is so few
LEAST_SHARE = 0.2  # of the weight of all pairs that occur anywhere
LEAST_PAIRS = 3  # or all there are: one word alone is chance
SHOWN = 5

_SCORES = text("""
WITH common AS (
    SELECT gram, share FROM pg_stats,
        unnest(CAST(CAST(most_common_elems AS text) AS text[]), most_common_elem_freqs) AS known(gram, share)
    WHERE schemaname = current_schema() AND tablename = 'issue_words' AND attname = 'pieces' AND gram IS NOT NULL
), asked AS (
    SELECT gram, bool_or(in_title) AS in_title FROM (
        SELECT unnest(qingling_pieces(qingling_fold(:title))) AS gram, true AS in_title
        UNION ALL SELECT unnest(qingling_pieces(qingling_fold(:opening))), false) AS both_texts
    WHERE gram ~ '^[[:alnum:]]{2}$' GROUP BY gram
), chosen AS (
    SELECT gram FROM asked LEFT JOIN common USING (gram)
    WHERE coalesce(share, 0) < :too_common
        OR share * (SELECT reltuples FROM pg_class WHERE oid = 'issue_words'::regclass) < :never_too_many
    ORDER BY in_title DESC, coalesce(share, 0), gram LIMIT :most_pairs
), hit AS MATERIALIZED (
    SELECT chosen.gram, found.issue_id, count(*) OVER (PARTITION BY chosen.gram) AS many
    FROM chosen CROSS JOIN LATERAL (
        SELECT s.issue_id FROM issue_words s
        WHERE s.pieces @> ARRAY[chosen.gram] AND strpos(s.question, chosen.gram) > 0 AND s.issue_id <> :issue_id) AS found
), weight AS (
    SELECT gram, ln(1 + greatest((SELECT reltuples FROM pg_class WHERE oid = 'issue_words'::regclass),
        (SELECT max(many) FROM hit)) / max(many)) AS heavy
    FROM hit GROUP BY gram
)
SELECT issue_id, sum(heavy) / (SELECT sum(heavy) FROM weight) AS score
FROM hit JOIN weight USING (gram) GROUP BY issue_id
HAVING sum(heavy) >= :least_share * (SELECT sum(heavy) FROM weight)
    AND count(*) >= least(:least_pairs, (SELECT count(*) FROM weight))
""").columns(column("issue_id", Uuid), column("score", Float))


@dataclass(frozen=True)
class Similar:
    """One of them, with its last answer and what the enterprise said of that; `score` is 1 for all pairs shared."""

    id: UUID
    number: str
    title: str
    office_name: str
    answer: str
    answered_at: datetime
    ratings: Sequence[int]
    score: float


async def find_similar(session: AsyncSession, actor: Actor, issue: Issue) -> list[Similar]:
    """The answered issues this officer may read that are most like this one, the best first."""
    scores = _SCORES.bindparams(
        bindparam("title", issue.title, String),
        bindparam("opening", issue.description[:OPENING], String),
        bindparam("issue_id", issue.id, Uuid),
        too_common=TOO_COMMON,
        never_too_many=NEVER_TOO_MANY,
        most_pairs=MOST_PAIRS,
        least_share=LEAST_SHARE,
        least_pairs=LEAST_PAIRS,
    ).subquery("scores")
    best = (
        select(col(Issue.id), col(Issue.number), col(Issue.title), col(Issue.office), scores.c.score)
        .join(scores, scores.c.issue_id == col(Issue.id))
        .where(
            readable_by(actor),
            col(Issue.phase).in_(("answered", "closed")),
            col(Issue.answered_at).is_not(None),
        )
        .order_by(scores.c.score.desc(), col(Issue.answered_at).desc())
        .limit(SHOWN)
    )
    found = (await session.execute(best)).all()
    answers = await _last_answers(session, [row.id for row in found])
    return [
        Similar(row.id, row.number, row.title, *answers[row.id], row.score)
        for row in found
        if row.id in answers
    ]


async def _last_answers(
    session: AsyncSession, ids: Sequence[UUID]
) -> dict[UUID, tuple[str, str, datetime, list[int]]]:
    if not ids:
        return {}
    rows = await session.execute(
        select(
            col(IssueAnswer.issue_id),
            col(IssueAnswer.round),
            col(CustomsOffice.name),
            col(IssueAnswer.text),
            col(IssueAnswer.answered_at),
        )
        .join(CustomsOffice, col(CustomsOffice.code) == col(IssueAnswer.office))
        .where(col(IssueAnswer.issue_id).in_(ids))
        .order_by(col(IssueAnswer.issue_id), col(IssueAnswer.round))
    )
    last = {row.issue_id: row for row in rows}
    evaluations = await session.execute(
        select(col(Evaluation.issue_id), col(Evaluation.round), col(Evaluation.rating)).where(
            col(Evaluation.issue_id).in_(ids)
        )
    )
    ratings: dict[tuple[UUID, int], list[int]] = {}
    for issue_id, round_, rating in evaluations:
        if rating is not None:
            ratings.setdefault((issue_id, round_), []).append(rating)
    return {
        id_: (row.name, row.text, row.answered_at, sorted(ratings.get((id_, row.round), [])))
        for id_, row in last.items()
    }

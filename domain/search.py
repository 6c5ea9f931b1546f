"""Finding issues by Chinese words, codes and numbers in `issue_words` (kept by triggers).

A question and the words that are searched have one form, the database's `qingling_fold` (NFKC, lower case, nothing invisible).
The index of pieces narrows, the texts decide. Which way a list goes to its rows is `tasks.finding`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ARRAY, ColumnElement, Text, and_, bindparam, func, literal, or_, select, text, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cleaning import clean_words
from domain.models import Issue, IssueWords

MAX_WORDS = 8
TEXTS = (col(IssueWords.question), col(IssueWords.answer), col(IssueWords.added))
# A whole number, or its end from the year on: neither a tariff code nor a declaration's number looks so.
NUMBER = re.compile(r"(ql)?([0-9]{4})?20[2-9][0-9]{7,}", re.ASCII)
# How many rows have the rarest of these pieces, as PostgreSQL's statistics know it: 0 for a piece that is none of the common.
_READ = text("""
SELECT asked.words, asked.pieces, (
    SELECT min(coalesce(known.share, 0)) * (SELECT reltuples FROM pg_class WHERE oid = 'issue_words'::regclass)
    FROM unnest(asked.pieces) AS one(piece) LEFT JOIN (
        SELECT piece, share FROM pg_stats,
            unnest(CAST(CAST(most_common_elems AS text) AS text[]), most_common_elem_freqs) AS common(piece, share)
        WHERE schemaname = current_schema() AND tablename = 'issue_words' AND attname = 'pieces'
    ) AS known ON known.piece = one.piece) AS rows
FROM (SELECT array_agg(word) AS words, array_agg(DISTINCT piece) FILTER (WHERE piece IS NOT NULL) AS pieces
    FROM (SELECT DISTINCT qingling_fold(word) AS word FROM unnest(CAST(:words AS text[])) AS given(word)) AS folded
    LEFT JOIN LATERAL unnest(qingling_asked(word)) AS of_word(piece) ON true) AS asked
""")


@dataclass(frozen=True)
class Words:
    """What is searched for: words in the form of the texts, the pieces a row must have, and how many rows have the rarest of
    them by the statistics (0 for too few to be in them)."""

    words: tuple[str, ...]
    pieces: tuple[str, ...]
    rows: float

    @property
    def number(self) -> str | None:
        """The only word, if it can be nothing but an issue's number or the end of one, as numbers are written."""
        if len(self.words) == 1 and NUMBER.fullmatch(self.words[0]):
            return self.words[0].upper()
        return None


async def read_words(session: AsyncSession, query: str | None) -> Words | None:
    """The words of a question; None for a question without any."""
    given = split(query)
    if not given:
        return None
    row = (await session.execute(_READ, {"words": given})).one()
    return Words(tuple(sorted(set(row.words))), tuple(row.pieces or ()), row.rows or 0)


def split(query: str | None) -> list[str]:
    """The words of a question as they were typed."""
    return clean_words(query or "").split()[:MAX_WORDS]


def hold(words: Sequence[str]) -> ColumnElement[bool]:
    """The condition on `IssueWords`: each of these (folded) words is in one of its texts."""
    return and_(true(), *(or_(*(func.strpos(body, word) > 0 for body in TEXTS)) for word in words))


def matches(query: str) -> ColumnElement[bool]:
    """The condition on `Issue`, without any art: each word of the query is in its number, title, description, newest answer or
    what was added."""
    folded = [func.qingling_fold(word) for word in split(query)]
    found = select(col(IssueWords.issue_id)).where(
        and_(true(), *(or_(*(func.strpos(body, word) > 0 for body in TEXTS)) for word in folded))
    )
    return col(Issue.id).in_(found)


def has_pieces(pieces: Sequence[str]) -> ColumnElement[bool]:
    """The condition on `IssueWords` that the index answers: it has all of these pieces."""
    return col(IssueWords.pieces).op("@>")(bindparam(None, list(pieces), ARRAY(Text)))


def has_marks(marks: Sequence[str]) -> ColumnElement[bool]:
    """The same for what is fixed about an issue."""
    return col(IssueWords.marks).op("@>")(literal(list(marks), ARRAY(Text)))

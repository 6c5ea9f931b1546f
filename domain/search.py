"""Finding issues by Chinese words: 1- and 2-grams in `issue_search` (kept by triggers) narrow, ILIKE decides."""

from sqlalchemy import ARRAY, ColumnElement, Text, and_, column, func, select, table, true
from sqlmodel import col

from domain.models import Issue

MAX_WORDS = 8
_search = table("issue_search", column("issue_id"), column("body", Text), column("grams", ARRAY(Text)))


def matches(query: str) -> ColumnElement[bool]:
    """The condition on `Issue`: every word of the query occurs in its number, title, description or an answer."""
    words = query.split()[:MAX_WORDS]
    return and_(true(), *(_contains(word) for word in words))


def _contains(word: str) -> ColumnElement[bool]:
    escaped = word.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    found = select(_search.c.issue_id).where(
        _search.c.grams.contains(func.qingling_grams(word, type_=ARRAY(Text))),
        _search.c.body.ilike(f"%{escaped}%", escape="\\"),
    )
    return col(Issue.id).in_(found)

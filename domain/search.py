"""Finding issues by Chinese words: 1- and 2-grams in `issue_search` (kept by triggers) narrow, ILIKE decides."""

from sqlalchemy import ColumnElement, and_, func, select, true
from sqlmodel import col

from domain.models import Issue
from domain.models.issues import IssueSearch

MAX_WORDS = 8


def matches(query: str) -> ColumnElement[bool]:
    """The condition on `Issue`: every word of the query occurs in its number, title, description or an answer."""
    words = query.split()[:MAX_WORDS]
    return and_(true(), *(_contains(word) for word in words))


def _contains(word: str) -> ColumnElement[bool]:
    escaped = word.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    found = select(col(IssueSearch.issue_id)).where(
        col(IssueSearch.grams).op("@>")(func.qingling_grams(word)),
        col(IssueSearch.body).ilike(f"%{escaped}%", escape="\\"),
    )
    return col(Issue.id).in_(found)

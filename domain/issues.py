"""What customs knows of an issue apart from its process: numbers, who may raise one, who evaluates, the facts that
expressions read. Operators (`tasks.operators`) decide when; deadlines and reading rights have files of their own."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.actor import Actor
from domain.exceptions import EnterpriseNotApproved
from domain.models import IssueRecord
from domain.suspension import require_acting
from domain.working_days import BEIJING

NEXT_SERIAL = text("SELECT nextval('issue_number_seq')")


async def next_number(session: AsyncSession, office: str, now: datetime) -> str:
    """`QL<关区代码><yyyy><6 digits>`, the year in Beijing; never given twice, gaps are allowed."""
    serial = await session.scalar(NEXT_SERIAL)
    return f"QL{office}{now.astimezone(BEIJING).year}{serial:06d}"


def require_approved(actor: Actor) -> UUID:
    """The enterprise this member may raise issues for; EnterpriseNotApproved (or its kind) otherwise."""
    require_acting(actor)
    if actor.enterprise_id is None or actor.enterprise_status != "approved":
        raise EnterpriseNotApproved
    return actor.enterprise_id


def list_evaluators(issue: IssueRecord) -> list[UUID]:
    """Who is asked to evaluate: the submitter and the executive who submitted it, each once."""
    return list(dict.fromkeys(id_ for id_ in (issue.submitter_id, issue.executive_id) if id_))


def facts(issue: IssueRecord) -> dict[str, Any]:
    """The process variable `issue`: only what expressions and decisions read, ids as strings."""
    return {
        "id": str(issue.id),
        "office": issue.office,
        "submitter": str(issue.submitter_id),
        "executive": str(issue.executive_id) if issue.executive_id else None,
        "raised_by_executive": issue.raised_by_executive,
        "importance": issue.importance,
        "round": issue.round,
        "evaluators": [str(id_) for id_ in list_evaluators(issue)],
        "handler": str(issue.handler_id) if issue.handler_id else None,
    }


def reopen(issue: IssueRecord) -> None:
    """重新办理: a new round, with nobody's name on it; its deadline is set when it goes to customs again."""
    issue.round += 1
    issue.answered_at = None
    issue.handler_id = None

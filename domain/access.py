"""Who may read which issue, and who may withdraw it: the one place that says so.

Each rule stands twice, as an SQL condition for lists and as a predicate for one issue in hand; a property test holds
them against each other.

- Staff of an enterprise: the issues they raised there.
- Executives and the enterprise admin: all issues of the enterprise but other people's drafts, those withdrawn as
  drafts included.
- Handlers and section chiefs: issues that are or were at their office.
- Supervisors: issues that are or were at their office or at one below it.

Registrations: the enterprise's admin; registrars and section chiefs of the office it is at, supervisors of an office above.
"""

from collections.abc import Collection

from sqlalchemy import ColumnElement, Select, and_, false, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.actor import Actor
from domain.exceptions import CannotWithdraw
from domain.models import Attachment, CustomsOffice, Issue, IssueOffice, IssueRecord, Registration
from domain.offices import OfficeTree

READ_ALL_OF_ENTERPRISE = frozenset({"executive", "enterprise_admin"})
READ_OWN_OFFICE = ("handler", "section_chief")
READ_SUBTREE = ("supervisor",)
READ_REGISTRATIONS = ("registrar", "section_chief")
WITHDRAWABLE_PHASES = frozenset({"draft", "review", "customs"})


def readable_by(actor: Actor) -> ColumnElement[bool]:
    """The condition on `Issue` for what this person may read."""
    rules = [rule for rule in (_readable_by_member(actor), _readable_by_officer(actor)) if rule is not None]
    return or_(*rules) if rules else false()


def reads_all_of_enterprise(actor: Actor) -> bool:
    """Whether this member may read more of their enterprise than what they raised themselves."""
    return bool(actor.roles & READ_ALL_OF_ENTERPRISE)


async def list_readable_offices(session: AsyncSession, actor: Actor) -> list[str]:
    """The offices whose issues this officer may read; none for a member of an enterprise."""
    own, tops = actor.offices_as(*READ_OWN_OFFICE), actor.offices_as(*READ_SUBTREE)
    offices = set(own)
    if tops:
        offices |= {code for (code,) in await session.execute(_subtree(tops))}
    return sorted(offices)


def may_read(actor: Actor, issue: IssueRecord, been_at: Collection[str], tree: OfficeTree) -> bool:
    """Whether this person may read this issue, which is or was at these offices."""
    if actor.enterprise_id is not None and actor.enterprise_id == issue.enterprise_id:
        if issue.submitter_id == actor.person_id:
            return True
        was_sent = (issue.phase or "draft") != "draft" and not issue.unsent
        if actor.roles & READ_ALL_OF_ENTERPRISE and was_sent:
            return True
    if actor.offices_as(*READ_OWN_OFFICE) & set(been_at):
        return True
    return any(tree.is_under(code, top) for top in actor.offices_as(*READ_SUBTREE) for code in been_at)


def attachment_readable_by(actor: Actor) -> ColumnElement[bool]:
    """The condition on `Attachment`: one's own files, and those of issues and registrations one may read."""
    of_issue = select(col(Issue.id)).where(col(Issue.id) == col(Attachment.instance_id), readable_by(actor))
    of_registration = select(col(Registration.id)).where(
        col(Registration.id) == col(Attachment.instance_id), registration_readable_by(actor)
    )
    mine = col(Attachment.uploader_id) == actor.person_id
    return or_(mine, of_issue.exists(), of_registration.exists())


def registration_readable_by(actor: Actor) -> ColumnElement[bool]:
    """The condition on `Registration` for what this person may read."""
    rules: list[ColumnElement[bool]] = []
    if actor.enterprise_id is not None and "enterprise_admin" in actor.roles:
        rules.append(col(Registration.enterprise_id) == actor.enterprise_id)
    if own := actor.offices_as(*READ_REGISTRATIONS):
        rules.append(col(Registration.office).in_(sorted(own)))
    if tops := actor.offices_as(*READ_SUBTREE):
        rules.append(col(Registration.office).in_(_subtree(tops)))
    return or_(*rules) if rules else false()


def may_withdraw(actor: Actor, issue: IssueRecord) -> bool:
    """Only the submitter, and only until a handler has claimed it for the first time."""
    mine = issue.submitter_id == actor.person_id and issue.enterprise_id == actor.enterprise_id
    return mine and issue.first_claimed_at is None and issue.phase in WITHDRAWABLE_PHASES


def require_withdrawable(actor: Actor, issue: IssueRecord) -> None:
    """CannotWithdraw with the reason, unless this person may withdraw it."""
    if may_withdraw(actor, issue):
        return
    if issue.phase == "closed":
        raise CannotWithdraw("问题已经办结或撤回，不能再撤回。")
    if issue.submitter_id != actor.person_id or issue.enterprise_id != actor.enterprise_id:
        raise CannotWithdraw("只有提出问题的经办人可以撤回。")
    raise CannotWithdraw


def _readable_by_member(actor: Actor) -> ColumnElement[bool] | None:
    if actor.enterprise_id is None:
        return None
    mine = col(Issue.submitter_id) == actor.person_id
    if actor.roles & READ_ALL_OF_ENTERPRISE:
        # A phase that is not set yet counts as a draft: NULL <> 'draft' is not true.
        mine = or_(mine, and_(col(Issue.phase) != "draft", col(Issue.unsent).is_(False)))
    return and_(col(Issue.enterprise_id) == actor.enterprise_id, mine)


def _readable_by_officer(actor: Actor) -> ColumnElement[bool] | None:
    own, tops = actor.offices_as(*READ_OWN_OFFICE), actor.offices_as(*READ_SUBTREE)
    rules: list[ColumnElement[bool]] = []
    if own:
        rules.append(col(IssueOffice.office).in_(sorted(own)))
    if tops:
        rules.append(col(IssueOffice.office).in_(_subtree(tops)))
    if not rules:
        return None
    been_there = select(col(IssueOffice.issue_id)).where(
        col(IssueOffice.issue_id) == col(Issue.id), or_(*rules)
    )
    return been_there.exists()


def _subtree(tops: Collection[str]) -> Select[str]:
    office = select(col(CustomsOffice.code)).where(col(CustomsOffice.code).in_(sorted(tops)))
    below = office.cte(recursive=True)  # nameless: one statement may hold several
    below = below.union(
        select(col(CustomsOffice.code)).join(below, col(CustomsOffice.parent) == below.c.code)
    )
    return select(below.c.code)

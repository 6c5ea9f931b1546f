"""Issues."""

from collections.abc import Iterable
from uuid import UUID

from api.json.schemas.issues import (
    EvaluationOut,
    IssueAnswerOut,
    IssueCreated,
    IssueDetail,
    IssueLine,
    IssueList,
    IssueState,
)
from api.json.schemas.parts import AttachmentOut, EnterpriseRef
from api.json.show.parts import (
    show_change,
    show_done_task,
    show_file,
    show_kept,
    show_open_task,
    show_person,
)
from domain.models import Evaluation, IssueAnswer, IssueRecord
from tasks import details, issues
from tasks.pages import Page


def show_created(issue: IssueRecord) -> IssueCreated:
    """A new draft."""
    return IssueCreated(id=issue.id, number=issue.number, status=issue.status, phase=issue.phase)


def show_state(issue: IssueRecord) -> IssueState:
    """Where it stands."""
    return IssueState(id=issue.id, status=issue.status, phase=issue.phase)


def show_issues(page: Page[issues.IssueLine]) -> IssueList:
    """One page of a list."""
    return IssueList(items=[_show_line(one) for one in page.items], next=page.next)


def _show_line(one: issues.IssueLine) -> IssueLine:
    return IssueLine(
        id=one.id,
        number=one.number,
        title=one.title,
        status=one.status,
        phase=one.phase,
        kind=one.kind,
        category=one.category,
        importance=one.importance,
        office=one.office,
        office_name=one.office_name,
        enterprise_id=one.enterprise_id,
        enterprise_name=one.enterprise_name,
        submitter_id=one.submitter_id,
        submitter_name=one.submitter_name,
        created_at=one.created_at,
        submitted_at=one.submitted_at,
        due_at=one.due_at,
        overdue_at=one.overdue_at,
        closed_at=one.closed_at,
        outcome=one.outcome,
        round=one.round,
        my_task_id=one.my_task_id,
    )


def show_issue_detail(detail: details.IssueDetail) -> IssueDetail:
    """Everything about one issue; people as id and name, files as their metadata."""
    issue = detail.issue
    return IssueDetail(
        id=issue.id,
        number=issue.number,
        title=issue.title,
        description=issue.description,
        contact=issue.contact,
        kind=issue.kind,
        category=issue.category,
        importance=issue.importance,
        office=issue.office,
        office_name=detail.office_name,
        enterprise=EnterpriseRef(id=issue.enterprise_id, name=detail.enterprise_name),
        submitter=show_person(issue.submitter_id, detail.people),
        executive=show_person(issue.executive_id, detail.people),
        handler=show_person(issue.handler_id, detail.people),
        status=issue.status,
        phase=issue.phase,
        round=issue.round,
        transfers=issue.transfers,
        outcome=issue.outcome,
        raised_by_executive=issue.raised_by_executive,
        created_at=issue.created_at,
        submitted_at=issue.submitted_at,
        due_at=issue.due_at,
        paused_at=issue.paused_at,
        first_claimed_at=issue.first_claimed_at,
        answered_at=issue.answered_at,
        overdue_at=issue.overdue_at,
        closed_at=issue.closed_at,
        attachments=_show_files(detail, issue.attachments),
        fields=show_kept(detail.fields),
        answers=[_show_answer(detail, one) for one in detail.answers],
        evaluations=[_show_evaluation(detail, one) for one in detail.evaluations],
        changes=[show_change(one) for one in detail.changes],
        tasks=[show_open_task(one) for one in detail.open_tasks],
        done_tasks=[show_done_task(one) for one in detail.done_tasks],
        other_answers=[show_done_task(one) for one in detail.other_answers],
        may_withdraw=detail.may_withdraw,
    )


def _show_files(detail: details.IssueDetail, ids: Iterable[UUID]) -> list[AttachmentOut]:
    return [show_file(detail.attachments[id_]) for id_ in ids if id_ in detail.attachments]


def _show_answer(detail: details.IssueDetail, one: IssueAnswer) -> IssueAnswerOut:
    return IssueAnswerOut(
        round=one.round,
        answer=one.text,
        office=one.office,
        office_name=detail.offices.get(one.office, one.office),
        answered_by=show_person(one.answered_by, detail.people),
        answered_at=one.answered_at,
        attachments=_show_files(detail, one.attachments),
    )


def _show_evaluation(detail: details.IssueDetail, one: Evaluation) -> EvaluationOut:
    return EvaluationOut(
        round=one.round,
        person=show_person(one.person_id, detail.people),
        rating=one.rating,
        comment=one.comment,
        reopen=one.reopen,
        at=one.at,
    )

"""Issues: raise one, find them, read everything about one, take one back."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from api.answers import Json
from api.deps import ActorDep, EngineDep, NowDep, SessionDep, SettingsDep, allow
from api.json.ids import parse_id
from api.json.parameters import After, Category, IssueId, Kind, Limit, Office, Phase, Status
from api.json.route import json_router
from api.json.schemas.issues import IssueBody, IssueCreated, IssueDetail, IssueList, IssueState
from api.json.schemas.parts import Diagram, TimelineOut
from api.json.show.issues import show_created, show_issue_detail, show_issues, show_state
from api.json.show.parts import show_picture
from api.json.show.parts import show_timeline as show_entries
from domain.models.people import ENTERPRISE_ROLES
from tasks import details, issues

router = json_router("问题")

Order = Annotated[issues.Sort, Query(description="最新的在前，或未结束的、最紧急的在前")]
Words = Annotated[str | None, Query(max_length=200, description="标题、描述、编号或答复里的词，以空格分开")]


@router.post(
    "/issues",
    status_code=201,
    response_model=IssueCreated,
    summary="提出问题",
    dependencies=[allow(*ENTERPRISE_ROLES)],
)
async def raise_issue(
    body: IssueBody,
    actor: ActorDep,
    session: SessionDep,
    engine: EngineDep,
    settings: SettingsDep,
    now: NowDep,
) -> Response:
    """A draft; it is sent by completing its first task, which is the submitter's."""
    fields = body.model_dump(mode="json", exclude_unset=True)
    issue = await issues.raise_issue(
        session, engine, actor, fields, now, max_files=settings.attachments_per_issue
    )
    return Json(show_created(issue), 201)


@router.get("/issues", response_model=IssueList, summary="问题列表", dependencies=[allow()])
async def list_issues(
    actor: ActorDep,
    session: SessionDep,
    status: Status = None,
    phase: Phase = None,
    office: Office = None,
    category: Category = None,
    kind: Kind = None,
    q: Words = None,
    sort: Order = "newest",
    after: After = None,
    limit: Limit = 20,
) -> Response:
    """The issues I may read."""
    wanted = issues.IssueFilter(status=status, phase=phase, office=office, category=category, kind=kind, q=q)
    page = await issues.list_issues(session, actor, wanted, after=after, limit=limit, sort=sort)
    return Json(show_issues(page))


@router.get("/issues/{issue_id}", response_model=IssueDetail, summary="问题详情", dependencies=[allow()])
async def show_issue(issue_id: IssueId, actor: ActorDep, session: SessionDep, engine: EngineDep) -> Response:
    """Everything about one issue: its fields, answers, evaluations, changes, and what was said in each task."""
    return Json(show_issue_detail(await details.get_issue(session, engine, actor, parse_id(issue_id))))


@router.get(
    "/issues/{issue_id}/timeline", response_model=TimelineOut, summary="办理过程", dependencies=[allow()]
)
async def show_timeline(
    issue_id: IssueId, actor: ActorDep, session: SessionDep, engine: EngineDep
) -> Response:
    """Every step: who, what, when, and how long it waited."""
    return Json(show_entries(await details.timeline(session, engine, actor, parse_id(issue_id))))


@router.get(
    "/issues/{issue_id}/diagram", response_model=Diagram, summary="流程图与所在环节", dependencies=[allow()]
)
async def show_diagram(
    issue_id: IssueId, actor: ActorDep, session: SessionDep, engine: EngineDep
) -> Response:
    """The version of the diagram that this issue follows, where it stands and where it has been."""
    return Json(show_picture(await details.get_picture(session, engine, actor, parse_id(issue_id))))


@router.post("/issues/{issue_id}/withdraw", response_model=IssueState, summary="撤回", dependencies=[allow()])
async def withdraw(
    issue_id: IssueId, actor: ActorDep, session: SessionDep, engine: EngineDep, now: NowDep
) -> Response:
    """The submitter's, until customs has claimed it for the first time."""
    id_ = parse_id(issue_id)
    issue = await issues.withdraw_issue(session, engine, actor, id_, now)
    return Json(show_state(issue))

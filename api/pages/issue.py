"""One issue: the question, the answers and what is wanted from me; the history; withdrawing it."""

from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from api.deps import ActorDep, EngineDep, NowDep, SessionDep, WiredDep, allow
from api.failures import note_attempt
from api.pages.beside import who_else
from api.pages.frame import FrameDep
from api.pages.issue_view import view_issue
from api.pages.render import draw, go_to
from api.pages.route import page_router
from api.pages.step_words import Speaker
from api.pages.work import Work, draw_work
from domain.exceptions import CannotWithdraw
from engine.specs import ParsedDefinition
from messages.notices import mark_about_read
from tasks import inbox, issues, unread
from tasks.details import OpenTask, get_issue
from tasks.standing import is_below

router = page_router()


@router.get("/issues/{issue_id}", dependencies=[allow()])
async def show_issue(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    engine: EngineDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    issue_id: UUID,
) -> Response:
    """The whole issue. Raises NotFound for whoever may not read it."""
    await wired.calendar.refresh(session, now)
    await unread.mark_seen(session, actor, issue_id, now)
    frame = frame.after_reading(await mark_about_read(session, actor.person_id, issue_id, now))
    issue = await view_issue(session, wired, actor, issue_id, now, history=True)
    work: Work | None = None
    definition = issue.detail.standing.definition
    below = next(
        (task for task in issue.detail.open_tasks if task.is_mine and is_below(definition, task.element_id)),
        None,
    )
    if below is not None and actor.may_act:
        work = await draw_work(
            session,
            wired,
            await inbox.get_task(session, engine, actor, below.id, now),
            speaker=issue.speaker,
        )
    return draw(
        request,
        "issue.html",
        frame=frame,
        issue=issue,
        work=work,
        wanted=[
            want(issue.speaker, definition, task)
            for task in issue.detail.open_tasks
            if actor.may_act and (task.is_mine or task.may_claim)
        ],
        state_words=issue.state_words,
        others=await who_else(session, actor, issue_id, now),
        now=now,
        may_withdraw=issue.detail.may_withdraw and actor.may_act,
        process={"done": issue.steps, "active": issue.current_steps},
    )


@router.post(
    "/issues/{issue_id}/withdraw", dependencies=[allow("enterprise_admin", "executive", "customs_affairs")]
)
async def withdraw(
    request: Request, session: SessionDep, engine: EngineDep, actor: ActorDep, now: NowDep, issue_id: UUID
) -> Response:
    """Take it back. A second click finds it withdrawn already and shows the same page."""
    note_attempt(request, "withdraw", actor, instance_id=issue_id)
    try:
        await issues.withdraw_issue(session, engine, actor, issue_id, now)
    except CannotWithdraw:
        await session.rollback()
        detail = await get_issue(session, engine, actor, issue_id)
        if (detail.issue.outcome, detail.issue.submitter_id) != ("withdrawn", actor.person_id):
            raise
    return go_to(f"/issues/{issue_id}/withdrawn")


@router.get("/issues/{issue_id}/withdrawn", dependencies=[allow()])
async def show_withdrawn(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    issue_id: UUID,
) -> Response:
    """What withdrawing means."""
    issue = await view_issue(session, wired, actor, issue_id, now)
    if issue.outcome != "withdrawn":
        return go_to(f"/issues/{issue_id}")
    element = issue.detail.standing.element
    done = {
        "title": issue.speaker.say(element, "sent") or issue.status,
        "tone": issue.outcome,
        "next": issue.speaker.say_lines(element, "next"),
        "links": [
            {"address": "/issues", "name": "回到问题管理", "is_next": False},
            {"address": f"/issues/{issue_id}", "name": "看这个问题", "is_next": False},
        ],
    }
    return draw(request, "done.html", frame=frame, done=done, issue=issue)


def want(speaker: Speaker, definition: ParsedDefinition, task: OpenTask) -> dict[str, str | None]:
    """What is wanted of me in an open task, and where I do it."""
    name, button = speaker.want(definition.elements.get(task.element_id), task.name)
    if not task.is_mine:
        return {
            "name": f"认领并{name}",
            "address": None,
            "button": None,
            "claim_address": f"/tasks/{task.id}/claim",
        }
    address = "#do" if is_below(definition, task.element_id) else f"/tasks/{task.id}"
    return {"name": name, "address": address, "button": button, "claim_address": None}

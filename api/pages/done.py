"""The page after every submit: what was done, what happens next and when."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.pages.frame import Frame
from api.pages.issue_view import find_expiry
from api.pages.render import draw
from api.pages.step_words import Speaker, words_of_issue, words_of_registration
from api.wired import Wired
from domain.actor import Actor
from domain.people import find_names
from tasks.inbox import TaskView
from tasks.standing import Standing, find_standing


async def draw_done(
    request: Request,
    session: AsyncSession,
    wired: Wired,
    actor: Actor,
    frame: Frame,
    view: TaskView,
    next_task: str | None,
    now: datetime,
) -> Response:
    """For one completed task; `next_task` is the address of the most urgent other one."""
    issue, registration = view.subject.issue, view.subject.registration
    standing = await find_standing(session, wired.engine, view.line.instance_id)
    words = await _find_words(session, wired, actor, view, now)
    about = issue or registration
    speaker = Speaker(wired.engine.evaluator, words, now, about.due_at if about else None)
    links: list[dict[str, object]] = []
    if next_task and frame.is_officer:
        links.append({"address": next_task, "name": "办理下一件", "is_next": True})
    if issue is not None:
        links.append({"address": f"/issues/{issue.id}", "name": "看这个问题", "is_next": False})
    if registration is not None:
        address = f"/registrations/{registration.id}"
        links.append({"address": address, "name": "看这份申请", "is_next": False})
    links.append({"address": "/tasks", "name": "回到待办", "is_next": False})
    done = {
        "title": title_of(view, standing, speaker),
        "tone": "",
        "next": speaker.say_lines(standing.element, "next") or [_tell_step(standing)],
        "links": links,
    }
    return draw(request, "done.html", frame=frame, done=done, issue=about)


def title_of(view: TaskView, standing: Standing, speaker: Speaker) -> str:
    """What has just been done: what the end says, else the decision by the words that were picked, else the step's own words."""
    element = standing.element
    if element is not None and element.kind == "endEvent" and (ended := speaker.say(element, "sent")):
        return ended
    decision = str((view.answers or {}).get("decision", ""))
    for one in view.fields:
        for option in one.options if one.key == "decision" else ():
            if str(option.value) == decision:
                if option.label.startswith("不"):
                    return f"已决定{option.label}"
                return f"已{option.label.removeprefix('请')}"
    done = view.definition.elements.get(view.line.element_id)
    return speaker.say(done, "sent") or f"办好了：{view.line.name}"


def _tell_step(standing: Standing) -> str:
    if standing.element is None:
        return "流程已经进入下一步。"
    if standing.element.kind == "endEvent":
        return "已经办结。"
    return f"下一步：{standing.element.name}。"


async def _find_words(
    session: AsyncSession, wired: Wired, actor: Actor, view: TaskView, now: datetime
) -> Mapping[str, Any]:
    subject = view.subject
    if subject.issue is not None:
        people = {id_ for id_ in (subject.issue.submitter_id, subject.issue.executive_id) if id_}
        names = await find_names(session, people, about=subject.issue.id)
        return words_of_issue(
            subject.issue,
            actor,
            names,
            office=subject.office_name,
            enterprise=subject.enterprise_name,
            expires_at=await find_expiry(session, wired, subject.issue, now),
        )
    if subject.registration is not None:
        applicant = subject.registration.applicant_id
        names = await find_names(session, {applicant}, about=subject.registration.id)
        return words_of_registration(
            subject.registration,
            actor,
            office=subject.office_name,
            enterprise=subject.enterprise_name,
            applicant=names.get(applicant, ""),
        )
    return {}

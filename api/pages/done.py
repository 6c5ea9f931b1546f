"""The page after every submit: what was done, what happens next and when."""

from datetime import datetime

from fastapi import Request
from starlette.responses import Response

from api.pages.frame import Frame
from api.pages.render import draw
from api.pages.wording import due_day
from domain.models import IssueRecord, Registration
from tasks.inbox import TaskView


def draw_done(
    request: Request, frame: Frame, view: TaskView, next_task: str | None, expires_at: datetime | None
) -> Response:
    """For one completed task; `expires_at` is until when the answer may be evaluated."""
    issue, registration = view.subject.issue, view.subject.registration
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
        "title": title_of(view, issue),
        "tone": "",
        "next": _what_follows(view, expires_at),
        "links": links,
    }
    return draw(request, "done.html", frame=frame, done=done, issue=issue or registration)


def _what_follows(view: TaskView, expires_at: datetime | None) -> list[str]:
    issue, registration = view.subject.issue, view.subject.registration
    if registration is not None:
        return tell_next_of_registration(registration, view.subject.office_name)
    return tell_next(issue, view, expires_at) if issue else ["流程已经进入下一步。"]


def tell_next_of_registration(registration: Registration, office: str) -> list[str]:
    """What happens next with a registration, by where it stands now."""
    match registration.phase:
        case "customs":
            by = f"，审核期限是 {due_day(registration.due_at)}" if registration.due_at else ""
            return [f"{office}的注册审核员会审核{by}。", "审核结果会发短信通知申请人。"]
        case "enterprise":
            return ["申请人会收到短信，登录以后能看到退回的理由。", "修改后会再次提交到本单位审核。"]
        case _ if registration.outcome == "approved":
            return ["企业已经注册。申请人会收到短信，不用重新登录就可以向海关提出问题。"]
        case _ if registration.outcome == "refused":
            return ["申请已经办结。申请人会收到短信，登录以后能看到理由。"]
        case _ if registration.outcome == "superseded":
            return [
                "这个统一社会信用代码已由另一份申请先行注册，本申请没有通过，已经办结。",
                "申请人会收到短信，请其联系本企业的企业管理员。",
            ]
        case _:
            return [f"申请现在的状态：{registration.status}。"]


def title_of(view: TaskView, issue: IssueRecord | None) -> str:
    """What has just been done."""
    answers = view.answers or {}
    registration = view.subject.registration
    if registration is not None and registration.outcome == "superseded":
        return "没有通过：代码已被注册"
    decision = str(answers.get("decision", ""))
    if decision:
        for one in view.fields:
            for option in one.options if one.key == "decision" else ():
                if str(option.value) == decision:
                    if option.label.startswith("不"):
                        return f"已决定{option.label}"
                    return f"已{option.label.removeprefix('请')}"
    if view.line.element_id in ("draft_issue", "rework_issue") and issue is not None:
        return "已提交海关" if issue.raised_by_executive else "已提交高管审核"
    if view.line.element_id == "evaluate_answer":
        return "已提交评价"
    if view.line.element_id == "correct_registration":
        return "已再次提交"
    return f"已完成：{view.line.name}"


def tell_next(issue: IssueRecord, view: TaskView, expires_at: datetime | None) -> list[str]:
    """What happens next and when, by where the issue stands now."""
    office = view.subject.office_name or "受理海关"
    match issue.phase:
        case "review" if view.line.element_id == "review_issue":
            return ["问题已退回经办人，经办人会收到通知，修改后会再次送您审核。"]
        case "review":
            return [
                "审核高管会收到通知。审核通过后由高管提交海关；需要修改的会退回给您。",
                "在海关认领之前，您可以随时撤回。",
            ]
        case "customs":
            by = [f"答复期限是 {due_day(issue.due_at)}。"] if issue.due_at else []
            return [f"{office}的经办关员会认领并办理。", *by, "有了结果会发短信通知经办人和审核高管。"]
        case "enterprise":
            return [
                "企业经办人会收到通知。企业补充以后，这件问题会回到原来的办理人名下。",
                "等待补充的时间不计入办理期限。",
            ]
        case "answered":
            until = [f"{due_day(expires_at)}前没有评价的，系统按“未评价”办结。"] if expires_at else []
            return ["经办人和审核高管会收到短信，请他们评价答复。", *until]
        case "closed" if issue.outcome == "withdrawn":
            return ["问题已撤回。需要时可以重新提出。"]
        case "closed":
            return ["这个问题已清零。感谢您的评价，它会用来改进海关的工作。"]
        case _:
            return [f"问题现在的状态：{issue.status}。"]

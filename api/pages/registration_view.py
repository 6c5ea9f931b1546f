"""One registration as its pages show it: what was typed, the licence, what changed, what the last review said, the history in
sentences, and where it stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from markupsafe import Markup
from sqlalchemy.ext.asyncio import AsyncSession

from api.pages.compare import mark_changes
from api.pages.due import tell_due
from api.pages.history import Moment, tell_history, tell_waiting
from api.pages.wording import Due, due_day, moment
from api.wired import Wired
from domain.actor import Actor
from domain.models import Attachment
from tasks.registration_details import (
    FIELD_NAMES,
    RegistrationDetail,
    RoundChange,
    get_registration,
    registration_timeline,
)

ROUTES = {"card": "电脑端有卡", "web": "网页无卡", "wechat": "微信"}
REVIEW = "review_registration"


@dataclass(frozen=True)
class ChangeLine:
    """One change, marked; a licence shows its two files."""

    label: str
    before: Markup
    after: Markup
    before_file: Attachment | None
    after_file: Attachment | None


@dataclass(frozen=True)
class RegistrationView:
    """What templates read; whatever else they ask for is a column of the registration itself."""

    detail: RegistrationDetail
    due: Due | None
    changes: Sequence[ChangeLine]
    timeline: Sequence[Moment]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.detail.registration, name)

    @property
    def title(self) -> str:
        return self.detail.enterprise.name

    @property
    def enterprise(self) -> Any:
        return self.detail.enterprise

    @property
    def office_name(self) -> str:
        return self.detail.office_name

    @property
    def licence_file(self) -> Attachment | None:
        return self.detail.licence

    @property
    def route_name(self) -> str:
        return ROUTES[self.detail.registration.route]

    @property
    def applicant_name(self) -> str:
        return self.detail.people.get(self.detail.registration.applicant_id, "")

    @property
    def applicant_phone(self) -> str:
        return self.detail.applicant_phone.removeprefix("+86")

    @property
    def overridden_by(self) -> str:
        id_ = self.detail.registration.check_digit_overridden_by
        return self.detail.people.get(id_, "") if id_ else ""

    @property
    def notes(self) -> list[dict[str, str]]:
        """Why it was returned, for whoever corrects it and whoever reviews the correction."""
        reviews = [task for task in self.detail.done_tasks if task.element_id == REVIEW]
        if not reviews or self.detail.registration.outcome is not None:
            return []
        said = [answer.text for answer in reviews[-1].answers if answer.key == "reason"]
        who = reviews[-1].completed_by_name or ""
        return [{"title": f"上一次退回的理由（{who}）", "text": text} for text in said]


async def view_registration(
    session: AsyncSession,
    wired: Wired,
    actor: Actor,
    registration_id: UUID,
    now: datetime,
    *,
    history: bool = False,
) -> RegistrationView:
    """A registration I may read; `history` with its timeline. Raises NotFound."""
    detail = await get_registration(session, wired.engine, actor, registration_id)
    entries = await registration_timeline(session, wired.engine, actor, registration_id) if history else []
    registration = detail.registration
    waits = registration.phase == "customs"
    files = {detail.licence.id: detail.licence} if detail.licence else {}
    return RegistrationView(
        detail=detail,
        due=tell_due(registration.due_at, now, wired.calendar) if waits else None,
        changes=[_change(one) for one in detail.last_changes],
        timeline=[*tell_history(entries, files, FIELD_NAMES), *tell_waiting(detail.open_tasks, now)]
        if history
        else (),
    )


def tell_state(view: RegistrationView) -> str:
    """Where the registration stands and what will happen, in a sentence or two."""
    by = f"，审核期限是 {due_day(view.due_at)}" if view.due_at else ""
    match view.phase:
        case "customs":
            holders = [task.claimed_by_name for task in view.detail.open_tasks if task.claimed_by_name]
            if holders:
                return f"{view.office_name}的{holders[0]}正在审核{by}。"
            return f"已送{view.office_name}，等待注册审核员认领{by}。"
        case "enterprise":
            return f"已退回，等待申请人{view.applicant_name}修改后再次提交。"
        case _ if view.outcome == "approved":
            return f"已于 {moment(view.decided_at)} 通过，企业可以向海关提出问题。"
        case _ if view.outcome == "refused":
            return f"已于 {moment(view.decided_at)} 决定不予通过。"
        case _ if view.outcome == "superseded":
            return f"这个统一社会信用代码已由另一份申请注册，本申请于 {moment(view.decided_at)} 办结。"
        case _:
            return f"当前状态：{view.status}。"


def _change(one: RoundChange) -> ChangeLine:
    before, after = mark_changes(one.change.before, one.change.after)
    return ChangeLine(one.change.label, before, after, one.before_file, one.after_file)

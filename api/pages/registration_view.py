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
from api.pages.history import Line, Moment, line_of_kept, tell_history, tell_waiting
from api.pages.issue_view import name_holder
from api.pages.step_words import Speaker, words_of_registration
from api.pages.wording import Due
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
REVIEW = "record_review"


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
    speaker: Speaker

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
    def fields(self) -> list[Line]:
        """What the form asks besides the columns."""
        return [line_of_kept(one, self.detail.files) for one in self.detail.fields.values()]

    @property
    def state_words(self) -> str:
        """Where it stands and what will happen."""
        return self.speaker.tell_state(self.detail.standing, self.detail.registration.status)

    @property
    def notes(self) -> list[dict[str, str]]:
        """Why it was returned, for whoever corrects it and whoever reviews the correction."""
        reviews = [task for task in self.detail.done_tasks if task.on_complete == REVIEW]
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
    words = words_of_registration(
        registration,
        actor,
        office=detail.office_name,
        enterprise=detail.enterprise.name,
        applicant=detail.people.get(registration.applicant_id, ""),
        holder=name_holder(detail.open_tasks),
    )
    elsewhere = {*FIELD_NAMES, *detail.fields}
    return RegistrationView(
        detail=detail,
        due=tell_due(registration.due_at, now, wired.calendar) if waits else None,
        changes=[_change(one) for one in detail.last_changes],
        timeline=[*tell_history(entries, detail.files, elsewhere), *tell_waiting(detail.open_tasks, now)]
        if history
        else (),
        speaker=Speaker(wired.engine.evaluator, words, now, registration.due_at),
    )


def _change(one: RoundChange) -> ChangeLine:
    before, after = mark_changes(one.change.before, one.change.after)
    return ChangeLine(one.change.label, before, after, one.before_file, one.after_file)

"""What pages say about a step of an issue or a registration: the diagram's own words, with the names and moments that these may
read (the table of `tasks.needs`); where a version says nothing, its step's name in a plain sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api.pages.wording import due_day, moment, point_at_due
from domain import issues, registrations
from domain.actor import Actor
from domain.models import IssueRecord, Registration
from engine.elements import Element
from engine.expressions import Evaluator
from tasks.standing import Standing, say, say_lines


@dataclass(frozen=True)
class Speaker:
    """The diagram's words for one person at one moment, about one record; `words` are what they may read. The day of `due_at` in
    a sentence shows its moment to who points at it."""

    evaluator: Evaluator
    words: Mapping[str, Any]
    now: datetime
    due_at: datetime | None = None

    def say(self, element: Element | None, name: str) -> str:
        """One sentence; "" where the diagram says nothing."""
        return say(self.evaluator, element, name, self.words, self.now)

    def say_lines(self, element: Element | None, name: str) -> list[str]:
        """Several sentences."""
        lines = say_lines(self.evaluator, element, name, self.words, self.now)
        return [point_at_due(line, self.due_at) for line in lines]

    def tell_state(self, standing: Standing, status: str | None) -> str:
        """Where it stands and what will happen."""
        claimed = self.say(standing.element, "nowClaimed") if standing.is_claimed else ""
        now = claimed or self.say(standing.element, "now")
        if now or standing.element is None:
            return point_at_due(now, self.due_at) or f"当前状态：{status}。"
        return f"当前环节：{standing.element.name}。"

    def want(self, element: Element | None, name: str) -> tuple[str, str]:
        """What is wanted of whoever has this task (by its `name` where the diagram does not say), and the button."""
        return self.say(element, "wanted") or f"办理“{name}”", self.say(element, "wantedButton") or "去办理"

    def button(self, element: Element | None) -> str:
        """What sending this task's form does."""
        return self.say(element, "button") or "提交"


def words_of_issue(
    issue: IssueRecord,
    actor: Actor,
    names: Mapping[Any, str],
    *,
    office: str,
    enterprise: str,
    holder: str = "",
    expires_at: datetime | None = None,
) -> dict[str, Any]:
    """The words about an issue; `names` are people's, by id."""
    return {
        "issue": issues.facts(issue),
        "office": office,
        "enterprise": enterprise,
        "submitter": names.get(issue.submitter_id, ""),
        "executive": names.get(issue.executive_id, ""),
        "holder": holder,
        "due": due_day(issue.due_at),
        "expires": due_day(expires_at),
        "closed": moment(issue.closed_at),
        "me": {
            "is_submitter": actor.person_id == issue.submitter_id,
            "is_executive": "executive" in actor.roles,
            "is_officer": actor.officer_id is not None,
        },
    }


def words_of_registration(
    registration: Registration,
    actor: Actor,
    *,
    office: str,
    enterprise: str,
    applicant: str = "",
    holder: str = "",
) -> dict[str, Any]:
    """The words about a registration."""
    return {
        "registration": registrations.facts(registration),
        "office": office,
        "enterprise": enterprise,
        "applicant": applicant,
        "holder": holder,
        "due": due_day(registration.due_at),
        "closed": moment(registration.decided_at),
        "reason": registration.reason,
        "me": {
            "is_submitter": actor.person_id == registration.applicant_id,
            "is_executive": "executive" in actor.roles,
            "is_officer": actor.officer_id is not None,
        },
    }

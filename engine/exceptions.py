"""What the engine refuses, and how it fails. A refusal changes nothing and is told to the caller; a failure is ours.

Refusal
├── TaskGone            unknown, completed or cancelled        details: by_person, at, state
├── TaskAlreadyClaimed  somebody else was first                details: claimed_by, claimed_at
├── NotYours            it lies with somebody else             details: claimed_by, claimed_at
├── StaleVersion        it was claimed, returned or handed over since the page was drawn   details: version
├── NotWaiting          no step of the instance expects this   details: message or element
├── UnknownProcess      no such process, version or instance
├── DiagramRefused      the files broke a rule                 findings
└── MigrationRefused    live steps have no place in the other version   details: elements
EngineFailure
├── OperatorFailed      a service task's function broke        element_id
├── ExpressionFailed    an expression of the diagram broke     element_id
└── TooManySteps        a diagram that runs in a circle without a person
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from errors import Refusal


class TaskGone(Refusal):
    """这项任务已经办结或取消，或者并不存在。"""


class TaskAlreadyClaimed(Refusal):
    """这项任务已被他人认领。"""


class NotYours(Refusal):
    """这项任务不在您名下，不能办理。"""


class StaleVersion(Refusal):
    """您打开页面之后，这项任务已有变化，请刷新后再办。"""


class NotWaiting(Refusal):
    """流程当前的环节不接受这项操作。"""


class UnknownProcess(Refusal):
    """没有这个流程。"""


class DiagramRefused(Refusal):
    """流程文件没有通过检查。"""

    def __init__(self, findings: Sequence[Any], message: str | None = None) -> None:
        super().__init__(message, findings=list(findings))
        self.findings = list(findings)

    def __str__(self) -> str:
        return "\n".join([self.message, *map(str, self.findings)])


class MigrationRefused(Refusal):
    """正在办理的环节在新版本的流程中不存在，不能迁移。"""


class EngineFailure(Exception):
    """The engine could not go on; `element_id` names the element of the diagram where it happened.

    On its way out of a command it learns which one it was (`command`, `instance_id`, `task_id`): what the edge hands to
    `Engine.record_incident` once the transaction is rolled back.
    """

    def __init__(self, message: str, element_id: str | None = None) -> None:
        super().__init__(message)
        self.element_id = element_id
        self.command: str | None = None
        self.instance_id: UUID | None = None
        self.task_id: UUID | None = None


class OperatorFailed(EngineFailure):
    """The function behind a service task raised something that is no refusal; its error is the cause."""


class ExpressionFailed(EngineFailure):
    """An expression of the diagram could not be evaluated."""


class TooManySteps(EngineFailure):
    """One command took more steps than any sound diagram needs."""

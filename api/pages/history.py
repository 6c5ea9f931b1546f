"""办理过程, as pages of issues and registrations show it: what was done by whom and how long it waited; what is waited for."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from api.pages.wording import duration
from domain.models import Attachment
from tasks.details import OpenTask
from tasks.kept_answers import Kept
from tasks.timeline import Answer, Entry

DECISION = "decision"


@dataclass(frozen=True)
class Line:
    """One answered field."""

    label: str
    text: str
    files: Sequence[Attachment] = ()


@dataclass(frozen=True)
class Moment:
    """One line of the history."""

    kind: str
    what: str
    who: str
    at: datetime
    waited: str
    answers: Sequence[Line]


def tell_history(
    entries: Sequence[Entry], files: Mapping[UUID, Attachment], elsewhere: Collection[str]
) -> list[Moment]:
    """What has happened. The answers `elsewhere` (by field) have a place of their own; a decision follows the step's name."""
    return [
        Moment(
            kind="done" if entry.actor_id else "system",
            what=entry.text + _decision_words(entry),
            who=entry.actor_name or "",
            at=entry.at,
            waited=f"用时 {duration(entry.waited_s)}" if (entry.waited_s or 0) >= 60 else "",
            answers=[
                line_of(one, files)
                for one in entry.answers
                if one.key not in elsewhere and one.key != DECISION
            ],
        )
        for entry in entries
        if not entry.is_quiet
    ]


def tell_waiting(tasks: Sequence[OpenTask], now: datetime) -> list[Moment]:
    """What is waited for now, at the end of the history."""
    return [
        Moment(
            kind="now",
            what=f"等待：{task.name}",
            who=task.claimed_by_name or "还没有人认领",
            at=task.created_at,
            waited=_waiting_words((now - task.created_at).total_seconds()),
            answers=(),
        )
        for task in tasks
    ]


def line_of(answer: Answer, files: Mapping[UUID, Attachment]) -> Line:
    """An answer with its files."""
    return Line(answer.label, answer.text, pick(files, answer.value) if answer.kind == "filepicker" else ())


def line_of_kept(kept: Kept, files: Mapping[UUID, Attachment]) -> Line:
    """What is kept with a record, with its files."""
    return Line(kept.label, kept.text, pick(files, kept.value) if kept.kind == "filepicker" else ())


def pick(files: Mapping[UUID, Attachment], ids: Iterable[Any]) -> list[Attachment]:
    """The files with these ids, in their order."""
    return [files[UUID(str(id_))] for id_ in ids if UUID(str(id_)) in files]


def _decision_words(entry: Entry) -> str:
    return next((f"：{one.text}" for one in entry.answers if one.key == DECISION), "")


def _waiting_words(seconds: float) -> str:
    return f"已等待 {duration(seconds)}" if seconds >= 60 else "刚刚开始"

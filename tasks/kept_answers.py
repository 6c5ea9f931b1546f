"""What forms ask besides the columns of an issue or a registration (ADR 23): kept with the record by the field's key, carried
into later forms that ask for the same, compared when it changes, told to whoever reads the record.

A step's own answers (a decision, a comment) stay with the step. They are: the keys that Python reads for an operator
(`tasks.needs`), what expressions read as `<task>.<key>`, and fields whose `carry` is `no`. Of a task that several people do
at once, everything is its person's own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from domain.models import IssueChange, IssueRecord, RegistrationChange
from engine.form_schema import is_carried
from engine.names import identifier
from engine.specs import ParsedDefinition
from tasks.fields import FormContext, Schema, inputs, options
from tasks.forms import as_list, is_empty, words_of
from tasks.kinds import Record, kind_of
from tasks.needs import find_first_form, own_keys
from tasks.subjects import Subject
from tasks.task_forms import form_of, keeps_record

RECORD, STEP = "record", "step"
_LINES = frozenset({"textfield", "textarea"})
_CHOICES = frozenset({"select", "radio"})


@dataclass(frozen=True)
class Kept:
    """One answer as it is kept. `place` is record for what belongs to the question or the application itself, step for what
    the step `step` said; `text` is what to show, `value` holds the ids of files."""

    label: str
    kind: str
    value: Any
    text: str
    place: str
    step: str
    no: int

    def as_json(self) -> dict[str, Any]:
        """As the column keeps it."""
        return {**vars(self)}


def list_kept(record: Record, place: str | None = None) -> dict[str, Kept]:
    """What is kept with a record (of this place), in the order in which it was first asked."""
    kept = {key: Kept(**entry) for key, entry in record.answers.items()}
    chosen = {key: one for key, one in kept.items() if place in (None, one.place) and "@" not in key}
    return dict(sorted(chosen.items(), key=lambda item: (item[1].no, item[0])))


def starting_answers(record: Record, definition: ParsedDefinition, element_id: str) -> dict[str, Any]:
    """What the fields of this task's form begin with: what was answered before under the same key, to the same kind of
    question. What a step itself said last time is not put into its mouth again."""
    if not record.answers:
        return {}
    keeps = keeps_record(definition, element_id)
    found: dict[str, Any] = {}
    for component in _carried(definition, element_id):
        kept = record.answers.get(component["key"])
        if kept is None or not _fits(component, kept):
            continue
        if keeps or kept["place"] == RECORD or kept["step"] != element_id:
            found[component["key"]] = kept["value"]
    return found


def keep_answers(
    subject: Subject,
    definition: ParsedDefinition,
    element_id: str,
    checked: Mapping[str, Any],
    *,
    actor_id: UUID,
    task_id: UUID | None,
    now: datetime,
) -> None:
    """Keep what these checked answers of a task say besides the record's columns; what somebody else than the submitter
    changes of a question is recorded, of an application whatever is changed after it was sent."""
    record = subject.record
    if record is None:
        return
    of_record = keeps_record(definition, element_id)
    kept = dict(record.answers)
    for component in _carried(definition, element_id):
        key = component["key"]
        if key not in checked:
            continue
        before = kept.get(key)
        place = RECORD if of_record or (before and before["place"] == RECORD) else STEP
        after = _entry(component, checked[key], subject, place, element_id, before, len(kept))
        if _value(before) == _value(after):
            continue
        if after is None:
            kept.pop(key)
        else:
            kept[key] = after
        if place == RECORD and (before or key in _first_keys(definition)):
            _record_change(subject, key, before, after, actor_id, task_id, now)
    for component in _personal(definition, element_id):
        # Nobody's form begins with it; it is kept here to be found.
        key = f"{component['key']}@{element_id}/{actor_id}"
        after = _entry(component, checked.get(component["key"]), subject, STEP, element_id, None, len(kept))
        kept.pop(key, None)
        if after is not None:
            kept[key] = after
    if kept != record.answers:
        record.answers = kept


def label_all(answers: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Everything that is kept with a record as label and text by the field's key; what several people said each for themselves
    in one text."""
    found: dict[str, tuple[str, str]] = {}
    for key, entry in sorted(answers.items(), key=lambda item: (item[1]["no"], item[0])):
        name = key.partition("@")[0]
        earlier = found.get(name)
        found[name] = (entry["label"], f"{earlier[1]}；{entry['text']}" if earlier else entry["text"])
    return found


def describe_kept(entry: Any) -> str:
    """One side of a recorded change in words."""
    return str(entry.get("text", "")) if isinstance(entry, Mapping) else ""


def _entry(
    component: Mapping[str, Any],
    value: Any,
    subject: Subject,
    place: str,
    element_id: str,
    before: Mapping[str, Any] | None,
    number: int,
) -> dict[str, Any] | None:
    if is_empty(value):
        return None
    kept = Kept(
        label=component["label"],
        kind=component["type"],
        value=value,
        text=_text(component, value, subject),
        place=place,
        step=element_id,
        no=before["no"] if before else number,
    )
    return kept.as_json()


def _text(component: Mapping[str, Any], value: Any, subject: Subject) -> str:
    if component["type"] == "filepicker":
        files = (subject.files.get(UUID(str(item))) for item in as_list(value))
        return "、".join(file.name for file in files if file)
    return words_of(component, value, subject.lists)


def _value(entry: Mapping[str, Any] | None) -> Any:
    return entry["value"] if entry else None


def _fits(component: Mapping[str, Any], kept: Mapping[str, Any]) -> bool:
    """Whether an earlier answer is one to this question, too."""
    kinds = {component["type"], kept["kind"]}
    if len(kinds) > 1 and not (kinds <= _LINES or kinds <= _CHOICES):
        return False
    if "values" not in component:
        return True
    known = {str(option.value) for option in options(component, FormContext())}
    return all(str(item) in known for item in as_list(kept["value"]))


@lru_cache(maxsize=500)
def _carried_keys(definition: ParsedDefinition, element_id: str) -> frozenset[str]:
    element = definition.elements.get(element_id)
    if element is None or element.multi_instance:
        return frozenset()
    return _besides_columns(definition, element_id)


@lru_cache(maxsize=500)
def _besides_columns(definition: ParsedDefinition, element_id: str) -> frozenset[str]:
    variable = identifier(element_id)
    decided = {path[1] for path in definition.reads.paths if path[0] == variable and len(path) > 1}
    own = own_keys(definition, element_id) | decided | frozenset(kind_of(definition.key).fields)
    form = form_of(definition, element_id)
    return frozenset(one["key"] for one, _ in inputs(form) if is_carried(one)) - own


def _carried(definition: ParsedDefinition, element_id: str) -> Iterator[Mapping[str, Any]]:
    return _components(form_of(definition, element_id), _carried_keys(definition, element_id))


def _personal(definition: ParsedDefinition, element_id: str) -> Iterator[Mapping[str, Any]]:
    element = definition.elements.get(element_id)
    if element is not None and element.multi_instance:
        yield from _components(form_of(definition, element_id), _besides_columns(definition, element_id))


def _components(form: Schema, keys: frozenset[str]) -> Iterator[Mapping[str, Any]]:
    return (component for component, _ in inputs(form) if component["key"] in keys) if keys else iter(())


@lru_cache(maxsize=100)
def _first_keys(definition: ParsedDefinition) -> frozenset[str]:
    return frozenset(one["key"] for one, _ in inputs(form_of(definition, find_first_form(definition))))


def _record_change(
    subject: Subject,
    key: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    actor_id: UUID,
    task_id: UUID | None,
    now: datetime,
) -> None:
    record = subject.record
    if subject.is_new:
        return
    what: dict[str, Any] = {
        "task_id": task_id,
        "actor_id": actor_id,
        "at": now,
        "field": key,
        "before": before,
        "after": after,
    }
    if isinstance(record, IssueRecord):
        if actor_id == record.submitter_id:
            return
        subject.rows.append(IssueChange(issue_id=record.id, **what))
    elif record is not None:
        subject.rows.append(RegistrationChange(registration_id=record.id, round=record.round, **what))

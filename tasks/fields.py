"""The fields of a form as they are drawn for one person: options resolved, starting values filled in, conditions
evaluated. What an answer must look like is `tasks.forms`; what a schema may contain is `engine.form_schema`."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from engine import form_schema
from engine.expressions import Evaluator, ExpressionFailed, read_paths

Schema = Mapping[str, Any]
STANDARD = Evaluator()
ISSUE_FIELDS = (
    "kind",
    "category",
    "office",
    "title",
    "description",
    "contact",
    "attachments",
    "importance",
    "executive",
)
"""Keys that stand for a column of the issue in the forms of tasks that save it (`onComplete` is save_issue)."""
REGISTRATION_FIELDS = (
    "name",
    "uscc",
    "customs_code",
    "address",
    "legal_person",
    "contact",
    "office",
    "licence",
)
"""The same for a registration and its enterprise (save_registration)."""


@dataclass(frozen=True)
class Option:
    """One choice: `value` is sent (its JSON type is kept), `label` is shown."""

    value: Any
    label: str


@dataclass(frozen=True)
class FileFact:
    """An uploaded file, as far as a check needs it; `owner_id` is its uploader's, or their challenge's without an account."""

    id: UUID
    name: str
    owner_id: UUID | None
    instance_id: UUID | None


@dataclass(frozen=True)
class FormContext:
    """What a form is drawn and checked with. `values` start the fields, and may be left out of the answers: unchanged.

    `facts` are what is known of the issue or the registration, under its kind's name. `files` are the files named in the
    answers, by id; `actor_id` is whose new files count. `carried` are the keys of `values` that are no columns.
    """

    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    me: Mapping[str, Any] = field(default_factory=dict)
    lists: Mapping[str, Sequence[Option]] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    carried: frozenset[str] = frozenset()
    files: Mapping[UUID, FileFact] = field(default_factory=dict)
    actor_id: UUID | None = None
    instance_id: UUID | None = None
    max_files: int = 10
    evaluator: Evaluator = STANDARD
    now: datetime = datetime(1970, 1, 1, tzinfo=UTC)

    def holds(self, source: str | None, names: Mapping[str, Any]) -> bool:
        """Whether a condition holds; no condition, and one that compares what cannot be compared, does not."""
        if source is None:
            return False
        try:
            return bool(self.evaluator.evaluate(source, names, now=self.now))
        except ExpressionFailed:
            return False


@dataclass(frozen=True)
class Field:
    """One thing on the page. A group holds `children`; a text has only `text`.

    `hidden` and `required` are right for the values at hand; `hide_when` and `required_when` are the expressions, for
    pages that follow what is being typed.
    """

    key: str
    kind: str
    label: str = ""
    hint: str = ""
    value: Any = None
    required: bool = False
    hidden: bool = False
    options: tuple[Option, ...] = ()
    children: tuple["Field", ...] = ()
    text: str = ""
    subtype: str = ""
    multiple: bool = False
    accept: str = ""
    rules: Mapping[str, Any] = field(default_factory=dict)
    hide_when: str | None = None
    required_when: str | None = None


def fields(schema: Schema, context: FormContext, entered: Mapping[str, Any] | None = None) -> list[Field]:
    """The form's fields in their order; `entered` (a draft, or refused answers) wins over starting values."""
    values = starting_values(schema, context) | dict(entered or {})
    names = expression_names(schema, context, values)
    return [_draw(component, context, values, names) for component in schema["components"]]


def inputs(schema: Schema) -> Iterator[tuple[Mapping[str, Any], tuple[Mapping[str, Any], ...]]]:
    """Each field that takes an answer, with the groups around it, outermost first."""
    yield from _inputs(schema["components"], ())


def starting_values(schema: Schema, context: FormContext) -> dict[str, Any]:
    """What each field holds before anyone types: the issue's value, else the form's default."""
    return {
        component["key"]: context.values.get(component["key"], component.get("defaultValue"))
        for component, _ in inputs(schema)
    }


def expression_names(schema: Schema, context: FormContext, values: Mapping[str, Any]) -> dict[str, Any]:
    """What conditions may read: every field of the form (None when empty), the subject's facts, and who I am."""
    names = {component["key"]: values.get(component["key"]) for component, _ in inputs(schema)}
    return {**names, **context.facts, "me": dict(context.me)}


def is_hidden(component: Mapping[str, Any], context: FormContext, names: Mapping[str, Any]) -> bool:
    """Whether this component's own condition hides it."""
    return context.holds(form_schema.hide_condition(component), names)


def is_hidden_by_answers(
    component: Mapping[str, Any], context: FormContext, names: Mapping[str, Any], keys: Collection[str]
) -> bool:
    """Whether it is hidden by what other fields of the form (`keys`) say, not by who looks at it."""
    source = form_schema.hide_condition(component)
    if source is None or not context.holds(source, names):
        return False
    return any(path[0] in keys for path in read_paths(source))


def is_required(component: Mapping[str, Any], context: FormContext, names: Mapping[str, Any]) -> bool:
    """Whether it must be answered, always or under the condition that holds now."""
    always = bool(component.get("validate", {}).get("required"))
    return always or context.holds(form_schema.required_condition(component), names)


def options(component: Mapping[str, Any], context: FormContext) -> tuple[Option, ...]:
    """The choices of a field: its own, or those of the list it names."""
    if name := component.get("valuesKey"):
        return tuple(context.lists.get(name, ()))
    return tuple(Option(value["value"], str(value["label"])) for value in component.get("values", ()))


def lists_of(schema: Schema) -> frozenset[str]:
    """The lists (offices, executives, …) this form's options come from."""
    return frozenset(component["valuesKey"] for component, _ in inputs(schema) if "valuesKey" in component)


def _inputs(
    components: Sequence[Mapping[str, Any]], around: tuple[Mapping[str, Any], ...]
) -> Iterator[tuple[Mapping[str, Any], tuple[Mapping[str, Any], ...]]]:
    for component in components:
        if component["type"] == "group":
            yield from _inputs(component["components"], (*around, component))
        elif component["type"] in form_schema.INPUTS:
            yield component, around


def _draw(
    component: Mapping[str, Any], context: FormContext, values: Mapping[str, Any], names: Mapping[str, Any]
) -> Field:
    kind = component["type"]
    common: dict[str, Any] = {
        "key": component.get("key") or component.get("id", ""),
        "kind": kind,
        "label": component.get("label", ""),
        "hint": component.get("description", ""),
        "hidden": is_hidden(component, context, names),
        "hide_when": form_schema.hide_condition(component),
    }
    if kind == "text":
        return Field(**common, text=component["text"])
    if kind == "group":
        children = tuple(_draw(child, context, values, names) for child in component["components"])
        return Field(**common, children=children)
    return Field(
        **common,
        value=values.get(component["key"]),
        required=is_required(component, context, names),
        required_when=form_schema.required_condition(component),
        options=options(component, context),
        subtype=component.get("subtype", ""),
        multiple=bool(component.get("multiple", kind == "filepicker")),
        accept=component.get("accept", ""),
        rules=component.get("validate", {}),
    )

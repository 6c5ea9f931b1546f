"""Which form belongs to a user task of a definition, and what completing it does to the record."""

from engine.specs import ParsedDefinition
from tasks.fields import Schema
from tasks.kinds import kind_of

NO_FORM: Schema = {"type": "default", "components": []}


def form_of(definition: ParsedDefinition, element_id: str) -> Schema:
    """The form of a user task; one without any is completed by a button."""
    form: Schema = definition.forms.get(element_id, NO_FORM)
    return form


def keeps_record(definition: ParsedDefinition, element_id: str) -> bool:
    """Whether completing this user task writes its answers to the issue's or registration's own columns."""
    element = definition.elements.get(element_id)
    return element is not None and element.on_complete == kind_of(definition.key).keeps

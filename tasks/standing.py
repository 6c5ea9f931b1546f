"""Where an issue or a registration stands in its own version of the diagram, and what the diagram says there for pages.

The words are expressions at the step: what happens now, what is wanted of whom, what the button says, what comes next. A
version without them is told by its step's name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from engine.elements import Element
from engine.exceptions import ExpressionFailed
from engine.expressions import Evaluator, ExpressionRefused
from engine.grammar import parse_expression
from engine.instances import Engine
from engine.nodes import Choice, Literal, Node
from engine.specs import ParsedDefinition
from tasks import statements
from tasks.needs import NEEDS

BELOW = "below"
"""A step's `place`: its form stands on the page of what it is about, below the rest."""


@dataclass(frozen=True)
class Standing:
    """The version, and the element where it stands: of several the one that was entered last, at the end the end event."""

    definition: ParsedDefinition
    element: Element | None
    is_claimed: bool


async def find_standing(session: AsyncSession, engine: Engine, instance_id: UUID) -> Standing:
    """Where this instance stands. The caller has made sure that it may be read."""
    row = (await session.execute(statements.STANDING, {"instance_id": instance_id})).one()
    definition = await engine.catalogue.load(session, row.definition_id)
    places = (
        list(row.ended or ()) if row.state_name == "ended" else [*(row.tasks or ()), *row.active_elements]
    )
    found = [element for id_ in places if (element := definition.elements.get(id_))]
    told = next((element for element in found if "status" in element.properties), None)
    return Standing(definition, told or next(iter(found), None), bool(row.is_claimed))


async def newest_definition(session: AsyncSession, engine: Engine, process: str) -> ParsedDefinition:
    """The version that new instances begin with. Raises UnknownProcess."""
    return await engine.catalogue.load(session, (await engine.catalogue.newest(session, process)).id)


def say(
    evaluator: Evaluator, element: Element | None, name: str, words: Mapping[str, Any], now: datetime
) -> str:
    """What the diagram says at this element; "" where it says nothing, or cannot with these words."""
    value = _evaluate(evaluator, element, name, words, now)
    return value if isinstance(value, str) else ""


def say_lines(
    evaluator: Evaluator, element: Element | None, name: str, words: Mapping[str, Any], now: datetime
) -> list[str]:
    """The same for several sentences; empty ones are left out."""
    value = _evaluate(evaluator, element, name, words, now)
    lines = value if isinstance(value, list) else [value]
    return [line for line in lines if isinstance(line, str) and line]


def is_below(definition: ParsedDefinition, element_id: str) -> bool:
    """Whether a task's form stands on the page of what it is about."""
    element = definition.elements.get(element_id)
    return element is not None and element.properties.get("place") == BELOW


def list_statuses(definition: ParsedDefinition) -> list[str]:
    """The status texts that this version writes out, in the order of its steps."""
    found: dict[str, None] = {}
    for id_ in definition.order:
        element = definition.elements.get(id_)
        for name in ("status", "statusClaimed"):
            if element is not None and (source := element.properties.get(name)):
                found |= dict.fromkeys(_results(parse_expression(source)))
    return list(found)


def name_phase(definition: ParsedDefinition, phase: str) -> str:
    """What lists call this phase."""
    needs = NEEDS.get(definition.key)
    return definition.properties.get(f"phase.{phase}") or (needs.phases.get(phase, phase) if needs else phase)


def tell_empty(definition: ParsedDefinition, phase: str | None) -> str:
    """What an empty list of this phase says; "" where the diagram says nothing."""
    return definition.properties.get(f"phase.{phase}.empty", "") if phase else ""


def _results(node: Node) -> Sequence[str]:
    """The texts that an expression can give, as far as they are written out in it."""
    if isinstance(node, Choice):
        return [*_results(node.yes), *_results(node.no)]
    return [node.value] if isinstance(node, Literal) and isinstance(node.value, str) and node.value else []


def _evaluate(
    evaluator: Evaluator, element: Element | None, name: str, words: Mapping[str, Any], now: datetime
) -> Any:
    source = element.properties.get(name) if element is not None else None
    if not source:
        return ""
    try:
        return evaluator.evaluate(source, words, now=now)
    except (ExpressionFailed, ExpressionRefused):
        return ""

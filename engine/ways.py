"""The ways through a diagram from one moment of waiting to the next: what begins a way (a task completed, an event), the
sequence flows and nodes that tokens then pass by themselves, and where they wait or end. Read from the drawing alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from lxml import etree

from engine.diagram import Diagram, kind_of, scope_of
from engine.parsing import is_event_subprocess, is_interrupting

WAITING = frozenset({"userTask", "manualTask", "receiveTask", "intermediateCatchEvent", "eventBasedGateway"})
CHOOSING = frozenset({"exclusiveGateway", "inclusiveGateway", "eventBasedGateway"})


@dataclass(frozen=True)
class Way:
    """One way: the flows and nodes passed after `start`, in order. Its last node waits or ends."""

    start: str
    path: tuple[str, ...] = ()

    def __add__(self, other: Way) -> Way:
        return Way(self.start, self.path + other.path)


def list_ways(diagram: Diagram) -> list[Way]:
    """Every way, in the order of the file: from each start of a process or event sub-process, each node that waits, each
    boundary event."""
    return [way for start in _starts(diagram) for way in _Walk(diagram, start).leave(start, frozenset())]


def _starts(diagram: Diagram) -> Iterator[str]:
    for element_id, node in diagram.nodes.items():
        kind = kind_of(node)
        scope = scope_of(node)
        begins = kind == "startEvent" and (kind_of(scope) == "process" or is_event_subprocess(scope))
        if begins or kind == "boundaryEvent" or (kind in WAITING and kind != "eventBasedGateway"):
            yield element_id


class _Walk:
    """The ways from one start. A token beside the main one (of an event that interrupts nothing) never ends its scope: what it
    left is still going on."""

    def __init__(self, diagram: Diagram, start: str) -> None:
        self.diagram, self.start = diagram, start
        node = diagram.nodes[start]
        beside = kind_of(node) == "boundaryEvent" and not is_interrupting(node)
        self.kept_scope = scope_of(node) if beside else None

    def leave(self, element_id: str, passed: frozenset[str]) -> list[Way]:
        """The ways that go on from here: one for each flow of a node that chooses, else all flows together."""
        flows = self.diagram.outgoing.get(element_id, [])
        each = [
            [Way(self.start, (flow.get("id") or "",)) + way for way in self._come_to(target, passed)]
            for flow in flows
            if (target := flow.get("targetRef") or "") in self.diagram.nodes
        ]
        if kind_of(self.diagram.nodes[element_id]) in CHOOSING:
            return [way for ways in each for way in ways]
        return [sum(ways, Way(self.start)) for ways in product(*each)]

    def _come_to(self, element_id: str, passed: frozenset[str]) -> list[Way]:
        node, here = self.diagram.nodes[element_id], Way(self.start, (element_id,))
        kind = kind_of(node)
        if kind in WAITING or element_id in passed:
            return [here]
        passed |= {element_id}
        if kind == "endEvent":
            scope = self._ended_scope(node)
            if scope is None or kind_of(scope) != "subProcess" or scope is self.kept_scope:
                return [here]
            return [here + way for way in self.leave(scope.get("id") or "", passed)]
        if kind == "subProcess":
            inside = [one for one in self.diagram.each("startEvent") if scope_of(one) is node]
            return [here + way for one in inside for way in self._come_to(one.get("id") or "", passed)]
        return [here + way for way in self.leave(element_id, passed)]

    def _ended_scope(self, end: etree._Element) -> etree._Element | None:
        """The scope that is over when this end event is reached. With an event sub-process that interrupts, the scope around it
        is; one that interrupts nothing leaves that going on."""
        scope = scope_of(end)
        while scope is not None and is_event_subprocess(scope):
            starts = [one for one in self.diagram.each("startEvent") if scope_of(one) is scope]
            if not all(is_interrupting(one) for one in starts):
                return None
            scope = scope_of(scope)
        return scope

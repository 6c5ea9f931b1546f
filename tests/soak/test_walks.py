"""Five hundred random walks over every diagram, and some over random ones: the compact state and the library's own
serializer never differ."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.random_scopes import draw
from tests.engine.test_walks import DIAGRAMS
from tests.engine.walks import load_diagram, walk

WALKS = 500
RANDOM_DIAGRAMS = 400
WALKS_EACH = 3


@pytest.mark.parametrize("path", DIAGRAMS, ids=lambda path: path.stem)
def test_five_hundred_walks_show_no_difference(path: Path) -> None:
    definition = load_diagram(path)
    steps = sum(walk(definition, seed) for seed in range(10_000, 10_000 + WALKS))
    assert steps >= WALKS
    print(f"{path.stem}: {WALKS} walks, {steps} steps")


def test_nor_do_walks_over_four_hundred_random_processes_of_event_sub_processes() -> None:
    steps = handlers = 0
    for seed in range(1_000, 1_000 + RANDOM_DIAGRAMS):
        definition = draw(seed)
        handlers += sum(element.by_event for element in definition.elements.values())
        steps += sum(walk(definition, seed * WALKS_EACH + each) for each in range(WALKS_EACH))
    assert handlers > RANDOM_DIAGRAMS
    assert steps > RANDOM_DIAGRAMS * WALKS_EACH
    print(f"{RANDOM_DIAGRAMS} diagrams, {handlers} event sub-processes, {steps} steps")

"""The compact state and the library's own serializer never tell two stories."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.random_scopes import draw
from tests.engine.walks import load_diagram, walk

ROOT = Path(__file__).parents[2]
DIAGRAMS = sorted(
    [*(Path(__file__).parent / "diagrams").glob("*.bpmn"), *(ROOT / "processes").glob("*.bpmn")]
)
WALKS = 25


@pytest.mark.parametrize("path", DIAGRAMS, ids=lambda path: path.stem)
def test_a_walk_through_the_compact_state_sees_what_the_stock_serializer_sees(path: Path) -> None:
    definition = load_diagram(path)
    steps = sum(walk(definition, seed) for seed in range(WALKS))
    assert steps >= WALKS


def test_nor_do_walks_over_random_event_sub_processes() -> None:
    assert sum(walk(draw(seed), seed) for seed in range(15)) >= 15

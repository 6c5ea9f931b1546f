"""Five hundred random walks over every diagram: the compact state and the library's own serializer never differ."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.test_walks import DIAGRAMS
from tests.engine.walks import load_diagram, walk

WALKS = 500


@pytest.mark.parametrize("path", DIAGRAMS, ids=lambda path: path.stem)
def test_five_hundred_walks_show_no_difference(path: Path) -> None:
    definition = load_diagram(path)
    steps = sum(walk(definition, seed) for seed in range(10_000, 10_000 + WALKS))
    assert steps >= WALKS
    print(f"{path.stem}: {WALKS} walks, {steps} steps")

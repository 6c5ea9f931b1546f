"""The access matrix in full: every route × everybody × every thing of the table. The usual run asks only some of those who
are answered alike, and leaves some things out."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.api.access_world import AccessWorld, open_world
from tests.api.conftest import deployed, make_settings
from tests.api.test_access_matrix import find_differences

__all__ = ["deployed"]


@pytest.fixture
async def access(postgres_server: Any, deployed: str, tmp_path: Path) -> AsyncIterator[AccessWorld]:
    """The world of the matrix on a database of its own."""
    settings = make_settings(tmp_path, postgres_server.create("access", deployed))
    async with open_world(settings, datetime.now(UTC)) as world:
        yield world
    postgres_server.drop("access")


async def test_everybody_is_answered_as_the_table_says_about_everything(access: AccessWorld) -> None:
    wrong = await find_differences(access, whole=True)
    assert wrong == [], "\n".join(wrong)

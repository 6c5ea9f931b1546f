"""Two approvals of the same uscc at the same moment, a hundred times: one enterprise, the other ends as superseded."""

from collections.abc import Awaitable, Callable

import pytest

from tests.api.conftest import World, deployed, peopled, world
from tests.api.registration_races import approval_against_the_job, two_approvals

__all__ = ["deployed", "peopled", "world"]

TIMES = 100


@pytest.mark.parametrize("race", [two_approvals, approval_against_the_job])
async def test_of_two_registrations_of_one_uscc_one_wins(
    world: World, race: Callable[[World, int], Awaitable[None]]
) -> None:
    for number in range(TIMES):
        await race(world, number)

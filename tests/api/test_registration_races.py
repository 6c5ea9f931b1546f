"""The first registration of a uscc wins, however close the second is. The soak test does the same a hundred times."""

from collections.abc import Awaitable, Callable

import pytest

from tests.api.conftest import World
from tests.api.registration_races import approval_against_the_job, two_approvals

TIMES = 20


@pytest.mark.parametrize("race", [two_approvals, approval_against_the_job])
async def test_of_two_registrations_of_one_uscc_one_wins(
    world: World, race: Callable[[World, int], Awaitable[None]]
) -> None:
    for number in range(TIMES):
        await race(world, number)

"""kill -9 under load: nothing acknowledged is lost, nothing happened twice, and everything goes on by itself."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from db.binaries import located_cluster
from db.embedded import choose_socket_folder, make_url
from db.session import conninfo
from tests.soak.load import People, Record, clear_issues
from tests.soak.served import Served

CLIENTS = 6
CALM_S = (1.0, 3.0)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    tmp_path.chmod(0o711)
    server = Served(tmp_path / "data")
    server.start()
    yield server
    server.stop()


def completions(served: Served) -> Counter[UUID]:
    """How often the history says each user task was completed."""
    cluster = located_cluster(served.data_dir) or served.data_dir / "postgres"
    with psycopg.connect(conninfo(make_url(choose_socket_folder(cluster)))) as connection:
        rows = connection.execute(
            "SELECT task_id FROM process_event WHERE kind = 'task_completed'"
        ).fetchall()
    return Counter(task for (task,) in rows)


async def kill_under_load(served: Served, kill: Callable[[], None], times: int) -> Record:
    record = Record()
    people = await People.of_the_demo(served.origin, record)
    stop = asyncio.Event()
    clients = [asyncio.create_task(clear_issues(people, record, stop, seed)) for seed in range(CLIENTS)]
    luck = random.Random(20261123)
    for _ in range(times):
        await asyncio.to_thread(served.wait_until_ready)
        await asyncio.sleep(luck.uniform(*CALM_S))
        await asyncio.to_thread(kill)
    await asyncio.to_thread(served.wait_until_ready)
    await asyncio.sleep(CALM_S[1])
    stop.set()
    await asyncio.gather(*clients)
    await people.close()
    return record


def hold_against_history(served: Served, record: Record, before: Counter[UUID]) -> None:
    happened = completions(served)
    assert not record.twice
    assert [task for task, times in happened.items() if times > 1] == []
    assert set(record.completed) - set(happened) == set()  # nothing acknowledged is lost
    assert (
        set(happened) - set(before) - set(record.completed) == set()
    )  # nothing happened that was not repeated and told
    assert record.cleared and record.repeated


async def test_killing_the_web_process_twenty_times_loses_and_doubles_nothing(served: Served) -> None:
    before = completions(served)
    record = await kill_under_load(served, served.kill_web, times=20)
    hold_against_history(served, record, before)
    print(
        f"{len(record.completed)} completions, {len(record.cleared)} issues cleared, {record.repeated} requests repeated"
    )


async def test_killing_the_whole_command_five_times_loses_and_doubles_nothing(served: Served) -> None:
    before = completions(served)

    def kill_and_start() -> None:
        served.kill()
        served.start()

    record = await kill_under_load(served, kill_and_start, times=5)
    hold_against_history(served, record, before)
    print(
        f"{len(record.completed)} completions, {len(record.cleared)} issues cleared, {record.repeated} requests repeated"
    )


async def test_killing_postgresql_five_times_loses_and_doubles_nothing(served: Served) -> None:
    before = completions(served)
    record = await kill_under_load(served, served.kill_postgres, times=5)
    hold_against_history(served, record, before)
    print(
        f"{len(record.completed)} completions, {len(record.cleared)} issues cleared, {record.repeated} requests repeated"
    )

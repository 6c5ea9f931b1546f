"""The embedded PostgreSQL: set up, restarted after a kill, adopted after its supervisor's kill, refused while that lives."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from sqlalchemy import text

from db.binaries import Account, choose_account, choose_cluster_folder
from db.embedded import (
    UNSAFE_BUT_QUICK,
    EmbeddedPostgres,
    choose_socket_folder,
    end_server,
    find_running,
    find_server,
)
from db.exceptions import FolderInUse, ServerBroken
from db.session import make_sessions, open_engine
from settings import Settings

ROOT = Path(__file__).parents[2]
SUPERVISE = """
import sys, time
from pathlib import Path
from db.embedded import UNSAFE_BUT_QUICK, EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), settings=UNSAFE_BUT_QUICK)
server.start()
print("up", server.server_pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder that every user may enter, with whatever server was left in it ended at last."""
    with tempfile.TemporaryDirectory(prefix="qingling-test-") as name:
        Path(name).chmod(0o711)
        yield Path(name)
        if left := find_server(Path(name) / "postgres"):
            end_server(left)


def value(url: str, query: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
        return row and row[0]


def value_after_restart(url: str, query: str) -> object:
    give_up_at = time.monotonic() + 20
    while True:
        try:
            return value(url, query)
        except psycopg.OperationalError:
            assert time.monotonic() < give_up_at, "the server did not come back"
            time.sleep(0.02)


def test_a_killed_server_comes_back_with_everything_committed(folder: Path) -> None:
    with EmbeddedPostgres(folder, settings=UNSAFE_BUT_QUICK, dies_with_us=True) as server:
        with psycopg.connect(server.url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        killed = server.server_pid
        assert killed
        os.kill(killed, signal.SIGKILL)
        assert value_after_restart(server.url, "SELECT answer FROM kept") == 42
        assert server.server_pid != killed
        running = server.server_pid
    assert running and not psutil.pid_exists(running), "a clean stop ends the server"
    assert not (folder / "postgres" / "data" / "postmaster.pid").exists()


async def test_a_session_asked_for_while_the_server_is_down_waits_until_it_is_back(folder: Path) -> None:
    server = EmbeddedPostgres(folder, settings=UNSAFE_BUT_QUICK, dies_with_us=True)
    engine = open_engine(server.start(), Settings(database_pool=1, database_pool_overflow=0))
    sessions = make_sessions(engine)

    async def ask() -> object:
        async with sessions() as session:
            return await session.scalar(text("SELECT 42"))

    assert await ask() == 42
    server.stop()
    asked = asyncio.create_task(ask())
    await asyncio.sleep(0.1)
    await asyncio.to_thread(server.start)
    assert await asked == 42
    await engine.dispose()
    server.stop()


def test_the_next_supervisor_adopts_the_server_of_a_killed_one(folder: Path) -> None:
    command = [sys.executable, "-c", SUPERVISE, str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout
        pid = next(int(line.split()[1]) for line in first.stdout if line.startswith("up"))
        with pytest.raises(FolderInUse, match=str(first.pid)):
            EmbeddedPostgres(folder).start()
        assert value(find_running(folder) or "", "SELECT 1") == 1
        first.kill()
    assert psutil.pid_exists(pid), "the server outlives its supervisor"
    assert find_running(folder) is None
    with EmbeddedPostgres(folder, settings=UNSAFE_BUT_QUICK) as second:
        assert second.server_pid == pid
        os.kill(pid, signal.SIGKILL)
        assert value_after_restart(second.url, "SELECT 1") == 1


def test_a_strangers_number_in_the_pid_file_is_not_taken_for_the_server(folder: Path) -> None:
    with EmbeddedPostgres(folder, settings=UNSAFE_BUT_QUICK, dies_with_us=True):
        pass
    (folder / "postgres" / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n{folder}\n")
    with EmbeddedPostgres(folder, settings=UNSAFE_BUT_QUICK, dies_with_us=True) as server:
        assert server.server_pid != os.getpid()
        assert value(server.url, "SELECT 1") == 1


def test_the_server_listens_nowhere_but_in_a_private_folder(folder: Path) -> None:
    with EmbeddedPostgres(folder, settings=UNSAFE_BUT_QUICK, dies_with_us=True) as server:
        assert value(server.url, "SHOW listen_addresses") == ""
        sockets = folder / "postgres" / "sockets"
        assert sockets.stat().st_mode & 0o077 == 0
        assert (
            value(server.url, "SELECT lower('ÀÉ问题') || current_setting('server_encoding')") == "àé问题UTF8"
        )


def test_a_path_too_long_for_a_socket_gets_a_short_one() -> None:
    deep = Path("/") / "/".join(["long" * 10] * 3)
    assert len(str(choose_socket_folder(deep))) < 80
    assert choose_socket_folder(deep) != choose_socket_folder(deep / "other")


def test_a_folder_we_may_not_use_is_refused_in_words(folder: Path) -> None:
    if os.geteuid() == 0:
        (folder / "postgres").mkdir()
        stranger = Account(uid=4711, gid=4711)
        os.chown(folder / "postgres", 4712, 4712)
        with pytest.raises(ServerBroken, match="另一个系统用户"):
            stranger.own(folder / "postgres")
    else:
        (folder / "supervisor.lock").touch(mode=0)
        with pytest.raises(ServerBroken, match=r"没有权限使用 .*supervisor\.lock"):
            EmbeddedPostgres(folder).start()


def test_a_closed_folder_is_left_closed_and_the_database_lies_where_its_user_can_enter() -> None:
    with tempfile.TemporaryDirectory(prefix="qingling-test-closed-") as name:
        closed = Path(name)
        account = choose_account(closed)
        files = choose_cluster_folder(closed, account)
        assert account.can_enter(files.parent)
        assert closed.stat().st_mode & 0o077 == 0
        assert choose_cluster_folder(closed, account) == files
        if os.geteuid() == 0:  # only root drops to another user
            assert account.uid not in (None, 0)
            assert (closed / "postgres.location").read_text().strip() == str(files)
        else:
            assert files == closed / "postgres"

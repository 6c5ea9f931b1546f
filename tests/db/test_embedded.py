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
from sqlalchemy import create_engine, text

from db.binaries import Account, choose_account, choose_cluster_folder, private_folder, programs_may_lie_in
from db.embedded import (
    UNSAFE_BUT_QUICK,
    EmbeddedPostgres,
    choose_socket_folder,
    end_server,
    find_running,
    find_server,
    may_hold_socket,
)
from db.exceptions import FolderInUse, ServerBroken
from db.session import conninfo, make_sessions, open_engine, sqlalchemy_url
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


NAMES = (
    '清零 "a b" 100%',
    "c'est #1 & ?x=%2F+y;$HOME`\\",
    "一，二,三",
    "a-folder-with-a-hundred-characters-in-its-name" + "-" * 54,
    "很" * 80,
)


def test_a_folder_of_any_name_holds_a_database(folder: Path) -> None:
    """Reached by psycopg, by SQLAlchemy and by what it makes of the address for libpq. Set up once and moved."""
    data = folder / NAMES[0]
    for name in NAMES:
        if data != folder / name:
            data = data.rename(folder / name)
        with EmbeddedPostgres(data, settings=UNSAFE_BUT_QUICK, dies_with_us=True) as server:
            assert value(server.url, "SELECT 1") == value(conninfo(server.url), "SELECT 1") == 1
            written = f"postgresql+psycopg{server.url.removeprefix('postgresql')}"
            assert value(conninfo(written), "SELECT 1") == 1
            assert find_running(data) == server.url
            engine = create_engine(sqlalchemy_url(server.url))
            with engine.connect() as connection:
                assert connection.scalar(text("SELECT 1")) == 1
            engine.dispose()
            assert Path(str(value(server.url, "SHOW data_directory"))) == data / "postgres" / "data"
            assert find_server(data / "postgres")


@pytest.mark.parametrize(
    ("folder", "may"),
    [
        ("/srv/清零 100%", True),
        ("/" + "a" * 92, True),
        ("/" + "a" * 93, False),  # with the socket's name 108 bytes
        ("/" + "很" * 31, False),  # bytes, not characters
        ("/srv/a,b", False),
        (os.fsdecode(b"/srv/\xc7\xe5\xc1\xe3"), False),  # GBK
    ],
)
def test_a_socket_lies_only_where_everybody_can_be_told_of_it(folder: str, may: bool) -> None:
    assert may_hold_socket(Path(folder)) is may


def test_a_path_too_long_for_a_socket_gets_a_short_one(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    deep = Path("/") / "/".join(["long" * 10] * 3)
    assert len(str(choose_socket_folder(deep))) < 80
    longer = folder / "/".join(["long" * 10] * 3)
    longer.mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(longer))
    assert len(str(choose_socket_folder(deep))) < 80, "a temporary folder may be deep, too"


@pytest.mark.parametrize("named", ['"quoted"', "$dollar", "plain"])
def test_what_a_shell_would_misread_is_not_where_the_programs_are_run(
    monkeypatch: pytest.MonkeyPatch, folder: Path, named: str
) -> None:
    """`initdb` starts `postgres` by one; a folder of our own for what has to be copied is found whatever the cache is called."""
    assert (programs_may_lie_in(folder / named)) is (named == "plain")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / named))
    found = private_folder()
    assert programs_may_lie_in(found)
    assert found == (folder / named / "qingling") or named != "plain"
    assert found.stat().st_mode & 0o077 == 0


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

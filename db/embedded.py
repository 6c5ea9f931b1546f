"""The embedded PostgreSQL: a supervisor that sets a server up in a folder, keeps it running and stops it cleanly.

Either side may be killed at any moment: a killed server is started again at once; a server whose supervisor was killed
goes on, and is adopted by the next supervisor of the same folder. Two live supervisors of one folder never happen (a lock
file held for life). The server listens on a Unix socket only, in a folder that no other user may enter.
"""

import ctypes
import fcntl
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

import psutil
import psycopg
import structlog

from db.binaries import OURS, Account, choose_account, choose_cluster_folder, locate_programs
from db.exceptions import FolderInUse, ServerBroken

log = structlog.get_logger(__name__)

OWNER = "qingling"
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0
WATCH_INTERVAL_S = 0.05
LONGEST_NAME = "/.s.PGSQL.5432"
MOST_SOCKET_BYTES = 107  # sun_path of Linux, without the zero at its end
PR_SET_PDEATHSIG = 1
SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "jit": "off",
}
# For tests: survives a kill of the server, though not a crash of the machine.
UNSAFE_BUT_QUICK: Mapping[str, str] = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_locks_per_transaction": "1024",  # a test may be one transaction around thousands of requests
}


class EmbeddedPostgres:
    """The supervisor of one folder. `start` … `stop`, or a `with` block; `url` is the address of its database.

    `dies_with_us`: the server is ended by the kernel when the thread that started it ends (tests leave nothing behind).
    """

    def __init__(
        self, data_dir: Path, *, settings: Mapping[str, str] | None = None, dies_with_us: bool = False
    ) -> None:
        self.data_dir = data_dir.absolute()
        self._settings = {**SETTINGS, **(settings or {})}
        self._dies_with_us = dies_with_us
        self._lock: IO[str] | None = None
        self._server: psutil.Process | None = None
        self._child: subprocess.Popen[bytes] | None = None  # None when the server was adopted
        self._stopping = threading.Event()
        self._watch: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The address of the database `qingling` on this server."""
        return make_url(self._sockets)

    @property
    def server_pid(self) -> int | None:
        """The process id of the server, for those who want to kill it."""
        return self._server.pid if self._server else None

    def start(self) -> str:
        """Have a server running and answering (set up, adopted or started); its address. Blocks up to a minute.

        Raises FolderInUse when another live process supervises this folder, ServerBroken when the server cannot run.
        """
        self._stopping.clear()
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True)
            self._take_lock()
            self._have_server()
        except PermissionError as error:
            self._release_lock()
            raise ServerBroken(
                f"没有权限使用 {error.filename}。它可能是由另一个系统用户（例如 root）建立的："
                "请以同一用户运行，或用 --data 指定别的目录。"
            ) from error
        except BaseException:
            self._release_lock()
            raise
        self._watch = threading.Thread(target=self._keep_running, name="postgres-supervisor", daemon=True)
        self._watch.start()
        return self.url

    def _have_server(self) -> None:
        self._account = choose_account(self.data_dir)
        self._cluster = choose_cluster_folder(self.data_dir, self._account)
        self._programs = locate_programs(self._account)
        self._sockets = choose_socket_folder(self._cluster, self._account)
        self._account.own(self._cluster)
        self._account.own(self._sockets)
        self._set_up()
        self._server = find_server(self._cluster)
        if self._server and self._wait_until_ready():
            log.info("database.adopted", pid=self._server.pid)
        else:
            self._launch()
        self._make_database()
        (self.data_dir / "postgres.sockets").write_text(f"{self._sockets}\n", encoding="utf-8")

    def stop(self) -> None:
        """End the server (sessions are cut, everything committed is kept) and give the folder free."""
        self._stopping.set()
        if self._watch:
            self._watch.join()
            self._watch = None
        if self._server:
            end_server(self._server)
            self._collect()
            self._server = None
        self._release_lock()

    def _take_lock(self) -> None:
        file = (self.data_dir / "supervisor.lock").open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = file.read().strip() or "?"
            file.close()
            raise FolderInUse(
                f"数据目录 {self.data_dir} 正在被另一个进程（{owner}）使用。请先停止它，或用 --data 指定别的目录。"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._lock = file

    def _release_lock(self) -> None:
        if self._lock:
            self._lock.close()
            self._lock = None

    def _set_up(self) -> None:
        """`initdb`, once. It works beside its goal and is renamed: a folder is either complete or not there."""
        if (self._cluster / "data" / "PG_VERSION").exists():
            return
        fresh = self._cluster / "data.new"
        self._run("rm", "-rf", str(fresh))
        self._run(
            str(self._programs / "initdb"),
            f"--pgdata={fresh}",
            f"--username={OWNER}",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C.UTF-8",
            "--auth-local=trust",
            "--auth-host=reject",
            "--no-instructions",
            *(["--no-sync"] if self._settings.get("fsync") == "off" else []),
        )
        fresh.rename(self._cluster / "data")

    def _run(self, *command: str) -> None:
        result = self._account.run(command, folder=self._cluster, env=self._environment())
        if result.returncode:
            raise ServerBroken(f"{Path(command[0]).name} 失败：{result.stdout.strip()}")

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "TMPDIR") if name in os.environ}
        return {**kept, "PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "HOME": str(self._cluster)}

    def _launch(self) -> None:
        """Start the server and wait for its first answer. Right after a kill its last backends may still hold the
        shared memory; then it refuses and is tried again."""
        give_up_at = time.monotonic() + START_TIMEOUT_S
        while True:
            self._child = self._spawn()
            self._server = psutil.Process(self._child.pid)
            if self._wait_until_ready():
                log.info("database.started", pid=self._child.pid)
                return
            if self._stopping.is_set():
                return
            if time.monotonic() > give_up_at or not self._is_busy_memory():
                raise ServerBroken(f"PostgreSQL 启动失败：\n{self._log_tail()}")
            self._stopping.wait(WATCH_INTERVAL_S)

    def _spawn(self) -> subprocess.Popen[bytes]:
        data = self._cluster / "data"
        if find_server(self._cluster) is None:
            # The number in them may belong to a stranger by now, or to a dead process that nobody collects.
            for left_over in (data / "postmaster.pid", *self._sockets.glob(".s.PGSQL.*")):
                left_over.unlink(missing_ok=True)
        options = [f"--{name}={value}" for name, value in self._settings.items()]
        log_path = self._cluster / "server.log"
        if log_path.exists() and log_path.stat().st_size > 10_000_000:
            log_path.replace(log_path.with_suffix(".log.1"))
        with log_path.open("ab") as output:
            # Its own session: Ctrl-C reaches the application, which stops the server last.
            return subprocess.Popen(
                [str(self._programs / "postgres"), "-D", str(data), "-k", str(self._sockets), *options],
                cwd=self._cluster,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=_end_with_parent() if self._dies_with_us else None,
                user=self._account.uid,
                group=self._account.gid,
                extra_groups=self._account.groups,
            )

    def _wait_until_ready(self) -> bool:
        """True as soon as the server answers, False when it has ended; raises ServerBroken after the time limit."""
        ask = [
            str(self._programs / "pg_isready"),
            "-q",
            "-h",
            str(self._sockets),
            "-U",
            OWNER,
            "-d",
            "postgres",
        ]
        give_up_at = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < give_up_at:
            if (
                (self._child and self._child.poll() is not None)
                or not self._server
                or not is_alive(self._server)
            ):
                return False
            if (self._sockets / ".s.PGSQL.5432").exists() and subprocess.run(ask).returncode == 0:
                return True
            time.sleep(0.01)
        raise ServerBroken(f"PostgreSQL 在 {START_TIMEOUT_S:.0f} 秒内没有就绪：\n{self._log_tail()}")

    def _make_database(self) -> None:
        with psycopg.connect(make_url(self._sockets, "postgres"), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [OWNER]).fetchone():
                connection.execute(f'CREATE DATABASE "{OWNER}" TEMPLATE template0')

    def _keep_running(self) -> None:
        while not self._stopping.wait(WATCH_INTERVAL_S):
            if self._server and is_alive(self._server):
                continue
            log.warning("database.died", pid=self.server_pid)
            self._collect()
            try:
                self._launch()
            except ServerBroken as error:
                log.error("database.not_restarted", reason=str(error))
                self._stopping.wait(1)

    def _collect(self) -> None:
        if self._child:
            self._child.wait()
            self._child = None

    def _log_tail(self) -> str:
        log_path = self._cluster / "server.log"
        return "\n".join(log_path.read_text(errors="replace").splitlines()[-12:]) if log_path.exists() else ""

    def _is_busy_memory(self) -> bool:
        tail = self._log_tail()
        return "pre-existing shared memory block" in tail


def make_url(sockets: Path, database: str = OWNER) -> str:
    """The address of a database on the server whose socket lies in this folder."""
    return f"postgresql://{OWNER}@/{database}?host={quote(str(sockets), safe='')}"


def find_running(data_dir: Path) -> str | None:
    """The address of the database that a live process supervises in this folder: for a second process beside it."""
    note, lock = data_dir / "postgres.sockets", data_dir / "supervisor.lock"
    if not (note.exists() and lock.exists()):
        return None
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return make_url(Path(note.read_text(encoding="utf-8").rstrip("\n")))
    return None


def choose_socket_folder(cluster: Path, account: Account = OURS) -> Path:
    """Beside the data, or in a temporary folder of the system when no socket may be called as it would be there."""
    name = f"qingling-{sha256(os.fsencode(cluster)).hexdigest()[:16]}"
    places = dict.fromkeys(map(Path, (tempfile.gettempdir(), "/tmp", "/var/tmp")))  # noqa: S108  # entered by us alone
    for folder in (cluster / "sockets", *(place / name for place in places)):
        if may_hold_socket(folder) and (folder.parent == cluster or account.can_enter(folder.parent)):
            return folder
    raise ServerBroken("没有放得下数据库套接字的临时目录，请用 TMPDIR 指定一个路径较短的。")


def may_hold_socket(folder: Path) -> bool:
    """Whether the server and libpq can be told this folder: not too long (in bytes), no comma, which separates folders there, and
    written in UTF-8 as an address is."""
    try:
        name = str(folder).encode()
    except UnicodeEncodeError:
        return False
    return (
        name == os.fsencode(folder)
        and b"," not in name
        and len(name) + len(LONGEST_NAME) <= MOST_SOCKET_BYTES
    )


def find_server(cluster: Path) -> psutil.Process | None:
    """The live server of these files, if any. A number in `postmaster.pid` proves nothing: the process must be ours."""
    data = cluster / "data"
    try:
        process = psutil.Process(int((data / "postmaster.pid").read_text().split("\n", 1)[0]))
        return process if is_alive(process) and str(data) in process.cmdline() else None
    except (FileNotFoundError, ValueError, psutil.Error):
        return None


def is_alive(process: psutil.Process) -> bool:
    """Whether it runs; a dead process that nobody has collected does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def end_server(process: psutil.Process) -> None:
    """A fast shutdown; if that takes too long, an immediate one (recovers at the next start); at last, by force."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            return
        give_up_at = time.monotonic() + STOP_TIMEOUT_S
        while time.monotonic() < give_up_at:
            if not is_alive(process):
                return
            time.sleep(0.01)


def _end_with_parent() -> Callable[[], None]:
    """For the child, between fork and exec: ask the kernel for SIGQUIT when the parent's thread ends."""
    prctl = ctypes.CDLL(None).prctl

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)

    return ask

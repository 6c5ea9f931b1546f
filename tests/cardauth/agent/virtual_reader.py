"""A smart card reader without a reader: the real pcscd with vsmartcard's virtual reader, and OpenSC's PKCS#11 module
on top.

pcscd listens below /run/pcscd, a folder built into it, so that it needs root and only one can run on a machine. A copy
with another folder of the same length in that place runs as anybody, beside any other. Clients find it by
PCSCLITE_CSOCK_NAME.
"""

import contextlib
import json
import os
import secrets
import shutil
import socket
import string
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate

from tests.cardauth.agent import packages, piv_card

BUILT_IN = "/run/pcscd"
START_TIMEOUT_S = 20.0


@dataclass
class VirtualReader:
    """A running reader; `environment` has to be set in every process that uses the module."""

    folder: Path
    port: int
    module: Path
    environment: dict[str, str]
    cards: list["VirtualCard"] = field(default_factory=list)

    def make_card(
        self, certificate: Certificate, key: rsa.RSAPrivateKey, pin: str = "123456"
    ) -> "VirtualCard":
        """A card that lies on the desk."""
        folder = self.folder / f"card-{len(self.cards)}"
        folder.mkdir()
        (folder / "certificate.der").write_bytes(certificate.public_bytes(Encoding.DER))
        numbers = key.private_numbers()
        (folder / "key.json").write_text(
            json.dumps({"n": str(numbers.public_numbers.n), "d": str(numbers.d)})
        )
        (folder / "guid").write_bytes(secrets.token_bytes(16))
        (folder / "tries").write_text(str(piv_card.MOST_TRIES))
        (folder / "pin").write_text(pin)
        self.cards.append(VirtualCard(self, folder))
        return self.cards[-1]


@dataclass
class VirtualCard:
    """A card as a process of its own."""

    reader: VirtualReader
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    def insert(self) -> None:
        """Into the reader."""
        command = [sys.executable, piv_card.__file__, str(self.reader.port), str(self.folder)]
        self.process = subprocess.Popen(command)

    def pull(self) -> None:
        """Out of the reader."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    @property
    def tries(self) -> int:
        """What the card itself still bears."""
        return int((self.folder / "tries").read_text())


@contextlib.contextmanager
def start_reader(folder: Path, readers: int = 1) -> Iterator[VirtualReader]:
    """pcscd with an empty virtual reader (or none), until the end of the block."""
    module = packages.find("usr/lib/*/opensc-pkcs11.so")
    port, sockets = free_ports(), name_sockets()
    command = [
        str(copy_daemon(folder, sockets)),
        "--foreground",
        "--error",
        "--config",
        str(write_configuration(folder, port, readers)),
    ]
    environment = {
        "LD_LIBRARY_PATH": packages.library_path(),
        "PCSCLITE_CSOCK_NAME": f"{sockets}/pcscd.comm",
        "OPENSC_CONF": str(folder / "opensc.conf"),
    }
    with (folder / "pcscd.log").open("wb") as log:
        daemon = subprocess.Popen(command, env=os.environ | environment, stdout=log, stderr=log)
    reader = VirtualReader(folder, port, module, environment)
    try:
        wait_for(Path(environment["PCSCLITE_CSOCK_NAME"]), daemon, folder / "pcscd.log")
        yield reader
    finally:
        for card in reader.cards:
            card.pull()
        daemon.terminate()
        daemon.wait(10)
        shutil.rmtree(sockets, ignore_errors=True)


def name_sockets() -> str:
    """A folder that is not there yet, with a name as long as the built-in one."""
    letters = string.ascii_lowercase + string.digits
    return "/tmp/" + "".join(secrets.choice(letters) for _ in range(len(BUILT_IN) - len("/tmp/")))


def copy_daemon(folder: Path, sockets: str) -> Path:
    """pcscd, with this folder in the place of the built-in one."""
    copy = folder / "pcscd"
    copy.write_bytes(
        packages.find("usr/sbin/pcscd").read_bytes().replace(BUILT_IN.encode(), sockets.encode())
    )
    copy.chmod(0o700)
    return copy


def write_configuration(folder: Path, port: int, count: int) -> Path:
    """The reader for pcscd, and what OpenSC shall look for."""
    readers = folder / "readers"
    readers.mkdir()
    driver = packages.find("usr/lib/pcsc/drivers/serial/libifdvpcd.so")
    reader = f'FRIENDLYNAME "Virtual PCD"\nDEVICENAME /dev/null:0x{port:04X}\nLIBPATH {driver}\nCHANNELID 0x{port:04X}\n'
    (readers / "vpcd").write_text(reader * count)
    (folder / "opensc.conf").write_text(
        "app default {\n  card_drivers = PIV-II;\n  disable_popups = true;\n"
        "  framework pkcs15 { use_file_caching = no; use_pin_caching = false; }\n}\n"
    )
    return readers


def free_ports() -> int:
    """A port that is free, with the next one, which is the virtual reader's second slot."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            with contextlib.suppress(OSError, OverflowError):
                second.bind(("127.0.0.1", port + 1))
                return port


def wait_for(path: Path, daemon: subprocess.Popen[bytes], log: Path) -> None:
    """Until the daemon listens."""
    until = time.monotonic() + START_TIMEOUT_S
    while not path.exists():
        assert daemon.poll() is None and time.monotonic() < until, log.read_text(errors="replace")
        time.sleep(0.02)

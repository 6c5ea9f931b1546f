"""Cards in SoftHSM2: tokens in a folder of the test's own. A token is made in a process of its own, because a module
reads its configuration once a process; it is pulled and inserted by moving its folder.
"""

import multiprocessing
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate

PIN, SO_PIN = "123456", "87654321"
P256 = bytes.fromhex("06082a8648ce3d030107")
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class SoftHsm:
    """A SoftHSM2 of one's own; `environment` has to be set in every process that uses the module."""

    def __init__(self, folder: Path, module: Path) -> None:
        self.module, self.tokens, self.pulled = module, folder / "tokens", folder / "pulled"
        for path in (self.tokens, self.pulled):
            path.mkdir(parents=True)
        configuration = folder / "softhsm2.conf"
        configuration.write_text(
            f"directories.tokendir = {self.tokens}\nobjectstore.backend = file\nlog.level = ERROR\n"
        )
        self.environment = {"SOFTHSM2_CONF": str(configuration)}

    def make_card(
        self, label: str, certificate: Certificate | None, key: Key | None, pin: str = PIN
    ) -> "SoftCard":
        """A new token with a certificate and its key, plugged in."""
        before = set(self.tokens.iterdir())
        der = certificate.public_bytes(Encoding.DER) if certificate else None
        process = multiprocessing.get_context("spawn").Process(
            target=write_token,
            args=(str(self.module), self.environment, label, pin, der, list_key(key) if key else None),
        )
        process.start()
        process.join(60)
        assert process.exitcode == 0
        (made,) = set(self.tokens.iterdir()) - before
        return SoftCard(self, made.name)


@dataclass(frozen=True)
class SoftCard:
    """One token."""

    hsm: SoftHsm
    name: str

    def pull(self) -> None:
        """Out of the reader."""
        (self.hsm.tokens / self.name).rename(self.hsm.pulled / self.name)

    def insert(self) -> None:
        """Back into the reader."""
        (self.hsm.pulled / self.name).rename(self.hsm.tokens / self.name)


def list_key(key: Key) -> dict[str, bytes]:
    """The parts of a private key, by the names of PKCS#11's attributes."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return {"CKA_EC_PARAMS": P256, "CKA_VALUE": key.private_numbers().private_value.to_bytes(32, "big")}
    numbers = key.private_numbers()
    parts = {
        "CKA_MODULUS": numbers.public_numbers.n,
        "CKA_PUBLIC_EXPONENT": numbers.public_numbers.e,
        "CKA_PRIVATE_EXPONENT": numbers.d,
        "CKA_PRIME_1": numbers.p,
        "CKA_PRIME_2": numbers.q,
        "CKA_EXPONENT_1": numbers.dmp1,
        "CKA_EXPONENT_2": numbers.dmq1,
        "CKA_COEFFICIENT": numbers.iqmp,
    }
    return {name: value.to_bytes((value.bit_length() + 7) // 8, "big") for name, value in parts.items()}


def write_token(
    module: str,
    environment: dict[str, str],
    label: str,
    pin: str,
    certificate: bytes | None,
    key: dict[str, bytes] | None,
) -> None:
    """In a process of its own: initialise the free slot, and put the objects on it."""
    os.environ.update(environment)
    import PyKCS11
    from PyKCS11 import PyKCS11Lib

    library: Any = PyKCS11Lib().load(module)
    slot = library.getSlotList(tokenPresent=True)[-1]
    library.initToken(slot, SO_PIN, label.encode().ljust(32).decode())
    (slot,) = [
        one
        for one in library.getSlotList(tokenPresent=True)
        if library.getTokenInfo(one).label.strip() == label
    ]
    session = library.openSession(slot, PyKCS11.CKF_SERIAL_SESSION | PyKCS11.CKF_RW_SESSION)
    session.login(SO_PIN, PyKCS11.CKU_SO)
    session.initPin(pin)
    session.logout()
    session.login(pin)
    on_token: list[tuple[int, Any]] = [(PyKCS11.CKA_TOKEN, True), (PyKCS11.CKA_ID, (1,))]
    if certificate:
        session.createObject(
            [
                *on_token,
                (PyKCS11.CKA_CLASS, PyKCS11.CKO_CERTIFICATE),
                (PyKCS11.CKA_CERTIFICATE_TYPE, PyKCS11.CKC_X_509),
                (PyKCS11.CKA_PRIVATE, False),
                (PyKCS11.CKA_SUBJECT, ()),
                (PyKCS11.CKA_VALUE, tuple(certificate)),
            ]
        )
    if key:
        session.createObject(
            [
                *on_token,
                (PyKCS11.CKA_CLASS, PyKCS11.CKO_PRIVATE_KEY),
                (PyKCS11.CKA_KEY_TYPE, PyKCS11.CKK_EC if "CKA_EC_PARAMS" in key else PyKCS11.CKK_RSA),
                (PyKCS11.CKA_PRIVATE, True),
                (PyKCS11.CKA_SENSITIVE, True),
                (PyKCS11.CKA_SIGN, True),
                *((getattr(PyKCS11, name), tuple(value)) for name, value in key.items()),
            ]
        )
    session.logout()
    session.closeSession()

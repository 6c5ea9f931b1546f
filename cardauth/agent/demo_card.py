"""The demo's soft cards: files in a folder, no PKCS#11 module needed. The only part of the agent that uses
`cryptography` (extra `demo-card`).

`<name>.pem` holds a private key and its certificate, as the server's demo mode makes them. A file is a card in a
reader: moving it away pulls the card. Wrong PINs are counted in `<name>.tries`; deleting that file unlocks the card.
"""

import hmac
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate

from cardauth.agent.cards import CardCertificate, Look, SeenCard, State, Tries, judge
from cardauth.agent.certificates import read_certificate
from cardauth.agent.refusals import CardChanged, CardRemoved, NoAlgorithm, PinLocked, WrongPin

DEMO_PIN = "123456"
MOST_TRIES = 3
ALGORITHMS = {"RSA": ("RS256", "PS256"), "P-256": ("ES256",)}
LEFT = {0: Tries.LOCKED, 1: Tries.FINAL, MOST_TRIES: Tries.NORMAL}


class DemoDriver:
    """The cards whose files lie in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def look(self) -> Look:
        """A folder that is not there is a missing reader."""
        if not self._folder.is_dir():
            return Look(State.NO_READER)
        return judge(tuple(see_card(path) for path in sorted(self._folder.glob("*.pem"))))

    def expect(self, slot: str) -> None:
        """Raises CardRemoved."""
        if not self._path(slot).exists():
            raise CardRemoved

    def sign(self, slot: str, certificate: bytes, algorithm: str, pin: str, message: bytes) -> bytes:
        """Raises CardRemoved, CardChanged, PinLocked, WrongPin, NoAlgorithm."""
        path = self._path(slot)
        try:
            pem = path.read_bytes()
        except FileNotFoundError:
            raise CardRemoved from None
        if load_pem_x509_certificate(pem).public_bytes(Encoding.DER) != certificate:
            raise CardChanged
        check_pin(path, pin)
        return sign_with(pem, algorithm, message)

    def close(self) -> None:
        """Nothing is held open."""

    def _path(self, slot: str) -> Path:
        return self._folder / f"{slot}.pem"


def see_card(path: Path) -> SeenCard:
    """The card in a file."""
    der = load_pem_x509_certificate(path.read_bytes()).public_bytes(Encoding.DER)
    facts = read_certificate(der)
    algorithms = ALGORITHMS.get(facts.key or "", ())
    left = count_tries(path)
    return SeenCard(
        slot=path.stem,
        label=f"演示{facts.title or path.stem}",
        tries=LEFT.get(left, Tries.LOW),
        shortest_pin=len(DEMO_PIN),
        longest_pin=len(DEMO_PIN),
        certificates=(CardCertificate(der, facts.holder, facts.organisation, algorithms),),
    )


def count_tries(path: Path) -> int:
    """The tries that are left."""
    try:
        return int(path.with_suffix(".tries").read_text())
    except FileNotFoundError:
        return MOST_TRIES


def check_pin(path: Path, pin: str) -> None:
    """Raises PinLocked, WrongPin."""
    left = count_tries(path)
    if left == 0:
        raise PinLocked(tries=Tries.LOCKED)
    if hmac.compare_digest(pin.encode(), DEMO_PIN.encode()):
        path.with_suffix(".tries").unlink(missing_ok=True)
        return
    path.with_suffix(".tries").write_text(str(left - 1))
    if left == 1:
        raise PinLocked(tries=Tries.LOCKED)
    raise WrongPin(f"卡密码不正确，还可以再试 {left - 1} 次。", tries=LEFT.get(left - 1, Tries.LOW))


def sign_with(pem: bytes, algorithm: str, message: bytes) -> bytes:
    """A signature in the form that the token carries. Raises NoAlgorithm."""
    key = load_pem_private_key(pem, password=None)
    if isinstance(key, rsa.RSAPrivateKey) and algorithm == "RS256":
        return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    if isinstance(key, rsa.RSAPrivateKey) and algorithm == "PS256":
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), sha256().digest_size)
        return key.sign(message, pss, hashes.SHA256())
    if isinstance(key, ec.EllipticCurvePrivateKey) and algorithm == "ES256":
        r, s = utils.decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
    raise NoAlgorithm

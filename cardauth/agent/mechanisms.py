"""How an algorithm of the token is had from a card: which PKCS#11 mechanism, what is handed to it, how its answer is
written.

Numbers of PKCS#11 2.40 (OASIS, "PKCS #11 Cryptographic Token Interface Current Mechanisms Specification"). Where a
card offers a mechanism that hashes by itself it is used; else the hash is made here. SM2 has no standard number:
vendors differ, so it stands in the settings.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from hashlib import sha256

from cardauth.agent.certificates import CertificateFacts
from cardauth.agent.settings import AgentSettings
from cardauth.agent.sm2 import digest_for_sm2, write_sm2_signature

CKM_RSA_PKCS, CKM_SHA256_RSA_PKCS = 0x01, 0x40
CKM_RSA_PKCS_PSS, CKM_SHA256_RSA_PKCS_PSS = 0x0D, 0x43
CKM_ECDSA, CKM_ECDSA_SHA256 = 0x1041, 0x1044
PSS_MECHANISMS = (CKM_RSA_PKCS_PSS, CKM_SHA256_RSA_PKCS_PSS)
SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")  # RFC 8017 §9.2, note 1
ES256_LENGTH = 64


@dataclass(frozen=True)
class Way:
    """One way to sign."""

    algorithm: str
    mechanism: int
    prepare: Callable[[bytes], bytes]
    """From the message to what the mechanism gets."""
    finish: Callable[[bytes], bytes]
    """From the mechanism's answer to what the token carries. Raises ValueError."""


def as_it_is(data: bytes) -> bytes:
    return data


def digest(data: bytes) -> bytes:
    return sha256(data).digest()


def digest_info(data: bytes) -> bytes:
    return SHA256_INFO + digest(data)


def check_es256(signature: bytes) -> bytes:
    """r and s, 32 bytes each (PKCS#11 §2.3.1, the same as JOSE's). Raises ValueError."""
    if len(signature) != ES256_LENGTH:
        raise ValueError(f"{len(signature)} bytes are no ES256 signature")
    return signature


KNOWN = {
    "RSA": (
        Way("RS256", CKM_SHA256_RSA_PKCS, as_it_is, as_it_is),
        Way("RS256", CKM_RSA_PKCS, digest_info, as_it_is),
        Way("PS256", CKM_SHA256_RSA_PKCS_PSS, as_it_is, as_it_is),
        Way("PS256", CKM_RSA_PKCS_PSS, digest, as_it_is),
    ),
    "P-256": (
        Way("ES256", CKM_ECDSA_SHA256, as_it_is, check_es256),
        Way("ES256", CKM_ECDSA, digest, check_es256),
    ),
}


def list_ways(facts: CertificateFacts, offered: Collection[int], settings: AgentSettings) -> list[Way]:
    """The ways that key, card and settings leave open, one for each algorithm, the preferred one first."""
    known = KNOWN.get(facts.key or "", ())
    if facts.key == "SM2" and settings.sm2_mechanism is not None:
        known = (name_sm2(facts.point, settings.sm2_mechanism, settings.sm2_input),)
    found: dict[str, Way] = {}
    for way in known:
        if way.mechanism in offered and way.algorithm in settings.algorithms:
            found.setdefault(way.algorithm, way)
    return sorted(found.values(), key=lambda way: settings.algorithms.index(way.algorithm))


def name_sm2(point: bytes, mechanism: int, takes: str) -> Way:
    """A vendor's SM2 mechanism, which takes the message, or the digest that GB/T 32918.2 §5.5 signs."""

    def prepare(message: bytes) -> bytes:
        return message if takes == "message" else digest_for_sm2(point, message)

    return Way("SM2SM3", mechanism, prepare, write_sm2_signature)

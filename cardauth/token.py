"""What the agent sends for a card: a JSON object, taken apart and held to its limits before anything else looks at it."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cardauth.exceptions import AlgorithmRefused, TokenMalformed

FORMAT = "qingling-card:1"
CERTIFICATE_MAX_BYTES = 8 * 1024
SIGNATURE_MAX_BYTES = 1024
FIELDS = frozenset({"format", "algorithm", "certificate", "signature"})


class Algorithm(StrEnum):
    """The signatures that are taken; there is no other."""

    RS256 = "RS256"
    """RSA PKCS #1 v1.5 with SHA-256."""
    PS256 = "PS256"
    """RSA PSS with SHA-256, MGF1 with SHA-256, 32 bytes of salt."""
    ES256 = "ES256"
    """ECDSA on P-256 with SHA-256, r and s as 64 bytes (as in JOSE)."""
    SM2SM3 = "SM2SM3"
    """SM2 with SM3 (GB/T 32918), the usual signer id 1234567812345678, DER."""


@dataclass(frozen=True, slots=True, repr=False)
class CardToken:
    """A certificate (DER) and a signature made with its key, within their limits. It has no repr: both are somebody's."""

    algorithm: Algorithm
    certificate: bytes
    signature: bytes

    def __post_init__(self) -> None:
        if not 0 < len(self.certificate) <= CERTIFICATE_MAX_BYTES:
            raise TokenMalformed("size")
        if not 0 < len(self.signature) <= SIGNATURE_MAX_BYTES:
            raise TokenMalformed("size")


def parse_token(data: Mapping[str, Any]) -> CardToken:
    """The token in a JSON object. Raises TokenMalformed, and AlgorithmRefused for a signature of another kind."""
    if not isinstance(data, Mapping) or frozenset(data.keys()) != FIELDS:
        raise TokenMalformed("shape")
    if data["format"] != FORMAT:
        raise TokenMalformed("format")
    algorithm = next((one for one in Algorithm if one == data["algorithm"]), None)
    if algorithm is None:
        raise AlgorithmRefused("unknown")
    return CardToken(
        algorithm=algorithm,
        certificate=_decode(data["certificate"], CERTIFICATE_MAX_BYTES),
        signature=_decode(data["signature"], SIGNATURE_MAX_BYTES),
    )


def _decode(value: Any, max_bytes: int) -> bytes:
    if not isinstance(value, str):
        raise TokenMalformed("shape")
    if len(value) > (max_bytes + 2) // 3 * 4:  # not even decoded
        raise TokenMalformed("size")
    decoded = _from_base64(value)
    if decoded is None:
        raise TokenMalformed("base64")
    return decoded


def _from_base64(value: str) -> bytes | None:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):  # ValueError: characters beyond ASCII
        return None

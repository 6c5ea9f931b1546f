"""Keys of the three kinds that cards have, with one face: what a certificate needs of them, and what a card does with them."""

import secrets
from dataclasses import dataclass
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cardauth import sm2_curve
from tests.cardauth import asn1


class Key(Protocol):
    """A private key."""

    @property
    def algorithms(self) -> tuple[str, ...]:
        """Those of a token that it can sign, the usual one first."""
        ...

    @property
    def identifier(self) -> bytes:
        """The AlgorithmIdentifier of the certificates and lists that it signs."""
        ...

    @property
    def public(self) -> bytes:
        """Its SubjectPublicKeyInfo."""
        ...

    def certify(self, tbs: bytes) -> bytes:
        """Its signature of a certificate or a list."""
        ...

    def sign(self, message: bytes, algorithm: str) -> bytes:
        """Its signature as in a token."""
        ...


@dataclass(frozen=True)
class RsaKey:
    private: rsa.RSAPrivateKey
    algorithms: tuple[str, ...] = ("RS256", "PS256")
    identifier: bytes = asn1.sequence(asn1.oid("1.2.840.113549.1.1.11"), b"\x05\x00")

    @classmethod
    def make(cls, bits: int = 2048) -> "RsaKey":
        return cls(rsa.generate_private_key(65537, bits))

    @property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def certify(self, tbs: bytes) -> bytes:
        return self.sign(tbs, "RS256")

    def sign(self, message: bytes, algorithm: str) -> bytes:
        pss = padding.PSS(padding.MGF1(SHA256()), salt_length=32)
        return self.private.sign(message, pss if algorithm == "PS256" else padding.PKCS1v15(), SHA256())


@dataclass(frozen=True)
class Sha1Key(RsaKey):
    """Certifies with SHA-1, as authorities did once."""

    identifier: bytes = asn1.sequence(asn1.oid("1.2.840.113549.1.1.5"), b"\x05\x00")

    def certify(self, tbs: bytes) -> bytes:
        return self.private.sign(tbs, padding.PKCS1v15(), SHA1())


@dataclass(frozen=True)
class EcKey:
    private: ec.EllipticCurvePrivateKey
    algorithms: tuple[str, ...] = ("ES256",)
    identifier: bytes = asn1.sequence(asn1.oid("1.2.840.10045.4.3.2"))

    @classmethod
    def make(cls, curve: ec.EllipticCurve | None = None) -> "EcKey":
        return cls(ec.generate_private_key(curve or ec.SECP256R1()))

    @property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def certify(self, tbs: bytes) -> bytes:
        return self.private.sign(tbs, ec.ECDSA(SHA256()))

    def sign(self, message: bytes, algorithm: str) -> bytes:
        r, s = decode_dss_signature(self.certify(message))
        half = (self.private.key_size + 7) // 8
        return r.to_bytes(half) + s.to_bytes(half)


@dataclass(frozen=True)
class Sm2Key:
    point: bytes
    private: bytes
    algorithms: tuple[str, ...] = ("SM2SM3",)
    identifier: bytes = asn1.sequence(asn1.oid("1.2.156.10197.1.501"))

    @classmethod
    def make(cls) -> "Sm2Key":
        d = secrets.randbelow(sm2_curve.ORDER - 2) + 1
        x, y = _times_base(d)
        return cls(x.to_bytes(32) + y.to_bytes(32), d.to_bytes(32))

    @property
    def public(self) -> bytes:
        kind = asn1.sequence(asn1.oid("1.2.840.10045.2.1"), asn1.oid("1.2.156.10197.1.301"))
        return asn1.sequence(kind, asn1.bits(b"\x04" + self.point))

    def certify(self, tbs: bytes) -> bytes:
        """GB/T 32918.2, 6.1; for tests only: the time it takes tells about the key."""
        d, e = int.from_bytes(self.private), sm2_curve.digest(self.point, tbs)
        k = secrets.randbelow(sm2_curve.ORDER - 1) + 1
        r = (e + _times_base(k)[0]) % sm2_curve.ORDER
        s = pow(1 + d, -1, sm2_curve.ORDER) * (k - r * d) % sm2_curve.ORDER
        return encode_dss_signature(r, s)

    def sign(self, message: bytes, algorithm: str) -> bytes:
        return self.certify(message)


def _times_base(k: int) -> tuple[int, int]:
    x, y, z = sm2_curve.add_products(k, sm2_curve.BASE, 0, sm2_curve.BASE)
    return x * pow(z, -2, sm2_curve.P) % sm2_curve.P, y * pow(z, -3, sm2_curve.P) % sm2_curve.P


def make_key(kind: str) -> Key:
    """A new key: `rsa`, `p256` or `sm2`."""
    return {"rsa": RsaKey.make, "p256": EcKey.make, "sm2": Sm2Key.make}[kind]()

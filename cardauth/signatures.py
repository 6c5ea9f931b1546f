"""The allow-list of signatures: each algorithm with the kind of key it takes, and how one signature is checked."""

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from cardauth import sm2
from cardauth.exceptions import AlgorithmRefused
from cardauth.token import Algorithm

RSA_MIN_BITS = 2048
P256_HALF = 32  # bytes of r, and of s

CardKey = RSAPublicKey | EllipticCurvePublicKey | bytes
"""RSA, P-256, or the 64 bytes of an SM2 key."""


def read_key(certificate: x509.Certificate, algorithm: Algorithm) -> CardKey:
    """The certificate's key, of the kind that the algorithm takes, strong enough. Raises AlgorithmRefused."""
    key = sm2.read_key(certificate) if algorithm is Algorithm.SM2SM3 else _try_key(certificate)
    if not isinstance(key, KINDS[algorithm]):
        raise AlgorithmRefused("key")
    if isinstance(key, RSAPublicKey) and key.key_size < RSA_MIN_BITS:
        raise AlgorithmRefused("key_size")
    if isinstance(key, EllipticCurvePublicKey) and not isinstance(key.curve, SECP256R1):
        raise AlgorithmRefused("curve")
    return key


KINDS: dict[Algorithm, type[RSAPublicKey | EllipticCurvePublicKey | bytes]] = {
    Algorithm.RS256: RSAPublicKey,
    Algorithm.PS256: RSAPublicKey,
    Algorithm.ES256: EllipticCurvePublicKey,
    Algorithm.SM2SM3: bytes,
}


def _try_key(certificate: x509.Certificate) -> object:
    try:
        return certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None


def is_signature(key: CardKey, algorithm: Algorithm, message: bytes, signature: bytes) -> bool:
    """Whether this is the key's signature over the message."""
    if isinstance(key, bytes):
        return sm2.is_signature(key, message, signature)
    try:
        if isinstance(key, EllipticCurvePublicKey):
            key.verify(_to_der(signature), message, ECDSA(SHA256()))
        else:
            key.verify(signature, message, PADDINGS[algorithm], SHA256())
    except (InvalidSignature, ValueError):  # ValueError: r and s of another length
        return False
    return True


PADDINGS = {
    Algorithm.RS256: padding.PKCS1v15(),
    Algorithm.PS256: padding.PSS(padding.MGF1(SHA256()), salt_length=32),
}


def _to_der(signature: bytes) -> bytes:
    """ECDSA's r and s, side by side, as the library wants them."""
    if len(signature) != 2 * P256_HALF:
        raise ValueError("not r and s")
    return encode_dss_signature(int.from_bytes(signature[:P256_HALF]), int.from_bytes(signature[P256_HALF:]))

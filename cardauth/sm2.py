"""SM2 with SM3 (GB/T 32918, GM/T 0015), which `cryptography` parses but does not verify: GmSSL does, by gmssl_pyx, and where
that has no wheel (arm64) our own arithmetic.

GmSSL writes the place in its source to stderr when it refuses a signature; nothing of the data.
"""

from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from cardauth import sm2_curve
from cardauth.der import signature_algorithms, subject_public_key_info

try:
    import gmssl_pyx
except ImportError:
    gmssl_pyx = None

LIBRARY: Any = gmssl_pyx
SM2_WITH_SM3 = x509.ObjectIdentifier("1.2.156.10197.1.501")
KEY_PREFIX = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d03420004")
"""SubjectPublicKeyInfo of every SM2 key: id-ecPublicKey, the curve sm2p256v1, then the point uncompressed."""


def read_key(certificate: x509.Certificate) -> bytes | None:
    """The 64 bytes X and Y of an SM2 key; None when the key is of another kind."""
    try:
        info = subject_public_key_info(certificate)
    except ValueError:
        return None
    key = info.removeprefix(KEY_PREFIX)
    return key if info.startswith(KEY_PREFIX) and len(key) == 64 else None


def is_signed_so(signed: x509.Certificate | x509.CertificateRevocationList) -> bool:
    """Whether this certificate or CRL says that it is signed with SM2 and SM3."""
    return signed.signature_algorithm_oid == SM2_WITH_SM3


def is_signature(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether this DER signature with the usual signer id is the key's over the message."""
    try:
        r, s = decode_dss_signature(signature)
    except ValueError:
        return False
    if not (0 < r < sm2_curve.ORDER and 0 < s < sm2_curve.ORDER) or sm2_curve.read_point(key) is None:
        return False
    return LIBRARY.sm2_verify(key, message, signature) if LIBRARY else sm2_curve.verify(key, message, r, s)


def has_signed(key: bytes, signed: x509.Certificate | x509.CertificateRevocationList, whole: bytes) -> bool:
    """Whether this certificate or CRL, whose DER is `whole`, is signed with SM2 and SM3 by this key."""
    is_list = isinstance(signed, x509.CertificateRevocationList)
    tbs = signed.tbs_certlist_bytes if is_list else signed.tbs_certificate_bytes
    try:
        inside, outside = signature_algorithms(whole, tbs)
    except ValueError:
        return False
    return is_signed_so(signed) and inside == outside and is_signature(key, tbs, signed.signature)

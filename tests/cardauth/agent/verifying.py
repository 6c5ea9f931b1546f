"""Whether a token's signature is right: from the certificate in it, with `cryptography`."""

from base64 import b64decode
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.x509 import load_der_x509_certificate


def is_signed(token: dict[str, str], origin: str, nonce: bytes) -> bool:
    """Over these values, by the key of the certificate in the token, with the algorithm that it names."""
    message = sha256(origin.encode()).digest() + sha256(nonce).digest()
    key = load_der_x509_certificate(b64decode(token["certificate"])).public_key()
    signature = b64decode(token["signature"])
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            assert (token["algorithm"], len(signature)) == ("ES256", 64)
            r, s = (int.from_bytes(part, "big") for part in (signature[:32], signature[32:]))
            key.verify(utils.encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
        else:
            assert isinstance(key, rsa.RSAPublicKey)
            pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
            chosen = {"RS256": padding.PKCS1v15(), "PS256": pss}[token["algorithm"]]
            key.verify(signature, message, chosen, hashes.SHA256())
    except InvalidSignature:
        return False
    return True

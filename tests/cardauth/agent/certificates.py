"""Certificates for test cards, self-signed: the agent looks at their form alone; whether they are to be trusted is
the server's question.
"""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def make_certificate(
    holder: str, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, *, signs: bool = True
) -> x509.Certificate:
    """For a card that signs in, or (`signs=False`) the card's other certificate, for encipherment."""
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "钱塘云锦丝绸进出口有限公司"),
            x509.NameAttribute(NameOID.COMMON_NAME, holder),
        ]
    )
    usage = x509.KeyUsage(
        digital_signature=signs,
        content_commitment=False,
        key_encipherment=not signs,
        data_encipherment=not signs,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=365))
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )

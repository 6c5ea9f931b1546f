"""A card's certificate by itself, before it is asked who issued it: can it be read, is it made for signing in, is it valid
now. Reasons are fixed English words: nothing of the certificate ever stands in them."""

from datetime import datetime
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import ExtendedKeyUsageOID

from cardauth.exceptions import CertificateExpired, CertificateUnfit, TokenMalformed

READ_LATER = (
    "subject",
    "issuer",
    "serial_number",
    "not_valid_before_utc",
    "not_valid_after_utc",
    "signature_algorithm_oid",
    "extensions",
)
UNREADABLE = (ValueError, TypeError, OverflowError, UnsupportedAlgorithm, Warning)
"""What reading a broken certificate raises; x509's own errors too are ValueErrors or listed beside them. Warning: what the
library only warns of is refused where warnings are errors."""

SERIAL_MAX_BYTES = 20  # RFC 5280, 4.1.2.2
KNOWN_CRITICAL = (x509.KeyUsage, x509.ExtendedKeyUsage, x509.BasicConstraints, x509.SubjectAlternativeName)
"""What a card's certificate may mark as critical: the extensions that are looked at here or mean nothing for us."""

Kind = TypeVar("Kind", bound=x509.ExtensionType)


def read_certificate(der: bytes) -> x509.Certificate:
    """The certificate, every part that is looked at later read once. Raises TokenMalformed, CertificateUnfit."""
    certificate = try_reading(der)
    if certificate is None:
        raise TokenMalformed("der")
    if not 0 < certificate.serial_number < 1 << 8 * SERIAL_MAX_BYTES:
        raise CertificateUnfit("serial")
    return certificate


def try_reading(der: bytes) -> x509.Certificate | None:
    """The certificate in this DER, None when there is none or a part of it is broken."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        for part in READ_LATER:
            getattr(certificate, part)
    except (*UNREADABLE, x509.InvalidVersion, x509.DuplicateExtension):
        return None
    return certificate


def check_purpose(certificate: x509.Certificate) -> None:
    """Made for a person's signatures; not for enciphering, for a server, or for issuing others. Raises CertificateUnfit."""
    extensions = certificate.extensions
    if any(one.critical and not isinstance(one.value, KNOWN_CRITICAL) for one in extensions):
        raise CertificateUnfit("critical_extension")
    usage = find_extension(extensions, x509.KeyUsage)
    if usage is None or not usage.digital_signature:
        raise CertificateUnfit("key_usage")
    extended = find_extension(extensions, x509.ExtendedKeyUsage)
    if extended is not None and ExtendedKeyUsageOID.CLIENT_AUTH not in extended:
        raise CertificateUnfit("extended_key_usage")
    if is_authority(certificate):
        raise CertificateUnfit("authority")


def check_validity(certificate: x509.Certificate, now: datetime) -> None:
    """Valid at this moment. Raises CertificateExpired."""
    if now < certificate.not_valid_before_utc:
        raise CertificateExpired("not_yet_valid")
    if now > certificate.not_valid_after_utc:
        raise CertificateExpired("expired")


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether this certificate says that it may issue others."""
    constraints = find_extension(certificate.extensions, x509.BasicConstraints)
    return constraints is not None and constraints.ca


def find_extension(extensions: x509.Extensions, kind: type[Kind]) -> Kind | None:
    """The value of the extension of this kind, if there is one."""
    try:
        return extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None

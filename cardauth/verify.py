"""Is this token a card's, now, for this site? The checks stand in the order of Web eID's specification, cheap ones first, and
all of them come before anybody is looked up. What is refused says why in one word; the library's own errors quote the
certificate, so they are neither kept nor logged.

The nonce must have been taken out of the session already (`cardauth.challenge`): a token is good for one try.
"""

from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, VerificationError

from cardauth import sm2
from cardauth.authorities import Authority
from cardauth.certificates import check_purpose, check_validity, read_certificate
from cardauth.challenge import signed_message
from cardauth.exceptions import (
    CertificateRevoked,
    CertificateUntrusted,
    SignatureWrong,
    TrustUnavailable,
)
from cardauth.signatures import is_signature, read_key
from cardauth.token import CardToken
from cardauth.trust import TrustList

# The library's own policy wants the name of a server or a mail address in the certificate, which cards do not have.
CARD_POLICY = (
    ExtensionPolicy.permit_all()
    .require_present(x509.KeyUsage, Criticality.AGNOSTIC, None)
    .may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, None)
)
CA_POLICY = ExtensionPolicy.webpki_defaults_ca()


@dataclass(frozen=True, slots=True)
class Card:
    """A card that was verified. The fingerprint (SHA-256 of the certificate, hex) is what an account is bound to."""

    fingerprint: str
    issuer: str = field(repr=False)
    serial: str
    not_after: datetime
    certificate: x509.Certificate = field(repr=False)


def verify_token(token: CardToken, *, nonce: bytes, origin: str, trust: TrustList, now: datetime) -> Card:
    """The card that made this token over our own origin and nonce. Raises a CardRefused."""
    message = signed_message(origin, nonce)
    certificate = read_certificate(token.certificate)
    check_purpose(certificate)
    check_validity(certificate, now)
    key = read_key(certificate, token.algorithm)
    authority = find_authority(certificate, trust, now)
    check_not_revoked(certificate, authority, now)
    if not is_signature(key, token.algorithm, message, token.signature):
        raise SignatureWrong
    return Card(
        fingerprint=certificate.fingerprint(SHA256()).hex(),
        issuer=certificate.issuer.rfc4514_string(),
        serial=f"{certificate.serial_number:x}",
        not_after=certificate.not_valid_after_utc,
        certificate=certificate,
    )


def find_authority(certificate: x509.Certificate, trust: TrustList, now: datetime) -> Authority:
    """The trusted authority whose key signed this certificate. Raises CertificateUntrusted, TrustUnavailable."""
    if not trust.is_open(now):
        raise TrustUnavailable("closed")
    if sm2.is_signed_so(certificate):
        found = next((one for one in trust.authorities if one.has_issued(certificate)), None)
    else:
        found = _build_path(certificate, trust, now) or _find_expired(certificate, trust, now)
    if found is None:
        raise CertificateUntrusted("issuer")
    if not found.is_valid(now):
        raise TrustUnavailable("authority")
    return found


def _build_path(certificate: x509.Certificate, trust: TrustList, now: datetime) -> Authority | None:
    store = trust.store(now)
    if store is None:
        return None
    verifier = (
        PolicyBuilder()
        .store(store)
        .time(now)
        .max_chain_depth(2)
        .extension_policies(ee_policy=CARD_POLICY, ca_policy=CA_POLICY)
        .build_client_verifier()
    )
    try:
        chain = verifier.verify(certificate, []).chain
    except VerificationError:  # its text quotes the certificate
        return None
    return next((one for one in trust.authorities if one.certificate == chain[1]), None)


def _find_expired(certificate: x509.Certificate, trust: TrustList, now: datetime) -> Authority | None:
    """The authority that did issue it, and whose own certificate is no longer valid (or not yet)."""
    return next(
        (one for one in trust.authorities if not one.is_valid(now) and one.has_issued(certificate)), None
    )


def check_not_revoked(certificate: x509.Certificate, authority: Authority, now: datetime) -> None:
    """A list about it that may be relied on has to be there. Raises TrustUnavailable, CertificateRevoked."""
    lists = authority.lists_about(certificate, now)
    if not lists:
        raise TrustUnavailable("revocation_list")
    if any(certificate.serial_number in one.serials for one in lists):
        raise CertificateRevoked

"""Revocation lists (CRL, RFC 5280 section 5): one that is signed by the authority, not yet due for renewal, and about this
certificate has to be there, or the certificate is not taken (fail closed)."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization

from cardauth import sm2
from cardauth.certificates import UNREADABLE, find_extension

CLOCKS_DIFFER = timedelta(minutes=5)
HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)


class ListUnusable(ValueError):
    """This list cannot be used; the text says why, for the administrator."""


@dataclass(frozen=True, slots=True)
class RevocationList:
    """A list whose signature was checked. `points` are the names it is published under, when it is one of several parts
    of an authority's list: it is about the certificates that name one of them."""

    file: str
    from_at: datetime
    until_at: datetime
    points: frozenset[str]
    serials: frozenset[int] = field(repr=False)

    def is_current(self, now: datetime) -> bool:
        """Whether it may be relied on at this moment."""
        return self.from_at - CLOCKS_DIFFER <= now < self.until_at

    def is_about(self, certificate: x509.Certificate) -> bool:
        """Whether this certificate would stand in it, were it revoked."""
        return not self.points or bool(self.points & distribution_points(certificate))


def read_list(data: bytes) -> x509.CertificateRevocationList:
    """The CRL in a file, PEM or DER. Raises ListUnusable."""
    try:
        crl = x509.load_pem_x509_crl(data) if b"-----BEGIN" in data else x509.load_der_x509_crl(data)
        _ = (crl.issuer, crl.extensions, crl.last_update_utc)
    except (*UNREADABLE, x509.DuplicateExtension, x509.InvalidVersion) as error:
        raise ListUnusable("不是吊销名单（CRL），或已损坏") from error
    return crl


def is_signed_by(crl: x509.CertificateRevocationList, authority: x509.Certificate) -> bool:
    """Whether this authority, by name and by key, signed the list."""
    if crl.issuer != authority.subject:
        return False
    if sm2.is_signed_so(crl):
        key = sm2.read_key(authority)
        return key is not None and sm2.has_signed(key, crl, crl.public_bytes(serialization.Encoding.DER))
    try:
        if not isinstance(crl.signature_hash_algorithm, HASHES):
            return False
        return crl.is_signature_valid(authority.public_key())  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError, UnsupportedAlgorithm):
        return False


def keep_list(crl: x509.CertificateRevocationList, file: str) -> RevocationList:
    """What is looked up later, from a list whose signature was checked. Raises ListUnusable."""
    until_at = crl.next_update_utc
    if until_at is None:
        raise ListUnusable("没有注明下次更新的时间")
    for extension in crl.extensions:
        if extension.critical and not isinstance(extension.value, x509.IssuingDistributionPoint):
            raise ListUnusable("含有系统不认识的关键扩展项")
    return RevocationList(
        file=file,
        from_at=crl.last_update_utc,
        until_at=until_at,
        points=_points_of(crl),
        serials=frozenset(entry.serial_number for entry in crl),
    )


def _points_of(crl: x509.CertificateRevocationList) -> frozenset[str]:
    part = find_extension(crl.extensions, x509.IssuingDistributionPoint)
    if part is None:
        return frozenset()
    if part.only_contains_ca_certs or part.only_contains_attribute_certs:
        raise ListUnusable("不是关于用户证书的名单")
    if part.indirect_crl or part.only_some_reasons or part.relative_name:
        raise ListUnusable("是间接名单或部分原因的名单，系统不支持")
    if part.full_name is not None and not part.full_name:
        raise ListUnusable("没有写明是名单的哪一部分")
    return _names(part.full_name)


def distribution_points(certificate: x509.Certificate) -> frozenset[str]:
    """The names under which this certificate says that its revocation list is."""
    points = find_extension(certificate.extensions, x509.CRLDistributionPoints)
    return frozenset().union(*(_names(point.full_name) for point in points or ()))


def _names(names: "list[x509.GeneralName] | None") -> frozenset[str]:
    """Addresses and directory names alike, as texts that differ when the names do."""
    return frozenset(f"{type(name).__name__} {name.value}" for name in names or ())

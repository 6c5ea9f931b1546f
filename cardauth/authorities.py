"""An issuing authority that is trusted: its certificate, its revocation lists, and whether a certificate is its."""

from dataclasses import dataclass, replace
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cardauth import sm2
from cardauth.certificates import UNREADABLE, find_extension, is_authority, try_reading
from cardauth.revocation import RevocationList

CARD_PURPOSES = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
SM2_CRITICAL = {x509.BasicConstraints, x509.KeyUsage, x509.SubjectAlternativeName}
LIBRARY_CRITICAL = SM2_CRITICAL | {x509.NameConstraints}  # which the library looks at, and we do not


class AuthorityUnusable(ValueError):
    """This certificate cannot be used as an authority's; the text says why, for the administrator."""


@dataclass(frozen=True, slots=True)
class Authority:
    """`lists` are its own, their signatures checked."""

    certificate: x509.Certificate
    sm2_key: bytes | None
    file: str
    lists: tuple[RevocationList, ...] = ()

    @property
    def name(self) -> str:
        """What people call it."""
        subject = self.certificate.subject
        for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
            if named := subject.get_attributes_for_oid(oid):
                return str(named[0].value)
        return self.file

    def is_valid(self, now: datetime) -> bool:
        """Whether its own certificate is valid at this moment."""
        return self.certificate.not_valid_before_utc <= now <= self.certificate.not_valid_after_utc

    def is_open(self, now: datetime) -> bool:
        """Whether cards that it issued can be checked at this moment."""
        return self.is_valid(now) and any(one.is_current(now) for one in self.lists)

    def lists_about(self, certificate: x509.Certificate, now: datetime) -> list[RevocationList]:
        """The lists that may be relied on now and in which this certificate would stand, were it revoked."""
        return [one for one in self.lists if one.is_current(now) and one.is_about(certificate)]

    def has_issued(self, certificate: x509.Certificate) -> bool:
        """Whether this authority, by name and by key, signed the certificate (a path of depth 1)."""
        if certificate.issuer != self.certificate.subject:
            return False
        if self.sm2_key is not None:
            whole = certificate.public_bytes(serialization.Encoding.DER)
            return sm2.has_signed(self.sm2_key, certificate, whole)
        try:
            certificate.verify_directly_issued_by(self.certificate)
        except (InvalidSignature, TypeError, ValueError, UnsupportedAlgorithm):
            return False
        return True

    def with_lists(self, lists: list[RevocationList]) -> "Authority":
        """The same, with these lists: the newest of each part."""
        newest: dict[frozenset[str], RevocationList] = {}
        for one in sorted(lists, key=lambda one: one.from_at):
            newest[one.points] = one
        return replace(self, lists=tuple(newest.values()))


def read_authorities(data: bytes, file: str) -> list[Authority]:
    """The authorities in a file, PEM (one or several) or DER. Raises AuthorityUnusable."""
    if b"-----BEGIN" not in data:
        return [_read_authority(try_reading(data), file)]
    try:
        certificates = x509.load_pem_x509_certificates(data)
    except (*UNREADABLE, x509.InvalidVersion) as error:
        raise AuthorityUnusable("不是证书，或已损坏") from error
    return [
        _read_authority(try_reading(one.public_bytes(serialization.Encoding.DER)), file)
        for one in certificates
    ]


def _read_authority(certificate: x509.Certificate | None, file: str) -> Authority:
    if certificate is None:
        raise AuthorityUnusable("不是证书，或已损坏")
    authority = Authority(certificate, sm2.read_key(certificate), file)
    if why := _why_unfit(authority):
        raise AuthorityUnusable(why)
    return authority


def _why_unfit(authority: Authority) -> str | None:
    """What the library's path validation would refuse the authority for, card by card and without a word; SM2's the same."""
    extensions = authority.certificate.extensions
    critical = {type(one.value) for one in extensions if one.critical}
    usage = find_extension(extensions, x509.KeyUsage)
    if (
        not is_authority(authority.certificate)
        or usage is None
        or not (usage.key_cert_sign and usage.crl_sign)
    ):
        return "不是可以签发证书和吊销名单的机构证书"
    if x509.BasicConstraints not in critical:
        return "机构证书的基本约束（BasicConstraints）没有标为关键项"
    purposes = find_extension(extensions, x509.ExtendedKeyUsage)
    if purposes is not None and not CARD_PURPOSES & set(purposes):
        return "机构证书的扩展密钥用法（ExtendedKeyUsage）不含客户端身份验证"
    if critical - (SM2_CRITICAL if authority.sm2_key else LIBRARY_CRITICAL):
        return "机构证书含有系统不认识的关键扩展项"
    return None

"""A small PKI made at test time: a root, an issuing authority with its revocation list, an impostor of the same name, and
cards. Certificates are put together from their parts, so that they can be SM2's, which no library makes, or wrong in one.

    pki = Pki.make(now)                        # or Pki.make(now, "p256"), "sm2"
    pki.write(folder)                          # the server's trust list
    card = pki.issue(Holder())                 # a 法人卡
    card.token(origin, nonce)                  # as the agent would answer
"""

import base64
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha1
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cardauth.challenge import signed_message
from tests.cardauth import asn1
from tests.cardauth.keys import Key, make_key

PHONE_EXTENSION = "1.3.6.1.4.1.32473.1.1"
DAY = timedelta(days=1)
SIGNING = ("digital_signature", "content_commitment")
ENCIPHERING = ("key_encipherment", "data_encipherment", "key_agreement")
ISSUING = ("key_cert_sign", "crl_sign")
USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
)

Extension = tuple[x509.ExtensionType, bool]
"""An extension and whether it is critical."""


@dataclass(frozen=True)
class Holder:
    """What a card says about its enterprise and its holder; None leaves the attribute out."""

    enterprise_name: str | None = "连云港测试贸易有限公司"
    uscc: str | None = "91320700MA1QL0002C"
    customs_code: str | None = "3207960001"
    card_kind: str | None = "法人卡"
    holder: str | None = "王小明"
    card_number: str | None = "2100040012345"
    phone: str | None = "13900000001"

    def name(self) -> x509.Name:
        """The certificate's subject."""
        values = {
            NameOID.ORGANIZATION_NAME: self.enterprise_name,
            NameOID.ORGANIZATION_IDENTIFIER: self.uscc,
            NameOID.ORGANIZATIONAL_UNIT_NAME: self.customs_code,
            NameOID.TITLE: self.card_kind,
            NameOID.COMMON_NAME: self.holder,
            NameOID.SERIAL_NUMBER: self.card_number,
        }
        country = x509.NameAttribute(NameOID.COUNTRY_NAME, "CN")
        return x509.Name(
            [country, *(x509.NameAttribute(oid, value) for oid, value in values.items() if value)]
        )

    def extensions(self) -> list[Extension]:
        """The mobile number, in an extension."""
        if self.phone is None:
            return []
        oid = x509.ObjectIdentifier(PHONE_EXTENSION)
        return [(x509.UnrecognizedExtension(oid, asn1.utf8(self.phone)), False)]


@dataclass(frozen=True)
class SoftCard:
    """A certificate with its key."""

    certificate: bytes
    key: Key

    @property
    def x509(self) -> x509.Certificate:
        return x509.load_der_x509_certificate(self.certificate)

    def token(self, origin: str, nonce: bytes, algorithm: str | None = None) -> dict[str, Any]:
        """The agent's answer for this site and this challenge."""
        algorithm = algorithm or self.key.algorithms[0]
        signature = self.key.sign(signed_message(origin, nonce), algorithm)
        return {
            "format": "qingling-card:1",
            "algorithm": algorithm,
            "certificate": base64.b64encode(self.certificate).decode(),
            "signature": base64.b64encode(signature).decode(),
        }


@dataclass(frozen=True)
class Pki:
    """A root, and the issuing authority that makes cards."""

    kind: str
    now: datetime
    root: SoftCard = field(repr=False)
    issuing: SoftCard = field(repr=False)

    @classmethod
    def make(cls, now: datetime, kind: str = "rsa", name: str = "测试电子口岸") -> "Pki":
        """Valid from a year ago for ten years; the keys are made once a run for each kind."""
        root_key, issuing_key = keys_of(kind, name)
        root_name, issuing_name = _common_name(f"{name}根"), _common_name(f"{name}发卡机构")
        root, issuing = (
            certify(subject, key, root_name, root_key, now=now, extensions=of_authority())
            for subject, key in ((root_name, root_key), (issuing_name, issuing_key))
        )
        return cls(kind, now, SoftCard(root, root_key), SoftCard(issuing, issuing_key))

    def impostor(self) -> "Pki":
        """An authority of exactly the same name, with another key."""
        return self.renewed(of_authority(), make_key(self.kind))

    def renewed(self, extensions: Sequence[Extension], key: Key | None = None) -> "Pki":
        """The issuing authority with another certificate: these extensions, by itself; its old key if not said."""
        key, subject = key or self.issuing.key, self.issuing.x509.subject
        made = certify(subject, key, subject, key, now=self.now, extensions=extensions)
        return replace(self, issuing=SoftCard(made, key))

    def issue(
        self,
        holder: Holder | None = None,
        *,
        key: Key | None = None,
        usages: Sequence[str] | None = SIGNING,
        purposes: Sequence[x509.ObjectIdentifier] | None = (ExtendedKeyUsageOID.CLIENT_AUTH,),
        extensions: Sequence[Extension] = (),
        **changes: Any,
    ) -> SoftCard:
        """A card; `changes` are those of `certify` (from_at, until_at, serial)."""
        holder, key = holder or Holder(), key or card_key(self.kind)
        wanted = [*holder.extensions(), *extensions]
        if usages is not None:
            wanted.append((key_usage(usages), True))
        if purposes is not None:
            wanted.append((x509.ExtendedKeyUsage(purposes), False))
        issuer = self.issuing.x509.subject
        made = certify(
            holder.name(), key, issuer, self.issuing.key, now=self.now, extensions=wanted, **changes
        )
        return SoftCard(made, key)

    def crl(self, revoked: Iterable[SoftCard] = (), serials: Iterable[int] = (), **changes: Any) -> bytes:
        """The revocation list, DER; `changes` are those of `list_revoked` (from_at, until_at, extensions)."""
        all_serials = [*serials, *(card.x509.serial_number for card in revoked)]
        return list_revoked(self.issuing.x509.subject, self.issuing.key, all_serials, now=self.now, **changes)

    def write(self, folder: Path, revoked: Iterable[SoftCard] = ()) -> Path:
        """The issuing authority and its list as a trust list's folder."""
        for name, file, data in (
            ("ca", "issuing.crt", self.issuing.certificate),
            ("crl", "issuing.crl", self.crl(revoked)),
        ):
            (folder / name).mkdir(parents=True, exist_ok=True)
            (folder / name / file).write_bytes(data)
        return folder


@cache
def keys_of(kind: str, name: str) -> tuple[Key, Key]:
    """The keys of a root and its issuing authority."""
    return make_key(kind), make_key(kind)


@cache
def card_key(kind: str) -> Key:
    """The key of cards, where a test does not care which."""
    return make_key(kind)


def key_usage(usages: Sequence[str]) -> x509.KeyUsage:
    """KeyUsage with these bits."""
    return x509.KeyUsage(
        **{usage: usage in usages for usage in USAGES}, encipher_only=False, decipher_only=False
    )


def certify(
    subject: x509.Name,
    key: Key,
    issuer: x509.Name,
    signer: Key,
    *,
    now: datetime,
    extensions: Sequence[Extension] = (),
    from_at: datetime | None = None,
    until_at: datetime | None = None,
    serial: int | None = None,
) -> bytes:
    """A certificate, DER (RFC 5280, 4.1), valid from a year ago for ten years if not said."""
    own, theirs = _identifier(key), _identifier(signer)
    always: list[Extension] = [
        (x509.SubjectKeyIdentifier(own), False),
        (x509.AuthorityKeyIdentifier(theirs, None, None), False),
    ]
    validity = asn1.sequence(
        asn1.time(from_at or now - 365 * DAY), asn1.time(until_at or now + 9 * 365 * DAY)
    )
    tbs = asn1.sequence(
        asn1.explicit(0, asn1.integer(2)),
        asn1.integer(secrets.randbits(120) + 1 if serial is None else serial),
        signer.identifier,
        issuer.public_bytes(),
        validity,
        subject.public_bytes(),
        key.public,
        asn1.explicit(3, _extensions([*always, *extensions])),
    )
    return asn1.sequence(tbs, signer.identifier, asn1.bits(signer.certify(tbs)))


def list_revoked(
    issuer: x509.Name,
    signer: Key,
    serials: Iterable[int],
    *,
    now: datetime,
    extensions: Sequence[Extension] = (),
    from_at: datetime | None = None,
    until_at: datetime | None = None,
    says_until: bool = True,
) -> bytes:
    """A revocation list, DER (RFC 5280, 5.1), from an hour ago for a week if not said."""
    from_at = from_at or now - timedelta(hours=1)
    entries = [asn1.sequence(asn1.integer(serial), asn1.time(from_at)) for serial in serials]
    always: list[Extension] = [
        (x509.AuthorityKeyIdentifier(_identifier(signer), None, None), False),
        (x509.CRLNumber(int(from_at.timestamp())), False),
    ]
    tbs = asn1.sequence(
        asn1.integer(1),
        signer.identifier,
        issuer.public_bytes(),
        asn1.time(from_at),
        *([asn1.time(until_at or now + 7 * DAY)] if says_until else []),
        *([asn1.sequence(*entries)] if entries else []),
        asn1.explicit(0, _extensions([*always, *extensions])),
    )
    return asn1.sequence(tbs, signer.identifier, asn1.bits(signer.certify(tbs)))


def _extensions(extensions: Iterable[Extension]) -> bytes:
    return asn1.sequence(
        *(
            asn1.sequence(
                asn1.oid(value.oid.dotted_string),
                *([asn1.boolean(True)] if critical else []),
                asn1.octets(value.public_bytes()),
            )
            for value, critical in extensions
        )
    )


def of_authority() -> list[Extension]:
    """What makes a certificate an authority's."""
    return [(x509.BasicConstraints(ca=True, path_length=None), True), (key_usage(ISSUING), True)]


def _common_name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _identifier(key: Key) -> bytes:
    return sha1(key.public, usedforsecurity=False).digest()

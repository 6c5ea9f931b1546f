"""The demo's card authority: an authority, a revocation list and two cards, made once in a folder of the demo's data.

`trust/` is what the server trusts (its form is the trust list's), `cards/` what the agent's `--demo-card` plugs in.
Keys that lie in files beside their certificates prove nothing: a server that is not a demo must never be given this
folder.
"""

import os
import secrets
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

LIFETIME = timedelta(days=3650)
BACKDATED = timedelta(days=1)
ORGANISATION_IDENTIFIER = x509.ObjectIdentifier("2.5.4.97")
AUTHORITY = x509.Name(
    [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "企业问题清零演示"),
        x509.NameAttribute(NameOID.COMMON_NAME, "演示发卡机构"),
    ]
)


@dataclass(frozen=True)
class Organisation:
    """Whose cards: its name, its unified social credit code, its customs code (an enterprise's only)."""

    name: str
    uscc: str
    customs_code: str | None = None


@dataclass(frozen=True)
class DemoCard:
    """One card."""

    file: str
    organisation: Organisation
    kind: str
    holder: str
    number: str


ENTERPRISE = Organisation("钱塘云锦丝绸进出口有限公司", "91330104MA2HX3QT0P", "3301960K7Q")
CUSTOMS = Organisation("中华人民共和国南京海关", "11320000014000198T")
CARDS = (
    DemoCard("legal-person", ENTERPRISE, "法人卡", "沈书瑶", "2100000000017"),
    DemoCard("operator", ENTERPRISE, "操作员卡", "陆知行", "2100000000025"),
    DemoCard("officer", CUSTOMS, "操作员卡", "顾清", "2300000000011"),
)


def make_demo_cards(folder: Path, now: datetime) -> None:
    """Make them unless they are there. Two processes at once: one of them makes them, both find the same."""
    if folder.exists():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = folder.with_name(f".{folder.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        fill_folder(fresh, now)
        fresh.rename(folder)
    except OSError:
        if not folder.exists():  # else another process was first: then its cards count
            raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def fill_folder(folder: Path, now: datetime) -> None:
    """Authority, revocation list, cards."""
    for part in ("trust/ca", "trust/crl", "cards"):
        (folder / part).mkdir(parents=True, mode=0o700)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = build(AUTHORITY, authority_key, now).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    authority = authority.add_extension(name_uses(issues=True), critical=True).sign(
        authority_key, hashes.SHA256()
    )
    crl = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(AUTHORITY)
        .last_update(now - BACKDATED)
        .next_update(now + LIFETIME)
        .add_extension(x509.CRLNumber(1), critical=False)
        .add_extension(identify_authority(authority_key), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    (folder / "trust" / "ca" / "demo-ca.pem").write_bytes(authority.public_bytes(Encoding.PEM))
    (folder / "trust" / "crl" / "demo-ca.crl").write_bytes(crl.public_bytes(Encoding.DER))
    for number, card in enumerate(CARDS):
        # The first with RSA, the others with an elliptic curve: both are to be tried.
        key = ec.generate_private_key(ec.SECP256R1()) if number else rsa.generate_private_key(65537, 2048)
        write_card(folder / "cards" / f"{card.file}.pem", card, key, authority_key, now)


def write_card(path: Path, card: DemoCard, key: Key, authority_key: Key, now: datetime) -> None:
    """The private key and the certificate of one card, readable for its owner alone."""
    certificate = (
        build(name_holder(card), key, now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(name_uses(issues=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(identify_authority(authority_key), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.touch(mode=0o600)
    path.write_bytes(private + certificate.public_bytes(Encoding.PEM))


def build(subject: x509.Name, key: Key, now: datetime) -> x509.CertificateBuilder:
    """A certificate of the authority, not yet signed."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(AUTHORITY)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def identify_authority(key: Key) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def name_holder(card: DemoCard) -> x509.Name:
    """The subject as the built-in mapping reads it."""
    whose = card.organisation
    values = {
        NameOID.COUNTRY_NAME: "CN",
        NameOID.ORGANIZATION_NAME: whose.name,
        ORGANISATION_IDENTIFIER: whose.uscc,
        NameOID.ORGANIZATIONAL_UNIT_NAME: whose.customs_code,
        NameOID.TITLE: card.kind,
        NameOID.COMMON_NAME: card.holder,
        NameOID.SERIAL_NUMBER: card.number,
    }
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in values.items() if value])


def name_uses(*, issues: bool) -> x509.KeyUsage:
    """An authority issues certificates and revocation lists, a card signs."""
    return x509.KeyUsage(
        digital_signature=not issues,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=issues,
        crl_sign=issues,
        encipher_only=False,
        decipher_only=False,
    )

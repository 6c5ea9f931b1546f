"""What the agent has to know of a certificate on a card: whose it is, what kind of key it has, whether one signs in with it."""

from dataclasses import dataclass
from typing import Literal

from cardauth.agent.der import (
    BIT_STRING,
    BOOLEAN,
    OCTET_STRING,
    OID,
    SEQUENCE,
    Element,
    read_oid,
    read_one,
    read_text,
)

KeyKind = Literal["RSA", "P-256", "SM2"]

RSA = "1.2.840.113549.1.1.1"
EC = "1.2.840.10045.2.1"
CURVES: dict[str, KeyKind] = {"1.2.840.10045.3.1.7": "P-256", "1.2.156.10197.1.301": "SM2"}
COMMON_NAME, ORGANISATION, TITLE = "2.5.4.3", "2.5.4.10", "2.5.4.12"
KEY_USAGE, BASIC_CONSTRAINTS, EXTENDED_KEY_USAGE = "2.5.29.15", "2.5.29.19", "2.5.29.37"
CLIENT_AUTH = "1.3.6.1.5.5.7.3.2"
VERSION_TAG, EXTENSIONS_TAG = 0xA0, 0xA3
FIELDS_BEFORE_SUBJECT = 4  # serial number, signature, issuer, validity


@dataclass(frozen=True)
class CertificateFacts:
    """A certificate as far as the agent reads it. `key` is None for a kind of key that no algorithm of ours fits."""

    holder: str
    organisation: str
    title: str
    """The kind of card, where the certificate names it: 法人卡, 操作员卡."""
    key: KeyKind | None
    point: bytes
    """The public point (0x04, x, y) of an elliptic curve; empty for RSA."""
    signs: bool
    """Whether it is there to sign in with: not for encipherment alone, not a server's, not an authority's."""


def read_certificate(der: bytes) -> CertificateFacts:
    """The facts of an X.509 certificate (RFC 5280 §4.1). Raises ValueError for anything else."""
    try:
        fields = read_one(der).expect(SEQUENCE).children()[0].expect(SEQUENCE).children()
        if fields[0].tag == VERSION_TAG:
            del fields[0]
        subject, public_key = fields[FIELDS_BEFORE_SUBJECT], fields[FIELDS_BEFORE_SUBJECT + 1]
        names = read_names(subject.expect(SEQUENCE))
        kind, point = read_key(public_key.expect(SEQUENCE))
        wrapped = next((field for field in fields if field.tag == EXTENSIONS_TAG), None)
        extensions = read_extensions(read_one(wrapped.body)) if wrapped else {}
        return CertificateFacts(
            holder=names.get(COMMON_NAME, ""),
            organisation=names.get(ORGANISATION, ""),
            title=names.get(TITLE, ""),
            key=kind,
            point=point,
            signs=signs_in(extensions),
        )
    except IndexError:
        raise ValueError("a part of the certificate is missing") from None


def read_names(subject: Element) -> dict[str, str]:
    """The attributes of a name, the last of each kind."""
    found: dict[str, str] = {}
    for group in subject.children():
        for attribute in group.children():
            kind, value = attribute.children()[:2]
            found[read_oid(kind.expect(OID).body)] = read_text(value)
    return found


def read_key(info: Element) -> tuple[KeyKind | None, bytes]:
    """The kind of a public key, and the point of an elliptic curve's."""
    algorithm, bits = info.children()[:2]
    kind, *parameters = algorithm.expect(SEQUENCE).children()
    name = read_oid(kind.expect(OID).body)
    if name == RSA:
        return "RSA", b""
    if name == EC and parameters and parameters[0].tag == OID:
        return CURVES.get(read_oid(parameters[0].body)), bits.expect(BIT_STRING).body[1:]
    return None, b""


def read_extensions(extensions: Element) -> dict[str, Element]:
    """The extensions by their identifiers, each unwrapped."""
    found: dict[str, Element] = {}
    for extension in extensions.expect(SEQUENCE).children():
        parts = extension.expect(SEQUENCE).children()
        name = read_oid(parts[0].expect(OID).body)
        if name in (KEY_USAGE, BASIC_CONSTRAINTS, EXTENDED_KEY_USAGE):
            found[name] = read_one(parts[-1].expect(OCTET_STRING).body)
    return found


def signs_in(extensions: dict[str, Element]) -> bool:
    """Digital signature among the key's uses, client authentication among the extended ones (or none named), no authority."""
    usage = extensions.get(KEY_USAGE)
    extended = extensions.get(EXTENDED_KEY_USAGE)
    constraints = extensions.get(BASIC_CONSTRAINTS)
    is_authority = constraints is not None and any(
        part.tag == BOOLEAN and part.body != b"\0" for part in constraints.children()
    )
    signature = usage is None or (len(usage.body) > 1 and bool(usage.body[1] & 0x80))
    client = extended is None or CLIENT_AUTH in {read_oid(use.body) for use in extended.children()}
    return signature and client and not is_authority

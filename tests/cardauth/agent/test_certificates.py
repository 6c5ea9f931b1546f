"""The agent's own small reader of certificates, held against `cryptography`, and against bytes that are no certificate."""

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from cardauth.agent.certificates import read_certificate
from cardauth.agent.der import read_all, read_oid, write_integer

RSA_KEY = rsa.generate_private_key(65537, 2048)
NOW = datetime(2026, 3, 2, tzinfo=UTC)
NO_USE = dict.fromkeys(
    (
        "content_commitment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ),
    False,
)


def make(
    *,
    names: list[x509.NameAttribute[str]] | None = None,
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = RSA_KEY,
    usage: tuple[bool, bool] | None = (True, False),
    extended: list[x509.ObjectIdentifier] | None = None,
    is_authority: bool | None = None,
) -> bytes:
    subject = x509.Name(names or [x509.NameAttribute(NameOID.COMMON_NAME, "张三")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
    )
    if usage is not None:
        signature, encipherment = usage
        builder = builder.add_extension(
            x509.KeyUsage(digital_signature=signature, key_encipherment=encipherment, **NO_USE), critical=True
        )
    if extended is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage(extended), critical=False)
    if is_authority is not None:
        builder = builder.add_extension(
            x509.BasicConstraints(ca=is_authority, path_length=None), critical=True
        )
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


@pytest.mark.parametrize("holder", ["张三", "A" * 64, "欧阳·娜娜"])
def test_whose_it_is(holder: str) -> None:
    names = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "钱塘云锦丝绸进出口有限公司"),
        x509.NameAttribute(NameOID.COMMON_NAME, holder),
        x509.NameAttribute(NameOID.SERIAL_NUMBER, "2100000000001"),
        x509.NameAttribute(NameOID.TITLE, "法人卡"),
    ]
    facts = read_certificate(make(names=names))
    assert (facts.holder, facts.organisation, facts.title) == (holder, "钱塘云锦丝绸进出口有限公司", "法人卡")


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        (RSA_KEY, "RSA"),
        (ec.generate_private_key(ec.SECP256R1()), "P-256"),
        (ec.generate_private_key(ec.SECP384R1()), None),
    ],
)
def test_the_kind_of_its_key(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, kind: str | None) -> None:
    assert read_certificate(make(key=key)).key == kind


@pytest.mark.parametrize(
    ("signs", "how"),
    [
        (True, {}),
        (True, {"usage": None}),
        (True, {"usage": (True, True)}),
        (False, {"usage": (False, True)}),
        (True, {"extended": [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.EMAIL_PROTECTION]}),
        (False, {"extended": [ExtendedKeyUsageOID.SERVER_AUTH]}),
        (True, {"is_authority": False}),
        (False, {"is_authority": True}),
    ],
)
def test_whether_one_signs_in_with_it(signs: bool, how: dict[str, object]) -> None:
    assert read_certificate(make(**how)).signs is signs  # type: ignore[arg-type]


CERTIFICATE = make()


@given(st.integers(0, len(CERTIFICATE) - 1), st.integers(0, 255))
def test_a_damaged_certificate_is_read_or_refused_and_nothing_else(at: int, byte: int) -> None:
    damaged = CERTIFICATE[:at] + bytes([byte]) + CERTIFICATE[at + 1 :]
    with contextlib.suppress(ValueError):
        assert read_certificate(damaged).key in ("RSA", "P-256", "SM2", None)


@given(st.binary(max_size=64) | st.integers(0, len(CERTIFICATE) - 1).map(lambda end: CERTIFICATE[:end]))
def test_what_is_no_certificate_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        read_certificate(data)


@pytest.mark.parametrize("oid", ["2.5.4.3", "1.2.156.10197.1.301", "0.9.2342.19200300.100.1.1", "2.999.3"])
def test_object_identifiers(oid: str) -> None:
    der = x509.Name([x509.NameAttribute(x509.ObjectIdentifier(oid), "x")]).public_bytes()
    (attribute,) = next(read_all(der)).children()[0].children()
    assert read_oid(attribute.children()[0].body) == oid


@given(st.integers(0, 2**256))
def test_integers_are_never_negative(value: int) -> None:
    (element,) = read_all(write_integer(value))
    assert int.from_bytes(element.body, "big", signed=True) == value

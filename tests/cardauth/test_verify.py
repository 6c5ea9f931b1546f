"""What is taken, and everything that has to be refused, each with a token made for it; for RSA, P-256 and SM2."""

import warnings
from dataclasses import replace
from datetime import datetime
from hashlib import sha256

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from cardauth.exceptions import (
    AlgorithmRefused,
    CertificateExpired,
    CertificateUnfit,
    CertificateUntrusted,
    SignatureWrong,
    TokenMalformed,
)
from cardauth.token import Algorithm, CardToken, parse_token
from cardauth.verify import verify_token
from tests.cardauth import asn1
from tests.cardauth.conftest import NONCE, ORIGIN, STEP, Desk, refusal
from tests.cardauth.keys import EcKey, RsaKey, make_key
from tests.cardauth.pki import DAY, ENCIPHERING, ISSUING, SIGNING, Pki, SoftCard


def test_a_card_is_taken_for_what_it_is(desk: Desk) -> None:
    card = desk.pki.issue(serial=0xABC)
    shown = desk.show(card)
    assert shown.fingerprint == sha256(card.certificate).hexdigest()
    assert shown.serial == "abc" and shown.issuer == "CN=测试电子口岸发卡机构"
    assert shown.not_after == desk.now + 9 * 365 * DAY
    assert shown.certificate == card.x509


def test_each_algorithm_of_the_list_is_taken(rsa_desk: Desk) -> None:
    card = rsa_desk.pki.issue()
    for algorithm in ("RS256", "PS256"):
        token = parse_token(card.token(ORIGIN, NONCE, algorithm))
        assert verify_token(token, nonce=NONCE, origin=ORIGIN, trust=rsa_desk.trust, now=rsa_desk.now)


def test_a_card_without_extended_key_usage_is_taken(desk: Desk) -> None:
    assert desk.show(desk.pki.issue(purposes=None))


def test_several_authorities_stand_side_by_side(desk: Desk, now: datetime) -> None:
    for number, kind in enumerate(("rsa", "p256", "sm2")):
        other = Pki.make(now, kind, f"另一家{number}")
        (desk.folder / "ca" / f"{kind}.pem").write_bytes(other.issuing.certificate)
        (desk.folder / "crl" / f"{kind}.crl").write_bytes(other.crl())
        assert desk.show(other.issue()).issuer == f"CN=另一家{number}发卡机构"
    assert desk.show(desk.pki.issue())


# Another site, another time


def test_a_signature_for_another_site_is_refused(desk: Desk) -> None:
    card = desk.pki.issue()
    for origin in (
        "https://qingling.example.cn.evil.cn",
        "http://qingling.example.cn",
        f"{ORIGIN}:8443",
        "null",
    ):
        with refusal(SignatureWrong, "signature"):
            desk.show(card, origin=origin)


def test_a_signature_of_another_challenge_is_refused(desk: Desk) -> None:
    with refusal(SignatureWrong, "signature"):
        desk.show(desk.pki.issue(), signed=bytes(32))


def test_one_flipped_bit_of_the_signature_is_refused(desk: Desk) -> None:
    token = parse_token(desk.pki.issue().token(ORIGIN, NONCE))
    for place in (0, len(token.signature) // 2, len(token.signature) - 1):
        signature = bytearray(token.signature)
        signature[place] ^= 1
        with pytest.raises(SignatureWrong):
            verify_token(
                replace(token, signature=bytes(signature)),
                nonce=NONCE,
                origin=ORIGIN,
                trust=desk.trust,
                now=desk.now,
            )


def test_a_signature_over_something_else_is_refused(desk: Desk) -> None:
    card = desk.pki.issue()
    message = (
        sha256(NONCE).digest() + sha256(ORIGIN.encode()).digest()
    )  # the right halves the wrong way round
    algorithm = card.key.algorithms[0]
    token = CardToken(Algorithm(algorithm), card.certificate, card.key.sign(message, algorithm))
    with refusal(SignatureWrong, "signature"):
        verify_token(token, nonce=NONCE, origin=ORIGIN, trust=desk.trust, now=desk.now)


# The certificate


def test_a_certificate_swapped_for_another_persons_is_refused(desk: Desk) -> None:
    token = parse_token(desk.pki.issue().token(ORIGIN, NONCE))
    other = desk.pki.issue(key=make_key(desk.pki.kind))
    with refusal(SignatureWrong, "signature"):
        verify_token(
            replace(token, certificate=other.certificate),
            nonce=NONCE,
            origin=ORIGIN,
            trust=desk.trust,
            now=desk.now,
        )


def test_a_certificate_is_refused_before_and_after_its_time(desk: Desk) -> None:
    card = desk.pki.issue(from_at=desk.now, until_at=desk.now + DAY)
    assert desk.show(card) and desk.show(card, now=desk.now + DAY)
    with refusal(CertificateExpired, "not_yet_valid"):
        desk.show(card, now=desk.now - STEP)
    with refusal(CertificateExpired, "expired"):
        desk.show(card, now=desk.now + DAY + STEP)


def test_a_certificate_for_enciphering_is_refused(desk: Desk) -> None:
    for usages in (ENCIPHERING, ("content_commitment",), None):
        with refusal(CertificateUnfit, "key_usage"):
            desk.show(desk.pki.issue(usages=usages))


def test_a_servers_certificate_is_refused(desk: Desk) -> None:
    for purpose in (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE):
        with refusal(CertificateUnfit, "extended_key_usage"):
            desk.show(desk.pki.issue(purposes=[purpose]))


def test_an_authoritys_certificate_is_no_card(desk: Desk) -> None:
    card = desk.pki.issue(
        usages=(*SIGNING, *ISSUING), extensions=[(x509.BasicConstraints(ca=True, path_length=None), True)]
    )
    with refusal(CertificateUnfit, "authority"):
        desk.show(card)
    with refusal(CertificateUnfit, "key_usage"):
        desk.show(desk.pki.issuing)


def test_a_critical_extension_that_nobody_knows_is_refused(desk: Desk) -> None:
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.32473.9"), asn1.utf8("x"))
    policy = x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier("1.2.3"), None)])
    for extension in (unknown, policy):
        assert desk.show(desk.pki.issue(extensions=[(extension, False)]))
        with refusal(CertificateUnfit, "critical_extension"):
            desk.show(desk.pki.issue(extensions=[(extension, True)]))


def test_critical_extensions_that_are_known_are_no_obstacle(desk: Desk) -> None:
    mail = x509.SubjectAlternativeName([x509.RFC822Name("wang@example.cn")])
    for extension in (mail, x509.BasicConstraints(ca=False, path_length=None)):
        assert desk.show(desk.pki.issue(extensions=[(extension, True)]))


def test_one_flipped_bit_of_the_certificate_is_refused(desk: Desk) -> None:
    card = desk.pki.issue()
    at = card.certificate.index("王小明".encode()) + 2
    changed = bytearray(card.certificate)
    changed[at] ^= 1
    with refusal(CertificateUntrusted, "issuer"):
        desk.show(SoftCard(bytes(changed), card.key))


# Keys and algorithms


def test_weak_keys_are_refused(rsa_desk: Desk) -> None:
    with refusal(AlgorithmRefused, "key_size"):
        rsa_desk.show(rsa_desk.pki.issue(key=RsaKey.make(1024)))
    with refusal(AlgorithmRefused, "curve"):
        rsa_desk.show(rsa_desk.pki.issue(key=EcKey.make(ec.SECP384R1())))
    with refusal(AlgorithmRefused, "curve"):
        rsa_desk.show(rsa_desk.pki.issue(key=EcKey.make(ec.SECP256K1())))


def test_the_algorithm_has_to_be_the_keys(desk: Desk) -> None:
    token = parse_token(desk.pki.issue().token(ORIGIN, NONCE))
    for algorithm in set(Algorithm) - set(map(Algorithm, desk.pki.issuing.key.algorithms)):
        with refusal(AlgorithmRefused, "key"):
            verify_token(
                replace(token, algorithm=algorithm),
                nonce=NONCE,
                origin=ORIGIN,
                trust=desk.trust,
                now=desk.now,
            )


# What is no token at all


def test_what_is_not_der_is_refused(rsa_desk: Desk) -> None:
    card = rsa_desk.pki.issue()
    for wrong in (b"\x30", b"hello", card.certificate[:-1], card.certificate + b"\x00", rsa_desk.pki.crl()):
        with refusal(TokenMalformed, "der"):
            rsa_desk.show(SoftCard(wrong, card.key))


def test_serial_numbers_that_rfc_5280_forbids_are_refused(desk: Desk) -> None:
    assert desk.show(desk.pki.issue(serial=1)) and desk.show(desk.pki.issue(serial=1 << 159))
    with refusal(TokenMalformed, "der"):  # the library warns, and warnings are errors here
        desk.show(desk.pki.issue(serial=0))
    for serial in (-5, 0, 1 << 160):
        with warnings.catch_warnings(action="ignore"), refusal(CertificateUnfit, "serial"):
            desk.show(desk.pki.issue(serial=serial))

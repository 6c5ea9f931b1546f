"""SM2 with SM3: the standard's own example, and a certificate, a revocation list and a signature that OpenSSL made."""

import platform
import secrets
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from cardauth import sm2, sm2_curve
from cardauth.certificates import read_certificate
from cardauth.exceptions import CertificateRevoked, SignatureWrong
from cardauth.token import Algorithm, CardToken, parse_token
from cardauth.trust import TrustList, load_trust
from cardauth.verify import Card, verify_token
from tests.cardauth import openssl_sm2
from tests.cardauth.keys import Sm2Key, make_key
from tests.cardauth.pki import Pki

# GB/T 32918.5-2017, annex A.2: user id 1234567812345678, the recommended curve
KEY = bytes.fromhex(
    "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
MESSAGE = b"message digest"
R = 0xF5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3
S = 0xB1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA


@pytest.fixture(params=["gmssl", "ours"], autouse=True)
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Everything twice: with GmSSL, where it is installed, and as on machines that it has no wheel for."""
    if request.param == "ours":
        monkeypatch.setattr(sm2, "LIBRARY", None)
    return request.param


def test_gmssl_is_there_wherever_it_has_wheels(library: str) -> None:
    assert library == "ours" or (sm2.LIBRARY is not None) == (platform.machine() in ("x86_64", "AMD64"))


def test_the_standards_example_verifies() -> None:
    assert sm2.is_signature(KEY, MESSAGE, encode_dss_signature(R, S))


def test_one_flipped_bit_is_noticed() -> None:
    for bit in range(0, 256, 15):
        assert not sm2.is_signature(KEY, MESSAGE, encode_dss_signature(R ^ 1 << bit, S))
        assert not sm2.is_signature(KEY, MESSAGE, encode_dss_signature(R, S ^ 1 << bit))
    assert not sm2.is_signature(KEY, b"Message digest", encode_dss_signature(R, S))


def test_any_key_and_message(library: str) -> None:
    """Signed by our own arithmetic: what GmSSL says of it, it did not make itself."""
    for size in range(10):
        key, other = Sm2Key.make(), Sm2Key.make()
        message = secrets.token_bytes(size * 17)
        signature = key.certify(message)
        assert sm2.is_signature(key.point, message, signature)
        assert not sm2.is_signature(other.point, message, signature)
        assert not sm2.is_signature(key.point, message + b"x", signature)


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        b"\x30\x00",
        b"\x00" * 64,
        encode_dss_signature(R, S) + b"\x00",
        encode_dss_signature(R, S)[:-1],
        encode_dss_signature(0, S),
        encode_dss_signature(R, 0),
        encode_dss_signature(sm2_curve.ORDER, S),
        encode_dss_signature(R, S + sm2_curve.ORDER),
        encode_dss_signature(R, sm2_curve.ORDER - S),
        encode_dss_signature(R, sm2_curve.ORDER - R),
    ],
)
def test_other_signatures_are_none(signature: bytes) -> None:
    assert not sm2.is_signature(KEY, MESSAGE, signature)


def test_points_that_are_not_on_the_curve_are_no_keys() -> None:
    x, y = int.from_bytes(KEY[:32]), int.from_bytes(KEY[32:])
    beyond = (x + sm2_curve.P).to_bytes(33)[-32:] + KEY[32:]
    negative = KEY[:32] + (sm2_curve.P - y).to_bytes(32)  # on the curve, and another key
    for key in (bytes(64), b"\xff" * 64, KEY[32:] + KEY[:32], beyond, negative):
        assert not sm2.is_signature(key, MESSAGE, encode_dss_signature(R, S))


def test_the_arithmetic_knows_its_corners() -> None:
    base, infinity = sm2_curve.BASE, sm2_curve.INFINITY
    minus = (base[0], sm2_curve.P - base[1], 1)
    assert sm2_curve.add(base, infinity) == base == sm2_curve.add(infinity, base)
    assert sm2_curve.add(base, minus) == infinity
    assert sm2_curve.add(base, base) == sm2_curve.double(base)
    assert sm2_curve.double(infinity)[2] == 0
    assert sm2_curve.add_products(sm2_curve.ORDER - 1, base, 1, base)[2] == 0


def test_another_curves_key_is_no_sm2_key(now: datetime) -> None:
    assert sm2.read_key(Pki.make(now, "sm2").issue().x509) is not None
    for kind in ("rsa", "p256"):
        assert sm2.read_key(Pki.make(now, kind).issue().x509) is None


@pytest.mark.parametrize(
    ("above", "kind"), [("sm2", "rsa"), ("sm2", "p256"), ("rsa", "sm2"), ("p256", "sm2")]
)
def test_card_and_authority_of_different_kinds(now: datetime, tmp_path: Path, above: str, kind: str) -> None:
    """Who checks the path depends on the authority's signature, who checks the challenge on the card's key."""
    pki = Pki.make(now, above)
    token = parse_token(pki.issue(key=make_key(kind)).token("o", bytes(32)))
    trust = load_trust(pki.write(tmp_path))
    assert verify_token(token, nonce=bytes(32), origin="o", trust=trust, now=now)
    with pytest.raises(SignatureWrong):
        verify_token(token, nonce=bytes(31) + b"x", origin="o", trust=trust, now=now)


# What OpenSSL made

LATER = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.fixture
def trust(tmp_path: Path) -> TrustList:
    for name, text in (("ca/openssl.pem", openssl_sm2.AUTHORITY), ("crl/openssl.pem", openssl_sm2.LIST)):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    return load_trust(tmp_path)


def show(trust: TrustList, certificate: bytes, signature: bytes = openssl_sm2.SIGNATURE) -> Card:
    token = CardToken(Algorithm.SM2SM3, certificate, signature)
    return verify_token(token, nonce=openssl_sm2.NONCE, origin=openssl_sm2.ORIGIN, trust=trust, now=LATER)


def test_what_openssl_made_verifies(trust: TrustList) -> None:
    assert trust.alarms(LATER) == []
    assert show(trust, openssl_sm2.CARD).certificate == read_certificate(openssl_sm2.CARD)
    with pytest.raises(CertificateRevoked):
        show(trust, openssl_sm2.REVOKED)
    r, s = decode_dss_signature(openssl_sm2.SIGNATURE)
    with pytest.raises(SignatureWrong):
        show(trust, openssl_sm2.CARD, encode_dss_signature(r, s ^ 1))

"""Who issued a card, and whether it has been revoked: each wrong one with a token made for it."""

from dataclasses import replace
from datetime import datetime

from cardauth.exceptions import CertificateRevoked, CertificateUntrusted, TrustUnavailable
from tests.cardauth import asn1
from tests.cardauth.conftest import STEP, Desk, refusal
from tests.cardauth.keys import RsaKey, Sha1Key, make_key
from tests.cardauth.pki import DAY, Pki, SoftCard

# Who issued it


def test_an_authority_of_the_same_name_is_refused(desk: Desk) -> None:
    impostor = desk.pki.impostor()
    with refusal(CertificateUntrusted, "issuer"):
        desk.show(impostor.issue())


def test_an_unknown_authority_is_refused(desk: Desk, now: datetime) -> None:
    for kind in ("rsa", "p256", "sm2"):
        with refusal(CertificateUntrusted, "issuer"):
            desk.show(Pki.make(now, kind, "没人认识的").issue())


def test_a_certificate_that_signed_itself_is_refused(desk: Desk) -> None:
    card = desk.pki.issue()
    itself = replace(desk.pki, issuing=card)
    with refusal(CertificateUntrusted, "issuer"):
        desk.show(itself.issue())


def test_a_card_issued_by_a_card_is_refused(desk: Desk) -> None:
    """Depth 1 it is: what a card signs is nobody's certificate."""
    holder = desk.pki.issue()
    below = replace(desk.pki, issuing=holder).issue(key=make_key(desk.pki.kind))
    with refusal(CertificateUntrusted, "issuer"):
        desk.show(below)


def test_an_authority_whose_own_certificate_has_expired_is_refused(desk: Desk) -> None:
    later = desk.now + 20 * 365 * DAY
    desk.put(desk.pki.crl(until_at=later + DAY))
    card = desk.pki.issue(until_at=later + DAY)
    with refusal(TrustUnavailable, "closed"):
        desk.show(card, now=later)
    other = Pki.make(later, "rsa", "以后的")
    (desk.folder / "ca" / "later.crt").write_bytes(other.issuing.certificate)
    (desk.folder / "crl" / "later.crl").write_bytes(other.crl())
    with refusal(TrustUnavailable, "authority"):
        desk.show(card, now=later)
    with refusal(CertificateUntrusted, "issuer"):
        desk.show(desk.pki.impostor().issue(until_at=later + DAY), now=later)
    assert desk.show(other.issue(), now=later)


def test_signatures_with_sha1_are_refused(rsa_desk: Desk) -> None:
    """The authority's own, of the certificate and of the list: right, and worth nothing."""
    key = rsa_desk.pki.issuing.key
    assert isinstance(key, RsaKey)
    weak = replace(rsa_desk.pki, issuing=replace(rsa_desk.pki.issuing, key=Sha1Key(key.private)))
    with refusal(CertificateUntrusted, "issuer"):
        rsa_desk.show(weak.issue())
    rsa_desk.put(weak.crl())
    with refusal(TrustUnavailable, "closed"):
        rsa_desk.show(rsa_desk.pki.issue())


def test_the_algorithm_inside_has_to_be_the_one_outside(desk: Desk) -> None:
    """RFC 5280, 4.1.1.2: else what is signed says another thing than how it is checked."""
    signer, card = desk.pki.issuing.key, desk.pki.issue()
    at = -3 if desk.pki.kind == "rsa" else -1  # the last byte of the OID; RSA's has NULL behind it
    inside = bytearray(signer.identifier)
    inside[at] ^= 7
    for other, taken in ((bytes(inside), False), (signer.identifier, True)):
        tbs = card.x509.tbs_certificate_bytes.replace(signer.identifier, other, 1)
        made = SoftCard(asn1.sequence(tbs, signer.identifier, asn1.bits(signer.certify(tbs))), card.key)
        if taken:
            assert desk.show(made)
        else:
            with refusal(CertificateUntrusted, "issuer"):
                desk.show(made)


# Revocation


def test_a_revoked_card_is_refused(desk: Desk) -> None:
    card, other = desk.pki.issue(), desk.pki.issue()
    desk.put(desk.pki.crl([card]))
    with refusal(CertificateRevoked, "revoked"):
        desk.show(card)
    assert desk.show(other)


def test_a_stale_list_closes_signing_in(desk: Desk) -> None:
    card = desk.pki.issue()
    desk.put(desk.pki.crl(until_at=desk.now + STEP))
    assert desk.show(card)
    with refusal(TrustUnavailable, "closed"):
        desk.show(card, now=desk.now + STEP)


def test_a_forged_list_is_worth_nothing(desk: Desk) -> None:
    """A list that leaves the card out, by somebody of the authority's name: as if there were none."""
    desk.put(desk.pki.impostor().crl())
    with refusal(TrustUnavailable, "closed"):
        desk.show(desk.pki.issue())


def test_one_flipped_bit_of_the_list_is_refused(desk: Desk) -> None:
    card = desk.pki.issue(serial=0x1234567890ABCDEF)
    crl = bytearray(desk.pki.crl([card]))
    crl[crl.index(bytes.fromhex("1234567890ABCDEF"))] ^= 1
    desk.put(bytes(crl))
    with refusal(TrustUnavailable, "closed"):
        desk.show(card)


def test_without_a_list_of_its_own_a_card_is_refused(desk: Desk, now: datetime) -> None:
    other = Pki.make(now, "rsa", "另一家")
    (desk.folder / "ca" / "other.crt").write_bytes(other.issuing.certificate)
    with refusal(TrustUnavailable, "revocation_list"):
        desk.show(other.issue())
    assert desk.show(desk.pki.issue())

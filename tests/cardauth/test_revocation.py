"""Revocation lists: which are relied on, and about which certificates each of them is."""

from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from cardauth.exceptions import CertificateRevoked, TrustUnavailable
from tests.cardauth import asn1
from tests.cardauth.conftest import Desk
from tests.cardauth.keys import make_key
from tests.cardauth.pki import DAY, Extension

FLAGS = (
    "only_contains_user_certs",
    "only_contains_ca_certs",
    "only_contains_attribute_certs",
    "indirect_crl",
)
NAMES = ("full_name", "relative_name", "only_some_reasons")


def address(number: int) -> list[x509.GeneralName]:
    return [x509.UniformResourceIdentifier(f"http://crl.example.cn/crl{number}.crl")]


def directory(number: int) -> list[x509.GeneralName]:
    """As some Chinese authorities call the parts of their lists."""
    return [x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"crl{number}")]))]


def scope(**changes: Any) -> list[Extension]:
    """What a list says about which certificates it is about."""
    says: dict[str, Any] = {**dict.fromkeys(FLAGS, False), **dict.fromkeys(NAMES), **changes}
    return [(x509.IssuingDistributionPoint(**says), True)]


def named(*names: x509.GeneralName) -> list[Extension]:
    """What a certificate says about its list."""
    point = x509.DistributionPoint(full_name=names, relative_name=None, reasons=None, crl_issuer=None)
    return [(x509.CRLDistributionPoints([point]), False)]


def test_the_newest_list_counts(desk: Desk) -> None:
    card = desk.pki.issue()
    desk.put(desk.pki.crl([card], from_at=desk.now - 2 * DAY))
    (desk.folder / "crl" / "newer.crl").write_bytes(desk.pki.crl())  # the card was only on hold
    assert desk.show(card)


@pytest.mark.parametrize("name", [address, directory])
def test_the_parts_of_a_list_are_each_about_their_own_certificates(desk: Desk, name: Any) -> None:
    first, second = (desk.pki.issue(extensions=named(*name(number))) for number in (1, 2))
    desk.put(desk.pki.crl(extensions=scope(full_name=name(1))))
    assert desk.show(first)
    for card in (second, desk.pki.issue()):  # of another part, and of none
        with pytest.raises(TrustUnavailable, check=lambda refused: refused.reason == "revocation_list"):
            desk.show(card)
    (desk.folder / "crl" / "2.crl").write_bytes(
        desk.pki.crl([second], extensions=scope(full_name=name(2)), until_at=desk.now + DAY)
    )
    assert desk.show(first)
    with pytest.raises(CertificateRevoked):
        desk.show(second)
    with pytest.raises(TrustUnavailable, check=lambda refused: refused.reason == "revocation_list"):
        desk.show(second, now=desk.now + DAY)  # its own part is overdue, though another is not
    assert desk.show(first, now=desk.now + DAY)


def test_one_of_several_names_is_enough(desk: Desk) -> None:
    card = desk.pki.issue(extensions=named(*directory(1), *address(2)))
    for names in (directory(1), address(2), [*address(9), *address(2)]):
        desk.put(desk.pki.crl([card], extensions=scope(full_name=names)))
        with pytest.raises(CertificateRevoked):
            desk.show(card)


def test_a_list_about_all_users_is_about_every_card(desk: Desk) -> None:
    desk.put(desk.pki.crl(extensions=scope(only_contains_user_certs=True)))
    assert desk.show(desk.pki.issue(extensions=named(*address(1)))) and desk.show(desk.pki.issue())


RELATIVE = x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COMMON_NAME, "crl1")])


@pytest.mark.parametrize(
    "says",
    [
        {"only_contains_ca_certs": True},
        {"only_contains_attribute_certs": True},
        {"indirect_crl": True},
        {"relative_name": RELATIVE},
        {"only_some_reasons": frozenset({x509.ReasonFlags.key_compromise})},
    ],
)
def test_lists_of_other_kinds_are_not_relied_on(desk: Desk, says: dict[str, Any]) -> None:
    desk.put(desk.pki.crl(extensions=scope(**says)))
    assert desk.trust.alarms(desk.now)[0].startswith("文件 crl/issuing.crl 没有采用：")
    with pytest.raises(TrustUnavailable):
        desk.show(desk.pki.issue())


def test_a_part_without_a_name_is_not_about_everybody(desk: Desk) -> None:
    nameless = asn1.sequence(asn1.explicit(0, asn1.explicit(0, b"")))
    point = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.28"), nameless)
    desk.put(desk.pki.crl(extensions=[(point, True)]))
    assert not desk.trust.is_open(desk.now) and "crl/issuing.crl" in desk.trust.alarms(desk.now)[0]


def test_a_list_of_differences_is_not_relied_on(desk: Desk) -> None:
    desk.put(desk.pki.crl(extensions=[(x509.DeltaCRLIndicator(1), True)]))
    assert "含有系统不认识的关键扩展项" in desk.trust.alarms(desk.now)[0]


def test_a_list_that_does_not_say_until_when_is_not_relied_on(desk: Desk) -> None:
    desk.put(desk.pki.crl(says_until=False))
    assert desk.trust.alarms(desk.now)[0] == "文件 crl/issuing.crl 没有采用：没有注明下次更新的时间。"


def test_a_list_signed_with_another_kind_of_key_is_nobodys(desk: Desk) -> None:
    for kind in {"rsa", "p256", "sm2"} - {desk.pki.kind}:
        other = replace(desk.pki, issuing=replace(desk.pki.issuing, key=make_key(kind)))
        desk.put(other.crl())
        assert "不是由 ca 目录中的发卡机构签发的" in desk.trust.alarms(desk.now)[0]

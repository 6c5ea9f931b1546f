"""Which way to sign is chosen from key, card and settings; and SM2, which no module at hand offers: its digest and
its signature's form are held against the standards' own examples, OpenSSL and the server's verification.
"""

from dataclasses import replace
from hashlib import new as new_hash

import pytest
from cryptography.hazmat.primitives.asymmetric import utils
from hypothesis import given
from hypothesis import strategies as st

from cardauth import sm2_curve
from cardauth.agent import mechanisms
from cardauth.agent.certificates import CertificateFacts, KeyKind, read_certificate
from cardauth.agent.mechanisms import list_ways
from cardauth.agent.settings import AgentSettings
from cardauth.agent.sm2 import digest_for_sm2, sm3, write_sm2_signature
from cardauth.sm2 import is_signature
from tests.cardauth import openssl_sm2
from tests.cardauth.keys import Sm2Key

EVERYTHING = {0x01, 0x40, 0x0D, 0x43, 0x1041, 0x1044, 0x80000107}


def facts(key: KeyKind | None) -> CertificateFacts:
    return CertificateFacts("", "", "", key, b"\x04" + bytes(64), signs=True)


@pytest.mark.parametrize(
    ("key", "offered", "expected"),
    [
        ("RSA", EVERYTHING, [("RS256", 0x40), ("PS256", 0x43)]),
        ("RSA", {0x01, 0x0D}, [("RS256", 0x01), ("PS256", 0x0D)]),
        ("RSA", {0x43}, [("PS256", 0x43)]),
        ("RSA", {0x1041}, []),
        ("P-256", EVERYTHING, [("ES256", 0x1044)]),
        ("P-256", {0x1041}, [("ES256", 0x1041)]),
        ("SM2", EVERYTHING, []),
        (None, EVERYTHING, []),
    ],
)
def test_the_way_to_sign(key: KeyKind | None, offered: set[int], expected: list[tuple[str, int]]) -> None:
    ways = list_ways(facts(key), offered, AgentSettings())
    assert [(way.algorithm, way.mechanism) for way in ways] == expected


def test_the_settings_choose_and_leave_out() -> None:
    settings = AgentSettings(algorithms=("PS256", "RS256"), sm2_mechanism=0x80000107)
    assert [way.algorithm for way in list_ways(facts("RSA"), EVERYTHING, settings)] == ["PS256", "RS256"]
    assert list_ways(facts("P-256"), EVERYTHING, settings) == []
    assert list_ways(facts("SM2"), EVERYTHING, settings) == []


def test_an_answer_of_the_wrong_form_is_no_signature() -> None:
    (way,) = list_ways(facts("P-256"), {mechanisms.CKM_ECDSA}, AgentSettings())
    assert way.finish(bytes(64)) == bytes(64)
    with pytest.raises(ValueError):
        way.finish(bytes(70))


@pytest.mark.parametrize(
    ("message", "digest"),
    [  # GB/T 32905-2016, appendix A
        (b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
        (b"abcd" * 16, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"),
    ],
)
def test_sm3_against_its_standard(message: bytes, digest: str) -> None:
    assert sm3(message).hex() == digest


@given(st.binary(max_size=300))
def test_sm3_against_openssl(message: bytes) -> None:
    assert sm3(message) == new_hash("sm3", message).digest()


@pytest.mark.parametrize("point", [b"", b"\x02" + bytes(32), b"\x04" + bytes(63)])
def test_a_key_that_is_no_point_has_no_digest(point: bytes) -> None:
    with pytest.raises(ValueError):
        digest_for_sm2(point, b"message")


@given(st.binary(min_size=64, max_size=64))
def test_two_numbers_side_by_side_become_der(signature: bytes) -> None:
    der = write_sm2_signature(signature)
    r, s = utils.decode_dss_signature(der)
    assert r.to_bytes(32, "big") + s.to_bytes(32, "big") == signature
    assert write_sm2_signature(der) == der


def test_what_a_card_signs_is_what_the_server_verifies() -> None:
    key = Sm2Key.make()
    point = b"\x04" + key.point
    (way,) = list_ways(
        replace(facts("SM2"), point=point), EVERYTHING, AgentSettings(sm2_mechanism=0x80000107)
    )
    message = bytes(range(64))
    assert int.from_bytes(way.prepare(message), "big") == sm2_curve.digest(key.point, message)
    r, s = utils.decode_dss_signature(key.sign(message, "SM2SM3"))
    answer = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    assert is_signature(key.point, message, way.finish(answer))
    assert not is_signature(key.point, message, way.finish(answer[:-1] + bytes([answer[-1] ^ 1])))


def test_a_module_that_makes_the_digest_itself_gets_the_message() -> None:
    settings = AgentSettings(sm2_mechanism=0x80000107, sm2_input="message")
    (way,) = list_ways(facts("SM2"), EVERYTHING, settings)
    assert (way.algorithm, way.prepare(b"message")) == ("SM2SM3", b"message")


def test_an_sm2_certificate_of_openssl_is_read() -> None:
    read = read_certificate(openssl_sm2.CARD)
    assert (read.key, read.holder, read.organisation, read.signs) == (
        "SM2",
        "测试人",
        "OpenSSL 测试企业",
        True,
    )
    assert (len(read.point), read.point[0]) == (65, 4)


@pytest.mark.parametrize("wrong", [b"", bytes(63), b"\x30\x00", b"\x30\x03\x02\x01\x01", b"\x04\x01\x00"])
def test_what_is_no_sm2_signature(wrong: bytes) -> None:
    with pytest.raises(ValueError):
        write_sm2_signature(wrong)

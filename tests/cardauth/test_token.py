"""The JSON of a token: its limits and its format, before anything is believed."""

import base64
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardauth.exceptions import AlgorithmRefused, TokenMalformed
from cardauth.token import CERTIFICATE_MAX_BYTES, SIGNATURE_MAX_BYTES, Algorithm, CardToken, parse_token


def token(**changes: Any) -> dict[str, Any]:
    return {
        "format": "qingling-card:1",
        "algorithm": "ES256",
        "certificate": base64.b64encode(b"certificate").decode(),
        "signature": base64.b64encode(b"signature").decode(),
        **changes,
    }


def without(field: str) -> dict[str, Any]:
    return {name: value for name, value in token().items() if name != field}


def b64(size: int) -> str:
    return base64.b64encode(bytes(size)).decode()


def reason_of(data: Any) -> str:
    with pytest.raises(TokenMalformed) as refused:
        parse_token(data)
    return refused.value.reason


def test_a_token_is_taken_apart() -> None:
    parsed = parse_token(token())
    assert parsed.algorithm is Algorithm.ES256
    assert (parsed.certificate, parsed.signature) == (b"certificate", b"signature")


def test_the_largest_token_is_taken() -> None:
    parsed = parse_token(token(certificate=b64(CERTIFICATE_MAX_BYTES), signature=b64(SIGNATURE_MAX_BYTES)))
    assert (len(parsed.certificate), len(parsed.signature)) == (8192, 1024)


@pytest.mark.parametrize("field", ["certificate", "signature"])
def test_what_is_too_long_or_empty_is_refused(field: str) -> None:
    limit = {"certificate": CERTIFICATE_MAX_BYTES, "signature": SIGNATURE_MAX_BYTES}[field]
    assert reason_of(token(**{field: b64(limit + 1)})) == "size"
    assert reason_of(token(**{field: b64(10_000_000)})) == "size"
    assert reason_of(token(**{field: ""})) == "size"


def test_a_token_built_by_hand_is_held_to_the_limits_too() -> None:
    for certificate, signature in ((8193, 1), (0, 1), (1, 1025), (1, 0)):
        with pytest.raises(TokenMalformed, check=lambda refused: refused.reason == "size"):
            CardToken(Algorithm.ES256, bytes(certificate), bytes(signature))


def test_what_is_too_long_is_not_even_decoded() -> None:
    assert reason_of(token(certificate="!" * 20_000)) == "size"


@pytest.mark.parametrize("field", ["certificate", "signature"])
@pytest.mark.parametrize(
    "wrong", ["a", "ab=c", "YWJj\n", " YWJj", "YWJj-_==", "证书", "YW\x00Jj", "====", "YWJjZA"]
)
def test_what_is_not_base64_is_refused(field: str, wrong: str) -> None:
    assert reason_of(token(**{field: wrong})) == "base64"


@pytest.mark.parametrize(
    "wrong", ["", "qingling-card:2", "web-eid:1", "QINGLING-CARD:1", None, 1, ["qingling-card:1"]]
)
def test_another_format_is_refused(wrong: Any) -> None:
    assert reason_of(token(format=wrong)) == "format"


@pytest.mark.parametrize(
    "wrong", ["none", "HS256", "RS1", "es256", "RS512", "", None, 7, ["ES256"], {"a": 1}]
)
def test_an_algorithm_that_is_not_on_the_list_is_refused(wrong: Any) -> None:
    with pytest.raises(AlgorithmRefused):
        parse_token(token(algorithm=wrong))


def test_missing_strange_and_wrong_fields_are_refused() -> None:
    for data in (*(without(field) for field in token()), token(nonce="x"), token(origin="https://a.cn"), {}):
        assert reason_of(data) == "shape"
    for data in (None, [], "token", 1, [token()]):
        assert reason_of(data) == "shape"
    for value in (None, 1, b"YWJj", ["YWJj"], {"a": "b"}, True):
        assert reason_of(token(certificate=value)) == "shape"
        assert reason_of(token(signature=value)) == "shape"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "format": st.just("qingling-card:1") | JSON,
            "algorithm": st.sampled_from(list(Algorithm)) | JSON,
            "certificate": st.binary(max_size=64).map(lambda raw: base64.b64encode(raw).decode()) | JSON,
            "signature": st.binary(max_size=64).map(lambda raw: base64.b64encode(raw).decode()) | JSON,
        },
    )
    | JSON
)
@settings(deadline=None)
def test_nothing_breaks_it(data: Any) -> None:
    with suppress(TokenMalformed, AlgorithmRefused):
        parse_token(data)


def test_a_token_and_what_it_is_refused_for_show_nothing_of_it() -> None:
    secret = base64.b64encode("王小明".encode()).decode()
    assert secret not in repr(parse_token(token(certificate=secret)))
    with pytest.raises(TokenMalformed) as refused:
        parse_token(token(certificate="王小明"))
    assert refused.value.__context__ is None and "王" not in f"{refused.value!r}{refused.value.details}"

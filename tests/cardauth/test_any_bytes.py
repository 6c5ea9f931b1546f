"""Whatever bytes a token carries, the answer is a card or a CardRefused: random ones, and real ones bent in one place."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cardauth.der import read_elements, read_text
from cardauth.exceptions import CardRefused, SubjectIncomplete
from cardauth.mapping import CardMapping
from cardauth.revocation import ListUnusable, read_list
from cardauth.token import Algorithm, CardToken, parse_token
from cardauth.trust import TrustList, load_trust
from cardauth.verify import verify_token
from tests.cardauth.conftest import KINDS, NONCE, ORIGIN
from tests.cardauth.pki import Pki

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> TrustList:
    """All three kinds at once."""
    folder: Path = tmp_path_factory.mktemp("trust")
    for kind in KINDS:
        pki = Pki.make(NOW, kind)
        pki.write(folder)
        for name in ("ca/issuing.crt", "crl/issuing.crl"):
            (folder / name).rename((folder / name).with_stem(kind))
    return load_trust(folder)


@cache
def real_token(kind: str) -> CardToken:
    return parse_token(Pki.make(NOW, kind).issue().token(ORIGIN, NONCE))


def look(make: Callable[[], CardToken], trust: TrustList) -> None:
    """Verified and read, or refused."""
    with suppress(CardRefused):
        card = verify_token(make(), nonce=NONCE, origin=ORIGIN, trust=trust, now=NOW)
        CardMapping.default().read(card.certificate)


@given(st.sampled_from(list(Algorithm)), st.binary(max_size=200), st.binary(max_size=100))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_bytes(trust: TrustList, algorithm: Algorithm, certificate: bytes, signature: bytes) -> None:
    look(lambda: CardToken(algorithm, certificate, signature), trust)


Bend = Callable[[bytes], bytes]


def overwrite(place: float, with_bytes: bytes) -> Bend:
    def bend(data: bytes) -> bytes:
        at = int(place * len(data))
        return data[:at] + with_bytes + data[at + len(with_bytes) :]

    return bend


def cut(place: float, length: int, filling: bytes) -> Bend:
    def bend(data: bytes) -> bytes:
        at = int(place * len(data))
        return data[:at] + filling + data[at + length :]

    return bend


PLACE = st.floats(0, 1, exclude_max=True)
BENDS = st.lists(
    st.builds(overwrite, PLACE, st.binary(min_size=1, max_size=4))
    | st.builds(cut, PLACE, st.integers(0, 20), st.binary(max_size=8)),
    min_size=1,
    max_size=3,
)


@given(st.sampled_from(KINDS), BENDS, st.sampled_from(["certificate", "signature"]))
@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_real_tokens_bent(trust: TrustList, kind: str, bends: list[Bend], part: str) -> None:
    token = real_token(kind)
    data = bytes(getattr(token, part))
    for bend in bends:
        data = bend(data)
    parts = {"certificate": token.certificate, "signature": token.signature, part: data}
    look(lambda: CardToken(token.algorithm, **parts), trust)


@given(st.sampled_from(KINDS), BENDS)
@settings(deadline=None)
def test_bent_certificates_are_read_or_refused_by_the_mapping(kind: str, bends: list[Bend]) -> None:
    """Past the signature, as an authority's own mistake would be."""
    from cardauth.certificates import try_reading

    data = real_token(kind).certificate
    for bend in bends:
        data = bend(data)
    if (certificate := try_reading(data)) is not None:
        with suppress(SubjectIncomplete):
            CardMapping.default().read(certificate)


@given(st.binary(max_size=60))
@settings(deadline=None)
def test_der_is_read_or_a_value_error(data: bytes) -> None:
    with suppress(ValueError):
        assert b"".join(element.whole for element in read_elements(data)) == data
    with suppress(ValueError):
        assert isinstance(read_text(data), str)


@given(BENDS)
@settings(deadline=None)
def test_bent_lists_are_read_or_told_of(bends: list[Bend]) -> None:
    data = Pki.make(NOW).crl()
    for bend in bends:
        data = bend(data)
    with suppress(ListUnusable):
        read_list(data)

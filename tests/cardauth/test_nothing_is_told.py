"""A refused card leaves no trace of a person: not in the refusal, its traceback, the log, nor on the standard outputs."""

import logging
import traceback
from collections.abc import Callable
from datetime import datetime

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from structlog.testing import capture_logs

import cardauth.exceptions as exceptions
from cardauth.exceptions import CardRefused
from cardauth.mapping import CardMapping
from tests.cardauth.conftest import Desk
from tests.cardauth.pki import DAY, ENCIPHERING, Holder, Pki, SoftCard

PERSONAL = ("王小明", "连云港测试", "91320700MA1QL0002C", "2100040012345", "13900000001")


def show_revoked(desk: Desk) -> None:
    card = desk.pki.issue()
    desk.put(desk.pki.crl([card]))
    desk.show(card)


def read_incomplete(desk: Desk) -> None:
    CardMapping.default().read(desk.show(desk.pki.issue(Holder(uscc=None))).certificate)


REFUSED: dict[str, Callable[[Desk], object]] = {
    "signature": lambda desk: desk.show(desk.pki.issue(), origin="https://evil.example.cn"),
    "untrusted": lambda desk: desk.show(desk.pki.impostor().issue()),
    "expired": lambda desk: desk.show(desk.pki.issue(until_at=desk.now - DAY)),
    "certificate": lambda desk: desk.show(desk.pki.issue(usages=ENCIPHERING)),
    "revoked": show_revoked,
    "subject": read_incomplete,
    "malformed": lambda desk: desk.show(SoftCard(desk.pki.issue().certificate[:-9], desk.pki.issue().key)),
    "trust": lambda desk: desk.show(desk.pki.issue(), now=desk.now + 8 * DAY),
}


@pytest.mark.parametrize("code", REFUSED)
def test_a_refusal_tells_nothing_about_anybody(
    desk: Desk, code: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG), capture_logs() as logs, pytest.raises(CardRefused) as refused:
        REFUSED[code](desk)
    error = refused.value
    assert error.code == code
    told = [
        str(error),
        repr(error),
        repr(error.details),
        error.reason,
        *map(str, logs),
        caplog.text,
        *capfd.readouterr(),
    ]
    told.append("".join(traceback.format_exception(error)))
    for text in told:
        assert not any(personal in text for personal in PERSONAL)


def test_the_librarys_own_words_are_not_kept(desk: Desk, now: datetime) -> None:
    """A VerificationError quotes the certificate; it is not even the refusal's context."""
    for card in (desk.pki.impostor().issue(), desk.pki.issue(purposes=[ExtendedKeyUsageOID.SERVER_AUTH])):
        with pytest.raises(CardRefused) as refused:
            desk.show(card)
        assert refused.value.__context__ is None and refused.value.__cause__ is None
    assert Pki.make(now).issue()


def test_every_refusal_has_a_sentence_and_a_code_of_its_own() -> None:
    kinds = [
        kind for kind in vars(exceptions).values() if isinstance(kind, type) and issubclass(kind, CardRefused)
    ]
    assert len(kinds) == 11 == len({kind.code for kind in kinds})
    for kind in kinds:
        assert kind().message.endswith("。") and kind().details == {"code": kind.code}

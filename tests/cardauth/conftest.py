"""A PKI of each kind with its trust list, and one challenge. The site is a public one: what counts is the text of its origin."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cardauth.exceptions import CardRefused
from cardauth.token import parse_token
from cardauth.trust import TrustList, load_trust
from cardauth.verify import Card, verify_token
from tests.cardauth.pki import Pki, SoftCard

ORIGIN = "https://qingling.example.cn"
NONCE = bytes(range(32))
STEP = timedelta(seconds=1)
KINDS = ("rsa", "p256", "sm2")


def refusal(kind: type[CardRefused], reason: str) -> pytest.RaisesExc[CardRefused]:
    """Exactly this refusal, for exactly this reason."""
    return pytest.raises(kind, check=lambda error: type(error) is kind and error.reason == reason)


class Desk:
    """Where cards are shown: an authority of one kind, the trust list that the server has, and the moment."""

    def __init__(self, pki: Pki, folder: Path, now: datetime) -> None:
        self.pki, self.folder, self.now = pki, folder, now
        pki.write(folder)

    @property
    def trust(self) -> TrustList:
        return load_trust(self.folder)

    def put(self, crl: bytes) -> None:
        """This is the authority's list from now on."""
        (self.folder / "crl" / "issuing.crl").write_bytes(crl)

    def show(
        self, card: SoftCard, *, origin: str = ORIGIN, signed: bytes = NONCE, now: datetime | None = None
    ) -> Card:
        """The server looks at a token made for this origin and nonce; it stands at ORIGIN and asked with NONCE."""
        token = parse_token(card.token(origin, signed))
        return verify_token(token, nonce=NONCE, origin=ORIGIN, trust=self.trust, now=now or self.now)


@pytest.fixture(params=KINDS)
def desk(request: pytest.FixtureRequest, now: datetime, tmp_path: Path) -> Desk:
    """One of each kind."""
    return Desk(Pki.make(now, request.param), tmp_path, now)


@pytest.fixture
def rsa_desk(now: datetime, tmp_path: Path) -> Desk:
    """Of RSA only, for what is the same for all."""
    return Desk(Pki.make(now, "rsa"), tmp_path, now)

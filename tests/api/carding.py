"""Programs with a card: an authority that the server trusts, its cards, and what they sign."""

from base64 import b64decode
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any

import httpx

from tests.api.applying import Applicant, add_applicant
from tests.api.conftest import ORIGIN, World
from tests.cardauth.pki import Holder, Pki, SoftCard
from tests.tasks.applicants import make_uscc

_numbers = count(2_100_000_000_001)


def trust(world: World, **changes: Any) -> Pki:
    """The authority whose cards this server takes; `changes` are those of its revocation list."""
    pki = Pki.make(datetime.now(UTC))
    folder = pki.write(world.wired.settings.demo_cards_dir / "trust")
    if changes:
        (folder / "crl" / "issuing.crl").write_bytes(pki.crl(**changes))
    return pki


def make_card(pki: Pki, **changes: Any) -> SoftCard:
    """A card of its own number, and, if not said, of an enterprise nobody knows."""
    said: dict[str, Any] = {"uscc": make_uscc(), "card_number": str(next(_numbers)), **changes}
    return pki.issue(Holder(**said))


@dataclass
class CardHolder:
    """One program, one card in its reader, one phone."""

    applicant: Applicant
    card: SoftCard

    @property
    def client(self) -> httpx.AsyncClient:
        return self.applicant.client

    async def ask(self, purpose: str) -> tuple[str, bytes]:
        """A challenge and its nonce."""
        asked = await self.client.post("/api/v1/card/challenge", json={"purpose": purpose})
        assert asked.status_code == 201, asked.text
        return asked.json()["challenge"], b64decode(asked.json()["nonce"])

    async def sign(self, purpose: str) -> dict[str, Any]:
        """What every route with a card wants: a challenge, and the card's token for it."""
        challenge, nonce = await self.ask(purpose)
        return {"challenge": challenge, "token": self.card.token(ORIGIN, nonce)}

    async def sign_in(self, **more: Any) -> httpx.Response:
        """Sign in with it."""
        return await self.client.post("/api/v1/sign-in/card", json=await self.sign("sign_in") | more)

    async def bind(self) -> httpx.Response:
        """Bind it to whoever the program acts for."""
        return await self.client.post("/api/v1/me/cards", json=await self.sign("bind"))

    async def register(self, path: str = "", **more: Any) -> httpx.Response:
        """Prove the phone too, and register; or, at `/request`, ask a registrar."""
        await self.applicant.ask()
        phone = {"phone": self.applicant.phone, "code": self.applicant.code}
        body = await self.sign("register") | phone | {"code_challenge": self.applicant.challenge}
        return await self.client.post(
            f"/api/v1/registrations/card{path}", json=body | {"office": "2301"} | more
        )


def add_holder(world: World, card: SoftCard, phone: str | None = None) -> CardHolder:
    """Somebody with this card and no account."""
    return CardHolder(add_applicant(world, phone), card)


def give_card(world: World, name: str, card: SoftCard) -> CardHolder:
    """The same card at the program of somebody who has signed in."""
    return CardHolder(Applicant(world.client(name), add_applicant(world).pigeons, ""), card)

"""A card in front of a browser: what it has to sign, whether what it signed holds, and what it says.

The challenge is taken and that is committed before anything is verified; everything is verified before anybody is looked up.
Refusals of `cardauth` are general sentences; their codes go to the log, the list of sign-ins and the audit log.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from fastapi import Request
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from api.security import browser_key, client_ip
from api.sessions import SignedOut, keep
from cardauth.exceptions import CardRefused, ChallengeGone, TrustUnavailable
from cardauth.mapping import CardMapping
from cardauth.token import parse_token
from cardauth.trust import TrustStore
from cardauth.verify import verify_token
from domain.actor import Actor
from domain.card_challenges import Asked, issue_challenge, record_failure, take_challenge
from domain.card_facts import CardFacts, tidy_facts
from domain.exceptions import CardUnfit

log = structlog.get_logger(__name__)
READ = Counter("qingling_cards", "Cards that were read, by what came of it", ["purpose", "outcome"])


@dataclass(frozen=True)
class CardReader:
    """Whose cards are let in, how their certificates are read, and under which origin they sign."""

    trust: TrustStore
    mapping: CardMapping
    origin: str

    def read(self, token: Mapping[str, Any], nonce: bytes, now: datetime) -> CardFacts:
        """What a card says that has signed this nonce for us. Raises CardRefused, CardUnfit."""
        card = verify_token(
            parse_token(token), nonce=nonce, origin=self.origin, trust=self.trust.current(now), now=now
        )
        subject = self.mapping.read(card.certificate)
        return tidy_facts(
            CardFacts(
                issuer=card.issuer,
                number=subject.card_number,
                kind=subject.card_kind,
                holder=subject.holder,
                fingerprint=card.fingerprint,
                serial=card.serial,
                not_after=card.not_after,
                enterprise=subject.enterprise_name,
                uscc=subject.uscc,
                customs_code=subject.customs_code,
                phone=subject.phone,
            )
        )

    def is_open(self, now: datetime) -> bool:
        """Whether cards can be verified at all: there are authorities, and their lists are of today."""
        return self.trust.current(now).is_open(now)

    def alarms(self, now: datetime) -> list[str]:
        """What the operator has to see to, as sentences."""
        return self.trust.current(now).alarms(now)


def require_reader(wired: Any, now: datetime) -> CardReader:
    """Raises TrustUnavailable where cards are not used, or cannot be verified."""
    reader: CardReader | None = wired.cards
    if reader is None or not reader.is_open(now):
        raise TrustUnavailable("closed")
    return reader


def bound_to(request: Request, purpose: str, actor: Actor | None) -> str | None:
    """Whose challenge it is: the session's to bind a card, else the browser's. Raises SignedOut."""
    if purpose != "bind":
        return browser_key(request)
    if actor is None:
        raise SignedOut
    return str(actor.session_id)


async def ask_card(
    request: Request, session: AsyncSession, wired: Any, purpose: str, *, actor: Actor | None, now: datetime
) -> Asked:
    """A nonce for a card to sign. Raises TrustUnavailable, TooManyCodes, SignedOut."""
    require_reader(wired, now)
    owner = bound_to(request, purpose, actor)
    return await issue_challenge(session, purpose, bound_to=owner, ip=client_ip(request), now=now)


async def prove_card(
    request: Request,
    session: AsyncSession,
    wired: Any,
    challenge: UUID | None,
    token: Mapping[str, Any],
    *,
    purpose: str,
    actor: Actor | None = None,
    now: datetime,
) -> CardFacts:
    """What the card says that signed this challenge. Raises CardRefused (ChallengeGone, TrustUnavailable …), CardUnfit."""
    owner = bound_to(request, purpose, actor)
    nonce = await take_challenge(session, challenge, purpose, bound_to=owner, now=now)
    await keep(session)
    if nonce is None or challenge is None:
        raise ChallengeGone
    reader = require_reader(wired, now)
    try:
        facts = reader.read(token, nonce, now)
    except (CardRefused, CardUnfit) as refusal:
        why, reason = (
            (refusal.code, refusal.reason) if isinstance(refusal, CardRefused) else ("unfit", "unfit")
        )
        log.info("card.refused", why=why, reason=reason, purpose=purpose)
        READ.labels(purpose, why).inc()
        await record_failure(session, challenge, purpose, why, actor=actor, ip=client_ip(request), now=now)
        await keep(session)
        raise
    READ.labels(purpose, "verified").inc()
    return facts

"""What a card is asked to sign: a random nonce, good once, for five minutes, for one browser and one purpose; and the
message made of it, which names the site too, so that a signature given to another site is worth nothing here."""

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from cardauth.exceptions import ChallengeGone

NONCE_BYTES = 32
LIFETIME = timedelta(minutes=5)


def new_nonce() -> bytes:
    """32 random bytes."""
    return secrets.token_bytes(NONCE_BYTES)


def encode_nonce(nonce: bytes) -> str:
    """The nonce as it travels: standard base64 with padding."""
    return base64.b64encode(nonce).decode()


def signed_message(origin: str, nonce: bytes) -> bytes:
    """The 64 bytes that the card signs: SHA-256 of the origin (`scheme://host[:port]`), then SHA-256 of the nonce.

    Raises ValueError for a nonce that is too short: that would be the caller's mistake, not the card's.
    """
    if len(nonce) < NONCE_BYTES:
        raise ValueError(f"a nonce has at least {NONCE_BYTES} bytes")
    return sha256(origin.encode()).digest() + sha256(nonce).digest()


@dataclass(frozen=True, slots=True)
class _Asked:
    nonce: bytes
    session: str
    purpose: str
    at: datetime


class ChallengeBook:
    """Challenges of one process, in memory: for programs without a database, and the rule itself in a few lines.

    A challenge is taken out *before* its nonce is used, whatever comes of it: a second token for it finds nothing.
    """

    def __init__(self, lifetime: timedelta = LIFETIME, capacity: int = 10_000) -> None:
        self._lifetime, self._capacity = lifetime, capacity
        self._asked: dict[str, _Asked] = {}

    def issue(self, session: str, purpose: str, now: datetime) -> tuple[str, bytes]:
        """A new challenge for this browser session and purpose: its id and its nonce."""
        self._forget(now)
        challenge, nonce = secrets.token_urlsafe(16), new_nonce()
        self._asked[challenge] = _Asked(nonce, session, purpose, now)
        return challenge, nonce

    def take(self, challenge: str, session: str, purpose: str, now: datetime) -> bytes:
        """The nonce, once. Raises ChallengeGone when it is used, too old, or somebody else's."""
        asked = self._asked.pop(challenge, None)
        if (
            asked is None
            or (asked.session, asked.purpose) != (session, purpose)
            or not asked.at <= now < asked.at + self._lifetime
        ):
            raise ChallengeGone("gone")
        return asked.nonce

    def _forget(self, now: datetime) -> None:
        """Drop what is too old, and the oldest where there are too many (a dict keeps its order)."""
        for challenge, asked in list(self._asked.items()):
            if now < asked.at + self._lifetime and len(self._asked) < self._capacity:
                return
            del self._asked[challenge]

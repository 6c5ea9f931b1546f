"""Sealing what may not lie about in clear until it is sent: AES-256-GCM, bound to its message."""

import hashlib
import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12


class Sealer:
    """Seals and opens secrets with a key made from the server's secret."""

    def __init__(self, server_secret: bytes) -> None:
        self._cipher = AESGCM(hashlib.sha256(b"message secrets\x1f" + server_secret).digest())

    def seal(self, secret: str, message_id: UUID) -> bytes:
        """The sealed form, good for this message only."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret.encode(), message_id.bytes)

    def open(self, sealed: bytes, message_id: UUID) -> str | None:
        """The secret, or None when it was sealed with another key, for another message, or not at all."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], message_id.bytes).decode()
        except (InvalidTag, ValueError):  # ValueError: not even long enough
            return None

"""What WeChat pushes to us: whether it is WeChat's at all. Pure functions; the route, and the memory of what was pushed already,
are the caller's.

In plain mode WeChat signs time and nonce but not the content; in encrypted mode (安全模式) the content too. So an account with
an EncodingAESKey takes nothing in plain. Scheme: https://developers.weixin.qq.com/doc/oplatform/Third-party_Platforms/2.0/
api/Before_Develop/Technical_Plan.html, the same for official accounts (November 2026).
"""

import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha1, sha256

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from settings import Settings
from wechat.exceptions import CallbackRefused
from wechat.xml import only_text, parse

BODY_MAX_BYTES = 64 * 1024
FRESH_FOR = timedelta(minutes=10)
"""WeChat repeats an unanswered push three times within seconds; the rest is for clocks that differ."""
PADDED_TO = 32


@dataclass(frozen=True)
class CallbackKeys:
    """What WeChat and we agreed on, on WeChat's pages."""

    app_id: str
    token: str = field(repr=False)
    aes_key: bytes | None = field(default=None, repr=False)

    @classmethod
    def of(cls, settings: Settings) -> "CallbackKeys | None":
        """As the settings say; None where nothing is pushed to us."""
        if settings.wechat_app_id is None or settings.wechat_token is None:
            return None
        key = settings.wechat_aes_key
        aes_key = base64.b64decode(key.get_secret_value() + "=") if key else None
        return cls(settings.wechat_app_id, settings.wechat_token.get_secret_value(), aes_key)


@dataclass(frozen=True)
class Push:
    """A push that is WeChat's. `key` names this request: one that was seen before is a replay."""

    content: bytes = field(repr=False)
    key: str


def answer_echo(keys: CallbackKeys, query: Mapping[str, str], now: datetime) -> str:
    """What to answer WeChat's GET, which asks whether the address is ours. Raises CallbackRefused."""
    _check_signature(keys, query, "signature", [])
    _check_fresh(query, now)
    return query.get("echostr", "")


def open_push(keys: CallbackKeys, query: Mapping[str, str], body: bytes, now: datetime) -> Push:
    """The XML of a push, decrypted. Raises CallbackRefused."""
    if len(body) > BODY_MAX_BYTES:
        raise CallbackRefused("too_large")
    if keys.aes_key is None:
        _check_signature(keys, query, "signature", [])
        _check_fresh(query, now)
        return Push(body, _key(query, body))
    if query.get("encrypt_type") != "aes":
        raise CallbackRefused("plain")
    encrypted = only_text(parse(body), "Encrypt")
    _check_signature(keys, query, "msg_signature", [encrypted])
    _check_fresh(query, now)
    return Push(_decrypt(keys.aes_key, encrypted, keys.app_id), _key(query, encrypted.encode()))


def sign(token: str, *parts: str) -> str:
    """WeChat's signature: SHA-1 of the sorted parts."""
    return sha1("".join(sorted([token, *parts])).encode(), usedforsecurity=False).hexdigest()


def _check_signature(keys: CallbackKeys, query: Mapping[str, str], name: str, more: list[str]) -> None:
    expected = sign(keys.token, query.get("timestamp", ""), query.get("nonce", ""), *more)
    if not hmac.compare_digest(expected.encode(), query.get(name, "").encode()):
        raise CallbackRefused("signature")


def _check_fresh(query: Mapping[str, str], now: datetime) -> None:
    timestamp = query.get("timestamp", "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 11):
        raise CallbackRefused("stale")
    if abs(now.timestamp() - int(timestamp)) > FRESH_FOR.total_seconds():
        raise CallbackRefused("stale")


def _key(query: Mapping[str, str], content: bytes) -> str:
    digest = sha256(f"{query.get('timestamp', '')}\x1f{query.get('nonce', '')}\x1f".encode())
    digest.update(content)
    return digest.hexdigest()


def _decrypt(key: bytes, encrypted: str, app_id: str) -> bytes:
    """16 random bytes, 4 of length, the XML, the AppID, padding (PKCS #7 to 32 bytes)."""
    try:
        data = base64.b64decode(encrypted, validate=True)
        decryptor = Cipher(algorithms.AES256(key), modes.CBC(key[:16])).decryptor()
        padded = decryptor.update(data) + decryptor.finalize()
    except ValueError:
        raise CallbackRefused("malformed") from None
    padding = padded[-1] if padded else 0
    if not 1 <= padding <= PADDED_TO or padded[-padding:] != bytes([padding]) * padding:
        raise CallbackRefused("malformed")
    plain = padded[:-padding]
    end = 20 + int.from_bytes(plain[16:20])
    if len(plain) < 20 or end > len(plain):
        raise CallbackRefused("malformed")
    if not hmac.compare_digest(plain[end:], app_id.encode()):
        raise CallbackRefused("app")
    return plain[20:end]

"""What WeChat pushes, as WeChat makes it: signed, in plain or encrypted. Written apart from wechat/callback.py on purpose."""

import base64
import hashlib
import os
import secrets
import struct
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

TOKEN = "callbacktoken"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"


@dataclass
class Pushing:
    """WeChat, as far as it calls us."""

    app_id: str
    token: str = TOKEN
    aes_key: str | None = AES_KEY

    def query(self, at: datetime, **more: str) -> dict[str, str]:
        """The query of every call."""
        query = {"timestamp": str(int(at.timestamp())), "nonce": secrets.token_hex(5), "openid": "o", **more}
        return {"signature": self.sign(query["timestamp"], query["nonce"]), **query}

    def push(self, xml: str, at: datetime) -> tuple[dict[str, str], bytes]:
        """Query and body of a push."""
        query = self.query(at)
        if self.aes_key is None:
            return query, xml.encode()
        encrypted = self.encrypt(xml.encode())
        query |= {
            "encrypt_type": "aes",
            "msg_signature": self.sign(query["timestamp"], query["nonce"], encrypted),
        }
        return query, wrap(encrypted)

    def sign(self, *parts: str) -> str:
        whole = "".join(sorted((self.token, *parts)))
        return hashlib.new("sha1", whole.encode(), usedforsecurity=False).hexdigest()

    def encrypt(self, xml: bytes, app_id: str | None = None, *, length: int | None = None) -> str:
        """As the scheme says; `length` lies about it."""
        plain = os.urandom(16) + struct.pack(">I", len(xml) if length is None else length) + xml
        return self.encrypt_raw(plain + (self.app_id if app_id is None else app_id).encode())

    def encrypt_raw(self, plain: bytes, *, pad: bool = True) -> str:
        assert self.aes_key is not None
        key = base64.b64decode(self.aes_key + "=")
        missing = 32 - len(plain) % 32
        encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
        padded = plain + (bytes([missing]) * missing if pad else b"")
        return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def wrap(encrypted: str) -> bytes:
    """The XML around what is encrypted."""
    return f"<xml><ToUserName><![CDATA[gh_1]]></ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>".encode()


def event(name: str, at: datetime, inner: str = "", openid: str = "oAbCdEf-0123456789_follower1") -> str:
    """The XML of an event."""
    return (
        f"<xml><ToUserName><![CDATA[gh_123456789abc]]></ToUserName><FromUserName><![CDATA[{openid}]]></FromUserName>"
        f"<CreateTime>{int(at.timestamp())}</CreateTime><MsgType><![CDATA[event]]></MsgType>"
        f"<Event><![CDATA[{name}]]></Event>{inner}</xml>"
    )

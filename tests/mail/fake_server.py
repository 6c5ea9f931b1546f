"""A real mail server on this machine, by aiosmtpd, with a certificate made for it: it takes mail as strictly as servers do, and
says whatever a test wants it to say.
"""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

USER, PASSWORD = "qingling@example.cn", "授权码 secret"


@dataclass
class FakeMailServer:
    """What it took, and what it answers at which step: `answers["RCPT"] = "550 5.1.1 no such user"`.

    `drops` names the steps at which it hangs up, `silent_at` those at which it says nothing more.
    """

    port: int = 0
    signs_in: bool = True
    received: list[Envelope] = field(default_factory=list[Envelope])
    answers: dict[str, str] = field(default_factory=dict[str, str])
    drops: set[str] = field(default_factory=set[str])
    silent_at: set[str] = field(default_factory=set[str])
    was_encrypted: list[bool] = field(default_factory=list[bool])
    stopped: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, _envelope: Envelope, host: str, offers: list[str]
    ) -> list[str]:
        session.host_name = host
        normally = offers.pop()
        answer = await self._play("EHLO", server, normally)
        kept = [offer for offer in offers if self.signs_in or "AUTH" not in offer]
        return [*kept, answer] if answer == normally else [answer]

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        envelope.mail_from = address
        return await self._play("MAIL", server, "250 OK")

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        answer = await self._play("RCPT", server, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = await self._play("DATA", server, "250 2.0.0 OK: queued as 4DC1F2")
        if answer.startswith("250"):
            self.was_encrypted.append(session.ssl is not None)
            self.received.append(envelope)
        return answer

    def sign_in(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        if answer := self.answers.get("AUTH"):
            return AuthResult(success=False, handled=False, message=answer)
        right = (data.login.decode(), data.password.decode()) == (USER, PASSWORD)
        return AuthResult(
            success=right, handled=False, message=None if right else "535 5.7.8 bad credentials"
        )

    async def _play(self, step: str, server: SMTP, normally: str) -> str:
        if step in self.silent_at:
            await self.stopped.wait()
        if step in self.drops:
            assert server.transport is not None
            server.transport.close()
        return self.answers.get(step, normally)


@asynccontextmanager
async def serve(
    certificate: Path, *, tls: str = "starttls", sign_in: bool = True
) -> AsyncIterator[FakeMailServer]:
    """The server, for as long as the block lasts. `certificate` is a PEM file with key and certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    fake = FakeMailServer(signs_in=sign_in)
    connections: list[SMTP] = []

    def connect() -> SMTP:
        connections.append(
            SMTP(
                fake,
                hostname="mail.example.cn",
                tls_context=context if tls == "starttls" else None,
                require_starttls=tls == "starttls",
                authenticator=fake.sign_in if sign_in else None,
                auth_required=sign_in,
                auth_require_tls=tls == "starttls",
            )
        )
        return connections[-1]

    loop = asyncio.get_running_loop()
    server = await loop.create_server(connect, "127.0.0.1", 0, ssl=context if tls == "tls" else None)
    fake.port = server.sockets[0].getsockname()[1]
    try:
        yield fake
    finally:
        fake.stopped.set()
        server.close()
        for one in connections:
            if one.transport is not None:
                one.transport.close()
        await server.wait_closed()


def make_certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that vouches for itself, with its key, as one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.example.cn")])
    start = datetime.now(UTC) - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=30))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / "mail.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate.public_bytes(Encoding.PEM)
    )
    return path

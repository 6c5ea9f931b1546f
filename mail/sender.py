"""The port of the room: one mail to one person, and what has to be true of it before anything is sent."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sending import AddressRefused, Receipt

PROVIDER = "smtp"
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}", re.ASCII)
"""What we send to: a dot-atom (RFC 5322 §3.4.1). Quoted and non-ASCII local parts are left out on purpose."""


@dataclass(frozen=True)
class Mail:
    """One mail. `message_id` becomes its Message-ID: a repeat carries the same one.

    `html` is what `mail.html.write_html` makes; without it the mail is plain text. Mails with the same `thread` stand
    together in people's mail programs, which look at the subject too: it has to stay the same within a thread.
    """

    message_id: UUID
    to: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    at: datetime
    html: str = field(default="", repr=False)
    thread: UUID | None = None


class MailSender(Protocol):
    """One way to send mail."""

    async def send(self, mail: Mail) -> Receipt:
        """Hand one mail to the server; the receipt carries its Message-ID. Raises SendError."""
        ...


def check_address(to: str) -> str:
    """The address as it goes over the wire, its domain in ASCII. Raises AddressRefused."""
    local, _, domain = to.strip().rpartition("@")
    try:
        address = f"{local}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        address = ""
    if not ADDRESS.fullmatch(address) or ".." in address or address.startswith(".") or local.endswith("."):
        raise AddressRefused(PROVIDER, "address", "邮件地址的写法不对")
    return address

"""From a `Mail` to the bytes of a letter: headers that nobody can add to, Chinese in encoded words, text and HTML side by side.

Put together with the standard library's older classes: the newer ones lose characters of long Chinese headers when they
fold them (a test compares every header with what was meant).
"""

import unicodedata
from dataclasses import dataclass, field
from email.header import Header
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime

from mail.sender import Mail, check_address


@dataclass(frozen=True)
class Sender:
    """Whom mails come from: the address, and the name that people see."""

    address: str
    name: str = ""

    @property
    def domain(self) -> str:
        """The right side of the address, for Message-IDs and for the greeting."""
        return self.address.rpartition("@")[2]


@dataclass(frozen=True)
class Letter:
    """What is handed over: `reference` is its Message-ID, brackets included."""

    reference: str
    sender: str
    recipient: str = field(repr=False)
    content: bytes = field(repr=False)


def compose(mail: Mail, sender: Sender) -> Letter:
    """The letter. Raises AddressRefused."""
    recipient = check_address(mail.to)
    reference = f"<{mail.message_id}@{sender.domain}>"
    letter = _body(mail)
    letter["From"] = _mailbox(sender)
    letter["To"] = recipient
    letter["Subject"] = _encoded(one_line(mail.subject), "Subject")
    letter["Date"] = format_datetime(mail.at)
    letter["Message-ID"] = reference
    if mail.thread is not None:
        root = f"<thread-{mail.thread}@{sender.domain}>"  # no mail has this id: all of a thread answer it
        letter["In-Reply-To"] = root
        letter["References"] = root
    letter["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5: no out-of-office answers
    return Letter(
        reference, sender.address, recipient, letter.as_bytes(policy=compat32.clone(linesep="\r\n"))
    )


def one_line(text: str) -> str:
    """The text without line breaks and control characters, which have no place in a header."""
    kept = "".join(" " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char for char in text)
    return " ".join(kept.split())


def _body(mail: Mail) -> Message:
    plain = MIMEText(mail.text, "plain", "utf-8")
    if not mail.html:
        return plain
    both = MIMEMultipart("alternative", boundary=f"part-{mail.message_id}")
    both.attach(plain)
    both.attach(MIMEText(mail.html, "html", "utf-8"))
    return both


def _mailbox(sender: Sender) -> str:
    name = one_line(sender.name)
    return f"{_encoded(name, 'From')} <{sender.address}>" if name else sender.address


def _encoded(text: str, header: str) -> str:
    """Encoded words (RFC 2047), also for ASCII: then nothing in it can be taken for syntax."""
    return Header(text, "utf-8", header_name=header).encode() if text else ""

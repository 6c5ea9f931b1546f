"""A mail server in memory, for tests and wherever no mail shall leave the machine."""

from dataclasses import dataclass, field

from mail.sender import PROVIDER, Mail, check_address
from sending import Receipt, SendError


@dataclass
class MemoryMailSender:
    """Keeps what it was given; raises `failures` first, one a call."""

    sent: list[Mail] = field(default_factory=list[Mail])
    failures: list[SendError] = field(default_factory=list[SendError])

    async def send(self, mail: Mail) -> Receipt:
        check_address(mail.to)
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append(mail)
        return Receipt(PROVIDER, f"<{mail.message_id}@memory.invalid>")

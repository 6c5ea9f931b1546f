"""Mail over SMTP, by aiosmtplib: a connection for each mail, encrypted before anything is said.

One total time limit holds for all steps; where it ends while the content is under way, the mail may have been sent.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parseaddr
from typing import Literal, Self

from aiosmtplib import SMTP, SMTPException

from mail.answers import Step, explain
from mail.composing import Letter, Sender, compose
from mail.sender import PROVIDER, Mail
from sending import Receipt
from settings import Settings

GOODBYE_TIMEOUT_S = 2.0


@dataclass(frozen=True)
class SmtpAccount:
    """Where mails are handed over, and as whom."""

    host: str
    port: int
    sender: Sender
    tls: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    timeout_s: float = 30.0
    trust: ssl.SSLContext = field(default_factory=ssl.create_default_context, repr=False)

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """As the settings say; None where no server is named."""
        if settings.mail_host is None or settings.mail_from is None:
            return None
        name, address = parseaddr(settings.mail_from)
        password = settings.mail_password
        return cls(
            host=settings.mail_host,
            port=settings.mail_port,
            sender=Sender(address, name),
            tls=settings.mail_tls,
            user=settings.mail_user,
            password=password.get_secret_value() if password else None,
            timeout_s=settings.mail_timeout_s,
            trust=ssl.create_default_context(cafile=settings.mail_ca_file),
        )


class SmtpSender:
    """Sends mail through one server."""

    def __init__(self, account: SmtpAccount) -> None:
        self._account = account

    async def send(self, mail: Mail) -> Receipt:
        """Hand over one mail. Raises SendError, whose text holds neither address nor what the server wrote."""
        letter = compose(mail, self._account.sender)
        smtp = self._client()
        step = Step.CONNECT
        try:
            async with asyncio.timeout(self._account.timeout_s):
                for step, act in self._steps(smtp, letter):  # noqa: B007  (read where it failed)
                    await act()
            await _say_goodbye(smtp)
        except (SMTPException, OSError) as error:
            raise explain(step, error) from None  # the library's texts hold the address
        finally:
            smtp.close()
        return Receipt(PROVIDER, letter.reference)

    def _client(self) -> SMTP:
        account = self._account
        return SMTP(
            hostname=account.host,
            port=account.port,
            local_hostname=account.sender.domain,
            timeout=account.timeout_s,
            use_tls=account.tls == "tls",
            start_tls=False,  # a step of its own, so that its failure is told apart
            tls_context=account.trust,
        )

    def _steps(self, smtp: SMTP, letter: Letter) -> Iterator[tuple[Step, Callable[[], Awaitable[object]]]]:
        account = self._account
        yield Step.CONNECT, smtp.connect
        if account.tls == "starttls":
            yield Step.SECURE, smtp.starttls
        if account.user is not None:
            user, password = account.user, account.password or ""
            yield Step.SIGN_IN, lambda: smtp.login(user, password)
        yield Step.SENDER, lambda: smtp.mail(letter.sender)
        yield Step.RECIPIENT, lambda: smtp.rcpt(letter.recipient)
        yield Step.CONTENT, lambda: smtp.data(letter.content)


async def _say_goodbye(smtp: SMTP) -> None:
    """The mail is taken already: whatever happens now changes nothing."""
    with suppress(SMTPException, OSError):
        await smtp.quit(timeout=GOODBYE_TIMEOUT_S)

"""What handing one message to a channel can end in, the same words for SMS, mail and WeChat: what helps decides the kind.

Receipt              the provider has it, and says by what name
NotSent              it has not been sent, and
├── TryLater         the same channel may take it in a while
├── AddressRefused   this channel will not reach this person; another may
└── OperatorNeeded   nothing goes this way before an operator has acted; another way may work meanwhile
Uncertain            it may have been sent: the provider is asked before anything is sent again
Report               what the provider learned afterwards: whether it arrived
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Receipt:
    """The provider has taken a message; `reference` is its own name for it."""

    provider: str
    reference: str


@dataclass(frozen=True)
class Report:
    """What became of a message that a provider took."""

    provider: str
    reference: str
    arrived: bool
    at: datetime
    code: str = ""
    """The provider's word for it, such as DELIVRD; no personal data."""


class SendError(Exception):
    """A message that was not handed over. `code` is the provider's own word for why; a text never holds a person's data."""

    def __init__(self, provider: str, code: str, explanation: str = "") -> None:
        self.provider, self.code, self.explanation = provider, code, explanation
        super().__init__(f"{provider}: {code}" + (f" ({explanation})" if explanation else ""))


class NotSent(SendError):
    """Certainly not sent."""


class TryLater(NotSent):
    """The same channel may take it later: after `after_s` seconds, where the provider says so."""

    def __init__(
        self, provider: str, code: str, explanation: str = "", *, after_s: float | None = None
    ) -> None:
        super().__init__(provider, code, explanation)
        self.after_s = after_s


class AddressRefused(NotSent):
    """This channel does not reach this person: a wrong number, a blacklist, somebody who has unsubscribed."""


class OperatorNeeded(NotSent):
    """The provider wants something of the operator first: money, a signature, a template."""


class Uncertain(SendError):
    """It may have been sent, or not."""

"""The port: what sends one SMS, and what a provider is asked afterwards. How sending ends is said in `sending`.

Nothing here retries. A provider is slow or silent at times, so it is called by the worker, never by a web request.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sending import Receipt, Report


@dataclass(frozen=True)
class Sms:
    """One SMS to one phone. Its repr names the message and the template, nothing that is the person's.

    `message_id` is the same at every try. `phone` is written +86…; `template` is our name, such as `code_sign_in`; `params` is
    what its text was rendered with, and for codes `code`; `text` is for providers that take whole texts.
    """

    message_id: UUID
    phone: str = field(repr=False)
    template: str
    params: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    text: str = field(default="", repr=False)


class SmsSender(Protocol):
    """Sends."""

    async def send(self, sms: Sms) -> Receipt:
        """Hand one SMS to the provider; its receipt carries the provider's id. Raises a `sending.SendError`, nothing else."""
        ...


class SmsProvider(SmsSender, Protocol):
    """Sends, and tells what became of it. Both questions raise `NotSent` kinds where the provider gives no answer."""

    @property
    def name(self) -> str: ...

    @property
    def ask_after_s(self) -> float:
        """From how many seconds after sending on `find` is worth asking: a younger SMS may be unknown and on its way."""
        ...

    async def find(self, sms: Sms, since: datetime) -> Receipt | Report | None:
        """What the provider knows of an SMS that ended Uncertain and was first tried at `since`; None: it knows nothing of it.

        Raises `Uncertain` where the provider's answer does not tell either.
        """
        ...

    async def pull_reports(self) -> list[Report]:
        """What the provider has learned since it was last asked; it may give each report once only, to whoever asks first."""
        ...

    async def close(self) -> None:
        """Let go of connections; may be called twice."""
        ...

"""A provider in memory, for tests: keeps what it was given and fails on order."""

from dataclasses import dataclass, field
from datetime import datetime

from sending import Receipt, Report, SendError
from sms.port import Sms


@dataclass
class MemorySms:
    """Raises `failures` first, one a call; those of `failures_after` once it has taken the SMS, as when an answer is lost.

    A second send of the same message is kept as a second SMS: that is what a person would get.
    """

    name: str = "memory"
    ask_after_s: float = 0
    sent: list[Sms] = field(default_factory=list[Sms])
    failures: list[SendError] = field(default_factory=list[SendError])
    failures_after: list[SendError] = field(default_factory=list[SendError])
    reports: list[Report] = field(default_factory=list[Report])

    async def send(self, sms: Sms) -> Receipt:
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append(sms)
        if self.failures_after:
            raise self.failures_after.pop(0)
        return self._receipt(len(self.sent))

    async def find(self, sms: Sms, since: datetime) -> Receipt | Report | None:
        for number, known in enumerate(self.sent, 1):
            if known.message_id == sms.message_id:
                return self._receipt(number)
        return None

    async def pull_reports(self) -> list[Report]:
        pulled, self.reports = self.reports, []
        return pulled

    async def close(self) -> None:
        """Nothing is open."""

    def _receipt(self, number: int) -> Receipt:
        return Receipt(self.name, f"{self.name}-{number}")

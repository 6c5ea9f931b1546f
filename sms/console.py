"""A provider for developers: writes each SMS, its code included, to a stream. Never to the log, which keeps no codes."""

from datetime import datetime
from typing import TextIO

from sending import Receipt, Report
from sms.port import Sms


class ConsoleSms:
    """Whoever sees the stream is the recipient. It always ends in a receipt: there is nothing to find and nothing to report."""

    name = "console"
    ask_after_s: float = 0

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    async def send(self, sms: Sms) -> Receipt:
        code = f"  [code {sms.params['code']}]" if "code" in sms.params else ""
        self._stream.write(f"SMS to {sms.phone}: {sms.text}{code}\n")
        self._stream.flush()
        return Receipt(self.name, str(sms.message_id))

    async def find(self, sms: Sms, since: datetime) -> Receipt | Report | None:
        return None

    async def pull_reports(self) -> list[Report]:
        return []

    async def close(self) -> None:
        """The stream is not ours."""

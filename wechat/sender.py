"""The port of the room: one notice to one follower of the official account (公众号)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sending import Receipt

PROVIDER = "wechat"


@dataclass(frozen=True)
class Notice:
    """One message to one person. `template` is our name for it; `params` are what its text was made of.

    `url` is the page that opens on a tap. `message_id` names all tries of the same notice.
    """

    message_id: UUID
    openid: str = field(repr=False)
    template: str
    at: datetime
    params: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    title: str = field(default="", repr=False)
    text: str = field(default="", repr=False)
    url: str = field(default="", repr=False)


class WechatSender(Protocol):
    """One way to send notices."""

    async def send(self, notice: Notice) -> Receipt:
        """Hand one notice to WeChat; the receipt carries its msgid. Raises SendError."""
        ...

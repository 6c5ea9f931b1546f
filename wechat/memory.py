"""WeChat in memory, for tests."""

from dataclasses import dataclass, field

from sending import AddressRefused, Receipt, SendError
from wechat.sender import PROVIDER, Notice


@dataclass
class MemoryWechatSender:
    """Keeps what it was given, each notice once; raises `failures` first, one a call. Reaches `followers`, None: everybody."""

    followers: set[str] | None = None
    sent: list[Notice] = field(default_factory=list[Notice])
    failures: list[SendError] = field(default_factory=list[SendError])

    async def send(self, notice: Notice) -> Receipt:
        if self.failures:
            raise self.failures.pop(0)
        if self.followers is not None and notice.openid not in self.followers:
            raise AddressRefused(PROVIDER, "43004", "这位用户没有关注公众号")
        known = [one.message_id for one in self.sent]
        if notice.message_id not in known:
            self.sent.append(notice)
            known.append(notice.message_id)
        return Receipt(PROVIDER, str(1 + known.index(notice.message_id)))

"""A town in which every provider is a server on this machine that judges as the real one does, reached by the real routes; and
what must hold for every code of their tables.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from db.ids import uuid7
from messages import alarms
from messages.adapters import SmsRoute
from messages.alarms import Alarm
from messages.providers import open_routes
from messages.texts import Text, by_sms
from sending import AddressRefused, OperatorNeeded, SendError, TryLater, Uncertain
from settings import Settings
from sms.memory import MemorySms
from sms.tencent_codes import MEANINGS
from tests.messages.outside import Outside, open_outside
from wechat.codes import CODES, TOKEN_CODES

PHONE = "+8613800000001"
DIGITS = "493817"
OPENID, MAIL = "o-zhang", "zhang@example.cn"
CODE_TEXT = by_sms("登录验证码", "验证码 5 分钟内有效。")
OUTCOMES: dict[type[SendError], str] = {
    TryLater: "later",
    AddressRefused: "refused",
    OperatorNeeded: "operator",
    Uncertain: "uncertain",
}


@dataclass
class Town:
    """The real routes to the servers outside, a second SMS provider between them, and one person who has everything."""

    post: Any
    outside: Outside
    second: MemorySms
    seen: dict[str, int] = field(default_factory=dict[str, int])

    async def notice(self, *channels: str, template: str = "answered", **changed: Any) -> UUID:
        words = Text("您的问题已有办理结果", "已有办理结果。", channels=channels)
        return await self.post.queue(text=words, template=template, process="issue", **changed)

    async def code(self, **changed: Any) -> UUID:
        id_ = uuid7()
        values: dict[str, Any] = {
            "id": id_,
            "template": "code_sign_in",
            "is_code": True,
            "person_id": None,
            "to_phone": PHONE,
            "text": CODE_TEXT,
            "params": {"minutes": 5},
            "sealed": self.post.sealer.seal(DIGITS, id_),
            "expires_at": self.post.now + timedelta(minutes=5),
        }
        return await self.post.queue(**values | changed)

    async def alarms(self) -> list[Alarm]:
        async with self.post.sessions() as session:
            return await alarms.list_open(session)

    def without(self, *providers: str) -> None:
        """These are not set up."""
        self.post.routes = [route for route in self.post.routes if route.provider not in providers]

    def arrivals(self) -> dict[str, int]:
        """How many more each provider has taken since the last look."""
        now = {
            "tencent": len(self.outside.tencent.account.taken),
            "second": len(self.second.sent),
            "wechat": len(self.outside.wechat.sent),
            "mail": len(self.outside.mail.received),
        }
        new = {name: count - self.seen.get(name, 0) for name, count in now.items()}
        self.seen = now
        return {name: count for name, count in new.items() if count}


async def open_town(stack: AsyncExitStack, post: Any, outside: Outside, **changed: Any) -> Town:
    await post.give_addresses(mail=MAIL, openid=OPENID)
    outside.wechat.follow(OPENID)
    settings = Settings(**outside.values | changed)
    routes = await stack.enter_async_context(open_routes(settings, post.sessions, lambda: post.now))
    second = MemorySms("second")
    post.routes = [*routes[:2], SmsRoute(second), *routes[2:]]
    assert [route.provider for route in post.routes] == ["wechat", "tencent", "second", "smtp"]
    return Town(post, outside, second)


@pytest.fixture
async def outside(tmp_path: Path, post: Any) -> AsyncIterator[Outside]:
    async with open_outside(tmp_path) as outside:
        outside.tencent.account.clock = lambda: post.now
        outside.wechat.clock = lambda: post.now.timestamp()
        yield outside


@pytest.fixture
async def town(post: Any, outside: Outside) -> AsyncIterator[Town]:
    async with AsyncExitStack() as stack:
        yield await open_town(stack, post, outside)


async def tell_a_notice(town: Town, code: str) -> None:
    """Tencent answers this code to a notice: it arrives once all the same, and the log says what was wrong."""
    meaning = MEANINGS[code]
    town.outside.tencent.order(code=code)
    id_ = await town.notice("sms", "mail")
    row = await town.post.follow(id_)
    first, *_ = await town.post.tries(id_)
    assert (first.provider, first.outcome, first.code) == ("tencent", OUTCOMES[meaning.kind], code)
    assert first.explanation.startswith(meaning.text), code
    assert row.state == "sent", code
    wanted = "second" if meaning.kind in (AddressRefused, OperatorNeeded) else "tencent"
    assert town.arrivals() == {wanted: 1}, code


async def tell_a_code(town: Town, code: str) -> None:
    """Tencent answers this code to a one-time code: it arrives by the other provider, at once unless it may have been sent."""
    post, meaning = town.post, MEANINGS[code]
    post.wait(minutes=2)  # nobody remembers the trouble of the code before
    town.outside.tencent.order(code=code)
    id_, started = await town.code(), post.now
    row = await post.follow(id_)
    assert (row.state, row.secret) == ("sent", None), code
    if meaning.kind is Uncertain:
        assert post.now - started < timedelta(minutes=5), "while the code is good"
        assert [answer for *_, answer in await post.story(id_)] == ["not_known", None]
    else:
        assert post.now == started, "nobody waits"
    assert town.arrivals() == {"second": 1}, code


async def tell_by_wechat(town: Town, code: int) -> None:
    """WeChat answers this code to a notice: it arrives once all the same, by WeChat later or by SMS at once."""
    post, (kind, explanation) = town.post, CODES[code]
    post.wait(minutes=2)  # a token is not renewed more often than twice a minute
    town.outside.wechat.answer_next("template/send", code)
    id_ = await town.notice("wechat", "sms")
    row = await post.follow(id_)
    first, *_ = await post.tries(id_)
    assert row.state == "sent", code
    if str(code) in TOKEN_CODES:  # renewed once, and repeated
        assert (first.outcome, town.arrivals()) == ("accepted", {"wechat": 1}), code
        return
    assert (first.outcome, first.code) == (OUTCOMES[kind], str(code))
    assert first.explanation.startswith(explanation), code
    assert town.arrivals() == ({"wechat": 1} if kind is TryLater else {"tencent": 1}), code

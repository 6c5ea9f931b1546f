"""The world outside a worker: an SMS provider, an official account and a mail server on this machine that keep what they took,
people who can be reached over each, and what a worker's settings need to reach them.

What `queue` queues carries a number in its title: so what a provider took is held against what was queued.
"""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.header import decode_header, make_header
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from aiosmtpd.smtp import Envelope
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from messages.outbox import NewMessage, enqueue
from messages.texts import Text
from tests.mail.fake_server import PASSWORD, USER, FakeMailServer, make_certificate, serve
from tests.sms.fake_account import Approved
from tests.sms.fake_tencent import FakeTencent
from tests.wechat.fake_wechat import SECRET, FakeWechat

TEMPLATE = "5bK9m0mFqhQy6u0o1z3r7w8x2c4v6b8n0m1A3s5D7f9"
SUBSCRIPTION = "9nLIlbOQZC5Y89AZteFEux3WCXRRRG5Wfzkpssu4bLI"
SMS_TEMPLATES = """
tencent:
  issue.answered: {id: "1001"}
  code_sign_in: {id: "1002", parameters: [code, minutes]}
  issue.unknown: {id: "1999"}
  issue.incomplete: {id: "1002"}
  issue.unfilled: {id: "1002", parameters: [what_nobody_fills]}
"""
WECHAT_TEMPLATES = f"""
[templates."issue.answered"]
kind = "template"
id = "{TEMPLATE}"
[templates."issue.answered".fields]
thing1 = {{ from = "title" }}
[templates."issue.returned"]
kind = "subscribe"
id = "{SUBSCRIPTION}"
[templates."issue.returned".fields]
thing1 = {{ from = "title" }}
"""
WAYS = {"sms": ("sms", "answered"), "mail": ("mail", "answered")} | {
    "template": ("wechat", "answered"),
    "subscription": ("wechat", "returned"),
}
"""The ways a message can go, each with its channel and its text: WeChat's template messages repeat safely, its subscription
messages and mails do not and cannot be asked about, SMS can."""
CARRIERS_PAUSE_S = 0.02
ADD_PEOPLE = text("""
    INSERT INTO person (id, name, phone, created_at, active)
    SELECT id, '收件人', phone, now(), true
    FROM unnest(CAST(:ids AS uuid[]), CAST(:phones AS text[])) AS new(id, phone)
""")
ADD_MAIL = text("""
    INSERT INTO person_mail (person_id, address, given_at, confirmed_at)
    SELECT id, id || '@example.cn', now(), now() FROM person WHERE id = ANY(:ids)
""")
ADD_WECHAT = text("""
    INSERT INTO wechat_binding (person_id, openid, bound_at)
    SELECT id, 'o-' || id, now() FROM person WHERE id = ANY(:ids)
""")
READ = text("""
    SELECT m.id, m.title, m.state, m.channels, m.template,
        coalesce(array_agg(a.outcome || coalesce('/' || a.answer, '') ORDER BY a.at, a.id)
            FILTER (WHERE a.outcome IS NOT NULL), '{}') AS story,
        count(a.id) FILTER (WHERE a.outcome IS NULL AND a.id IS NOT NULL) AS open_tries
    FROM message m LEFT JOIN message_attempt a ON a.message_id = m.id
    WHERE m.title LIKE '第%件' GROUP BY m.id ORDER BY m.id
""")


@dataclass
class Outside:
    """The providers, and the settings with which a worker reaches them; `ahead_s` is how far all clocks are ahead."""

    tencent: FakeTencent
    wechat: FakeWechat
    mail: FakeMailServer
    values: dict[str, Any]
    ahead_s: float = 0
    people: list[UUID] = field(default_factory=list[UUID])
    queued: int = 0

    @property
    def environment(self) -> dict[str, str]:
        """The settings, for a worker in a process of its own."""
        return {f"QINGLING_{name.upper()}": str(value) for name, value in self.values.items()}

    def clock(self) -> datetime:
        """The time, as the providers have it."""
        return datetime.now(UTC) + timedelta(seconds=self.ahead_s)

    async def add_people(self, sessions: async_sessionmaker[AsyncSession], count: int) -> None:
        """People with a phone, a mail address and WeChat."""
        ids = [uuid4() for _ in range(count)]
        phones = [f"+86139{number:08d}" for number in range(count)]
        async with sessions.begin() as session:
            await session.execute(ADD_PEOPLE, {"ids": ids, "phones": phones})
            for statement in (ADD_MAIL, ADD_WECHAT):
                await session.execute(statement, {"ids": ids})
        for id_ in ids:
            self.wechat.follow(f"o-{id_}")
            self.wechat.subscriptions.add((f"o-{id_}", SUBSCRIPTION))
        self.people = ids

    async def queue(self, session: AsyncSession, ways: Iterable[str]) -> list[UUID]:
        """A message for each of these ways, to one person after the other, in one step."""
        messages: list[NewMessage] = []
        for way in ways:
            channel, template = WAYS[way]
            title = f"第 {self.queued} 件"
            messages.append(
                NewMessage(
                    template=template,
                    text=Text(title, "您的问题已有办理结果。", channels=(channel,)),
                    created_at=self.clock(),
                    person_id=self.people[self.queued % len(self.people)],
                    process="issue",
                )
            )
            self.queued += 1
        await enqueue(session, messages)
        return [one.id for one in messages]

    def arrived(self, ids: Mapping[UUID, str]) -> Counter[UUID]:
        """How often each of these messages (by id, with its title) reached somebody, as the providers know."""
        by_title = {title: id_ for id_, title in ids.items()}
        titles = [sent.values["thing1"] for sent in self.wechat.sent]
        titles += [_subject(envelope) for envelope in self.mail.received]
        taken = [UUID(taken.context) for taken in self.tencent.account.taken if taken.context]
        return Counter([*taken, *(by_title[title] for title in titles)])


def _subject(envelope: Envelope) -> str:
    content = envelope.content
    assert isinstance(content, bytes)
    return re.sub(r"\s+", " ", str(make_header(decode_header(message_from_bytes(content)["Subject"]))))


@asynccontextmanager
async def open_outside(folder: Path) -> AsyncIterator[Outside]:
    """The providers, for as long as the block lasts. Carriers report within moments, each SMS with its context."""
    sms_templates, wechat_templates = folder / "sms.yaml", folder / "wechat.toml"
    sms_templates.write_text(SMS_TEMPLATES)
    wechat_templates.write_text(WECHAT_TEMPLATES)
    certificate = make_certificate(folder)
    wechat = FakeWechat()
    wechat.templates |= {TEMPLATE: {"thing1"}, SUBSCRIPTION: {"thing1"}}
    with FakeTencent() as tencent, wechat:
        async with serve(certificate) as mail:
            tencent.account.templates |= {"1001": Approved(0), "1002": Approved(2, for_codes=True)}
            tencent.account.returns_context = True
            values: dict[str, Any] = {
                "sms_providers": "tencent",
                **tencent.settings(sms_templates),
                "wechat_app_id": wechat.app_id,
                "wechat_secret": SECRET,
                "wechat_templates": wechat_templates,
                "wechat_api_url": wechat.url,
                "wechat_open_url": wechat.url,
                "mail_host": "127.0.0.1",
                "mail_port": mail.port,
                "mail_ca_file": certificate,
                "mail_user": USER,
                "mail_password": PASSWORD,
                "mail_from": "企业问题清零 <qingling@example.cn>",
                "secret_key": "the same for every worker",
                "demo": "1",
            }
            outside = Outside(tencent, wechat, mail, values)
            tencent.account.clock = outside.clock
            wechat.clock = lambda: outside.clock().timestamp()
            carriers = asyncio.create_task(_report(tencent))
            try:
                yield outside
            finally:
                carriers.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await carriers


async def _report(tencent: FakeTencent) -> None:
    """The carriers: each SMS arrives, and they say so."""
    reported = 0
    while True:
        for taken in tencent.account.taken[reported:]:
            tencent.account.report(taken)
            reported += 1
        await asyncio.sleep(CARRIERS_PAUSE_S)

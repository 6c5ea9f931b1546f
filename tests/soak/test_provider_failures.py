"""Providers in trouble, at length: every code of their tables through the real adapters; and the served product while its
provider takes twenty seconds for an answer: nobody at a screen waits for it, and codes go on arriving by the other provider.

The short forms are tests/messages/test_trouble.py.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import pytest

from domain.demo.people import MEMBERS
from sms.tencent_codes import MEANINGS
from tests.messages.conftest import engine, post
from tests.messages.town import Town, outside, tell_a_code, tell_a_notice, tell_by_wechat, town
from tests.sms.fake_account import Approved
from tests.sms.fake_tencent import FakeTencent, Order
from tests.soak.served import Served
from wechat.codes import CODES

__all__ = ["engine", "outside", "post", "town"]

SLOW_S = 20.0
ROUNDS = 40
LIMITS_OFF = {
    f"QINGLING_{name}": "0"
    for name in (
        "CODE_RESEND_S",
        "CODE_PER_PHONE_HOUR",
        "CODE_PER_PHONE_DAY",
        "CODE_PER_IP_HOUR",
        "CODE_PER_IP_DAY",
        "CODE_PER_DAY",
    )
} | {"QINGLING_CAPTCHA": "false"}
PAGES = ("/sign-in", "/api/v1/sign-in/captcha", "/register")
CODE_LINE = re.compile(r"\b(\d{6})\b")


async def test_every_code_of_tencents_table_for_a_notice(town: Town) -> None:
    for code in MEANINGS:
        await tell_a_notice(town, code)
    print(f"\n{len(MEANINGS)} codes of Tencent's, a notice each: all arrived once")


async def test_every_code_of_tencents_table_for_a_one_time_code(town: Town) -> None:
    for code in MEANINGS:
        await tell_a_code(town, code)
    print(
        f"\n{len(MEANINGS)} codes of Tencent's, a one-time code each: all arrived once, by the other provider"
    )


async def test_every_code_of_wechats_table_for_a_notice(town: Town) -> None:
    town.without("second")
    for code in CODES:
        await tell_by_wechat(town, code)
    print(f"\n{len(CODES)} codes of WeChat's, a notice each: all arrived once")


@dataclass
class Busy:
    """The product as it is served, with Tencent as its first provider and the terminal, its log, as the second."""

    served: Served
    tencent: FakeTencent
    log: Path

    @asynccontextmanager
    async def visitor(self) -> AsyncIterator[httpx.AsyncClient]:
        async with httpx.AsyncClient(base_url=self.served.origin, timeout=60) as client:
            yield client

    def read_console(self) -> str:
        """What the second provider has written."""
        return self.log.read_text()


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Busy]:
    tmp_path.chmod(0o711)
    templates = tmp_path / "sms.yaml"
    templates.write_text('tencent:\n  code_sign_in: {id: "1002", parameters: [code, minutes]}\n')
    with FakeTencent() as tencent:
        tencent.account.templates["1002"] = Approved(2, for_codes=True)
        values = {"sms_providers": "tencent,console", **tencent.settings(templates)}
        environment = {f"QINGLING_{name.upper()}": str(value) for name, value in values.items()}
        served = Served(tmp_path / "data", **LIMITS_OFF, **environment)
        served.start()
        yield Busy(served, tencent, tmp_path / "data.log")
        served.stop()


async def timed(client: httpx.AsyncClient, method: str, path: str, status: int, **how: Any) -> float:
    started = time.perf_counter()
    answer = await client.request(method, path, **how)
    took_s = time.perf_counter() - started
    assert answer.status_code == status, answer.text
    return took_s


async def ask_and_look_around(client: httpx.AsyncClient, rounds: int) -> list[float]:
    """Codes asked for by everybody of the demo, pages between them; how long each request took."""
    took_s: list[float] = []
    for number in range(rounds):
        phone = MEMBERS[number % len(MEMBERS)].phone
        took_s.append(await timed(client, "POST", "/api/v1/sign-in/code", 202, json={"phone": phone}))
        took_s += [await timed(client, "GET", path, 200) for path in PAGES]
    return took_s


async def test_no_request_waits_for_a_provider_that_takes_twenty_seconds(busy: Busy) -> None:
    async with busy.visitor() as client:
        await ask_and_look_around(client, 5)
        before = await ask_and_look_around(client, ROUNDS)
        busy.tencent.standing = Order(wait_s=SLOW_S)
        during = await ask_and_look_around(client, ROUNDS)
        busy.tencent.stopping.set()
    ratio = median(during) / median(before)
    print(
        f"\n{len(during)} requests each: median {median(before) * 1000:.1f} → {median(during) * 1000:.1f} ms"
        f" (ratio {ratio:.2f}), longest {max(before) * 1000:.0f} → {max(during) * 1000:.0f} ms"
    )
    assert len(busy.tencent.calls) > ROUNDS, "somebody waited for the provider: the worker"
    assert max(during) < SLOW_S / 4


async def test_one_signs_in_by_the_other_provider_while_the_first_takes_twenty_seconds(busy: Busy) -> None:
    busy.tencent.standing = Order(wait_s=SLOW_S)
    first, phone = MEMBERS[0].phone, MEMBERS[1].phone
    async with busy.visitor() as client:
        await client.post("/api/v1/sign-in/code", json={"phone": first})
        async with asyncio.timeout(30):
            while not busy.tencent.calls:
                await asyncio.sleep(0.05)
        await asyncio.sleep(6)  # from then on the provider is known to be in trouble
        started = time.perf_counter()
        asked = await client.post("/api/v1/sign-in/code", json={"phone": phone})
        code = await read_code(busy, phone)
        waited_s = time.perf_counter() - started
        body = {"challenge": asked.json()["challenge"], "phone": phone, "code": code}
        answer = await client.post("/api/v1/sign-in", json=body)
    busy.tencent.stopping.set()
    assert answer.status_code == 200, answer.text
    assert [taken.phone.removeprefix("+86") for taken in busy.tencent.account.taken] == [first]
    print(f"\nthe code came by the other provider after {waited_s:.1f} s")
    assert waited_s < SLOW_S / 4


async def read_code(busy: Busy, phone: str) -> str:
    """The digits that the second provider has shown for this phone."""
    async with asyncio.timeout(60):
        while True:
            for line in busy.read_console().splitlines():
                if phone in line and (found := CODE_LINE.search(line.replace(phone, ""))):
                    return found[1]
            await asyncio.sleep(0.05)

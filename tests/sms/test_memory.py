"""The provider in memory fails on order, before or after it has taken an SMS."""

import pytest

from sending import Receipt, Report, TryLater, Uncertain
from sms.memory import MemorySms
from tests.sms.conftest import make_sms, read_clock


async def test_it_fails_on_order_and_then_no_more() -> None:
    memory, sms = MemorySms(failures=[TryLater("memory", "busy")]), make_sms()
    with pytest.raises(TryLater):
        await memory.send(sms)
    assert memory.sent == []
    await memory.send(sms)
    assert memory.sent == [sms]


async def test_what_it_took_before_it_failed_is_found() -> None:
    memory, sms = MemorySms(failures_after=[Uncertain("memory", "lost")]), make_sms()
    with pytest.raises(Uncertain):
        await memory.send(sms)
    assert await memory.find(sms, read_clock()) == Receipt("memory", "memory-1")


async def test_it_hands_out_reports_once() -> None:
    report = Report("memory", "memory-1", True, read_clock())
    memory = MemorySms(reports=[report])
    assert await memory.pull_reports() == [report]
    assert await memory.pull_reports() == []

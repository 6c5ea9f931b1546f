"""What holds for every provider. A new one gets a row in `PROVIDERS_UNDER_TEST`; the last test sees that none is forgotten."""

import io
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from sending import Receipt, SendError
from sms.console import ConsoleSms
from sms.memory import MemorySms
from sms.port import SmsProvider
from sms.providers import PROVIDERS
from tests.sms.conftest import make_sms, open_at, read_clock
from tests.sms.fake_tencent import FakeTencent

PROVIDERS_UNDER_TEST: dict[str, Callable[[FakeTencent, Path], SmsProvider]] = {
    "tencent": open_at,
    "console": lambda _fake, _templates: ConsoleSms(io.StringIO()),
    "memory": lambda _fake, _templates: MemorySms(),
}


@pytest.fixture(params=PROVIDERS_UNDER_TEST)
async def any_provider(
    request: pytest.FixtureRequest, tencent: FakeTencent, templates: Path
) -> AsyncIterator[SmsProvider]:
    provider = PROVIDERS_UNDER_TEST[request.param](tencent, templates)
    yield provider
    await provider.close()


async def test_sending_ends_in_a_receipt_of_this_provider(any_provider: SmsProvider) -> None:
    receipts = [await any_provider.send(make_sms()) for _ in range(3)]
    assert {receipt.provider for receipt in receipts} == {any_provider.name}
    assert len({receipt.reference for receipt in receipts}) == 3
    assert all(0 < len(receipt.reference) <= 128 for receipt in receipts)


async def test_a_template_without_parameters_and_a_second_try_are_taken(any_provider: SmsProvider) -> None:
    sms = make_sms("answered")
    assert isinstance(await any_provider.send(sms), Receipt)
    assert isinstance(await any_provider.send(sms), Receipt)


async def test_nothing_is_known_of_an_sms_that_was_never_sent(any_provider: SmsProvider) -> None:
    await any_provider.send(make_sms(phone="+8613905180009"))
    assert await any_provider.find(make_sms(), read_clock() - timedelta(hours=1)) is None


async def test_a_message_id_is_the_same_sms_whatever_else_changed(any_provider: SmsProvider) -> None:
    """It is all that `find` goes by, apart from the phone."""
    sms = make_sms()
    receipt = await any_provider.send(sms)
    again = make_sms("answered", message_id=sms.message_id)
    try:
        found = await any_provider.find(again, read_clock() - timedelta(hours=1))
    except SendError as error:
        pytest.fail(f"asking failed: {error}")
    assert found is None or found.reference == receipt.reference


async def test_there_are_no_reports_before_anything_was_reported(any_provider: SmsProvider) -> None:
    await any_provider.send(make_sms())
    assert await any_provider.pull_reports() == []


async def test_closing_twice_is_closing_once(any_provider: SmsProvider) -> None:
    await any_provider.send(make_sms())
    await any_provider.close()
    await any_provider.close()
    assert any_provider.ask_after_s >= 0


def test_every_provider_that_can_be_chosen_is_under_test() -> None:
    assert PROVIDERS.keys() <= PROVIDERS_UNDER_TEST.keys()

"""An SMS leaves no trace of a person: not in errors and their causes, nor in logs, reprs or on the standard outputs."""

import json
import logging
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from sending import SendError
from sms.exceptions import CallbackRefused
from sms.memory import MemorySms
from sms.tencent import TencentSms
from sms.tencent_reports import parse_callback
from tests.sms.conftest import CODE, PHONE, make_sms, open_at, read_clock
from tests.sms.fake_tencent import SECRET_ID, SECRET_KEY, FakeTencent

PERSONAL = (PHONE, PHONE.removeprefix("+86"), CODE, "您正在登录", SECRET_ID, SECRET_KEY)
PAGE = f"<html>{PHONE} {CODE}</html>".encode()

ORDERS: dict[str, dict[str, Any]] = {
    "code": {"code": "FailedOperation.PhoneNumberInBlacklist"},
    "fault": {"fault": "FailedOperation.ContainSensitiveWord"},
    "code with a phone": {"code": f"Failed.{PHONE}"},
    "page": {"raw": PAGE},
    "page of a gateway": {"raw": PAGE, "status": 502},
    "another reference": {"raw": b'{"Response": {"SendStatusSet": [{"Code": "Ok", "SerialNo": 5}]}}'},
    "cut": {"drop": True},
    "silent": {"wait_s": 60},
}


def hear_everything(caplog: pytest.LogCaptureFixture) -> None:
    """Of the HTTP client too, which a served application hushes for every test after it."""
    for name in (None, "httpx", "httpcore"):
        caplog.set_level(logging.DEBUG, logger=name)


@pytest.mark.parametrize("name", ORDERS)
async def test_a_failure_tells_nothing(
    name: str,
    tencent: FakeTencent,
    templates: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: Any,
) -> None:
    hear_everything(caplog)
    provider = open_at(tencent, templates, sms_timeout_s=0.5)
    with capture_logs() as lines:
        for ask in (
            lambda: provider.send(make_sms()),
            lambda: provider.find(make_sms(), read_clock()),
        ):
            tencent.order(**ORDERS[name])
            check(await fail(ask))
    await provider.close()
    assert_quiet(caplog.text, repr(lines), *capfd.readouterr())


async def fail(ask: Callable[[], Any]) -> SendError | None:
    try:
        await ask()
    except SendError as error:
        return error
    return None


def check(error: SendError | None) -> None:
    if error is None:
        return
    shown = "".join(traceback.format_exception(error))
    assert_quiet(shown, str(error), repr(error), error.code, error.explanation)


async def test_a_success_tells_nothing(
    provider: TencentSms,
    tencent: FakeTencent,
    caplog: pytest.LogCaptureFixture,
    capfd: Any,
) -> None:
    hear_everything(caplog)
    receipt = await provider.send(make_sms())
    tencent.account.report(tencent.account.taken[0], f"sent to {PHONE}")
    reports = await provider.pull_reports()
    callback = parse_callback(tencent.account.write_callback(), datetime.now(UTC))
    assert "httpx" in caplog.text
    assert_quiet(caplog.text, repr(receipt), repr(reports), repr(callback), *capfd.readouterr())


FIELDS = ("user_receive_time", "nationcode", "mobile", "report_status", "errmsg", "description", "sid")


@pytest.mark.parametrize(
    "body",
    [
        f'["{PHONE}"]',
        PHONE,
        f'{{"{PHONE}": 1}}',
        json.dumps([dict.fromkeys(FIELDS, PHONE)]),
        json.dumps([{**dict.fromkeys(FIELDS, "86"), "report_status": "SUCCESS", "user_receive_time": PHONE}]),
    ],
)
def test_a_refused_callback_tells_nothing(body: str) -> None:
    with pytest.raises(CallbackRefused) as refused:
        parse_callback(body.encode(), datetime.now(UTC))
    shown = "".join(traceback.format_exception(refused.value))
    assert_quiet(shown, refused.value.reason, repr(refused.value.details))


async def test_an_sms_and_who_holds_it_show_nothing_of_it(provider: TencentSms) -> None:
    sms, memory = make_sms(), MemorySms()
    await memory.send(sms)
    assert "code_sign_in" in repr(sms) and str(sms.message_id) in repr(sms)
    assert_quiet(repr(sms), str(sms), repr(memory), repr(provider))


def assert_quiet(*shown: str) -> None:
    for text in shown:
        assert not any(each in text for each in PERSONAL)

"""What became of an SMS: pulled, asked for, called back."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from sending import OperatorNeeded, Report, TryLater, Uncertain
from sms.callbacks import ACKNOWLEDGEMENTS, MAX_BYTES, PARSERS, make_callback_token, read_callback
from sms.exceptions import CallbackForged, CallbackRefused, CallbackUnreadable
from sms.providers import PROVIDERS
from sms.tencent import TencentSms
from sms.tencent_reports import explain_report, parse_callback
from tests.sms.conftest import PHONE, make_sms, read_clock
from tests.sms.fake_tencent import FakeTencent

# Pulled


async def test_reports_are_pulled_once_each_however_many(provider: TencentSms, tencent: FakeTencent) -> None:
    for _ in range(250):
        await provider.send(make_sms())
    for taken in tencent.account.taken:
        tencent.account.report(taken)
    reports = await provider.pull_reports()
    assert [report.reference for report in reports] == [taken.serial for taken in tencent.account.taken]
    assert all(report.arrived and report.code == "DELIVRD" for report in reports)
    assert await provider.pull_reports() == []


async def test_a_report_says_what_the_carrier_said_and_when(
    provider: TencentSms, tencent: FakeTencent
) -> None:
    receipt = await provider.send(make_sms())
    at = datetime(2026, 3, 2, 1, 0, 7, tzinfo=UTC)
    tencent.account.clock = lambda: at
    tencent.account.report(tencent.account.taken[0], "MK:0012")
    assert await provider.pull_reports() == [Report("tencent", receipt.reference, False, at, "MK:0012")]


async def test_what_was_pulled_before_a_failure_is_not_lost(
    provider: TencentSms, tencent: FakeTencent
) -> None:
    await provider.send(make_sms())
    for _ in range(100):
        tencent.account.report(tencent.account.taken[0])
    tencent.order()
    tencent.order(fault="InternalError")
    assert len(await provider.pull_reports()) == 100
    assert await provider.pull_reports() == []


async def test_a_row_that_says_nothing_is_counted_and_left_out(
    provider: TencentSms, tencent: FakeTencent
) -> None:
    rows = [{"SerialNo": "5000:1", "ReportStatus": "SUCCESS"}, {"SerialNo": "5000:2", "PhoneNumber": PHONE}]
    tencent.order(raw=json.dumps({"Response": {"PullSmsSendStatusSet": rows}}).encode())
    with capture_logs() as lines:
        reports = await provider.pull_reports()
    assert [report.reference for report in reports] == ["5000:1"]
    assert lines == [
        {"event": "sms_reports_unreadable", "provider": "tencent", "count": 1, "log_level": "warning"}
    ]


async def test_pulling_that_was_not_opened_needs_an_operator(
    provider: TencentSms, tencent: FakeTencent
) -> None:
    tencent.account.pulling_allowed = False
    with pytest.raises(OperatorNeeded, match="RequestPermissionDeny"):
        await provider.pull_reports()


# Asked for


async def test_an_sms_is_found_by_its_message_where_contexts_are_returned(
    provider: TencentSms, tencent: FakeTencent
) -> None:
    tencent.account.returns_context = True
    before, since = make_sms(), read_clock()
    await provider.send(before)
    tencent.order(drop=True)
    lost = make_sms()
    with pytest.raises(Uncertain):
        await provider.send(lost)
    assert await provider.find(lost, since) is None  # no carrier has reported yet
    for taken in tencent.account.taken:
        tencent.account.report(taken)
    found = await provider.find(lost, since)
    assert isinstance(found, Report)
    assert found.reference == tencent.account.taken[1].serial
    assert await provider.find(make_sms(), since) is None


async def test_where_contexts_are_not_returned_an_sms_to_the_phone_leaves_it_uncertain(
    provider: TencentSms, tencent: FakeTencent
) -> None:
    since = read_clock()
    assert await provider.find(make_sms(), since) is None
    await provider.send(make_sms())
    tencent.account.report(tencent.account.taken[0])
    with pytest.raises(Uncertain, match="SessionContextMissing"):
        await provider.find(make_sms(), since)
    assert await provider.find(make_sms(phone="+8613905180002"), since) is None
    assert await provider.find(make_sms(), since + timedelta(minutes=2)) is None


async def test_a_hundred_sms_to_one_phone_may_hide_another(
    provider: TencentSms, tencent: FakeTencent
) -> None:
    tencent.account.returns_context = True
    await provider.send(make_sms())
    for _ in range(100):
        tencent.account.report(tencent.account.taken[0])
    with pytest.raises(Uncertain):
        await provider.find(make_sms(), read_clock())


async def test_the_vendor_is_asked_for_no_more_than_seven_days(
    provider: TencentSms, tencent: FakeTencent
) -> None:
    assert await provider.find(make_sms(), read_clock() - timedelta(days=30)) is None


@pytest.mark.parametrize("order", [{"drop": True}, {"fault": "InternalError"}, {"raw": b"?"}])
async def test_a_question_without_an_answer_is_asked_again(
    order: dict[str, Any], provider: TencentSms, tencent: FakeTencent
) -> None:
    for ask in (lambda: provider.find(make_sms(), read_clock()), provider.pull_reports):
        tencent.order(**order)
        with pytest.raises(TryLater):
            await ask()


# Called back

PEPPER = b"the server's secret"
NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
ROW = {
    "user_receive_time": "2026-03-02 08:59:58",
    "nationcode": "86",
    "mobile": "13905180001",
    "report_status": "SUCCESS",
    "errmsg": "DELIVRD",
    "description": "用户短信送达成功",
    "sid": "5000:1045710669157053657849499619",
}


def call(*rows: Any, token: str | None = None) -> list[Report]:
    token = make_callback_token(PEPPER, "tencent") if token is None else token
    return read_callback(PEPPER, "tencent", token, json.dumps(rows, ensure_ascii=False).encode(), NOW)


def test_a_callback_is_read_with_beijings_time() -> None:
    at = datetime(2026, 3, 2, 0, 59, 58, tzinfo=UTC)
    assert call(ROW, {**ROW, "sid": "2", "ext": "our session"}) == [
        Report("tencent", ROW["sid"], True, at, "DELIVRD"),
        Report("tencent", "2", True, at, "DELIVRD"),
    ]


async def test_what_the_fake_calls_back_is_read(provider: TencentSms, tencent: FakeTencent) -> None:
    receipt = await provider.send(make_sms())
    tencent.account.report(tencent.account.taken[0], "UNDELIV")
    (report,) = parse_callback(tencent.account.write_callback(), NOW)
    assert (report.reference, report.arrived, report.code) == (receipt.reference, False, "UNDELIV")
    assert parse_callback(tencent.account.write_callback(), NOW) == []


def test_a_failure_without_a_time_is_of_now() -> None:
    (report,) = call({**ROW, "report_status": "FAIL", "errmsg": "EXPIRED", "user_receive_time": ""})
    assert (report.arrived, report.at) == (False, NOW)


@pytest.mark.parametrize("word", ["用户 13905180001 空号", "13905180001", "", "x" * 33, "A B"])
def test_a_word_that_may_name_the_phone_is_not_kept(word: str) -> None:
    (report,) = call({**ROW, "report_status": "FAIL", "errmsg": word})
    assert report.code == "FAIL"


@pytest.mark.parametrize("token", ["", "x", "秘密", "\ud800", make_callback_token(b"another", "tencent")])
def test_a_call_to_another_address_is_forged(token: str) -> None:
    with pytest.raises(CallbackForged):
        call(ROW, token=token)


def test_the_secret_in_the_address_is_each_providers_own_and_leaves_no_trace_of_the_servers() -> None:
    token = make_callback_token(PEPPER, "tencent")
    assert len(token) == 64 and token.isalnum()
    assert token != make_callback_token(PEPPER, "second")
    with pytest.raises(CallbackForged):
        read_callback(PEPPER, "second", make_callback_token(PEPPER, "second"), b"[]", NOW)


def test_whoever_calls_back_has_a_parser_and_an_answer() -> None:
    assert PARSERS.keys() == ACKNOWLEDGEMENTS.keys() <= PROVIDERS.keys()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "json"),
        (b"x", "json"),
        (b"\xff", "json"),
        (b"[NaN]", "json"),
        (b"[" * 100_000, "json"),
        (b"{}", "rows"),
        (b"null", "rows"),
        (b"[" + b"0," * 1000 + b"0]", "rows"),
        (b"[1]", "row"),
        (b"[{}]", "row"),
        (b" " * (MAX_BYTES + 1), "size"),
    ],
)
def test_a_garbled_callback_is_refused_by_name(body: bytes, reason: str) -> None:
    with pytest.raises(CallbackUnreadable) as refused:
        parse_callback(body, NOW)
    assert refused.value.reason == reason
    assert refused.value.message == "短信回执的内容无法识别。"


@pytest.mark.parametrize("name", ROW)
@pytest.mark.parametrize("value", [None, 7, ["x"], "漏"])
def test_a_field_that_is_not_as_described_is_refused(name: str, value: Any) -> None:
    if value == "漏" and name in ("errmsg", "description"):
        assert call({**ROW, name: value})
        return
    with pytest.raises(CallbackUnreadable):
        call({**ROW, name: value})
    with pytest.raises(CallbackUnreadable):
        call({key: each for key, each in ROW.items() if key != name})


@pytest.mark.parametrize("time", ["", "2026-02-30 00:00:00", "0001-01-01 00:00:00", "2026-03-02", "now"])
def test_an_impossible_time_is_refused(time: str) -> None:
    with pytest.raises(CallbackUnreadable):
        call({**ROW, "user_receive_time": time})


@given(body=st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "ignore")))
def test_any_bytes_are_reports_or_refused(body: bytes) -> None:
    with suppress(CallbackRefused):
        assert isinstance(parse_callback(body, NOW), list)


@given(
    row=st.fixed_dictionaries(
        {name: st.text(max_size=25) | st.just(usual) | st.integers() for name, usual in ROW.items()}
    )
)
def test_any_row_is_a_report_or_refused(row: dict[str, Any]) -> None:
    try:
        (report,) = call(row)
    except CallbackUnreadable:
        return
    assert report.at.tzinfo is UTC
    assert report.reference == row["sid"]


# What they mean


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("DELIVRD", "已送达"),
        ("UNDELIV_601", "空号、停机或关机"),
        ("MK:0012", "空号、停机或号码有误"),
        ("MX:0012", "号码在运营商或服务商的黑名单中，或用户已退订"),
        ("MC:0055_006", "关机、不在服务区、信号不好或手机存满"),
        ("69", "号码在运营商或服务商的黑名单中，或用户已退订"),
        ("IC:0151", "运营商没有公布原因"),
        ("FAIL", "运营商没有公布原因"),
    ],
)
def test_operators_are_told_what_a_carriers_word_means(code: str, meaning: str) -> None:
    assert explain_report(code) == meaning


def test_an_unlisted_word_of_china_mobile_is_mostly_about_the_phone() -> None:
    assert explain_report("MN:9999").startswith("多为手机端原因")

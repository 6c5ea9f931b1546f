"""Whatever a provider answers, sending ends in a named SendError; nothing else comes out."""

import asyncio
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sending import NotSent, OperatorNeeded, Receipt, Report, SendError, TryLater, Uncertain
from sms.tencent import TencentSms
from tests.sms.conftest import make_sms, open_at, read_clock
from tests.sms.fake_account import Approved
from tests.sms.fake_tencent import FakeTencent, Order

TAKEN = {"SerialNo": "5000:1", "PhoneNumber": "+8613905180001", "Code": "Ok", "Message": "send success"}


def respond(**response: Any) -> bytes:
    return json.dumps({"Response": response}).encode()


UNREADABLE = {
    "nothing": b"",
    "a page": b"<html>502</html>",
    "half": respond(SendStatusSet=[TAKEN])[:-3],
    "not UTF-8": b'{"Response": "\xff"}',
    "a list": b"[]",
    "a number": b"1e999",
    "null": b"null",
    "no Response": b"{}",
    "Response is null": b'{"Response": null}',
    "Response is a list": b'{"Response": []}',
    "no status": respond(RequestId="x"),
    "status is null": respond(SendStatusSet=None),
    "status is a number": respond(SendStatusSet=7),
    "no number's status": respond(SendStatusSet=[]),
    "two numbers' status": respond(SendStatusSet=[TAKEN, TAKEN]),
    "a number's status is a text": respond(SendStatusSet=["Ok"]),
    "no code": respond(SendStatusSet=[{"SerialNo": "5000:1"}]),
    "code is a list": respond(SendStatusSet=[{**TAKEN, "Code": ["Ok"]}]),
    "error is a text": respond(Error="InternalError"),
    "error is null": respond(Error=None),
    "error without a code": respond(Error={"Message": "x"}),
    "error's code is a number": respond(Error={"Code": 1004}),
    "deep": b"[" * 100_000,
}


@pytest.mark.parametrize("name", UNREADABLE)
async def test_an_unreadable_answer_leaves_it_uncertain(
    name: str, provider: TencentSms, tencent: FakeTencent
) -> None:
    tencent.order(raw=UNREADABLE[name])
    error = await fail(provider)
    assert (type(error), error.code) == (Uncertain, "AnswerUnreadable")


@pytest.mark.parametrize("serial", [None, "", 5, "5000:1\n", "流水号", "x" * 129])
async def test_a_receipt_without_a_usable_reference_leaves_it_uncertain(
    serial: Any, provider: TencentSms, tencent: FakeTencent
) -> None:
    tencent.order(raw=respond(SendStatusSet=[{**TAKEN, "SerialNo": serial}]))
    error = await fail(provider)
    assert (type(error), error.code) == (Uncertain, "SerialNoMissing")


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "text/html", "text/plain", "text/event-stream", None]
)
async def test_what_is_said_counts_whatever_type_it_is_given(
    content_type: str | None, provider: TencentSms, tencent: FakeTencent
) -> None:
    """The SDK alone would take an error under the first of these for an answer without a status."""
    error = respond(Error={"Code": "LimitExceeded.PhoneNumberDailyLimit", "Message": "x"}, RequestId="y")
    tencent.order(raw=error, content_type=content_type)
    assert (await fail(provider)).code == "LimitExceeded.PhoneNumberDailyLimit"
    tencent.order(raw=respond(SendStatusSet=[TAKEN]), content_type=content_type)
    assert await provider.send(make_sms()) == Receipt("tencent", "5000:1")


async def test_a_warning_of_theirs_does_not_hide_the_receipt(
    provider: TencentSms, tencent: FakeTencent
) -> None:
    tencent.order(raw=respond(SendStatusSet=[TAKEN], DeprecatedWarning="use another"))
    assert await provider.send(make_sms()) == Receipt("tencent", "5000:1")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, OperatorNeeded),
        (403, OperatorNeeded),
        (404, OperatorNeeded),
        (407, OperatorNeeded),
        (408, TryLater),
        (429, TryLater),
        (500, Uncertain),
        (502, Uncertain),
        (503, Uncertain),
        (504, Uncertain),
    ],
)
async def test_another_status_comes_from_something_in_between(
    status: int, kind: type[SendError], provider: TencentSms, tencent: FakeTencent
) -> None:
    tencent.order(raw=b"<html>+8613905180001</html>", status=status, content_type="text/html")
    error = await fail(provider)
    assert (type(error), error.code) == (kind, f"HTTP{status}")


@pytest.mark.parametrize("status", [200, 500])
async def test_an_answer_of_ten_megabytes_is_not_read(
    status: int, provider: TencentSms, tencent: FakeTencent
) -> None:
    huge = b'{"Response": "' + b"x" * 10_000_000 + b'"}'
    tencent.order(raw=huge, status=status)
    error = await fail(provider)
    assert (type(error), error.code) == (Uncertain, "HTTP500" if status == 500 else "AnswerTooLarge")


async def test_a_compressed_answer_is_not_unpacked(provider: TencentSms, tencent: FakeTencent) -> None:
    """It is small on the wire, and says that all is well."""
    bomb = gzip.compress(b" " * 10_000_000 + respond(SendStatusSet=[TAKEN]))
    tencent.order(raw=bomb, headers={"Content-Encoding": "gzip"})
    error = await fail(provider)
    assert (type(error), error.code) == (Uncertain, "AnswerUnreadable")


async def test_after_any_such_answer_the_next_sms_is_sent(provider: TencentSms, tencent: FakeTencent) -> None:
    for order in (
        {"raw": b""},
        {"raw": b"x" * 10_000_000},
        {"drop": True},
        {"raw": b"", "status": 500},
    ):
        tencent.order(**order)
        await fail(provider)
        await provider.send(make_sms())
    assert len(tencent.account.taken) == 5  # one was taken before the connection was cut


async def fail(provider: TencentSms) -> SendError:
    with pytest.raises(SendError) as caught:
        await provider.send(make_sms())
    return caught.value


# Any answer at all


@dataclass
class Bench:
    """One provider and one event loop for many examples."""

    tencent: FakeTencent
    provider: TencentSms
    runner: asyncio.Runner

    def send(self) -> Receipt | SendError:
        return self._run(self.provider.send(make_sms()))

    def find(self) -> Receipt | Report | SendError | None:
        return self._run(self.provider.find(make_sms(), read_clock()))

    def pull(self) -> list[Report] | SendError:
        return self._run(self.provider.pull_reports())

    def _run(self, coroutine: Any) -> Any:
        try:
            return self.runner.run(coroutine)
        except SendError as error:
            return error
        finally:
            self.tencent.orders.clear()


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    templates = tmp_path_factory.mktemp("sms") / "templates.yaml"
    templates.write_text("tencent:\n  code_sign_in: {id: '1001', parameters: [code, minutes]}\n")
    with FakeTencent() as tencent, asyncio.Runner() as runner:
        tencent.account.templates = {"1001": Approved(2)}
        provider = open_at(tencent, templates)
        yield Bench(tencent, provider, runner)
        runner.run(provider.close())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["Response", "Error", "Code", "Message", "SendStatusSet", "SerialNo", "PullSmsSendStatusSet"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)
BODIES = st.binary(max_size=200) | JSON.map(json.dumps).map(str.encode)
ROWS = st.fixed_dictionaries(
    {},
    optional={
        "SerialNo": JSON | st.just("5000:1"),
        "ReportStatus": JSON | st.sampled_from(["SUCCESS", "FAIL"]),
        "UserReceiveTime": JSON | st.integers(),
        "Description": JSON | st.just("DELIVRD"),
        "SessionContext": JSON,
    },
)


@settings(deadline=None, max_examples=150)
@given(
    body=BODIES,
    status=st.sampled_from([200, 200, 200, 500]),
    type_=st.sampled_from(["application/json", "x"]),
)
def test_any_body_ends_in_a_receipt_or_a_named_error(
    bench: Bench, body: bytes, status: int, type_: str
) -> None:
    order = Order(raw=body, status=status, content_type=type_)
    for ask in (bench.send, bench.find, bench.pull):
        bench.tencent.orders.append(order)
        ended = ask()
        assert ended is None or isinstance(ended, Receipt | Report | SendError | list)


@settings(deadline=None, max_examples=100)
@given(rows=st.lists(ROWS, max_size=4))
def test_any_rows_are_reports_or_left_out_and_never_stop_the_others(bench: Bench, rows: list[Any]) -> None:
    good = {"SerialNo": "5000:9", "ReportStatus": "SUCCESS", "UserReceiveTime": 1620734188}
    bench.tencent.orders.append(Order(raw=respond(PullSmsSendStatusSet=[*rows, good])))
    reports = bench.pull()
    assert isinstance(reports, list)
    assert reports[-1].reference == "5000:9"
    bench.tencent.orders.append(Order(raw=respond(PullSmsSendStatusSet=rows)))
    found = bench.find()
    assert found is None or isinstance(found, NotSent | Uncertain)

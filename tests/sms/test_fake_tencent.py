"""The fake is as strict as the vendor: its signatures are the vendor's own, and a wrong one is refused."""

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.sms.conftest import make_sms, open_at
from tests.sms.fake_tencent import SECRET_ID, SECRET_KEY, FakeTencent
from tests.sms.tc3 import find_fault, sign

ROOT = Path(__file__).parents[2]
EXAMPLE = rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}'
EXAMPLE_HEADERS = {
    "content-type": "application/json; charset=utf-8",
    "host": "cvm.tencentcloudapi.com",
    "x-tc-action": "DescribeInstances",
}


@pytest.mark.parametrize(
    ("key", "names", "signature"),
    [
        (
            "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE",
            ["content-type", "host"],
            "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168",
        ),
        (
            "Gu5t9xGARNpq86cd98joQYCN3*******",
            ["content-type", "host", "x-tc-action"],
            "be4f67d323c78ab9acb7395e43c0dbcf822a9cfac32fea2449a7bc7726b770a3",
        ),
    ],
)
def test_signatures_are_those_of_the_vendors_examples(key: str, names: list[str], signature: str) -> None:
    """Both stand in editions of the vendor's page on signatures."""
    scope = ("2019-02-25", "cvm")
    assert sign(EXAMPLE_HEADERS, names, EXAMPLE, key, "1551113065", scope) == signature


NOW = datetime(2026, 3, 2, 23, 59, tzinfo=UTC)
BODY = b'{"SmsSdkAppId": "1400006666"}'


def signed(at: datetime = NOW, key: str = SECRET_KEY) -> dict[str, str]:
    """A call's headers, signed rightly."""
    stamp, date, names = str(int(at.timestamp())), at.strftime("%Y-%m-%d"), ["content-type", "host"]
    headers = {"content-type": "application/json", "host": "127.0.0.1:1", "x-tc-timestamp": stamp}
    signature = sign(headers, names, BODY, key, stamp, (date, "sms"))
    headers["authorization"] = (
        f"TC3-HMAC-SHA256 Credential={SECRET_ID}/{date}/sms/tc3_request, "
        f"SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    return headers


def flip(headers: dict[str, str]) -> dict[str, str]:
    """The last digit of the signature is another one."""
    text = headers["authorization"]
    return {**headers, "authorization": text[:-1] + ("0" if text[-1] != "0" else "1")}


def test_what_is_signed_rightly_is_let_in() -> None:
    assert find_fault(signed(), BODY, {SECRET_ID: SECRET_KEY}, NOW) is None


@pytest.mark.parametrize(
    ("headers", "body", "fault"),
    [
        (flip(signed()), BODY, "AuthFailure.SignatureFailure"),
        (signed(), BODY + b" ", "AuthFailure.SignatureFailure"),
        (signed() | {"host": "127.0.0.1:2"}, BODY, "AuthFailure.SignatureFailure"),
        (signed(key="another"), BODY, "AuthFailure.SignatureFailure"),
        (signed(NOW - timedelta(minutes=6)), BODY, "AuthFailure.SignatureExpire"),
        (signed(NOW + timedelta(minutes=6)), BODY, "AuthFailure.SignatureExpire"),
        (
            signed() | {"x-tc-timestamp": str(int(NOW.timestamp()) + 120)},
            BODY,
            "AuthFailure.SignatureFailure",
        ),
        (signed() | {"authorization": "Basic x"}, BODY, "AuthFailure.InvalidAuthorization"),
        ({}, BODY, "AuthFailure.InvalidAuthorization"),
    ],
)
def test_what_is_not_is_refused(headers: dict[str, str], body: bytes, fault: str) -> None:
    assert find_fault(headers, body, {SECRET_ID: SECRET_KEY}, NOW) == fault


@pytest.mark.parametrize(
    ("headers", "fault"),
    [
        ({"X-TC-Version": "2019-07-11"}, "NoSuchVersion"),
        ({"X-TC-Region": "mars"}, "UnsupportedRegion"),
        ({"X-TC-Action": ""}, "MissingParameter"),
        ({"Content-Type": "text/plain"}, "InvalidParameter"),
        ({"Authorization": ""}, "AuthFailure.InvalidAuthorization"),
    ],
)
def test_calls_without_what_every_product_wants_are_refused(
    headers: dict[str, str], fault: str, tencent: FakeTencent
) -> None:
    usual = {
        "Content-Type": "application/json",
        "X-TC-Version": "2021-01-11",
        "X-TC-Region": "ap-guangzhou",
        "X-TC-Action": "SendSms",
    }
    answer = httpx.post(tencent.endpoint, headers={**usual, **headers}, content=BODY).json()
    assert answer["Response"]["Error"]["Code"] == fault


async def test_it_runs_as_a_process_of_its_own(templates: Path, tencent: FakeTencent) -> None:
    """`tencent` only lends its account's settings; the calls go to the process."""
    command = [sys.executable, "-m", "tests.sms.fake_tencent", "--template", "1001:2:code"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        endpoint = process.stdout.readline().strip()
        provider = open_at(tencent, templates, sms_tencent_endpoint=endpoint)
        sms = make_sms()
        await provider.send(sms)
        taken = httpx.get(f"{endpoint}/control/taken").json()
        httpx.post(f"{endpoint}/control/standing", content=json.dumps({"fault": "ServiceUnavailable"}))
        with pytest.raises(Exception, match="ServiceUnavailable"):
            await provider.send(sms)
        httpx.post(f"{endpoint}/control/standing", content="null")
        await provider.send(sms)
        await provider.close()
        process.send_signal(signal.SIGTERM)
    assert [each["context"] for each in taken] == [str(sms.message_id)]
    assert tencent.account.taken == []

"""Sending by Tencent Cloud: what is sent, what every code ends in, what is never certain."""

import asyncio
import socket
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tencentcloud.sms.v20210111 import errorcodes

from sending import AddressRefused, OperatorNeeded, Receipt, SendError, TryLater, Uncertain
from sms.tencent import TencentSms
from sms.tencent_codes import MEANINGS, RETRY, USER_MUST_WAIT, Meaning
from tests.mail.fake_server import make_certificate
from tests.sms.conftest import CODE, PHONE, make_sms, open_at
from tests.sms.fake_account import Approved
from tests.sms.fake_tencent import SECRET_KEY, FakeTencent


async def send(provider: TencentSms, **sms: Any) -> SendError:
    """How sending ends, when it ends badly."""
    with pytest.raises(SendError) as caught:
        await provider.send(make_sms(**sms))
    return caught.value


async def test_an_sms_is_taken_with_its_parameters_in_the_templates_order(
    provider: TencentSms, tencent: FakeTencent
) -> None:
    sms = make_sms()
    receipt = await provider.send(sms)
    (taken,) = tencent.account.taken
    assert receipt == Receipt("tencent", taken.serial)
    assert (taken.phone, taken.template, taken.params) == (PHONE, "1001", (CODE, "5"))
    assert taken.context == str(sms.message_id)


async def test_a_template_without_parameters_takes_none_of_the_message(
    provider: TencentSms, tencent: FakeTencent
) -> None:
    await provider.send(make_sms("answered", number="QL2301", title="报关单"))
    assert tencent.account.taken[0].params == ()


async def test_many_are_sent_over_few_connections(provider: TencentSms, tencent: FakeTencent) -> None:
    receipts = [await provider.send(make_sms()) for _ in range(10)]
    assert len({receipt.reference for receipt in receipts}) == len(tencent.account.taken) == 10
    assert tencent.connected == 1


async def test_many_are_sent_at_once(provider: TencentSms, tencent: FakeTencent) -> None:
    receipts = await asyncio.gather(*(provider.send(make_sms()) for _ in range(30)))
    assert {receipt.reference for receipt in receipts} == {taken.serial for taken in tencent.account.taken}
    assert len(tencent.account.taken) == 30


async def test_whoever_stops_waiting_stops_at_once_and_the_next_sms_is_sent(
    provider: TencentSms, tencent: FakeTencent
) -> None:
    tencent.order(wait_s=60)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(provider.send(make_sms()), 0.1)
    assert (await provider.send(make_sms())).provider == "tencent"


@pytest.mark.parametrize("stands", ["code", "fault"])
async def test_every_code_ends_in_its_kind_beside_the_number_and_as_an_error(
    stands: str, provider: TencentSms, tencent: FakeTencent
) -> None:
    ended: dict[str, Meaning] = {}
    for code in MEANINGS:
        tencent.order(**{stands: code})
        error = await send(provider)
        assert (error.provider, error.code) == ("tencent", code)
        text, _, request_id = error.explanation.partition("，RequestId ")
        assert UUID(request_id)
        ended[code] = Meaning(type(error), text, getattr(error, "after_s", None))
    assert ended == MEANINGS
    assert tencent.account.taken == []


def test_the_table_has_every_code_of_the_vendors_own_list() -> None:
    theirs = {value for name, value in vars(errorcodes).items() if name.isupper()}
    assert len(theirs) > 90
    assert theirs <= MEANINGS.keys()


def test_who_has_to_wait_is_told_how_long() -> None:
    waiting = [MEANINGS[code] for code in USER_MUST_WAIT | RETRY]
    assert all(meaning.kind is TryLater and meaning.after_s for meaning in waiting)
    assert MEANINGS["LimitExceeded.PhoneNumberThirtySecondLimit"].after_s == 30


@pytest.mark.parametrize(
    ("code", "kind", "told"),
    [
        ("FailedOperation.SomethingOfNextYear", OperatorNeeded, "FailedOperation.SomethingOfNextYear"),
        ("BrandNew", OperatorNeeded, "BrandNew"),
        ("InternalError.SomethingOfNextYear", Uncertain, "InternalError.SomethingOfNextYear"),
        ("refused for +8613905180001", Uncertain, "AnswerUnreadable"),
        ("x" * 500, Uncertain, "AnswerUnreadable"),
        ("失败", Uncertain, "AnswerUnreadable"),
    ],
)
async def test_an_unknown_code_needs_an_operator_and_is_recorded_unless_it_may_hold_anything(
    code: str, kind: type[SendError], told: str, provider: TencentSms, tencent: FakeTencent
) -> None:
    tencent.order(code=code)
    tencent.order(fault=code)
    for error in (await send(provider), await send(provider)):
        assert (type(error), error.code) == (kind, told)


@pytest.mark.parametrize(
    ("sms", "kind", "code"),
    [
        ({"phone": "+861390518000"}, AddressRefused, "InvalidParameterValue.IncorrectPhoneNumber"),
        (
            {"phone": "+60198890000"},
            AddressRefused,
            "UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone",
        ),
        ({"template": "unapproved"}, OperatorNeeded, "FailedOperation.TemplateUnapprovedOrNotExist"),
        (
            {"template": "too_few"},
            OperatorNeeded,
            "FailedOperation.TemplateParamSetNotMatchApprovedTemplate",
        ),
        (
            {"template": "wordy", "title": "七个字的标题呢", "minutes": 5},
            OperatorNeeded,
            "InvalidParameterValue.TemplateParameterFormatError",
        ),
        ({"template": "nobody_mapped_it"}, OperatorNeeded, "TemplateNotMapped"),
        ({"code": CODE}, OperatorNeeded, "TemplateParameterMissing"),
    ],
)
async def test_what_does_not_fit_is_named(
    sms: dict[str, Any], kind: type[SendError], code: str, provider: TencentSms, tencent: FakeTencent
) -> None:
    error = await send(provider, **sms)
    assert (type(error), error.code) == (kind, code)
    assert tencent.account.taken == []


async def test_a_missing_parameter_is_named_for_the_operator(provider: TencentSms) -> None:
    error = await send(provider, code=CODE)
    assert "minutes" in str(error) and "code_sign_in" in str(error)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"sms_tencent_app_id": "1400007777"}, "UnauthorizedOperation.SmsSdkAppIdVerifyFail"),
        ({"sms_tencent_sign": "别家"}, "FailedOperation.SignatureIncorrectOrUnapproved"),
        ({"sms_tencent_secret_key": SECRET_KEY[:-1] + "F"}, "AuthFailure.SignatureFailure"),
        ({"sms_tencent_secret_id": "AKIDsomebody"}, "AuthFailure.SecretIdNotFound"),
        ({"sms_tencent_region": "eu-frankfurt"}, "UnsupportedRegion"),
    ],
)
async def test_a_wrong_setting_needs_an_operator(
    changes: dict[str, str], code: str, tencent: FakeTencent, templates: Path
) -> None:
    provider = open_at(tencent, templates, **changes)
    error = await send(provider)
    await provider.close()
    assert (type(error), error.code) == (OperatorNeeded, code)
    assert tencent.account.taken == []


# What is never certain


async def test_without_an_answer_in_time_it_may_have_been_sent(tencent: FakeTencent, templates: Path) -> None:
    provider = open_at(tencent, templates, sms_timeout_s=0.3)
    tencent.order(wait_s=60)
    error = await send(provider)
    await provider.close()
    assert (type(error), error.code) in [(Uncertain, "Timeout"), (Uncertain, "ReadTimeout")]
    assert len(tencent.account.taken) == 1


async def test_an_answer_that_trickles_does_not_outlast_the_total(
    tencent: FakeTencent, templates: Path
) -> None:
    """Each read is in time; the whole call is not."""
    provider = open_at(tencent, templates, sms_timeout_s=0.4)
    tencent.order(trickle_s=0.05)
    error = await send(provider)
    await provider.close()
    assert (type(error), error.code) == (Uncertain, "Timeout")


async def test_a_connection_cut_after_the_request_may_have_sent_it(
    provider: TencentSms, tencent: FakeTencent
) -> None:
    tencent.order(drop=True)
    error = await send(provider)
    assert type(error) is Uncertain
    assert len(tencent.account.taken) == 1


async def test_where_nobody_listens_nothing_was_sent(tencent: FakeTencent, templates: Path) -> None:
    provider = open_at(tencent, templates, sms_tencent_endpoint=f"http://127.0.0.1:{free_port()}")
    error = await send(provider)
    await provider.close()
    assert (type(error), error.code) == (TryLater, "ConnectError")


async def test_where_nobody_accepts_nothing_was_sent(tencent: FakeTencent, templates: Path) -> None:
    """A machine that swallows connections: its queue is full."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=0)) as server:
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(server.getsockname())
        endpoint = f"http://127.0.0.1:{server.getsockname()[1]}"
        provider = open_at(tencent, templates, sms_tencent_endpoint=endpoint, sms_timeout_s=0.4)
        error = await send(provider)
        await provider.close()
        for each in waiting:
            each.close()
    assert (type(error), error.code) == (TryLater, "ConnectTimeout")


async def test_over_tls_an_sms_is_taken(templates: Path, trusted: Path) -> None:
    with FakeTencent(certificate=trusted) as tencent:
        tencent.account.templates["1001"] = Approved(2)
        provider = open_at(tencent, templates)
        await provider.send(make_sms())
        await provider.close()
    assert tencent.endpoint.startswith("https:") and len(tencent.account.taken) == 1


async def test_a_certificate_that_nobody_vouches_for_needs_an_operator(
    templates: Path, tmp_path: Path
) -> None:
    with FakeTencent(certificate=make_certificate(tmp_path)) as tencent:
        provider = open_at(tencent, templates)
        error = await send(provider)
        await provider.close()
    assert (type(error), error.code) == (OperatorNeeded, "CertificateUntrusted")


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return int(server.getsockname()[1])

"""The real adapter against the fake: what arrives, and each of WeChat's codes, faults and garbled answers told apart."""

import json
import logging
from collections.abc import Callable
from uuid import UUID

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sending import AddressRefused, NotSent, OperatorNeeded, SendError, TryLater, Uncertain
from tests.wechat.conftest import OPENID, TEMPLATES, Clock
from tests.wechat.fake_wechat import SECRET, SUBSCRIBE_ID, TEMPLATE_ID, FakeWechat
from wechat.api import WechatApi, read_answer
from wechat.client import WechatClient
from wechat.codes import CODES, TOKEN_CODES
from wechat.http import WechatApp
from wechat.notices import ApiWechatSender
from wechat.sender import Notice
from wechat.templates import WechatTemplates

SEND = "template/send"


async def fails(sender: ApiWechatSender, notice: Notice) -> SendError:
    with pytest.raises(SendError) as failed:
        await sender.send(notice)
    text = f"{failed.value} {failed.value!r}"
    assert all(part not in text for part in (OPENID, "oPlayed", SECRET, "办理结果", "2026-0007"))
    return failed.value


async def test_a_template_message_arrives_with_its_fields_and_its_page(
    sender: ApiWechatSender, wechat: FakeWechat, make_notice: Callable[..., Notice]
) -> None:
    receipt = await sender.send(make_notice())
    (sent,) = wechat.sent
    assert receipt.reference == str(sent.msgid)
    assert (sent.path, sent.openid, sent.template_id) == ("template", OPENID, TEMPLATE_ID)
    assert sent.url == "https://qingling.example.cn/w/issues/7"
    assert sent.values == {
        "thing1": "您的问题已有办理结果",
        "time2": "2026年3月2日 09:00",
        "phrase3": "已答复",
        "character_string4": "2026-0007",
    }


async def test_a_subscription_notice_arrives_where_somebody_subscribed(
    sender: ApiWechatSender, wechat: FakeWechat, make_notice: Callable[..., Notice]
) -> None:
    notice = make_notice(template="issue_waiting", message_id=UUID(int=9))
    refused = await fails(sender, notice)
    assert (type(refused), refused.code) == (AddressRefused, "43101")
    wechat.subscriptions.add((OPENID, SUBSCRIBE_ID))
    receipt = await sender.send(notice)
    assert receipt.reference == str(UUID(int=9))  # WeChat gives none
    (sent,) = wechat.sent
    assert (sent.path, sent.url) == ("subscribe", "https://qingling.example.cn/w/issues/7")
    assert sent.values == {"thing1": "出口退税的问题已有办理结果", "const2": "企业"}


async def test_a_repeated_template_message_reaches_nobody_twice(
    sender: ApiWechatSender, wechat: FakeWechat, make_notice: Callable[..., Notice]
) -> None:
    assert await sender.send(make_notice()) == await sender.send(make_notice())
    assert len(wechat.sent) == 1


async def test_long_texts_are_cut_and_what_does_not_fit_is_replaced(
    sender: ApiWechatSender, wechat: FakeWechat, make_notice: Callable[..., Notice]
) -> None:
    params = {"status": "等待企业补充材料", "number": "2026-0007"}
    await sender.send(
        make_notice(title="关于出口\n退税无法在系统中办理的问题已经有了办理结果", params=params)
    )
    assert wechat.sent[0].values["thing1"] == "关于出口 退税无法在系统中办理的问题已…"
    assert wechat.sent[0].values["phrase3"] == "已办结"


async def test_a_field_that_nothing_fits_is_the_operators_and_is_not_sent(
    sender: ApiWechatSender, wechat: FakeWechat, make_notice: Callable[..., Notice]
) -> None:
    error = await fails(sender, make_notice(params={"number": "编号七"}))
    assert (type(error), error.code) == (OperatorNeeded, "field character_string4")
    assert wechat.count(SEND) == 0


async def test_a_template_that_is_not_configured_is_the_operators(
    sender: ApiWechatSender, make_notice: Callable[..., Notice]
) -> None:
    error = await fails(sender, make_notice(template="unheard_of"))
    assert (type(error), error.code) == (OperatorNeeded, "no template")


async def test_unknown_people_and_unknown_templates(
    sender: ApiWechatSender, wechat: FakeWechat, client: WechatClient, make_notice: Callable[..., Notice]
) -> None:
    assert type(await fails(sender, make_notice(openid="oNobody-0000"))) is AddressRefused
    wechat.unfollow(OPENID)
    left = await fails(sender, make_notice())
    assert (type(left), left.code) == (AddressRefused, "43004")
    other = ApiWechatSender(client, WechatTemplates.from_toml(TEMPLATES.replace(TEMPLATE_ID, "x" * 43)))
    gone = await fails(other, make_notice())
    assert (type(gone), gone.code) == (OperatorNeeded, "40037")


@pytest.mark.parametrize("code", sorted(set(CODES) - {int(code) for code in TOKEN_CODES}))
async def test_each_code_is_told_apart(
    sender: ApiWechatSender, wechat: FakeWechat, make_notice: Callable[..., Notice], code: int
) -> None:
    wechat.answer_next(SEND, code)
    error = await fails(sender, make_notice())
    assert (type(error), error.code) == (CODES[code][0], str(code))
    assert CODES[code][1] in error.explanation
    assert "thing1" in error.explanation and "rid " in error.explanation
    assert wechat.sent == []


async def test_codes_that_the_lifecycle_leans_on() -> None:
    kinds = {code: kind for code, (kind, _) in CODES.items()}
    assert kinds[43004] is kinds[43101] is kinds[40003] is AddressRefused
    assert kinds[-1] is kinds[45011] is TryLater
    assert kinds[45009] is kinds[40164] is kinds[47003] is OperatorNeeded


async def test_the_minute_quota_says_when(
    sender: ApiWechatSender, wechat: FakeWechat, make_notice: Callable[..., Notice]
) -> None:
    wechat.answer_next(SEND, 45011)
    error = await fails(sender, make_notice())
    assert isinstance(error, TryLater) and error.after_s == 60


async def test_an_unknown_code_is_the_operators_and_recorded(
    sender: ApiWechatSender, wechat: FakeWechat, make_notice: Callable[..., Notice]
) -> None:
    wechat.answer_next(SEND, 987654)
    error = await fails(sender, make_notice())
    assert (type(error), error.code) == (OperatorNeeded, "987654")


@pytest.mark.parametrize("code", [40001, 40014, 42001])
async def test_a_token_that_is_not_taken_is_renewed_once(
    sender: ApiWechatSender, wechat: FakeWechat, make_notice: Callable[..., Notice], code: int
) -> None:
    wechat.answer_next(SEND, code)
    await sender.send(make_notice())
    assert (wechat.count(SEND), len(wechat.sent)) == (2, 1)
    wechat.answer_next(SEND, code, code)
    error = await fails(sender, make_notice(message_id=UUID(int=8)))
    assert (type(error), wechat.count(SEND)) == (TryLater, 3)  # forced less than 30 seconds ago


@pytest.mark.parametrize("code", [40001, 40014, 42001])
async def test_a_renewed_token_that_is_not_taken_either_is_the_operators(
    sender: ApiWechatSender, wechat: FakeWechat, make_notice: Callable[..., Notice], code: int
) -> None:
    wechat.answer_next(SEND, code, code)
    error = await fails(sender, make_notice())
    assert (type(error), error.code, wechat.count(SEND)) == (OperatorNeeded, str(code), 2)


FAULTS = [
    ("drop", Uncertain, "RemoteProtocolError"),
    ("garbled", Uncertain, "malformed"),
    ("status 502", Uncertain, "http 502"),
    ("status 500", Uncertain, "http 500"),
    ("status 404", OperatorNeeded, "http 404"),
    ("status 403", OperatorNeeded, "http 403"),
    ("status 302", OperatorNeeded, "http 302"),
    ("status 429", TryLater, "http 429"),
]


@pytest.mark.parametrize(("fault", "kind", "code"), FAULTS)
async def test_without_a_clear_answer_it_may_have_been_sent(
    sender: ApiWechatSender,
    wechat: FakeWechat,
    make_notice: Callable[..., Notice],
    fault: str,
    kind: type[SendError],
    code: str,
) -> None:
    wechat.misbehave(SEND, fault)
    error = await fails(sender, make_notice())
    assert (type(error), error.code) == (kind, code)
    wechat.misbehave(SEND, None)
    await sender.send(make_notice())
    assert len(wechat.sent) == 1  # though garbled and 5xx answers had sent it: client_msg_id


@pytest.mark.parametrize("fault", ["silent", "slow"])
async def test_silence_and_slowness_end_with_the_time_limit(
    start: Callable[..., WechatClient], wechat: FakeWechat, make_notice: Callable[..., Notice], fault: str
) -> None:
    sender = ApiWechatSender(start(timeout_s=0.5), WechatTemplates.from_toml(TEMPLATES))
    wechat.misbehave(SEND, fault)
    error = await fails(sender, make_notice())
    assert (type(error), error.code) in ((Uncertain, "ReadTimeout"), (Uncertain, "TimeoutError"))


@pytest.mark.parametrize("fault", ["drop", "garbled", "status 502", "slow", "silent"])
async def test_where_no_token_comes_nothing_was_sent(
    start: Callable[..., WechatClient], wechat: FakeWechat, make_notice: Callable[..., Notice], fault: str
) -> None:
    sender = ApiWechatSender(start(timeout_s=0.5), WechatTemplates.from_toml(TEMPLATES))
    wechat.misbehave("stable_token", fault)
    assert type(await fails(sender, make_notice())) is TryLater
    assert wechat.count(SEND) == 0
    wechat.misbehave("stable_token", None)
    await sender.send(make_notice())  # nobody's claim is in the way


@pytest.mark.parametrize(("code", "kind"), [(40125, OperatorNeeded), (40164, OperatorNeeded), (-1, TryLater)])
async def test_a_token_that_is_refused_says_why(
    sender: ApiWechatSender,
    wechat: FakeWechat,
    make_notice: Callable[..., Notice],
    code: int,
    kind: type[SendError],
) -> None:
    wechat.answer_next("stable_token", code)
    error = await fails(sender, make_notice())
    assert (type(error), error.code) == (kind, str(code))


async def test_nobody_listens(
    start: Callable[..., WechatClient], wechat: FakeWechat, make_notice: Callable[..., Notice], clock: Clock
) -> None:
    with FakeWechat() as gone:
        pass
    sender = ApiWechatSender(start(api_url=gone.url), WechatTemplates.from_toml(TEMPLATES))
    error = await fails(sender, make_notice())
    assert (type(error), error.code) == (TryLater, "ConnectError")


async def test_no_log_line_holds_a_secret(
    sender: ApiWechatSender,
    wechat: FakeWechat,
    client: WechatClient,
    make_notice: Callable[..., Notice],
    caplog: pytest.LogCaptureFixture,
) -> None:
    for name in (None, "httpx", "httpcore"):  # a served application hushes them for every test after it
        caplog.set_level(logging.DEBUG, logger=name)
    await sender.send(make_notice())
    wechat.answer_next(SEND, 40001)
    await sender.send(make_notice(message_id=UUID(int=8)))
    token = await client.get_token()
    assert "template/send" in caplog.text  # httpx did log
    assert all(part not in caplog.text for part in (token, SECRET, OPENID, "access_token=", "办理结果"))
    assert SECRET not in repr(client.app)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda deeper: (
        st.lists(deeper) | st.dictionaries(st.sampled_from(["errcode", "errmsg", "msgid", "x"]), deeper)
    ),
)


@settings(deadline=None)
@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()), st.booleans())
def test_any_answer_is_read_or_named(content: bytes, sends: bool) -> None:
    error = None
    try:
        answer = read_answer(content, sends=sends)
    except SendError as raised:
        error = raised
    else:
        assert answer.get("errcode", 0) == 0
    assert error is None or isinstance(error, NotSent) or sends


@settings(deadline=None, max_examples=50)
@given(status=st.integers(200, 599), content=st.binary(max_size=300))
async def test_any_http_answer_is_read_or_named(status: int, content: bytes) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, content=content))
    app = WechatApp("wx", "secret", "http://127.0.0.1")
    error = None
    async with httpx.AsyncClient(transport=transport, base_url=app.api_url) as http:
        try:
            await WechatApi(app, http).call("/x", body={}, sends=True)
        except SendError as raised:
            error = raised
    assert (error is None) <= (status == 200)
    assert error is None or isinstance(error, NotSent | Uncertain)

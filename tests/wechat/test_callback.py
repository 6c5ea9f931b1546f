"""Pushes: WeChat's are opened, everybody else's refused by name, and nothing that is sent makes us stumble."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from settings import Settings
from tests.wechat.pushes import AES_KEY, TOKEN, Pushing, event, wrap
from wechat.callback import BODY_MAX_BYTES, CallbackKeys, answer_echo, open_push
from wechat.events import Other, read_push
from wechat.exceptions import CallbackRefused

APP_ID = "wx0123456789abcdef"
NOW = datetime.fromisoformat("2026-03-02T09:00:00+08:00")
SAFE = CallbackKeys(APP_ID, TOKEN, base64.b64decode(AES_KEY + "="))
PLAIN = CallbackKeys(APP_ID, TOKEN)
XML = event("subscribe", NOW)


def refused(keys: CallbackKeys, query: dict[str, str], body: bytes, now: datetime = NOW) -> str:
    with pytest.raises(CallbackRefused) as error:
        read_push(open_push(keys, query, body, now).content)
    return error.value.reason


SAMPLE = """
hyzAe4OzmOMbd6TvGdIOO6uBmdJoD0Fk53REIHvxYtJlE2B655HuD0m8KUePWB3+LrPXo87wzQ1QLvbeUgmBM4x6F8PGHQHFVAFmOD2LdJF9FrXpbUAh0B5G
IItb52sn896wVsMSHGuPE328HnRGBcrS7C41IzDWyWNlZkyyXwon8T332jisa+h6tEDYsVticbSnyU8dKOIbgU6ux5VTjg3yt+WGzjlpKn6NPhRjpA912xMe
zR4kw6KWwMrCVKSVCZciVGCgavjIQ6X8tCOp3yZbGpy0VxpAe+77TszTfRd5RJSVO/HTnifJpXgCSUdUue1v6h0EIBYYI1BD1DlD+C0CR8e6OewpusjZ4uBl
9FyJvnhvQl+q5rv1ixrcpCumEPo5MJSgM9ehVsNPfUM669WuMyVWQLCzpu9GhglF2PE=
"""


def test_the_message_in_wechats_own_sample_code_is_opened() -> None:
    """cryptoDemo.zip, https://wximg.gtimg.com/shake_tv/mpwiki/cryptoDemo.zip, as many libraries test with it (November 2026)."""
    keys = CallbackKeys("wx2c2769f8efd9abc2", "spamtest", SAFE.aes_key)
    signature = "5d197aaffba7e9b25a30732f161a50dee96bd5fa"
    query = {
        "timestamp": "1409735669",
        "nonce": "1320562132",
        "encrypt_type": "aes",
        "msg_signature": signature,
    }
    at = datetime.fromtimestamp(1409735669, UTC)
    said = read_push(open_push(keys, query, wrap(SAMPLE.replace("\n", "")), at).content)
    assert isinstance(said, Other)
    assert (said.openid, said.key) == ("oyORnuP8q7ou2gfYjqLzSIWZf0rs", "text 6054768590064713728")


@pytest.mark.parametrize("keys", [SAFE, PLAIN])
def test_wechats_own_push_is_opened(keys: CallbackKeys) -> None:
    pushing = Pushing(APP_ID, aes_key=AES_KEY if keys.aes_key else None)
    query, body = pushing.push(XML, NOW)
    push = open_push(keys, query, body, NOW)
    assert push.content == XML.encode()
    assert XML not in repr(push) and TOKEN not in repr(keys)


def test_a_replay_has_the_same_key_and_another_push_another() -> None:
    first, second = Pushing(APP_ID).push(XML, NOW), Pushing(APP_ID).push(XML, NOW)
    keys = [open_push(SAFE, query, body, NOW).key for query, body in (first, first, second)]
    assert keys[0] == keys[1] != keys[2]


def test_the_echo_is_given_back_to_wechat_only() -> None:
    query = Pushing(APP_ID).query(NOW, echostr="5837397321")
    assert answer_echo(SAFE, query, NOW) == "5837397321"
    for wrong in (
        {"signature": "0" * 40},
        {"signature": "签名"},
        {"nonce": "x"},
        {"timestamp": ""},
        {"signature": ""},
    ):
        with pytest.raises(CallbackRefused):
            answer_echo(SAFE, query | wrong, NOW)
    with pytest.raises(CallbackRefused):
        answer_echo(SAFE, {}, NOW)


@pytest.mark.parametrize("minutes", [-11, 11, 60 * 24 * 365])
@pytest.mark.parametrize("keys", [SAFE, PLAIN])
def test_an_old_push_is_refused_though_it_is_signed(keys: CallbackKeys, minutes: int) -> None:
    query, body = Pushing(APP_ID, aes_key=AES_KEY if keys.aes_key else None).push(XML, NOW)
    assert refused(keys, query, body, NOW + timedelta(minutes=minutes)) == "stale"
    assert open_push(keys, query, body, NOW + timedelta(minutes=9)).content


@pytest.mark.parametrize("timestamp", ["", "-1", "１", "1e9", "9" * 30, "now"])
def test_a_time_that_is_none_is_refused(timestamp: str) -> None:
    pushing = Pushing(APP_ID, aes_key=None)
    query = {"timestamp": timestamp, "nonce": "n", "signature": pushing.sign(timestamp, "n")}
    assert refused(PLAIN, query, XML.encode()) == "stale"


def test_with_a_key_nothing_is_taken_in_plain() -> None:
    query, body = Pushing(APP_ID, aes_key=None).push(XML, NOW)
    assert refused(SAFE, query, body) == "plain"


def test_forged_pushes_are_refused() -> None:
    ours = Pushing(APP_ID)
    query, body = ours.push(XML, NOW)
    assert refused(SAFE, *Pushing(APP_ID, token="other").push(XML, NOW)) == "signature"
    assert refused(SAFE, query | {"msg_signature": query["signature"]}, body) == "signature"
    assert refused(SAFE, query, ours.push(event("unsubscribe", NOW), NOW)[1]) == "signature"
    assert refused(SAFE, query | {"nonce": "1"}, body) == "signature"
    assert refused(PLAIN, query | {"signature": ""}, body) == "signature"


def signed(pushing: Pushing, encrypted: str) -> tuple[dict[str, str], bytes]:
    """Right in everything but what is encrypted."""
    query = pushing.query(NOW)
    signature = pushing.sign(query["timestamp"], query["nonce"], encrypted)
    return query | {"encrypt_type": "aes", "msg_signature": signature}, wrap(encrypted)


def test_what_is_encrypted_wrongly_is_refused() -> None:
    ours, other_key = Pushing(APP_ID), Pushing(APP_ID, aes_key=AES_KEY[::-1])
    cases = {
        ours.encrypt(XML.encode(), "wx0000000000000000"): "app",
        ours.encrypt(XML.encode(), length=10): "app",
        ours.encrypt(XML.encode(), length=2**32 - 1): "malformed",
        ours.encrypt(b"", ""): "app",
        ours.encrypt_raw(b"\x00" * 32, pad=False): "malformed",
        ours.encrypt_raw(b"\x21" * 64, pad=False): "malformed",
        ours.encrypt_raw(b"short"): "malformed",
        ours.encrypt(XML.encode())[:-8]: "malformed",
        "!!!!": "malformed",
        "AAAA": "malformed",
    }
    for encrypted, reason in cases.items():
        assert refused(SAFE, *signed(ours, encrypted)) == reason
    whole = b"\x00" * 16 + len(XML.encode()).to_bytes(4, "big") + XML.encode() + APP_ID.encode()
    too_much = 64 - len(whole) % 16  # 49 to 64: the scheme pads with 32 at most
    padded = ours.encrypt_raw(whole + bytes([too_much]) * too_much, pad=False)
    assert refused(SAFE, *signed(ours, padded)) == "malformed"
    wrong_key = signed(replace(other_key), other_key.encrypt(XML.encode()))
    assert refused(SAFE, *wrong_key) in ("malformed", "app")


BOMB = '<!DOCTYPE xml [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
)
BAD_XML = [
    b"",
    b"hello",
    b"<xml>",
    b"<xml></yml>",
    f"{BOMB}]><xml><FromUserName>&j;</FromUserName></xml>".encode(),
    b'<!DOCTYPE xml SYSTEM "file:///etc/passwd"><xml/>',
    b'<!DOCTYPE xml [<!ENTITY e SYSTEM "file:///etc/passwd">]><xml><FromUserName>&e;</FromUserName></xml>',
    b'<?xml version="1.0" encoding="klingon"?><xml/>',
    b"<xml>\xff\xfe</xml>",
    f"<!DOCTYPE xml>{XML}".encode(),
    f'<!DOCTYPE xml SYSTEM "file:///etc/passwd">{XML}'.encode(),
    b"<other/>",
    b"<xml/>",
    b"<xml>" * 5000,
    XML.replace("subscribe", "<b>x</b>").replace("<![CDATA[<b>x</b>]]>", "<b>x</b>").encode(),
    XML.replace("<FromUserName>", "<FromUserName>a</FromUserName><FromUserName>").encode(),
    XML.replace(str(int(NOW.timestamp())), "9" * 20).encode(),
    XML.replace(str(int(NOW.timestamp())), "yesterday").encode(),
    XML.replace("oAbC", "o" * 200).encode(),
]


@pytest.mark.parametrize("xml", BAD_XML)
def test_garbled_xml_and_bombs_are_refused_by_name(xml: bytes) -> None:
    with pytest.raises(CallbackRefused) as error:
        read_push(xml)
    assert error.value.reason == "malformed"
    query, _ = Pushing(APP_ID, aes_key=None).push(XML, NOW)
    assert refused(PLAIN, query, xml) == "malformed"
    assert refused(SAFE, *signed(Pushing(APP_ID), Pushing(APP_ID).encrypt(xml))) == "malformed"


def test_a_push_too_large_is_not_read() -> None:
    query, _ = Pushing(APP_ID).push(XML, NOW)
    assert refused(SAFE, query, b"x" * (BODY_MAX_BYTES + 1)) == "too_large"


QUERY = st.dictionaries(
    st.sampled_from(["signature", "timestamp", "nonce", "msg_signature", "encrypt_type"]), st.text()
)


@settings(deadline=None)
@given(
    QUERY,
    st.binary(max_size=300) | st.text().map(lambda text: f"<xml><Encrypt>{text}</Encrypt></xml>".encode()),
)
def test_any_push_is_refused_by_name(query: dict[str, str], body: bytes) -> None:
    for keys in (SAFE, PLAIN):
        with pytest.raises(CallbackRefused):
            open_push(keys, query, body, NOW)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_that_are_signed_and_encrypted_are_opened_as_they_are(content: bytes) -> None:
    assert open_push(SAFE, *signed(Pushing(APP_ID), Pushing(APP_ID).encrypt(content)), NOW).content == content


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_plaintext_under_the_right_key_is_opened_or_refused(plain: bytes) -> None:
    encrypted = Pushing(APP_ID).encrypt_raw(plain + b"\x00" * (-len(plain) % 16) or b"\x00" * 16, pad=False)
    assert refused(SAFE, *signed(Pushing(APP_ID), encrypted)) in ("malformed", "app")


def test_the_keys_are_as_the_settings_say() -> None:
    assert CallbackKeys.of(Settings()) is None
    given_ones = Settings(
        wechat_app_id=APP_ID,
        wechat_secret=SecretStr("secret"),
        wechat_token=SecretStr(TOKEN),
        wechat_aes_key=SecretStr(AES_KEY),
    )
    assert CallbackKeys.of(given_ones) == SAFE

"""The choice by setting, and the templates' file: whatever is wrong is named when the program starts."""

import io
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from settings import Settings
from sms.console import ConsoleSms
from sms.exceptions import SmsMisconfigured
from sms.providers import open_providers
from sms.templates import ProviderTemplate, read_templates
from sms.tencent import TencentSms
from tests.sms.conftest import CODE, PHONE, make_sms, read_clock
from tests.sms.fake_tencent import FakeTencent


class Terminal(io.StringIO):
    """A standard error that people see."""

    def isatty(self) -> bool:
        return True


def mistakes_of(**settings: Any) -> str:
    with pytest.raises(SmsMisconfigured) as caught:
        open_providers(Settings(**settings), read_clock)
    return str(caught.value)


async def test_providers_come_in_the_order_of_the_setting(
    tencent: FakeTencent, templates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QINGLING_SMS_PROVIDERS", "tencent, console")
    settings = Settings(demo=True, **tencent.settings(templates))
    first, second = open_providers(settings, read_clock)
    assert isinstance(first, TencentSms) and isinstance(second, ConsoleSms)
    await first.send(make_sms())
    await first.close()
    assert len(tencent.account.taken) == 1


def test_without_the_setting_there_are_none() -> None:
    assert open_providers(Settings(), read_clock) == []


def test_unknown_and_repeated_providers_are_named() -> None:
    told = mistakes_of(sms_providers=["tencnet", "console", "console", "memory"], demo=True)
    assert "tencnet is none of tencent, console" in told
    assert "memory is none of" in told
    assert "console stands twice" in told


def test_everything_that_is_missing_for_tencent_is_named_at_once() -> None:
    told = mistakes_of(sms_providers=["tencent"], sms_tencent_region="Guangzhou!")
    for name in ("SECRET_ID", "SECRET_KEY", "APP_ID", "SIGN", "REGION"):
        assert f"QINGLING_SMS_TENCENT_{name}" in told
    assert "QINGLING_SMS_TEMPLATES" in told


@pytest.mark.parametrize("secret", ["with blank", "with\nline", "密钥", ""])
def test_a_secret_that_no_header_carries_is_named_and_not_repeated(
    secret: str, tencent: FakeTencent, templates: Path
) -> None:
    values = {**tencent.settings(templates), "sms_tencent_secret_key": SecretStr(secret)}
    told = mistakes_of(sms_providers=["tencent"], **values)
    assert "QINGLING_SMS_TENCENT_SECRET_KEY" in told
    assert not secret or secret not in told


@pytest.mark.parametrize(
    "endpoint",
    ["http://sms.tencentcloudapi.com", "sms.tencentcloudapi.com", "https://", "https://a.cn/x", "ftp://a.cn"],
)
def test_codes_travel_encrypted_except_on_this_machine(endpoint: str) -> None:
    with pytest.raises(ValidationError):
        Settings(sms_tencent_endpoint=endpoint)
    assert Settings(sms_tencent_endpoint="http://127.0.0.1:8081/").sms_tencent_endpoint.endswith("8081")


# The console


def test_the_console_is_refused_where_codes_would_end_in_a_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert "console shows codes" in mistakes_of(sms_providers=["console"])


async def test_the_console_shows_phone_text_and_code(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    (console,) = open_providers(Settings(sms_providers=["console"]), read_clock)
    await console.send(make_sms())
    await console.send(make_sms("answered", number="QL1"))
    first, second = screen.getvalue().splitlines()
    assert PHONE in first and "您正在登录" in first and f"[code {CODE}]" in first
    assert "code" not in second


# The templates' file


def read(path: Path, text: str | bytes) -> dict[str, ProviderTemplate]:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_templates(path, "tencent")


def test_ids_are_texts_and_parameters_keep_their_order(tmp_path: Path) -> None:
    text = "second: {answered: {id: x}}\ntencent:\n  code_sign_in: {id: 0123, parameters: [minutes, code]}\n"
    assert read(tmp_path / "t.yaml", text) == {"code_sign_in": ProviderTemplate("0123", ("minutes", "code"))}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no section tencent"),
        ("- tencent", "no section tencent"),
        ("tencnet: {a: {id: 1}}", "no section tencent"),
        ("tencent: [1]", "no section tencent"),
        ("tencent: {a: [", "not YAML"),
        ("tencent: !!python/object/apply:os.getcwd []", "not YAML"),
        (b"\xff\xfe", "cannot be read"),
        ("tencent:\n  a: {id: 1}\n  a: {id: 2}", "a stands twice"),
        ("tencent: {A: {id: 1}}", "tencent.A: not a template's name"),
        ("tencent: {a: 5}", "tencent.a: must look like"),
        ("tencent: {a: {id: 1, params: [code]}}", "tencent.a: unknown: params"),
        ("tencent: {a: {parameters: [code]}}", "tencent.a: id must be"),
        ("tencent: {a: {id: [1]}}", "tencent.a: id must be"),
        ("tencent: {a: {id: 'one two'}}", "tencent.a: id must be"),
        ("tencent: {a: {id: 1, parameters: code}}", "tencent.a: parameters must be a list"),
        ("tencent: {a: {id: 1, parameters: ['{code}']}}", "tencent.a: not a parameter's name: {code}"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_place(text: str | bytes, told: str, tmp_path: Path) -> None:
    with pytest.raises(SmsMisconfigured, match=r"t\.yaml") as caught:
        read(tmp_path / "t.yaml", text)
    assert told in str(caught.value)


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(SmsMisconfigured) as caught:
        read(tmp_path / "t.yaml", "tencent: {a: 1, b: {id: 1}, c: {}}")
    assert len(caught.value.mistakes) == 2


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SmsMisconfigured, match="cannot be read"):
        read_templates(tmp_path / "nowhere.yaml", "tencent")


@given(text=st.text(max_size=60) | st.text("{}[]:- \n&*!|tencent,ida1'\"", max_size=80))
def test_any_text_is_templates_or_named_mistakes(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    try:
        assert isinstance(read(path, text.encode("utf-8", "replace")), dict)
    except SmsMisconfigured as error:
        assert error.mistakes  # noqa: PT017  (both ends are right)

"""Settings: each is documented with its default, demo relaxes only what is not set, the secret is made once."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from settings import Settings

DOCS = (Path(__file__).parents[1] / "docs" / "settings.md").read_text()


def documented() -> dict[str, str]:
    parts = re.split(r"^### (QINGLING_\w+)\n", DOCS, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_setting_has_its_heading_and_every_heading_its_setting() -> None:
    assert set(documented()) == {f"QINGLING_{name.upper()}" for name in Settings.model_fields}


@pytest.mark.parametrize("name", Settings.model_fields)
def test_the_documented_default_is_the_real_one(name: str) -> None:
    default: object = Settings.model_fields[name].get_default()
    text = documented()[f"QINGLING_{name.upper()}"]
    if default is None:
        expected = "Not set"
    elif isinstance(default, list):
        expected = f"`{','.join(map(str, default))}`" if default else "Empty"
    elif isinstance(default, bool):
        expected = f"`{str(default).lower()}`"
    else:
        expected = f"`{default:g}`" if isinstance(default, float) else f"`{default}`"
    assert text.startswith(expected)


def test_demo_turns_off_captcha_and_address_limits_unless_they_are_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("QINGLING_DEMO", "true")
    monkeypatch.setenv("QINGLING_CODE_PER_IP_DAY", "7")
    settings = Settings()
    assert (settings.captcha, settings.code_per_ip_hour, settings.code_per_ip_day) == (False, 0, 7)
    monkeypatch.setenv("QINGLING_DEMO", "false")
    assert (Settings().captcha, Settings().code_per_ip_hour) == (True, 10)


def test_only_named_hosts_are_known() -> None:
    settings = Settings(public_origin="https://qingling.example.cn", allowed_hosts=["Alt.example.cn"])
    assert {"qingling.example.cn", "alt.example.cn", "127.0.0.1", "localhost"} <= settings.hosts
    assert "evil.example" not in settings.hosts
    assert settings.is_https


@pytest.mark.parametrize(
    "wrong",
    [
        {"public_origin": "qingling.example.cn"},
        {"public_origin": "https://example.cn/path"},
        {"session_idle_h": 200},
        {"attachment_max_bytes": 100_000_000},
        {"port": 70000},
        {"mail_host": "smtp.example.cn"},
        {"mail_from": "nobody"},
        {"mail_from": "清零 <qingling@example>"},
        {"mail_host": "smtp.example.cn", "mail_from": "a@example.cn", "mail_tls": "none"},
        {"mail_user": "qingling"},
        {"sms_timeout_s": 0},
        {"sms_tencent_endpoint": "http://sms.tencentcloudapi.com"},
        {"sms_tencent_endpoint": "https://sms.tencentcloudapi.com/v3"},
        {"wechat_app_id": "wx0123456789abcdef"},
        {"wechat_app_id": "gh_1", "wechat_secret": "x"},
        {"wechat_token": "callbacktoken"},
        {"wechat_app_id": "wx0123456789abcdef", "wechat_secret": "x", "wechat_aes_key": "x" * 43},
        {"wechat_aes_key": "short"},
        {"wechat_aes_key": "-" * 43},
        {"wechat_api_url": "http://api.weixin.qq.com"},
        {"wechat_open_url": "open.weixin.qq.com"},
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(wrong)


def test_the_secret_is_made_once_and_kept_for_us_alone(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        secrets = set(pool.map(lambda _: Settings(data_dir=tmp_path).pepper, range(8)))
    assert len(secrets) == 1
    assert len(secrets.pop()) == 64
    assert (tmp_path / "secret.key").stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]


def test_a_given_secret_is_used_and_never_shown(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, secret_key=SecretStr("long and random"))
    assert settings.pepper == b"long and random"
    assert "random" not in repr(settings)


def test_only_this_machine_is_spoken_to_in_clear() -> None:
    settings = Settings(wechat_api_url="http://[::1]:8080/proxy/", sms_tencent_endpoint="http://127.0.0.1:9/")
    assert settings.wechat_api_url == "http://[::1]:8080/proxy"
    assert settings.sms_tencent_endpoint == "http://127.0.0.1:9"

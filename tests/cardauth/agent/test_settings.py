"""The agent's settings: each documented with its default, read from a file and the environment, nonsense refused with
a sentence.
"""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from cardauth.agent.settings import AgentSettings, SettingsWrong, check_origin, read_settings

DOCS = Path(__file__).parents[3] / "docs" / "card-agent.md"


def documented() -> dict[str, str]:
    parts = re.split(r"^### `(\w+)`\n", DOCS.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_setting_has_its_heading_and_every_heading_its_setting() -> None:
    assert set(documented()) == {setting.name for setting in fields(AgentSettings)}


@pytest.mark.parametrize("setting", fields(AgentSettings), ids=lambda setting: setting.name)
def test_the_documented_default_is_the_real_one(setting: object) -> None:
    default = setting.default  # type: ignore[attr-defined]
    text = documented()[setting.name]  # type: ignore[attr-defined]
    if default is None:
        expected = "Not set"
    elif isinstance(default, tuple):
        expected = f"`{','.join(default)}`" if default else "Empty"
    else:
        expected = f"`{default:g}`" if isinstance(default, float) else f"`{default}`"
    assert text.startswith(expected)


def test_a_file_and_the_environment_which_counts_more(tmp_path: Path) -> None:
    file = tmp_path / "card-agent.toml"
    file.write_text(
        """
        modules = ['/opt/vendor/lib.so', '/opt/other.so']
        origins = ["https://qingling.example.cn"]
        port = 61581
        typing_timeout_s = 60
        """
    )
    settings = read_settings(
        file,
        {
            "QINGLING_AGENT_PORT": "61582",
            "QINGLING_AGENT_SM2_MECHANISM": "0x80000107",
            "QINGLING_AGENT_ALGORITHMS": "PS256, RS256",
        },
    )
    assert settings == AgentSettings(
        modules=("/opt/vendor/lib.so", "/opt/other.so"),
        origins=("https://qingling.example.cn",),
        port=61582,
        typing_timeout_s=60.0,
        sm2_mechanism=0x80000107,
        algorithms=("PS256", "RS256"),
    )


def test_a_file_that_windows_wrote(tmp_path: Path) -> None:
    file = tmp_path / "card-agent.toml"
    file.write_bytes(b"\xef\xbb\xbfport = 61590\r\n")
    assert read_settings(None, {"QINGLING_AGENT_SETTINGS": str(file)}).port == 61590


@pytest.mark.parametrize(
    "line",
    [
        "prot = 1",
        "port = 70000",
        "port = true",
        'port = "many"',
        'modules = "relative.dll"',
        "modules = 5",
        "modules = ['']",
        'origins = ["null"]',
        'origins = ["*"]',
        'origins = ["https://*.example.cn"]',
        'origins = ["https://qingling.example.cn/"]',
        'origins = ["https://Qingling.example.cn"]',
        'origins = ["https://qingling.example.cn:443"]',
        'origins = ["https://user@qingling.example.cn"]',
        'origins = ["http://qingling.example.cn"]',
        'origins = ["file:///"]',
        'origins = ["https://[::1"]',
        'prompt = "page"',
        "typing_timeout_s = 0",
        "card_timeout_s = 31",
        'algorithms = ["none"]',
        "algorithms = []",
        "sm2_mechanism = 0",
        'sm2_input = "pin"',
        "log_file = 5",
        "not toml",
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, line: str) -> None:
    file = tmp_path / "card-agent.toml"
    file.write_text(line)
    with pytest.raises(SettingsWrong) as refused:
        read_settings(file, {})
    assert re.search("[一-鿿]", str(refused.value))


def test_a_named_file_must_be_there_the_usual_one_need_not(tmp_path: Path) -> None:
    with pytest.raises(SettingsWrong, match="找不到"):
        read_settings(tmp_path / "none.toml", {})
    assert read_settings(None, {}) == AgentSettings()


@pytest.mark.parametrize(
    "origin",
    [
        "https://qingling.example.cn",
        "https://10.1.2.3:8443",
        "http://127.0.0.1:8000",
        "http://localhost",
        "http://[::1]:8000",
    ],
)
def test_origins_as_browsers_send_them(origin: str) -> None:
    assert check_origin(origin) == origin

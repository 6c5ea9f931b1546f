"""Devices in words."""

import pytest

from api.pages.devices import name_device

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36"


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (WINDOWS, "Chrome，Windows 电脑"),
        (f"{WINDOWS} Edg/130.0", "Edge，Windows 电脑"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1 MicroMessenger/8.0",
            "微信，苹果手机",
        ),
        ("Mozilla/5.0 (Linux; Android 14) Chrome/130.0 Mobile Safari/537.36", "Chrome，安卓设备"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14_0) Version/18.0 Safari/605.1", "Safari，苹果电脑"),
        ("python-httpx/0.28", "程序（python-httpx）"),
        (None, "未知设备"),
    ],
)
def test_a_browser_is_named_with_its_machine(user_agent: str | None, words: str) -> None:
    assert name_device(user_agent) == words

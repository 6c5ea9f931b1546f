"""Which providers send, in order of preference: QINGLING_SMS_PROVIDERS. Which one is tried when is decided in `messages`.

A new provider is a file like `tencent` with its code table, a row here, and one in the list of the contract test (docs/sms.md).
"""

import sys
from collections.abc import Callable
from datetime import datetime

from settings import Settings
from sms.console import ConsoleSms
from sms.exceptions import SmsMisconfigured
from sms.port import SmsProvider

Clock = Callable[[], datetime]


def open_providers(settings: Settings, clock: Clock) -> list[SmsProvider]:
    """In the order of the setting; none where it is empty. Raises SmsMisconfigured, which names every mistake."""
    names = settings.sms_providers
    mistakes = [
        f"QINGLING_SMS_PROVIDERS: {name} is none of {', '.join(PROVIDERS)}"
        for name in names
        if name not in PROVIDERS
    ]
    mistakes += [
        f"QINGLING_SMS_PROVIDERS: {name} stands twice" for name in PROVIDERS if names.count(name) > 1
    ]
    opened: list[SmsProvider] = []
    for name in [] if mistakes else names:
        try:
            opened.append(PROVIDERS[name](settings, clock))
        except SmsMisconfigured as error:
            mistakes += error.mistakes
    if mistakes:
        raise SmsMisconfigured(mistakes)
    return opened


def _open_tencent(settings: Settings, clock: Clock) -> SmsProvider:
    from sms.tencent import (
        open_tencent,
    )  # here, because the SDK takes its time to load: only who uses it waits

    return open_tencent(settings, clock)


def _open_console(settings: Settings, clock: Clock) -> SmsProvider:
    if not settings.demo and not sys.stderr.isatty():
        raise SmsMisconfigured(
            ["console shows codes: only in demo mode, or where standard error is a terminal"]
        )
    return ConsoleSms(sys.stderr)


PROVIDERS: dict[str, Callable[[Settings, Clock], SmsProvider]] = {
    "tencent": _open_tencent,
    "console": _open_console,
}

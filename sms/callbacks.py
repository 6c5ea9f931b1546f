"""Reports that providers send us by themselves: whose they are and what they say. Pure functions; the route is in `api`.

Tencent Cloud signs nothing: its page 382/59178 of 5 January 2026 offers no more than a list of the addresses it calls from. So
a callback is known by the secret at the end of its own address, an HMAC of the server's secret that goes into their console.
"""

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime

from sending import Report
from sms import tencent_reports
from sms.exceptions import CallbackForged

PARSERS: dict[str, Callable[[bytes, datetime], list[Report]]] = {"tencent": tencent_reports.parse_callback}
MAX_BYTES = tencent_reports.MAX_BYTES

ACKNOWLEDGEMENTS = {"tencent": b'{"result":0,"errmsg":"OK"}'}
"""What a provider wants to hear (JSON) when its reports have been taken; anything else makes it call again."""


def make_callback_token(pepper: bytes, provider: str) -> str:
    """The last part of the address that this provider calls; changes with the server's secret."""
    return hmac.new(pepper, f"sms-callback {provider}".encode(), hashlib.sha256).hexdigest()


def read_callback(pepper: bytes, provider: str, token: str, body: bytes, now: datetime) -> list[Report]:
    """The reports in a provider's call. Raises CallbackForged before it looks at the body, and CallbackUnreadable."""
    parse = PARSERS.get(provider)
    expected = make_callback_token(pepper, provider)
    if not hmac.compare_digest(expected.encode(), token.encode(errors="replace")) or parse is None:
        raise CallbackForged("token")
    return parse(body, now)

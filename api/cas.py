"""The authority's CAS server as the tab “CAS用户登录” needs it: where to go, who came back, where signing out leads.

What leads back is bound to the browser that left: `state` in the service address is an HMAC over its key, the moment and the page
wanted. Nothing of it is stored; the ticket itself is good once, at CAS.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from urllib.parse import urlencode

from fastapi import Request

from api.security import browser_key
from cardauth.cas import CasClient

CALLBACK = "/sign-in/cas/callback"
RETURNS_WITHIN_S = 900


@dataclass(frozen=True)
class CasDoor:
    """A CAS server, and where it sends people back to. `ends_at_cas`: who signs out here signs out there too."""

    client: CasClient
    ends_at_cas: bool
    origin: str
    secret: bytes

    def service(self, request: Request, onward: str, now: datetime) -> str:
        """The address CAS sends this browser back to."""
        moment = str(int(now.timestamp()))
        return self._service(onward, moment, self._sign(request, onward, moment))

    def returned_service(
        self, request: Request, onward: str, moment: str, state: str, now: datetime
    ) -> str | None:
        """The same address once the browser is back with it; None for another browser, or after a quarter of an hour."""
        is_ours = hmac.compare_digest(self._sign(request, onward, moment).encode(), state.encode())
        if not is_ours or not moment.isdecimal() or browser_key(request) is None:
            return None
        age_s = now.timestamp() - int(moment)
        return self._service(onward, moment, state) if -60 <= age_s <= RETURNS_WITHIN_S else None

    def _service(self, onward: str, moment: str, state: str) -> str:
        query = urlencode({"next": onward, "at": moment, "state": state})
        return f"{self.origin}{CALLBACK}?{query}"

    def _sign(self, request: Request, onward: str, moment: str) -> str:
        bound = "\x1f".join(("cas-state", browser_key(request) or "", moment, onward))
        return hmac.new(self.secret, bound.encode(), sha256).hexdigest()

"""The authority's CAS server as the tab “CAS用户登录” needs it: where to go, who came back, where signing out leads.

What leads back is bound to the browser that left: `state` in the service address is an HMAC over its key, the moment and the page
wanted. Nothing of it is stored; the ticket itself is good once, at CAS.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from fastapi import Request

from api.security import browser_key
from cardauth.cas import CasClient, CasPrincipal

CALLBACK = "/sign-in/cas/callback"
RETURNS_WITHIN_S = 900


@dataclass(frozen=True)
class CasDoor:
    """A CAS server, and how its attributes are read: `names` says which is `phone` and `uscc`; `user` is the CAS name itself."""

    client: CasClient
    names: Mapping[str, str]
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

    def read(self, principal: CasPrincipal, name: str) -> str:
        """One fact about who signed in; empty where CAS does not tell."""
        attribute = self.names.get(name)
        if attribute == "user":
            return principal.user
        value: Any = principal.attributes.get(attribute or "", "")
        if isinstance(value, list | tuple):
            value = value[0] if value else ""
        return str(value)

    def _service(self, onward: str, moment: str, state: str) -> str:
        query = urlencode({"next": onward, "at": moment, "state": state})
        return f"{self.origin}{CALLBACK}?{query}"

    def _sign(self, request: Request, onward: str, moment: str) -> str:
        bound = "\x1f".join(("cas-state", browser_key(request) or "", moment, onward))
        return hmac.new(self.secret, bound.encode(), sha256).hexdigest()

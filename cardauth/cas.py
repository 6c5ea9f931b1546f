"""A client of a CAS server, protocol version 3 (https://apereo.github.io/cas/development/protocol/CAS-Protocol-Specification.html,
looked at in November 2026): where to send the browser, what its ticket is worth, and the server's word that somebody signed
out there.

A ticket is good once and for one service: the server says so, we ask it exactly once. The ticket is kept with the session it
opened: a log-out names it.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

import httpx

from cardauth.cas_xml import CasAnswerWrong, find_session_index, read_service_response
from cardauth.exceptions import CasRefused, CasUnavailable

ANSWER_MAX_BYTES = 64 * 1024
TIMEOUT = httpx.Timeout(5.0, connect=3.0)
WHOLE_TIMEOUT_S = 10.0  # a server that sends a byte now and then keeps every single timeout
TICKET = re.compile(
    r"ST-[!-~]{1,253}"
)  # 3.1 and 3.7: service tickets begin so, printable, at least 256 characters are supported
SERVER_FAULTS = frozenset({"INTERNAL_ERROR"})  # 2.5.3: all other codes are about the ticket or the service
USER = "user"
"""In a mapping: the name that the person signed in with, instead of an attribute."""


@dataclass(frozen=True, slots=True)
class CasPrincipal:
    """Who signed in. `attributes` carry our own names, as mapped; what the server did not send is not there."""

    user: str = field(repr=False)
    attributes: Mapping[str, str] = field(repr=False)
    ticket: str = field(repr=False)


class CasClient:
    """`url` is where the server's /login lies; `mapping` gives our names for its attributes: {"phone": "mobile"}."""

    def __init__(self, url: str, http: httpx.AsyncClient, mapping: Mapping[str, str]) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("a CAS server's address looks like https://cas.example.cn/cas")
        self._url, self._http, self._mapping = url.rstrip("/"), http, dict(mapping)

    def login_url(self, service: str) -> str:
        """Where the browser goes to sign in; it comes back to `service` with `?ticket=`."""
        return f"{self._url}/login?{urlencode({'service': service})}"

    def logout_url(self, service: str) -> str:
        """Where the browser goes to sign out everywhere; it comes back to `service`."""
        return f"{self._url}/logout?{urlencode({'service': service})}"

    async def validate(self, ticket: str, service: str) -> CasPrincipal:
        """Who this ticket is of. `service` must be exactly the one that `login_url` was asked for.

        Raises CasRefused (used, too old, for another service, forged) and CasUnavailable.
        """
        if not TICKET.fullmatch(ticket):
            raise CasRefused("INVALID_TICKET_SPEC")
        answer = await self._ask("/p3/serviceValidate", {"service": service, "ticket": ticket})
        try:
            response = read_service_response(answer)
            if response.failure is not None:
                raise self._refusal(response.failure)
            return CasPrincipal(response.user, self._map(response.user, response.attributes), ticket)
        except CasAnswerWrong as error:
            raise CasUnavailable(str(error)) from error

    @staticmethod
    def read_logout_request(xml: str | bytes) -> str:
        """The ticket of the session that ended at the CAS server, from the `logoutRequest` it posted. Raises CasRefused.

        The request is not signed: knowing the ticket, which only the server, the browser and we do, is the proof.
        """
        data = xml.encode() if isinstance(xml, str) else xml
        try:
            ticket = find_session_index(data) if len(data) <= ANSWER_MAX_BYTES else ""
        except CasAnswerWrong as error:
            raise CasRefused("INVALID_LOGOUT_REQUEST") from error
        if not TICKET.fullmatch(ticket):
            raise CasRefused("INVALID_LOGOUT_REQUEST")
        return ticket

    async def _ask(self, path: str, parameters: Mapping[str, str]) -> bytes:
        try:
            async with (
                asyncio.timeout(WHOLE_TIMEOUT_S),
                self._http.stream(
                    "GET", self._url + path, params=parameters, timeout=TIMEOUT, follow_redirects=False
                ) as response,
            ):
                if response.status_code != 200:
                    raise CasUnavailable(f"status {response.status_code}")
                return await _read_limited(response)
        except (httpx.HTTPError, TimeoutError) as error:
            raise CasUnavailable(type(error).__name__) from error

    @staticmethod
    def _refusal(code: str) -> CasRefused | CasUnavailable:
        return CasUnavailable(code) if code in SERVER_FAULTS else CasRefused(code)

    def _map(self, user: str, attributes: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
        """Our names. Raises CasAnswerWrong where one of several values would have to be chosen."""
        mapped: dict[str, str] = {}
        for ours, theirs in self._mapping.items():
            values = (user,) if theirs == USER else attributes.get(theirs, ())
            if len(set(values)) > 1:
                raise CasAnswerWrong(f"several values of {theirs}")
            if values and values[0]:
                mapped[ours] = values[0]
        return mapped


async def _read_limited(response: httpx.Response) -> bytes:
    """The body, no more of it than an answer may have. Raises CasUnavailable."""
    body = bytearray()
    async for part in response.aiter_bytes(4096):
        body += part
        if len(body) > ANSWER_MAX_BYTES:
            raise CasUnavailable("answer too long")
    return bytes(body)
